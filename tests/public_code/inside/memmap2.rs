//! The part of `memmap2` that tch's examples name. It only type-checks.
#[derive(Default)]
pub struct MmapOptions;

impl MmapOptions {
    pub fn new() -> Self {
        Self
    }

    /// # Safety
    /// None is needed: nothing is mapped.
    pub unsafe fn map(&self, _: &std::fs::File) -> std::io::Result<Vec<u8>> {
        Ok(vec![])
    }
}
