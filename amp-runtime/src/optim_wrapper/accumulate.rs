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
    /// The batch that windows are counted from: 0, or the first after a window that was finished early.
    pub(super) origin: u64,
    /// Batches in the open window.
    pub(super) window: u32,
}

impl Accumulation {
    pub(super) fn new(counts: u32, max_counts: Option<u64>) -> Result<Self, OptimWrapperError> {
        if counts == 0 {
            Err(OptimWrapperError::NoAccumulation)
        } else {
            Ok(Self { counts, inner_count: 0, max_counts, origin: 0, window: 0 })
        }
    }

    /// What the next batch's loss is divided by: the number of batches in its window.
    pub(super) fn loss_factor(&self) -> Result<u32, OptimWrapperError> {
        match self.max_counts {
            Some(max_counts) if self.inner_count >= max_counts => {
                Err(OptimWrapperError::PastTheEnd { inner_count: self.inner_count, max_counts })
            }
            _ => Ok(self.window_length(self.inner_count)),
        }
    }

    /// What the loss of the batch counted last was divided by.
    pub(super) fn last_factor(&self) -> u32 {
        self.window_length(self.inner_count.saturating_sub(1))
    }

    /// How many batches the window of `batch` is meant to have.
    fn window_length(&self, batch: u64) -> u32 {
        let Some(max_counts) = self.max_counts else { return self.counts };
        let remainder = max_counts.saturating_sub(self.origin) % u64::from(self.counts);
        // A remainder is smaller than `counts`, so it fits.
        let last_window = u32::try_from(remainder).unwrap_or(self.counts);
        if remainder == 0 || batch < max_counts - remainder { self.counts } else { last_window }
    }

    /// Counts a batch whose gradients are there.
    pub(super) fn count(&mut self) {
        self.inner_count += 1;
        self.window += 1;
    }

    /// Whether the batch counted last completes its window.
    pub(super) fn should_update(&self) -> bool {
        let since = self.inner_count - self.origin;
        since.is_multiple_of(u64::from(self.counts)) || Some(self.inner_count) == self.max_counts
    }

    /// Ends the window. If that was early, the next batch begins one of its own.
    pub(super) fn close(&mut self) {
        if self.window > 0 && !self.should_update() {
            self.origin = self.inner_count;
        }
        self.window = 0;
    }
}
