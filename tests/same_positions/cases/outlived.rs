//! A reference that lives too long.
use amp_runtime::prelude::amp;
use tch::Tensor;

#[amp]
pub fn forward(xs: &Tensor) -> &Tensor {
    &xs.exp()
}

#[amp]
pub fn local(xs: &Tensor, w: &Tensor) -> Tensor {
    let h;
    {
        let t = xs.exp();
        h = &t;
    }
    h.matmul(w)
}

#[amp]
pub fn temporary(xs: &Tensor, w: &Tensor) -> Tensor {
    let row = xs.matmul(w).size().as_slice();
    xs.view(row)
}

fn main() {}
