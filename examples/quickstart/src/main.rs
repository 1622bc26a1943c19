//! A small network on generated data, in full precision, bf16 and f16: `cargo run -p quickstart`.
use amp_runtime::prelude::*;
use tch::{Device, Kind, Tensor, nn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    [Precision::Full, Precision::Bf16, Precision::F16].into_iter().try_for_each(train)
}

fn train(precision: Precision) -> Result<(), Box<dyn std::error::Error>> {
    tch::manual_seed(0);
    let device = Device::cuda_if_available();
    let vs = nn::VarStore::new(device);
    let hidden = nn::linear(vs.root() / "hidden", 16, 64, nn::LinearConfig::default());
    let output = nn::linear(vs.root() / "output", 64, 2, nn::LinearConfig::default());
    // Inside or outside the sphere that half of the points are in.
    let points = Tensor::randn([4096, 16], (Kind::Float, device));
    let labels = points.square().sum_dim_intlist(1, false, Kind::Float).gt(15.3).to_kind(Kind::Int64);

    // f16 needs a loss scale, which here grows soon enough to be seen; bf16 and f32 need none.
    let dynamic = DynamicLossScale { growth_interval: 50, ..DynamicLossScale::default() };
    let mut optim = OptimWrapper::builder(Sgd { lr: 0.1, momentum: 0.9, ..Sgd::default() })
        .precision(precision)
        .loss_scale(if precision == Precision::F16 { LossScale::Dynamic(dynamic) } else { LossScale::Off })
        .clip_grad(ClipGrad::norm(5.))
        .build(&vs)?;

    println!("{precision}:  step    loss  loss scale  grad norm  skipped");
    for step in 1..=1000 {
        let batch = Tensor::randint(4096, [256], (Kind::Int64, device));
        let (xs, ys) = (points.index_select(0, &batch), labels.index_select(0, &batch));
        let loss = with_precision(precision, || loss(&hidden, &output, &xs, &ys));
        let outcome = optim.update_params(&loss)?;
        if let (Some(stats), 0) = (outcome.stats(), step % 200) {
            let (loss, scale, norm) = (f64::try_from(&loss)?, stats.loss_scale()?, stats.grad_norm()?);
            let (norm, skipped) = (norm.unwrap_or(f64::NAN), optim.skipped_updates()?);
            println!("{step:>11}  {loss:>6.4}  {scale:>10}  {norm:>9.4}  {skipped:>7}");
        }
    }
    Ok(())
}

#[amp]
fn loss(hidden: &nn::Linear, output: &nn::Linear, xs: &Tensor, ys: &Tensor) -> Tensor {
    xs.apply(hidden).relu().apply(output).cross_entropy_for_logits(ys)
}
