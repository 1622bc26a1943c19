//! What `crate::` means in sources of tch that were copied out of it.
#![allow(dead_code, unused_imports)]
pub use tch::*;

/// An activation that tch keeps to itself.
pub trait Swish {
    fn swish(&self) -> Tensor;
}

impl Swish for Tensor {
    fn swish(&self) -> Tensor {
        self * self.sigmoid()
    }
}

pub mod tensor {
    pub use tch::Tensor;
}

/// tch's private room; what it calls in libtorch is out of reach and not called here.
pub mod wrappers {
    pub mod image {
        use std::path::Path;
        use tch::{TchError, Tensor};

        pub fn load_hwc<T: AsRef<Path>>(_: T) -> Result<Tensor, TchError> {
            unreachable!("images are not read here")
        }
        pub fn load_hwc_from_mem(_: &[u8]) -> Result<Tensor, TchError> {
            unreachable!("images are not read here")
        }
        pub fn save_hwc<T: AsRef<Path>>(_: &Tensor, _: T) -> Result<(), TchError> {
            unreachable!("images are not read here")
        }
        pub fn resize_hwc(_: &Tensor, _: i64, _: i64) -> Result<Tensor, TchError> {
            unreachable!("images are not read here")
        }
    }

    pub mod optimizer {
        pub use tch::COptimizer;
    }

    pub mod stream {
        use std::io::{Read, Result, Seek, SeekFrom};

        pub struct ReadSeekAdapter<T>(T);

        impl<T: Read + Seek> ReadSeekAdapter<T> {
            pub fn new(inner: T) -> Self {
                Self(inner)
            }
        }

        impl<T: Read + Seek> torch_sys::io::ReadStream for ReadSeekAdapter<T> {}

        impl<T: Read> Read for ReadSeekAdapter<T> {
            fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
                self.0.read(buffer)
            }
        }

        impl<T: Seek> Seek for ReadSeekAdapter<T> {
            fn seek(&mut self, to: SeekFrom) -> Result<u64> {
                self.0.seek(to)
            }
        }
    }
}
