//! Names that a user takes for something else.
use crate::{ones, value};

/// Everything that an expansion might be tempted to name.
#[allow(dead_code, unused_macros)]
mod names {
    use ::amp_runtime::prelude::amp;
    use ::tch::Tensor as T;

    mod amp_runtime {}
    mod alloc {}
    mod core {}
    mod std {}
    mod tch {}
    mod p {}
    struct Option;
    struct Some;
    struct None;
    struct Ok;
    struct Err;
    struct Result;
    struct Box;
    struct Vec;
    struct String;
    struct Place;
    struct Value;
    struct Site;
    struct Slot;
    struct Shared;
    struct IsTensor;
    struct FunctionPlan;
    trait Drop {}
    trait Fn {}
    trait Into {}
    trait Deref {}
    trait Sized {}
    type Kind = ::tch::Kind;
    macro_rules! vec {
        ($a:expr => $b:expr) => {
            $a + $b
        };
    }
    macro_rules! concat {
        () => {};
    }
    macro_rules! stringify {
        () => {};
    }
    macro_rules! module_path {
        () => {};
    }
    macro_rules! line {
        () => {};
    }
    macro_rules! file {
        () => {};
    }

    #[amp]
    pub(super) fn forward(xs: &T, w: &T) -> T {
        let h = xs.matmul(w);
        let shift = vec![1 => 2];
        h.softmax(-1, Kind::Float) + h.exp().sum(Kind::Float) * f64::from(shift)
    }

    #[amp]
    pub(super) fn with_a_closure(xs: &T, w: &T) -> impl ::core::ops::Fn(&T) -> T + use<> {
        let product = xs.matmul(w);
        move |ys| ys.matmul(&product).log_softmax(-1, ::core::option::Option::None::<Kind>)
    }

    #[derive(Debug)]
    pub(super) struct Model(pub(super) ::tch::nn::Linear);

    #[amp]
    impl ::tch::nn::Module for Model {
        fn forward(&self, xs: &T) -> T {
            xs.apply(&self.0).exp()
        }
    }
}

#[test]
fn names_of_the_standard_library_and_of_ours() {
    let xs = ones();
    let sum = 0.5 + 4. * 2f64.exp() * 3.;
    assert!((value(&names::forward(&xs, &xs)) - sum).abs() < 1e-2);
    assert!((value(&names::with_a_closure(&xs, &xs)(&xs)) + 2f64.ln()).abs() < 1e-2);
    let vs = tch::nn::VarStore::new(tch::Device::Cpu);
    let config = tch::nn::LinearConfig { ws_init: tch::nn::Init::Const(1.), bs_init: None, bias: false };
    let model = names::Model(tch::nn::linear(vs.root(), 2, 2, config));
    assert!((value(&xs.apply(&model)) - 2f64.exp()).abs() < 1e-2);
}

/// A user's own `Tensor`, `Linear` and `nn`: what a name ends in says nothing about its type.
mod own_tensor {
    use amp_runtime::prelude::amp;

    #[derive(Debug, Clone, Copy, PartialEq)]
    pub(super) struct Tensor(pub(super) f64);

    impl Tensor {
        pub(super) fn exp(self) -> f64 {
            self.0.exp()
        }

        pub(super) fn matmul(a: f64, b: f64) -> Self {
            Self(a * b)
        }

        pub(super) fn cat(tensors: &[&str], dim: usize) -> String {
            format!("{} {dim}", tensors.join("+"))
        }

        pub(super) fn softmax(self, factor: i64) -> Self {
            Self(self.0 * 0.5f64.powi(i32::try_from(factor).unwrap_or(0)))
        }
    }

    #[amp]
    pub(super) fn forward(xs: &Tensor) -> (f64, Tensor, String, Tensor) {
        let h = Tensor::matmul(xs.0, 3.);
        (xs.exp(), h, Tensor::cat(&["a", "b"], 1), h.softmax(1))
    }
}

