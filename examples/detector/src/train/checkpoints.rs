//! Which checkpoints a training keeps, and where it goes on.
use amp_runtime::checkpoint::{self, LoadOptions};
use amp_runtime::{Ema, OptimWrapper};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tch::nn::VarStore;

/// Where a training is: everything beside weights, optimizer and random numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs that are done.
    pub epoch: u64,
    /// Batches of the epoch in hand that are done.
    pub iter: u64,
    /// Batches in all.
    pub step: u64,
    /// The best number so far, and its epoch.
    pub best: Option<(f64, u64)>,
    /// Evaluations since then.
    pub since_best: u64,
}

/// The checkpoints of a work folder.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    keep: Option<usize>,
}

const POINTER: &str = "last_checkpoint";

impl Checkpoints {
    /// Those in `folder`, of which the last `keep` are kept.
    pub fn new(folder: &Path, keep: Option<usize>) -> Self {
        Self { folder: folder.to_owned(), keep }
    }

    /// Writes a checkpoint, then the pointer to it, then deletes the ones before that are too many. Whenever the process is
    /// killed, the pointer names a whole checkpoint.
    ///
    /// # Errors
    /// libtorch's own, and files that cannot be written.
    pub fn save(
        &self,
        store: &VarStore,
        optim: &mut OptimWrapper,
        ema: Option<&mut Ema>,
        progress: &Progress,
    ) -> Result<PathBuf> {
        let name = if progress.iter == 0 {
            format!("epoch_{}.safetensors", progress.epoch)
        } else {
            format!("step_{}.safetensors", progress.step)
        };
        let path = self.folder.join(&name);
        if let Some(ema) = ema {
            averaged(ema, || Ok(checkpoint::save_weights(averages_of(&path), store)?))?;
        }
        checkpoint::save(&path, store, optim, &serde_json::to_value(progress)?)?;
        let mut pointer = tempfile::NamedTempFile::new_in(&self.folder)?;
        pointer.write_all(name.as_bytes())?;
        pointer.as_file().sync_all()?;
        pointer.persist(self.folder.join(POINTER))?;
        self.delete_old(&path)?;
        Ok(path)
    }

    /// Writes the weights of the best model so far, averaged ones where there are any, and deletes the one before.
    ///
    /// # Errors
    /// Files that cannot be written or deleted.
    pub fn save_best(&self, store: &VarStore, metric: &str, epoch: u64) -> Result<PathBuf> {
        let name = metric.replace('/', "_");
        let path = self.folder.join(format!("best_{name}_epoch_{epoch}.safetensors"));
        checkpoint::save_weights(&path, store)?;
        for old in files(&self.folder, "best_")? {
            if old != path {
                fs::remove_file(&old).with_context(|| format!("cannot delete `{}`", old.display()))?;
            }
        }
        Ok(path)
    }

    /// The checkpoint that training goes on from; none if there was none yet.
    ///
    /// # Errors
    /// The file that names it cannot be read, or is gone.
    pub fn last(&self) -> Result<Option<PathBuf>> {
        let pointer = self.folder.join(POINTER);
        match fs::read_to_string(&pointer) {
            Ok(name) => Ok(Some(self.folder.join(name.trim()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let there = [files(&self.folder, "epoch_")?, files(&self.folder, "step_")?].concat();
                if let Some(one) = there.first() {
                    bail!(
                        "`{}` is gone, which says which checkpoint is the last one\nhelp: name it, as in `--resume {}`",
                        pointer.display(),
                        one.display()
                    );
                }
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", pointer.display())),
        }
    }

    /// The checkpoint that is worth testing: the best one, or the last one. Averaged weights are preferred.
    ///
    /// # Errors
    /// There is none.
    pub fn best_or_last(&self) -> Result<PathBuf> {
        if let Some(best) = files(&self.folder, "best_")?.pop() {
            return Ok(best);
        }
        let last = self.last()?.with_context(|| {
            format!("there is no checkpoint in `{}`: it has no `{POINTER}`", self.folder.display())
        })?;
        let averages = averages_of(&last);
        Ok(if averages.exists() { averages } else { last })
    }

    fn delete_old(&self, newest: &Path) -> Result<()> {
        let mut old = files(&self.folder, "epoch_")?;
        old.extend(files(&self.folder, "step_")?);
        old.retain(|path| path != newest && *path != averages_of(newest));
        // an interruption's checkpoint is of no use once a later one is there
        let (epochs, steps): (Vec<_>, Vec<_>) =
            old.into_iter().partition(|path| number_in(path, "epoch_").is_some());
        let mut epochs: Vec<_> = epochs.into_iter().filter(|path| !is_averages(path)).collect();
        epochs.sort_by_key(|path| number_in(path, "epoch_"));
        let is_epoch = number_in(newest, "epoch_").is_some();
        let many = match self.keep {
            Some(keep) => (epochs.len() + usize::from(is_epoch)).saturating_sub(keep.max(1)),
            None => 0,
        };
        for path in epochs.into_iter().take(many).chain(steps.into_iter().filter(|path| !is_averages(path))) {
            let averages = averages_of(&path);
            for path in [path, averages].iter().filter(|path| path.exists()) {
                fs::remove_file(path).with_context(|| format!("cannot delete `{}`", path.display()))?;
            }
        }
        Ok(())
    }
}

/// Puts a checkpoint back into what was built from its configuration.
///
/// # Errors
/// A checkpoint that cannot be read, is damaged, or is of something else.
pub fn resume(
    path: &Path,
    store: &mut VarStore,
    optim: &mut OptimWrapper,
    momentum: Option<f64>,
) -> Result<(Progress, Option<Ema>)> {
    let what = || format!("cannot resume from `{}`", path.display());
    let ema = match momentum {
        None => None,
        Some(momentum) => {
            let averages = averages_of(path);
            if !averages.exists() {
                bail!("{}: its averaged weights `{}` are missing", what(), averages.display());
            }
            checkpoint::load_weights(&averages, store).with_context(what)?;
            Some(Ema::new(store, momentum)?)
        }
    };
    let extra = checkpoint::load(path, store, optim, LoadOptions::default()).with_context(what)?;
    let progress = serde_json::from_value(extra)
        .with_context(|| format!("{}: it is no checkpoint of this program", what()))?;
    Ok((progress, ema))
}

/// Runs `f` while the variables hold the averages.
///
/// # Errors
/// libtorch's own, and those of `f`.
pub fn averaged<T>(ema: &mut Ema, f: impl FnOnce() -> Result<T>) -> Result<T> {
    ema.swap()?;
    let result = f();
    ema.swap()?;
    result
}

/// Where the averaged weights of a checkpoint are.
fn averages_of(path: &Path) -> PathBuf {
    path.with_extension("ema.safetensors")
}

fn is_averages(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".ema.safetensors")
}

fn files(folder: &Path, prefix: &str) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with(prefix) && name.ends_with(".safetensors")
        })
        .collect();
    files.sort();
    Ok(files)
}

/// The number after `prefix` in a file's name.
fn number_in(path: &Path, prefix: &str) -> Option<u64> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    name.strip_prefix(prefix)?.split('.').next()?.parse().ok()
}
