//! A method that is none.
use amp_runtime::prelude::amp;
use tch::{Kind, Tensor};

pub struct Model {
    w: Tensor,
}

impl Model {
    #[amp]
    pub fn forward(&self, xs: &Tensor) -> Tensor {
        let h = xs.softmx(-1, Kind::Float);
        let i = xs.matmul(&self.w).sofftmax(-1, Kind::Float).exp();
        let j = self.weight.matmul(xs);
        xs.exp().logg() + h + i + j + self.project(xs.exp())
    }
}

fn main() {}
