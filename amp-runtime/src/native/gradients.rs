//! Gradients and values of variables whose memory is somebody else's to write.
use super::bridge::ffi;
use super::error::Result;
use super::list::TensorList;

/// Takes the gradients out of `params`: one entry each, undefined where there is none.
pub(crate) fn take_gradients(params: &TensorList) -> Result<TensorList> {
    let mut grads = TensorList::new();
    ffi::take_gradients(&params.0, grads.0.pin_mut())?;
    Ok(grads)
}

/// Where a parameter's gradient is the one in `grads`, which is about to be written over, it becomes a copy of it.
pub(crate) fn keep_gradients(params: &TensorList, grads: &TensorList) -> Result<()> {
    Ok(ffi::keep_gradients(&params.0, &grads.0)?)
}

/// Adds to each parameter's gradient the one in `grads`, or gives it that one where it has none.
pub(crate) fn add_gradients(params: &TensorList, grads: &TensorList) -> Result<()> {
    Ok(ffi::add_gradients(&params.0, &grads.0)?)
}

/// Gives tensors back the values that they had, which counts as no write.
pub(crate) fn restore(tensors: &TensorList, values: &TensorList) -> Result<()> {
    Ok(ffi::restore(&tensors.0, &values.0)?)
}

/// Where the tensors' elements lie, and whether they ask for gradients: in numbers that are the same while both are.
pub(crate) fn places(tensors: &TensorList) -> Result<Vec<usize>> {
    Ok(ffi::places(&tensors.0)?)
}
