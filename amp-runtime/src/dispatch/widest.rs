//! Operations whose kernels want one dtype and do not promote: all their operands get the widest among them.
use super::as_tensor::AsTensor;
use super::make::make;
use crate::native::{self, BF16, F16, F32};
use crate::region::{self, Region};
use std::borrow::Borrow;
use tch::{Scalar, TchError, Tensor};
use torch_sys::IntList;

/// The receiver of such an operation; the methods are tch's, with tch's signatures.
pub struct Widest<T>(pub(super) T);

/// Operands in one dtype, and autocast off while they are used: libtorch's lists for some devices would widen them further.
struct Operands<'a, const N: usize> {
    operands: [(&'a Tensor, Option<Tensor>); N],
    _alone: Option<Region>,
}

impl<'a, const N: usize> Operands<'a, N> {
    /// f32 where one of them is f32 or they are low in two ways. f64 is nobody's business and stays.
    fn new(operands: [&'a Tensor; N]) -> Self {
        let low = region::low_kinds();
        if low.is_none() {
            return Self { operands: operands.map(|operand| (operand, None)), _alone: None };
        }
        let dtypes = operands.map(|operand| match native::glance(operand) {
            Some((dtype @ (F16 | BF16 | F32), device)) if low.on(device).is_some() => Some(dtype),
            _ => None,
        });
        let widest = dtypes.iter().flatten().copied().reduce(|a, b| if a == b { a } else { F32 });
        let mut place = 0;
        let operands = operands.map(|operand| {
            let dtype = dtypes[place];
            place += 1;
            let cast = widest.filter(|_| dtype.is_some() && dtype != widest);
            (operand, cast.and_then(|dtype| make(operand, dtype)))
        });
        Self { operands, _alone: widest.map(|_| region::island()) }
    }

    fn get(&self) -> [&Tensor; N] {
        self.operands.each_ref().map(|(operand, cast)| cast.as_ref().unwrap_or(operand))
    }
}

/// tch panics with its errors where a method has no `f_`; so do these.
fn unwrap(result: Result<Tensor, TchError>) -> Tensor {
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// Methods and their fallible twins: tch's arguments, those among them that are cast, and the call on what comes out.
macro_rules! methods {
    ($(
        $name:ident $fallible:ident ($($argument:ident: $type:ty),*) casts [$($operand:ident),*]
        => |$cast:pat_param| $call:expr;
    )*) => { $(
        #[allow(clippy::missing_errors_doc, reason = "tch's own")]
        pub fn $fallible(self, $($argument: $type),*) -> Result<Tensor, TchError> {
            let operands = Operands::new([self.0.as_tensor(), $($operand),*]);
            let $cast = operands.get();
            $call
        }

        pub fn $name(self, $($argument: $type),*) -> Tensor {
            unwrap(self.$fallible($($argument),*))
        }
    )* };
}

impl<T: AsTensor> Widest<T> {
    methods! {
        dot f_dot(tensor: &Tensor) casts [tensor] => |[a, b]| a.f_dot(b);
        vdot f_vdot(other: &Tensor) casts [other] => |[a, b]| a.f_vdot(b);
        cross f_cross(other: &Tensor, dim: impl Into<Option<i64>>) casts [other] => |[a, b]| a.f_cross(b, dim);
        atan2 f_atan2(other: &Tensor) casts [other] => |[a, b]| a.f_atan2(b);
        addcmul f_addcmul(tensor1: &Tensor, tensor2: &Tensor) casts [tensor1, tensor2]
            => |[a, b, c]| a.f_addcmul(b, c);
        addcdiv f_addcdiv(tensor1: &Tensor, tensor2: &Tensor) casts [tensor1, tensor2]
            => |[a, b, c]| a.f_addcdiv(b, c);
        tensordot f_tensordot(other: &Tensor, dims_self: impl IntList, dims_other: impl IntList) casts [other]
            => |[a, b]| a.f_tensordot(b, dims_self, dims_other);
        scatter_add f_scatter_add(dim: i64, index: &Tensor, src: &Tensor) casts [src]
            => |[a, b]| a.f_scatter_add(dim, index, b);
        scatter f_scatter(dim: i64, index: &Tensor, src: &Tensor) casts [src] => |[a, b]| a.f_scatter(dim, index, b);
        scatter_reduce f_scatter_reduce(dim: i64, index: &Tensor, src: &Tensor, reduce: &str) casts [src]
            => |[a, b]| a.f_scatter_reduce(dim, index, b, reduce);
        masked_scatter f_masked_scatter(mask: &Tensor, source: &Tensor) casts [source]
            => |[a, b]| a.f_masked_scatter(mask, b);
        index_add f_index_add(dim: i64, index: &Tensor, source: &Tensor) casts [source]
            => |[a, b]| a.f_index_add(dim, index, b);
        index_copy f_index_copy(dim: i64, index: &Tensor, source: &Tensor) casts [source]
            => |[a, b]| a.f_index_copy(dim, index, b);
        index_reduce f_index_reduce(
            dim: i64, index: &Tensor, source: &Tensor, reduce: &str, include_self: bool
        ) casts [source] => |[a, b]| a.f_index_reduce(dim, index, b, reduce, include_self);
        put f_put(index: &Tensor, source: &Tensor, accumulate: bool) casts [source]
            => |[a, b]| a.f_put(index, b, accumulate);
        lerp_tensor f_lerp_tensor(end: &Tensor, weight: &Tensor) casts [end, weight]
            => |[a, b, c]| a.f_lerp_tensor(b, c);
        grid_sampler f_grid_sampler(
            grid: &Tensor, interpolation_mode: i64, padding_mode: i64, align_corners: bool
        ) casts [grid] => |[a, b]| a.f_grid_sampler(b, interpolation_mode, padding_mode, align_corners);
    }

    #[allow(clippy::missing_errors_doc, reason = "tch's own")]
    pub fn f_lerp<S: Into<Scalar>>(self, end: &Tensor, weight: S) -> Result<Tensor, TchError> {
        let operands = Operands::new([self.0.as_tensor(), end]);
        let [start, end] = operands.get();
        start.f_lerp(end, weight)
    }

    pub fn lerp<S: Into<Scalar>>(self, end: &Tensor, weight: S) -> Tensor {
        unwrap(self.f_lerp(end, weight))
    }

    #[allow(clippy::missing_errors_doc, reason = "tch's own")]
    pub fn f_index_put<I: Borrow<Tensor>>(
        self,
        indices: &[Option<I>],
        values: &Tensor,
        accumulate: bool,
    ) -> Result<Tensor, TchError> {
        let operands = Operands::new([self.0.as_tensor(), values]);
        let [target, values] = operands.get();
        target.f_index_put(indices, values, accumulate)
    }

    pub fn index_put<I: Borrow<Tensor>>(
        self,
        indices: &[Option<I>],
        values: &Tensor,
        accumulate: bool,
    ) -> Tensor {
        unwrap(self.f_index_put(indices, values, accumulate))
    }
}

/// `Tensor::f_bilinear`.
#[allow(clippy::missing_errors_doc, reason = "tch's own")]
pub fn f_widest_bilinear<T: Borrow<Tensor>>(
    input1: &Tensor,
    input2: &Tensor,
    weight: &Tensor,
    bias: Option<T>,
) -> Result<Tensor, TchError> {
    if let Some(bias) = bias {
        let operands = Operands::new([input1, input2, weight, bias.borrow()]);
        let [input1, input2, weight, bias] = operands.get();
        Tensor::f_bilinear(input1, input2, weight, Some(bias))
    } else {
        let operands = Operands::new([input1, input2, weight]);
        let [input1, input2, weight] = operands.get();
        Tensor::f_bilinear(input1, input2, weight, None::<&Tensor>)
    }
}

/// `Tensor::bilinear`.
pub fn widest_bilinear<T: Borrow<Tensor>>(
    input1: &Tensor,
    input2: &Tensor,
    weight: &Tensor,
    bias: Option<T>,
) -> Tensor {
    unwrap(f_widest_bilinear(input1, input2, weight, bias))
}
