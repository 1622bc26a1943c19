//! Keywords out of place.
use amp_runtime::prelude::amp;
use tch::Tensor;

#[amp]
pub fn forward(xs: &Tensor) -> Tensor {
    let h = xs.exp();
    if h.dim() == 2 {
        break;
    }
    let f = |t: &Tensor| -> Tensor { continue };
    'a: loop {
        break 'b h.matmul(xs);
    }
}

fn main() {}
