//! Where casts live: until their statement ends, or as long as a block in which several operations use one binding.
use super::as_tensor::AsTensor;
use super::make::make;
use crate::native::Source;
use std::cell::OnceCell;
use std::ops::Deref;
use tch::Tensor;

/// What one operand needs until its statement ends. It owns all that it holds, so that it may be dropped last.
#[derive(Debug)]
pub struct Slot {
    /// The cast.
    pub(super) made: Option<Tensor>,
    /// The operand, where it was an unnamed value.
    pub(super) owned: Option<Tensor>,
    pub(super) list: Vec<Tensor>,
    /// The casts of a list of references, and that list.
    pub(super) casts: Vec<Option<Tensor>>,
    pub(super) pointers: Vec<*const Tensor>,
}

impl Slot {
    #[allow(clippy::new_without_default, reason = "generated code writes `new`, everywhere")]
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self { made: None, owned: None, list: Vec::new(), casts: Vec::new(), pointers: Vec::new() }
    }
}

/// One cast that several operations of a block share, valid while the tensor is what it was.
pub struct Shared(OnceCell<Kept>);

struct Kept {
    source: Source,
    dtype: i8,
    cast: Tensor,
}

impl Shared {
    #[allow(clippy::new_without_default, reason = "generated code writes `new`, everywhere")]
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceCell::new())
    }

    /// The cast that is kept, or one that is made now: it stays if it is the first, else it goes to `made`.
    #[inline]
    pub(super) fn cast<'s>(
        &'s self,
        tensor: &Tensor,
        dtype: i8,
        made: &'s mut Option<Tensor>,
    ) -> Option<&'s Tensor> {
        match self.0.get() {
            Some(kept) if kept.dtype == dtype && kept.source.is(tensor) => Some(&kept.cast),
            _ => self.make(tensor, dtype, made),
        }
    }

    #[cold]
    fn make<'s>(&'s self, tensor: &Tensor, dtype: i8, made: &'s mut Option<Tensor>) -> Option<&'s Tensor> {
        // Looked at before the cast is made: a write in between makes it void.
        let source = if self.0.get().is_none() { Source::of(tensor) } else { None };
        let cast = make(tensor, dtype)?;
        Some(match source {
            Some(source) => &self.0.get_or_init(|| Kept { source, dtype, cast }).cast,
            None => made.insert(cast),
        })
    }
}

/// An unnamed value that owns or guards a tensor, and its cast: the value lives until the statement ends, as it did.
pub struct Held<'s, T> {
    pub(super) owner: T,
    pub(super) cast: Option<&'s Tensor>,
}

impl<T: AsTensor> Deref for Held<'_, T> {
    type Target = Tensor;

    #[inline]
    fn deref(&self) -> &Tensor {
        self.cast.unwrap_or_else(|| self.owner.as_tensor())
    }
}
