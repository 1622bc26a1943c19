//! Gradient accumulation: which batches share an update, and what each loss is divided by.
use super::error::OptimWrapperError;

/// MMEngine's counts: every k-th batch updates, and so does the last, whose window is scaled by its own length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Accumulation {
    /// k.
    pub(super) counts: u32,
    /// Batches so far.
    pub(super) inner_count: u64,
    /// All batches there will be, if that is known.
    pub(super) max_counts: Option<u64>,
    /// Batches in the open window.
    pub(super) window: u32,
}

impl Accumulation {
    pub(super) fn new(counts: u32, max_counts: Option<u64>) -> Result<Self, OptimWrapperError> {
        if counts == 0 {
            Err(OptimWrapperError::NoAccumulation)
        } else {
            Ok(Self { counts, inner_count: 0, max_counts, window: 0 })
        }
    }

    /// What the next batch's loss is divided by: the number of batches in its window.
    pub(super) fn loss_factor(&self) -> Result<u32, OptimWrapperError> {
        let Some(max_counts) = self.max_counts else { return Ok(self.counts) };
        if self.inner_count >= max_counts {
            return Err(OptimWrapperError::PastTheEnd { inner_count: self.inner_count, max_counts });
        }
        let remainder = max_counts % u64::from(self.counts);
        // A remainder is smaller than `counts`, so it fits.
        let last_window = u32::try_from(remainder).unwrap_or(self.counts);
        Ok(if self.inner_count < max_counts - remainder { self.counts } else { last_window })
    }

    /// Counts a batch whose gradients are there.
    pub(super) fn count(&mut self) {
        self.inner_count += 1;
        self.window += 1;
    }

    /// Whether the batch counted last completes its window.
    pub(super) fn should_update(&self) -> bool {
        self.inner_count.is_multiple_of(u64::from(self.counts)) || Some(self.inner_count) == self.max_counts
    }
}
