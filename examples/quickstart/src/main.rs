//! A small network on generated data, in full precision, bf16 and f16: `cargo run -p quickstart`.
use amp_runtime::prelude::*;
use tch::{Device, Kind, Tensor, nn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::cuda_if_available();
    for precision in [Precision::Full, Precision::Bf16, Precision::F16] {
        train(precision, device)?;
    }
    Ok(())
}

fn train(precision: Precision, device: Device) -> Result<(), Box<dyn std::error::Error>> {
    tch::manual_seed(0);
    let vs = nn::VarStore::new(device);
    let hidden = nn::linear(vs.root() / "hidden", 16, 64, nn::LinearConfig::default());
    let output = nn::linear(vs.root() / "output", 64, 2, nn::LinearConfig::default());
    // Two rings: inside or outside the sphere that half of the points are in.
    let points = Tensor::randn([4096, 16], (Kind::Float, device));
    let labels = points.square().sum_dim_intlist(1, false, Kind::Float).gt(15.3).to_kind(Kind::Int64);

    let scale =
        DynamicLossScale { growth_interval: 50, max_scale: 2f64.powi(40), ..DynamicLossScale::default() };
    let mut optim = OptimWrapper::builder(Sgd { lr: 0.1, momentum: 0.9, ..Sgd::default() })
        .precision(precision)
        .loss_scale(if precision == Precision::F16 { LossScale::Dynamic(scale) } else { LossScale::Off })
        .clip_grad(ClipGrad::norm(5.))
        .build(&vs)?;

    println!("{precision}:  step    loss  loss scale  grad norm  skipped");
    for step in 1..=1000 {
        let batch = Tensor::randint(4096, [256], (Kind::Int64, device));
        let (xs, ys) = (points.index_select(0, &batch), labels.index_select(0, &batch));
        let loss =
            autocast(precision, || xs.apply(&hidden).relu().apply(&output).cross_entropy_for_logits(&ys));
        let outcome = optim.update_params(&loss)?;
        if let (Some(stats), 0) = (outcome.stats(), step % 200) {
            let (norm, skipped) = (stats.grad_norm()?.unwrap_or(f64::NAN), optim.skipped_updates()?);
            println!(
                "{step:>11}  {:>6.4}  {:>10}  {norm:>9.4}  {skipped:>7}",
                f64::try_from(&loss)?,
                stats.loss_scale()?
            );
        }
    }
    Ok(())
}
