//! Two updates from one backward.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(train_step)]
pub fn again(opt: &mut OptimWrapper, loss: &Tensor) {
    loss.backward();
    opt.step();
    opt.step();
}

#[amp(train_step)]
pub fn after_the_whole_update(opt: &mut OptimWrapper, losses: &[Tensor]) {
    for loss in losses {
        opt.backward_step(loss);
        opt.step();
    }
}

pub struct Trainer {
    opt: OptimWrapper,
}

impl Trainer {
    #[amp(train_step, optimizer = self.opt)]
    pub fn on_both_ways(&mut self, loss: &Tensor, clip: bool) {
        loss.backward();
        if clip {
            self.opt.clip_grad_norm(1.0);
            self.opt.step();
        } else {
            self.opt.step();
        }
        self.opt.step();
    }
}

fn main() {}
