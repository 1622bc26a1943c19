//! Items that are no functions.
use amp_runtime::prelude::*;
use tch::Tensor;

#[amp]
struct Net {
    _w: Tensor,
}

struct Other;

#[amp(train_step)]
impl Other {
    fn forward(&self, x: &Tensor) -> Tensor {
        x.exp()
    }
}

fn main() {}
