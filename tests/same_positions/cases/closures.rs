//! A closure that takes or gives something else.
use amp_runtime::prelude::amp;
use tch::nn;
use tch::{Kind, Tensor};

#[amp]
pub fn forward(vs: &nn::Path, w: Tensor) -> nn::Sequential {
    let layer = nn::linear(vs, 2, 2, Default::default());
    let once = nn::func(move |xs| { drop(w); xs.exp() });
    nn::seq().add(once).add_fn(move |xs| xs.apply(&layer).dim()).add_fn(|xs, train| xs.dropout(0.5, train))
}

#[amp]
pub fn escaping(xs: &Tensor) -> impl Fn(&Tensor) -> Tensor + 'static {
    let h = xs.softmax(-1, Kind::Float);
    |t| t.matmul(&h)
}

fn main() {}
