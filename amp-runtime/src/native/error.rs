//! How libtorch's C++ says that it failed.

/// What libtorch's C++ said when it failed.
#[derive(Debug, thiserror::Error)]
#[error("libtorch: {0}")]
pub struct NativeError(String);

impl From<cxx::Exception> for NativeError {
    fn from(exception: cxx::Exception) -> Self {
        Self(exception.what().to_owned())
    }
}

pub(crate) type Result<T> = std::result::Result<T, NativeError>;
