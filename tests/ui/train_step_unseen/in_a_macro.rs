//! A backward that stays as written would lack the scale.
use amp_runtime::prelude::*;
use tch::Tensor;

macro_rules! timed {
    ($body:expr) => {
        $body
    };
}

#[amp(train_step)]
pub fn timed(opt: &mut OptimWrapper, loss: &Tensor) {
    timed!(loss.backward());
    opt.step();
}

#[amp(train_step)]
pub fn nested(opt: &mut OptimWrapper, losses: &[Tensor]) {
    timed!(for loss in losses {
        loss.backward();
    });
    opt.step();
}

#[amp(train_step)]
pub fn later(opt: &mut OptimWrapper, loss: &Tensor) {
    let _ = async {
        loss.backward();
    };
    opt.step();
}

fn main() {}
