//! Layer calls that nothing is known about.
use super::rule::{Facts, Level, Rule};
use crate::errors::Errors;

const DOC: &str = r"
### What it does
Allowed unless `#[amp(deny(opaque))]` asks for it. Refuses `xs.apply(&layer)` where the layer's type is neither one of
tch's layers nor a module whose `forward` is `#[amp]`. The type decides, so that the error is rustc's own, at the layer:
a trait bound that is not met.

### Why is this bad
An opaque layer runs under libtorch's autocast, which keeps dtypes from clashing. Its casts are not planned, its lists are
those of the device (on a CPU softmax and norms stay low), and the plan can only count it.

### Example
```compile_fail
use amp_runtime::amp;
use tch::{Tensor, nn};

#[derive(Debug)]
struct Opaque;

impl nn::Module for Opaque {
    fn forward(&self, xs: &Tensor) -> Tensor {
        xs.softmax(-1, None)
    }
}

#[amp(deny(opaque))]
fn forward(layer: &Opaque, xs: &Tensor) -> Tensor {
    xs.apply(layer)
}
```

### Use instead
```no_run
use amp_runtime::amp;
use tch::{Tensor, nn};

#[derive(Debug)]
struct Known;

#[amp]
impl nn::Module for Known {
    fn forward(&self, xs: &Tensor) -> Tensor {
        xs.softmax(-1, None)
    }
}

#[amp(deny(opaque))]
fn forward(layer: &Known, xs: &Tensor) -> Tensor {
    xs.apply(layer)
}
```
";

/// Types are not known here: the generated code asks for them.
pub(super) const RULE: Rule = Rule { id: "opaque", level: Level::Allow, doc: DOC, check };

fn check(_: &Facts<'_>, _: &mut Errors) {}
