//! What only types can tell is said by rustc, at the user's tokens.
use amp_runtime::prelude::*;
use tch::Tensor;

pub struct Layer;

impl Layer {
    pub fn backward(&self) {}
}

#[amp(train_step)]
pub fn no_tensor(opt: &mut OptimWrapper, layer: &Layer) {
    layer.backward();
    opt.step();
}

#[amp(train_step)]
pub fn an_error_that_does_not_fit(opt: &mut OptimWrapper, loss: &Tensor) -> Result<(), String> {
    loss.backward();
    opt.step();
    Ok(())
}

pub struct Trainer {
    pub opt: OptimWrapper,
}

impl Trainer {
    #[amp(train_step, optimizer = self.optim)]
    pub fn misspelt(&mut self, loss: &Tensor) {
        loss.backward();
        self.optim.step();
    }
}

fn main() {}
