//! Functions that a macro wrote: its names and the caller's names stay apart, its fragments are seen.
use crate::{ones, value};
use amp_runtime::prelude::amp;
use tch::nn::{self, Module};
use tch::{Kind, Tensor};

macro_rules! from_fragments {
    ($(#[$meta:meta])* fn $name:ident($xs:ident: $ty:ty $(, $rest:ident)*) -> $out:ty = $body:expr) => {
        $(#[$meta])*
        #[amp]
        fn $name($xs: $ty $(, $rest: $ty)*) -> $out {
            $body
        }
    };
}

from_fragments! {
    /// Has a doc.
    #[inline]
    fn by_expression(xs: &Tensor, w) -> Tensor = { let h = xs.matmul(w); h.softmax(-1, Kind::Float) + h.exp() }
}

macro_rules! with_an_operation {
    ($($name:ident: $op:ident($($argument:expr),*);)*) => {$(
        #[amp]
        fn $name(xs: &Tensor) -> Tensor {
            xs.$op($($argument),*).exp()
        }
    )*};
}

with_an_operation! {
    by_softmax: softmax(-1, Kind::Float);
    by_product: matmul(&ones());
    by_nothing: relu();
}

macro_rules! with_a_block {
    ($name:ident $body:block) => {
        #[amp]
        fn $name() -> Tensor $body
    };
}

with_a_block!(by_block {
    let h = ones().matmul(&ones());
    h.log_softmax(-1, Kind::Float)
});

/// The macro's `h` is not the caller's `h`.
macro_rules! two_of_a_name {
    ($name:ident, $h:ident, $use:expr) => {
        #[amp]
        fn $name($h: &Tensor) -> Tensor {
            let h = $h.exp() * 0.;
            let first = h.matmul(&$h.matmul($h));
            first + $use + h.matmul(&h)
        }
    };
}

two_of_a_name!(names_apart, h, h.matmul(h));

macro_rules! a_module {
    ($name:ident { $($field:ident),* } $first:expr) => {
        #[derive(Debug)]
        struct $name {
            $($field: nn::Linear,)*
        }

        #[amp]
        impl Module for $name {
            fn forward(&self, xs: &Tensor) -> Tensor {
                let xs = xs * $first;
                $(let xs = xs.apply(&self.$field).relu();)*
                xs.sum(Kind::Float)
            }
        }
    };
}

a_module!(Generated { first, second } 0.5);

#[amp]
fn macros_within(xs: &Tensor) -> Tensor {
    macro_rules! twice {
        ($t:expr) => {
            $t + $t
        };
    }
    let h = xs.matmul(xs);
    twice!(2.0f64) * h
}

#[test]
fn fragments() {
    let xs = ones();
    assert!((value(&by_expression(&xs, &xs)) - 0.5 - 2f64.exp()).abs() < 0.1);
    assert!((value(&by_softmax(&xs)) - 0.5f64.exp()).abs() < 1e-2);
    assert!((value(&by_product(&xs)) - 2f64.exp()).abs() < 0.1);
    assert!((value(&by_nothing(&xs)) - 1f64.exp()).abs() < 1e-2);
    assert!((value(&by_block()) + 2f64.ln()).abs() < 1e-2);
    assert!((value(&macros_within(&xs)) - 8.).abs() < 1e-2);
}

#[test]
fn the_names_of_a_macro_and_of_its_caller() {
    assert!((value(&names_apart(&ones())) - 2.).abs() < 1e-2);
}

#[test]
fn a_generated_module() {
    let vs = nn::VarStore::new(tch::Device::Cpu);
    let config = nn::LinearConfig { ws_init: nn::Init::Const(1.), bs_init: None, bias: false };
    let layer = |name: &str| nn::linear(vs.root() / name, 2, 2, config);
    let model = Generated { first: layer("first"), second: layer("second") };
    assert!((value(&model.forward(&ones())) - 8.).abs() < 1e-2);
}
