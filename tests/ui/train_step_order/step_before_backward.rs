//! An update before there are gradients.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp(train_step)]
pub fn first(opt: &mut OptimWrapper, loss: &Tensor) {
    opt.step();
    loss.backward();
}

#[amp(train_step)]
pub fn in_a_branch(
    opt: &mut OptimWrapper,
    loss: &Tensor,
    warm: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    if warm {
        opt.zero_grad();
        opt.step()?;
    } else {
        loss.backward();
        opt.step()?;
    }
    Ok(())
}

#[amp(train_step)]
pub fn before_the_loop(opt: &mut OptimWrapper, losses: &[Tensor]) -> Option<StepOutcome> {
    let outcome = opt.step().ok();
    for loss in losses {
        loss.backward();
    }
    outcome
}

fn main() {}
