//! Tensors that travel together.
use super::bridge::ffi;
use super::error::Result;
use super::handle::{inner, outer};
use cxx::UniquePtr;
use tch::Tensor;

/// Tensors that travel together, kept in C++: handles, not copies.
pub(crate) struct TensorList(pub(super) UniquePtr<ffi::TensorList>);

// SAFETY: a list holds reference-counted handles, whose counts are atomic, and is only used through `&mut` or from one thread.
unsafe impl Send for TensorList {}

impl TensorList {
    pub(crate) fn new() -> Self {
        Self(ffi::new_list(0))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.size()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn push(&mut self, tensor: &Tensor) {
        self.0.pin_mut().push(inner(tensor));
    }

    /// A second handle on the tensor at `index`.
    pub(crate) fn get(&self, index: usize) -> Result<Tensor> {
        Ok(outer(self.0.at(index)?))
    }

    pub(crate) fn select(&self, indices: &[u32]) -> Result<Self> {
        Ok(Self(self.0.select(indices)?))
    }
}

impl<'a> Extend<&'a Tensor> for TensorList {
    fn extend<I: IntoIterator<Item = &'a Tensor>>(&mut self, tensors: I) {
        for tensor in tensors {
            self.push(tensor);
        }
    }
}

impl<'a> FromIterator<&'a Tensor> for TensorList {
    fn from_iter<I: IntoIterator<Item = &'a Tensor>>(tensors: I) -> Self {
        let mut list = Self::new();
        list.extend(tensors);
        list
    }
}
