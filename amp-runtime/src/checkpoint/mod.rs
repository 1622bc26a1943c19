//! Saving a training, and going on with it as if it had never stopped.
//!
//! A checkpoint is one safetensors file: the variables as `model/<name>`, the optimizer's state as
//! `optimizer/<name>/<state>` (names as in PyTorch), the gradients of an open accumulation window as `gradient/<name>`,
//! the random number generators as `rng/<device>`; of an [`OptimWrapperDict`](crate::OptimWrapperDict), the middle two after
//! `wrapper/<name>/`. All are contiguous. Numbers, environment and the caller's own data are JSON in `__metadata__`.
//!
//! What comes back is the training that was saved, to the bit: `n` steps equal `k` steps, [`save`], [`load`] in a new
//! process, `n - k` steps, given the same data, libtorch, kind of device, and on the CPU the same number of threads.
mod atomic;
mod checksum;
mod container;
mod environment;
mod error;
mod generators;
mod header;
mod options;
mod variables;
mod wrappers;

pub use error::CheckpointError;
pub use header::Extra;
pub use options::LoadOptions;
pub use wrappers::Wrappers;

use container::{Read, Tensors, Unwritten, Words, take};
use environment::Environment;
use error::Result;
use header::Header;
use std::path::Path;
use tch::nn::VarStore;

const MODEL: &str = "model/";
const RNG: &str = "rng/";

/// Writes everything that training needs to go on: variables, optimizer, loss scale, counters, the gradients of an open
/// accumulation window, random number generators, and `extra`. Waits for the device; changes nothing. An [`Ema`](crate::Ema) is
/// not in it: see there.
///
/// The file appears at once: a process that is killed leaves the previous file or this one, and at most one temporary
/// file (`.<name>.<6 letters>.partial`), which the next save to the same path removes.
///
/// # Errors
/// [`CheckpointError::Io`]; between `unscale` and `step`, or with tch's own optimizer, [`CheckpointError::Wrapper`];
/// [`CheckpointError::Unsavable`]. The previous file is then as it was.
pub fn save(
    path: impl AsRef<Path>,
    store: &VarStore,
    wrappers: &mut impl Wrappers,
    extra: &Extra,
) -> Result<()> {
    wrappers::require_store(wrappers, store)?;
    let mut tensors = Tensors::new();
    let numbers = wrappers::state(wrappers, &mut tensors)?;
    put(&mut tensors, MODEL, store.variables());
    put(&mut tensors, RNG, generators::states(store.device())?);
    let header = Header { environment: Environment::here(store)?, wrappers: numbers, extra: extra.clone() };
    let file = header.file(&tensors)?;
    atomic::write(path.as_ref(), |to| file.write(to))
}

/// Puts a checkpoint back into a model and a wrapper that were built as those that were saved; returns the `extra`.
///
/// Each variable keeps its memory layout and device. `store` is the one that the wrapper was built over.
///
/// # Errors
/// All that can be wrong is found before the first byte changes: model, optimizer, scaler, gradients and random numbers
/// are then as they were. See [`CheckpointError`]; each names the entry.
pub fn load(
    path: impl AsRef<Path>,
    store: &mut VarStore,
    wrappers: &mut impl Wrappers,
    options: LoadOptions,
) -> Result<Extra> {
    wrappers::require_store(wrappers, store)?;
    let path = path.as_ref();
    let (header, mut tensors) = {
        let bytes = read(path)?;
        let file = Read::new(path, &bytes)?;
        (Header::read(path, &file)?, file.tensors()?)
    };
    let variables = variables::fit(store, take(&mut tensors, MODEL), MODEL)?;
    if !options.allow_environment_change {
        header.environment.check(&Environment::here(store)?)?;
    }
    let generators =
        generators::fit(store.device(), take(&mut tensors, RNG), RNG, options.allow_environment_change)?;
    let fitted = wrappers::fit(wrappers, header.wrappers, &mut tensors, options)?;
    if let Some((key, _)) = tensors.pop_first() {
        return Err(CheckpointError::Unexpected { key });
    }
    // First what libtorch may still refuse.
    generators::install(&generators)?;
    variables::install(variables)?;
    wrappers::install(wrappers, fitted)?;
    Ok(header.extra)
}

/// Writes the variables alone, as a plain safetensors file under their own names, for whoever reads that format.
/// It appears at once, as that of [`save`].
///
/// # Errors
/// [`CheckpointError::Io`]; [`CheckpointError::Unsavable`] for a sparse variable or a dtype that the format lacks.
pub fn save_weights(path: impl AsRef<Path>, store: &VarStore) -> Result<()> {
    let tensors = store.variables().into_iter().collect();
    // Readers of other frameworks ask for it.
    let words = Words::from([("format".to_owned(), "pt".to_owned())]);
    let file = Unwritten::new(&tensors, &words)?;
    atomic::write(path.as_ref(), |to| file.write(to))
}

/// Puts the variables of a safetensors file into a model: one of [`save_weights`], of [`save`] (whose checksums are
/// checked), or of another program that uses the same names.
///
/// # Errors
/// A file that is none or is damaged; names, shapes and dtypes that are not the model's. Nothing has changed then.
pub fn load_weights(path: impl AsRef<Path>, store: &mut VarStore) -> Result<()> {
    let path = path.as_ref();
    let (tensors, prefix) = {
        let bytes = read(path)?;
        let file = Read::new(path, &bytes)?;
        if header::is_checkpoint(&file) {
            Header::read(path, &file)?;
            (take(&mut file.tensors()?, MODEL), MODEL)
        } else {
            (file.tensors()?, "")
        }
    };
    Ok(variables::install(variables::fit(store, tensors, prefix)?)?)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|cause| CheckpointError::Io { action: "read", path: path.to_owned(), cause })
}

fn put(tensors: &mut Tensors, prefix: &str, named: impl IntoIterator<Item = (String, tch::Tensor)>) {
    tensors.extend(named.into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)));
}