#[test]
fn a_tensor_that_is_none() {
    use own_tensor::Tensor;
    let out = own_tensor::forward(&Tensor(2.));
    assert_eq!(out, (2f64.exp(), Tensor(6.), "a+b 1".to_owned(), Tensor(3.)));
}

/// Blanket traits of a user's prelude with the names that the expansion calls.
mod blanket {
    use amp_runtime::prelude::amp;
    use tch::{Kind, Tensor};

    #[allow(dead_code)]
    pub(super) trait Pipe: Sized {
        fn low(self) -> Self {
            self
        }
        fn full(self) -> Self {
            self
        }
        fn keep(self) -> Self {
            self
        }
        fn widest(self) -> Self {
            self
        }
        fn low_arg(self) -> Self {
            self
        }
        fn full_arg(self) -> Self {
            self
        }
        fn full_owned(self) -> Self {
            self
        }
        fn probe(self) -> Self {
            self
        }
        fn at(self) -> Self {
            self
        }
        fn kind(self) -> Self {
            self
        }
    }

    impl<T> Pipe for T {}

    #[derive(Debug)]
    pub(super) struct Number(pub(super) f64);

    impl Number {
        fn matmul(&self, xs: &Tensor) -> Tensor {
            xs * self.0
        }
        fn exp(&self) -> f64 {
            self.0.exp()
        }
        fn softmax(&self, _: i64, kind: Kind) -> Kind {
            kind
        }
        fn apply(&self, by: f64) -> f64 {
            self.0 * by
        }
    }

    #[amp]
    pub(super) fn forward(xs: &Tensor, number: &Number) -> Tensor {
        let h = number.matmul(xs) + xs.matmul(xs) * number.exp();
        h.softmax(-1, number.softmax(-1, Kind::Float)).exp() * number.apply(2.)
    }
}

#[test]
fn blanket_traits_with_our_method_names() {
    let out = blanket::forward(&ones(), &blanket::Number(1.5));
    assert!((value(&out) - 0.5f64.exp() * 3.).abs() < 1e-2);
}

/// No prelude at all: an expansion may rely on nothing in scope.
#[no_implicit_prelude]
mod bare {
    use ::amp_runtime::prelude::amp;
    use ::tch::{IndexOp, Kind, Tensor};

    #[amp]
    pub(super) fn forward(xs: &Tensor, w: &Tensor) -> ::core::option::Option<Tensor> {
        let f = |h: &Tensor| h.matmul(w).exp();
        let list = [f(xs), xs.log1p()];
        ::core::option::Option::Some(Tensor::cat(&list, 0).i(0).sum(Kind::Float))
    }
}

#[test]
fn no_prelude() {
    let sum = bare::forward(&ones(), &ones()).map(|sum| value(&sum));
    assert!((sum.unwrap() - 2. * 2f64.exp()).abs() < 0.1);
}

/// Variables and functions named like what the expansion needs.
mod locals {
    use amp_runtime::prelude::amp;
    use tch::{Kind, Tensor};

    const fn enter(by: i64) -> i64 {
        by
    }

    #[amp]
    pub(super) fn forward(p: &Tensor, low: &Tensor) -> Tensor {
        let full = p.matmul(low);
        let site = &full;
        let slot = site.exp().sum(Kind::Float);
        let amp = |region: &Tensor| region.softmax(-1, Kind::Float);
        let guard = amp(&full) + slot;
        let r#match = guard * enter(2);
        r#match.matmul(p).log()
    }

    #[amp]
    pub(super) fn matmul(exp: &Tensor, matmul: &Tensor) -> Tensor {
        exp.matmul(matmul).exp()
    }
}

#[test]
fn local_names() {
    let xs = ones();
    assert!((value(&locals::forward(&xs, &xs)) - (4. * 4f64.mul_add(2f64.exp(), 0.5)).ln()).abs() < 1e-2);
    assert!((value(&locals::matmul(&xs, &xs)) - 2f64.exp()).abs() < 0.1);
}
