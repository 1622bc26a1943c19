//! A field and a method of others.
use amp_runtime::prelude::amp;
use tch::Tensor;

mod other {
    pub struct Layer {
        w: tch::Tensor,
    }

    impl Layer {
        fn project(&self, xs: &tch::Tensor) -> tch::Tensor {
            xs.matmul(&self.w)
        }
    }
}

#[amp]
pub fn forward(layer: &other::Layer, xs: &Tensor) -> Tensor {
    xs.matmul(&layer.w).exp() + layer.w.exp() + layer.project(&xs.exp())
}

fn main() {}
