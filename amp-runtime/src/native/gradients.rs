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

#[cfg(test)]
mod checks {
    use super::*;
    use tch::{Device, Kind, Tensor};

    /// What a replay does to its gradients is done here by hand.
    #[test]
    fn gradients_that_are_written_over_add_up() {
        let leaf = || Tensor::zeros([2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let (param, unused) = (leaf(), leaf());
        let params: TensorList = [&param, &unused].into_iter().collect();
        (&param * Tensor::from_slice(&[1f32, 2.])).sum(Kind::Float).backward();
        let grads = take_gradients(&params).unwrap();
        assert!(!param.grad().defined());
        let mut replayed = grads.get(0).unwrap();
        assert!(!grads.get(1).unwrap().defined());

        let mut replay = |values: [f32; 2]| {
            keep_gradients(&params, &grads).unwrap();
            replayed.copy_(&Tensor::from_slice(&values));
            add_gradients(&params, &grads).unwrap();
            Vec::<f32>::try_from(param.grad()).unwrap()
        };
        assert_eq!(replay([3., 4.]), [3., 4.]);
        assert_eq!(param.grad().data_ptr(), grads.get(0).unwrap().data_ptr(), "the first one needs no copy");
        assert_eq!(replay([10., 20.]), [13., 24.]);
        assert_eq!(replay([100., 200.]), [113., 224.]);
        assert!(!unused.grad().defined());
    }
}
