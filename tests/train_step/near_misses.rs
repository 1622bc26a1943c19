//! Near the mistakes that are refused: these compile, and run.
use super::{Net, Result, alone, batches, builder, forward};
use amp_runtime::prelude::*;
use std::cell::RefCell;
use tch::nn::{self, RNN};
use tch::{Device, Kind, Tensor};

/// A simulator, a scheduler: their `step` is not the optimizer's.
struct Env(u32);

impl Env {
    fn step(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }
}

#[amp(train_step)]
fn other_steps(opt: &mut OptimWrapper, env: &mut Env, gru: &nn::GRU, loss: &Tensor) -> u32 {
    env.step();
    let state = gru.step(&Tensor::ones([1, 2], (Kind::Float, Device::Cpu)), &gru.zero_state(1));
    loss.backward();
    env.step();
    opt.step();
    let _ = state;
    env.step();
    env.step()
}

#[amp(train_step)]
fn only_sometimes(opt: &mut OptimWrapper, loss: impl Fn() -> Tensor, every: usize) -> Result<u32> {
    let mut updates = 0;
    for index in 0..8 {
        if index == 3 {
            continue;
        }
        loss().backward();
        if (index + 1_usize).is_multiple_of(every) {
            opt.clip_grad_norm(1.);
            opt.step();
            opt.zero_grad();
            updates += 1;
        }
    }
    Ok(updates)
}

#[amp(train_step)]
fn drops_a_bad_batch(opt: &mut OptimWrapper, loss: &Tensor) -> Result<bool> {
    loss.backward();
    if loss.double_value(&[]) > 1e9 {
        opt.zero_grad();
        return Ok(false);
    }
    opt.step();
    Ok(true)
}

fn update(opt: &mut OptimWrapper) {
    let _ = opt.step().unwrap();
}

#[amp(train_step)]
fn somebody_else_steps(opt: &mut OptimWrapper, loss: &Tensor) {
    loss.backward();
    update(opt);
    loss.clear_gradients();
}

#[amp(train_step)]
fn a_closure_steps(opt: &mut OptimWrapper, loss: &Tensor) {
    let mut step = || {
        loss.backward();
        opt.step();
    };
    step();
}

#[amp(train_step, optimizer = opt)]
fn in_a_cell(cell: &RefCell<OptimWrapper>, loss: &Tensor) {
    let mut opt = cell.borrow_mut();
    loss.backward();
    opt.step();
}

#[amp(train_step)]
fn typestate(opt: &mut OptimWrapper, loss: &Tensor) -> Result<StepOutcome> {
    let scaled = opt.backward(loss)?;
    if scaled.should_update() { scaled.unscale()?.step() } else { Ok(scaled.accumulate()) }
}

#[amp(train_step)]
fn owned(mut opt: Box<OptimWrapper>, loss: &Tensor) -> Box<OptimWrapper> {
    loss.backward();
    opt.step();
    opt
}

trait Clear {
    fn clear_gradients(&self);
}

impl Clear for Tensor {
    fn clear_gradients(&self) {}
}

/// A wrapper of the user's own that lends ours.
struct Mine(OptimWrapper);

impl std::ops::Deref for Mine {
    type Target = OptimWrapper;
    fn deref(&self) -> &OptimWrapper {
        &self.0
    }
}

impl std::ops::DerefMut for Mine {
    fn deref_mut(&mut self) -> &mut OptimWrapper {
        &mut self.0
    }
}

#[amp(train_step, optimizer = mine)]
#[allow(clippy::borrowed_box, reason = "a loss behind two pointers")]
fn behind_a_newtype<T: AsRef<str>>(mine: &mut Mine, loss: &Box<Tensor>, _name: &T) {
    loss.backward();
    mine.step();
}

#[amp(train_step, optimizer = opt)]
fn whole_training(batches: &[(Tensor, Tensor)]) -> Result<u64> {
    let net = Net::new();
    let mut opt = builder(Precision::Bf16).build(&net.store)?;
    'epochs: loop {
        for (xs, ys) in batches {
            forward(&net, xs, ys).backward();
            opt.step();
            if opt.applied_updates()? > 8 {
                break 'epochs;
            }
        }
    }
    opt.applied_updates()
}

#[test]
fn what_may_be_right_compiles_and_runs() {
    let _alone = alone();
    let net = Net::new();
    let loss = || {
        let (xs, ys) = &batches()[0];
        forward(&net, xs, ys)
    };
    let mut opt = builder(Precision::Bf16).build(&net.store).unwrap();
    let gru = nn::gru(nn::VarStore::new(Device::Cpu).root(), 2, 2, nn::RNNConfig::default());
    assert_eq!(other_steps(&mut opt, &mut Env(0), &gru, &loss()), 4);
    // The fourth is left out, and with it the update that it would have ended.
    assert_eq!(only_sometimes(&mut opt, loss, 2).unwrap(), 3);
    assert!(drops_a_bad_batch(&mut opt, &loss()).unwrap());
    assert!(!drops_a_bad_batch(&mut opt, &(loss() + 1e10)).unwrap());
    somebody_else_steps(&mut opt, &loss());
    a_closure_steps(&mut opt, &loss());
    assert!(matches!(typestate(&mut opt, &loss()), Ok(StepOutcome::Stepped(_))));
    assert_eq!(opt.applied_updates().unwrap(), 1 + 3 + 1 + 1 + 1 + 1);
    let cell = RefCell::new(opt);
    in_a_cell(&cell, &loss());
    let mut mine = Mine(*owned(Box::new(cell.into_inner()), &loss()));
    behind_a_newtype(&mut mine, &Box::new(loss()), &"name");
    assert_eq!(mine.applied_updates().unwrap(), 11);
    assert_eq!(whole_training(&batches()).unwrap(), 9);
}
