//! Two networks, two optimizers: each backward is scaled by its own.
use super::{PRECISIONS, Result, alone, assert_differ, assert_same};
use amp_runtime::prelude::*;
use tch::nn::{self, Module, VarStore};
use tch::{Device, Kind, Tensor};

struct Gan {
    stores: [VarStore; 2],
    generator: nn::Linear,
    critic: nn::Sequential,
}

impl Gan {
    fn new() -> Self {
        tch::manual_seed(5);
        let stores = [VarStore::new(Device::Cpu), VarStore::new(Device::Cpu)];
        let generator = nn::linear(stores[0].root(), 3, 4, nn::LinearConfig::default());
        let root = stores[1].root();
        let critic = nn::seq()
            .add(nn::linear(&root / "a", 4, 8, nn::LinearConfig::default()))
            .add_fn(Tensor::relu)
            .add(nn::linear(&root / "b", 8, 1, nn::LinearConfig::default()));
        Self { stores, generator, critic }
    }

    fn optimizers(&self, precision: Precision) -> [OptimWrapper; 2] {
        // Two scales, so that the wrong one would show.
        [(0, 1024.), (1, 8192.)].map(|(index, scale)| {
            OptimWrapper::builder(Adam { lr: 0.02, ..Adam::default() })
                .precision(precision)
                .loss_scale(LossScale::Static(scale))
                .build(&self.stores[index])
                .unwrap()
        })
    }

    fn values(&self) -> Vec<Tensor> {
        let all = self.stores.iter().flat_map(|store| {
            let mut named: Vec<_> = store.variables().into_iter().collect();
            named.sort_by(|(a, _), (b, _)| a.cmp(b));
            named
        });
        all.map(|(_, value)| value.detach().copy()).collect()
    }
}

#[amp]
fn score(gan: &Gan, xs: &Tensor) -> Tensor {
    gan.critic.forward(xs).softplus().mean(Kind::Float)
}

#[amp]
fn fake(gan: &Gan, noise: &Tensor) -> Tensor {
    gan.generator.forward(noise).tanh()
}

#[amp(train_step)]
fn step(
    gan: &Gan,
    opt_g: &mut OptimWrapper,
    opt_d: &mut OptimWrapper,
    real: &Tensor,
    noise: &Tensor,
) -> Result<()> {
    opt_d.zero_grad();
    let loss_d = score(gan, &fake(gan, noise).detach()) + score(gan, &-real);
    #[amp(optimizer = opt_d)]
    loss_d.backward();
    opt_d.clip_grad_norm(0.5);
    opt_d.step();
    #[amp(optimizer = opt_g)]
    {
        score(gan, &-fake(gan, noise)).backward();
    }
    opt_g.step();
    Ok(())
}

/// The same by hand. A region as well: in one region two losses share the casts of their weights, and add up the casts'
/// gradients in low precision.
#[amp]
fn by_hand(
    gan: &Gan,
    opt_g: &mut OptimWrapper,
    opt_d: &mut OptimWrapper,
    real: &Tensor,
    noise: &Tensor,
) -> Result<()> {
    opt_d.zero_grad()?;
    let loss_d = score(gan, &fake(gan, noise).detach()) + score(gan, &-real);
    backward(opt_d, &loss_d)?;
    opt_d.clip_grad_norm(0.5)?;
    let _ = opt_d.step()?;
    backward(opt_g, &score(gan, &-fake(gan, noise)))?;
    let _ = opt_g.step()?;
    Ok(())
}

/// The attribute names one of the two: only the other's backwards need a mark.
struct Trainer {
    gan: Gan,
    opts: [OptimWrapper; 2],
}

impl Trainer {
    #[amp(train_step, optimizer = self.opts[0])]
    fn step(&mut self, real: &Tensor, noise: &Tensor) {
        self.opts[1].zero_grad().unwrap();
        let loss = score(&self.gan, &fake(&self.gan, noise).detach()) + score(&self.gan, &-real);
        #[amp(optimizer = self.opts[1])]
        loss.backward();
        self.opts[1].clip_grad_norm(0.5);
        self.opts[1].step();
        score(&self.gan, &-fake(&self.gan, noise)).backward();
        self.opts[0].step();
    }
}

fn data() -> Vec<(Tensor, Tensor)> {
    let options = (Kind::Float, Device::Cpu);
    tch::manual_seed(6);
    (0..4).map(|_| (Tensor::randn([7, 4], options), Tensor::randn([7, 3], options))).collect()
}

fn backward(opt: &mut OptimWrapper, loss: &Tensor) -> Result<()> {
    opt.backward(loss).map(|scaled| drop(scaled.accumulate()))
}

fn train<S>(precision: Precision, step: S) -> Vec<Tensor>
where
    S: Fn(&Gan, &mut OptimWrapper, &mut OptimWrapper, &Tensor, &Tensor) -> Result<()>,
{
    let gan = Gan::new();
    let [mut opt_g, mut opt_d] = gan.optimizers(precision);
    with_precision(precision, || {
        for (real, noise) in data() {
            step(&gan, &mut opt_g, &mut opt_d, &real, &noise).unwrap();
        }
    });
    gan.values()
}

#[test]
fn two_optimizers_are_wired_each_to_its_own() {
    let _alone = alone();
    for precision in PRECISIONS {
        let hand = train(precision, by_hand);
        assert_differ(&hand, &Gan::new().values(), "nothing moved");
        assert_same(&train(precision, step), &hand, &format!("{precision:?}"));

        let gan = Gan::new();
        let opts = gan.optimizers(precision);
        let mut trainer = Trainer { gan, opts };
        with_precision(precision, || data().iter().for_each(|(real, noise)| trainer.step(real, noise)));
        assert_same(&trainer.gan.values(), &hand, &format!("fields, {precision:?}"));
    }
}
