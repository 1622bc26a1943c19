//! One call per row: its arguments by shape, and the same body twice, with and without `#[amp]`.
use tch::{Device, Kind, Tensor};

mod distances;
mod full_output;
mod functions;
mod interpolation;
mod losses;
mod low;
mod products;
mod recurrent;
mod solvers;
mod suspended;
mod widest;

/// What stands in an argument.
pub(crate) enum Arg {
    /// Floats between 0.1 and 0.9, in the precision under test.
    Float(Vec<i64>),
    /// Floats between -0.4 and 0.4, likewise.
    Signed(Vec<i64>),
    /// A symmetric positive definite matrix, likewise.
    Definite(i64),
    /// Ones, likewise: targets of two classes.
    Ones(Vec<i64>),
    /// What an `_out` operation writes into, likewise.
    Out,
    /// Indices, never cast.
    Indices(Vec<i64>, Vec<i64>),
}

pub(crate) fn f<const N: usize>(shape: [i64; N]) -> Arg {
    Arg::Float(shape.to_vec())
}

pub(crate) fn signed<const N: usize>(shape: [i64; N]) -> Arg {
    Arg::Signed(shape.to_vec())
}

pub(crate) fn spd(size: i64) -> Arg {
    Arg::Definite(size)
}

pub(crate) fn ones<const N: usize>(shape: [i64; N]) -> Arg {
    Arg::Ones(shape.to_vec())
}

pub(crate) fn out() -> Arg {
    Arg::Out
}

pub(crate) fn int<const N: usize, const M: usize>(shape: [i64; N], values: [i64; M]) -> Arg {
    Arg::Indices(shape.to_vec(), values.to_vec())
}

impl Arg {
    pub(crate) fn is_float(&self) -> bool {
        !matches!(self, Self::Indices(..))
    }

    /// The argument in f32.
    pub(crate) fn make(&self, device: Device) -> Tensor {
        match self {
            Self::Float(shape) => Tensor::rand(shape, (Kind::Float, Device::Cpu)) * 0.8 + 0.1,
            Self::Signed(shape) => Tensor::rand(shape, (Kind::Float, Device::Cpu)) * 0.8 - 0.4,
            Self::Definite(size) => {
                let root = Tensor::rand([*size, *size], (Kind::Float, Device::Cpu));
                root.matmul(&root.tr()) + Tensor::eye(*size, (Kind::Float, Device::Cpu))
            }
            Self::Ones(shape) => Tensor::ones(shape, (Kind::Float, Device::Cpu)),
            Self::Out => Tensor::empty([0], (Kind::Float, Device::Cpu)),
            Self::Indices(shape, values) => Tensor::from_slice(values).view(shape.as_slice()),
        }
        .to_device(device)
    }
}

/// What a case calls: all its arguments, and the output's dtype where the row has one.
pub(crate) type Call = fn(&[Tensor], Option<Kind>) -> Vec<Tensor>;

/// A row under test.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) args: fn() -> Vec<Arg>,
    /// The body in an `#[amp]` function.
    pub(crate) amp: Call,
    /// The same body without it.
    pub(crate) plain: Call,
}

/// One tensor or several.
pub(crate) trait Outputs {
    fn outputs(self) -> Vec<Tensor>;
}

impl Outputs for Tensor {
    fn outputs(self) -> Vec<Tensor> {
        vec![self]
    }
}

macro_rules! tuples {
    ($(($($name:ident),+))*) => { $(
        impl Outputs for ($(tuples!(@ $name),)+) {
            fn outputs(self) -> Vec<Tensor> {
                let ($($name,)+) = self;
                vec![$($name),+]
            }
        }
    )* };
    (@ $name:ident) => { Tensor };
}
tuples! { (a, b) (a, b, c) (a, b, c, d) }

/// `op(x: f([2, 3]), ..) { x.op(..) }`, once with and once without `#[amp]`; `kind` is the output's dtype.
macro_rules! cases {
    ($list:ident, $kind:ident; $($name:ident($($arg:ident: $what:expr),*) { $($body:tt)* })*) => {
        pub(crate) const $list: &[$crate::cases::Case] = &[$({
            use $crate::cases::Outputs;

            #[allow(unused_variables, reason = "few rows have an output dtype")]
            #[allow(clippy::too_many_arguments, clippy::many_single_char_names, reason = "as the row has them")]
            #[amp_runtime::amp]
            fn amp($($arg: &Tensor,)* $kind: Option<Kind>) -> impl Outputs { $($body)* }

            #[allow(unused_variables, reason = "few rows have an output dtype")]
            #[allow(clippy::too_many_arguments, clippy::many_single_char_names, reason = "as the row has them")]
            fn plain($($arg: &Tensor,)* $kind: Option<Kind>) -> impl Outputs { $($body)* }

            $crate::cases::Case {
                name: stringify!($name),
                args: || vec![$($what),*],
                amp: |args, kind| {
                    let [$($arg),*] = args else { unreachable!() };
                    amp($($arg,)* kind).outputs()
                },
                plain: |args, kind| {
                    let [$($arg),*] = args else { unreachable!() };
                    plain($($arg,)* kind).outputs()
                },
            }
        }),*];
    };
}
use cases;

/// Every case.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    let files = [
        low::CASES,
        products::CASES,
        recurrent::CASES,
        functions::CASES,
        distances::CASES,
        losses::CASES,
        interpolation::CASES,
        solvers::CASES,
        full_output::CASES,
        widest::CASES,
        suspended::CASES,
    ];
    files.into_iter().flatten()
}
