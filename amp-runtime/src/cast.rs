//! Casts between full and low precision: differentiable, and no copy where the dtype is already right.
use crate::precision::Precision;
use tch::{Device, Kind, TchError, Tensor};

/// The tensor in the low dtype of `precision`: f32 and the other low dtype are cast; f64, integers and bool, which no region
/// lowers, come back as they are, and so does everything in full precision. The gradient comes back in the tensor's own dtype.
///
/// # Errors
/// libtorch's own.
pub fn low(tensor: &Tensor, precision: Precision) -> Result<Tensor, TchError> {
    let Some(kind) = precision.low_kind() else { return Ok(tensor.shallow_clone()) };
    match tensor.kind() {
        // One dispatch that returns the same tensor where nothing has to change; it knows f32 on CPU and CUDA only.
        Kind::Float if matches!(tensor.device(), Device::Cpu | Device::Cuda(_)) => {
            tensor.f_internal_autocast_to_reduced_precision(true, true, kind, kind)
        }
        from @ (Kind::Float | Kind::Half | Kind::BFloat16) if from != kind => tensor.f_to_kind(kind),
        _ => Ok(tensor.shallow_clone()),
    }
}

/// The tensor in f32 where it is f16 or bf16; anything else as it is. The gradient comes back in the tensor's own dtype.
///
/// # Errors
/// libtorch's own.
pub fn full(tensor: &Tensor) -> Result<Tensor, TchError> {
    match tensor.kind() {
        Kind::Half | Kind::BFloat16 => tensor.f_to_kind(Kind::Float),
        _ => Ok(tensor.shallow_clone()),
    }
}
