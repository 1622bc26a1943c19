//! Counts overflows at the floor, one update behind, so that nobody waits for the device.
use crate::native::{Deferred, NativeError};
use tch::Tensor;

#[derive(Default)]
pub(super) struct FloorWatch {
    /// The floor, and what the last update found at which scale.
    pending: Option<(f32, Deferred)>,
    in_a_row: u32,
}

impl FloorWatch {
    pub(super) fn resume(in_a_row: u32) -> Self {
        Self { pending: None, in_a_row }
    }

    /// Notes an update that found (0 or 1) at `scale`, both 0-dim f32, both still on the device.
    #[expect(clippy::cast_possible_truncation, reason = "the scale is held at what f32 makes of the floor")]
    pub(super) fn observe(
        &mut self,
        floor: f64,
        found_inf: &Tensor,
        scale: &Tensor,
    ) -> Result<(), NativeError> {
        self.settle()?;
        self.pending = Some((floor as f32, Deferred::new(&[found_inf, scale])?));
        Ok(())
    }

    /// Overflows in a row at the floor, up to the last update.
    pub(super) fn settle(&mut self) -> Result<u32, NativeError> {
        if let Some((floor, update)) = self.pending.take() {
            let stuck = update.get(0)? != 0. && update.get(1)? <= floor;
            self.in_a_row = if stuck { self.in_a_row.saturating_add(1) } else { 0 };
        }
        Ok(self.in_a_row)
    }
}
