//! A backbone's weights from torchvision's checkpoints, by their names.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tch::nn::VarStore;
use tch::{TchError, Tensor, no_grad};

/// Why weights cannot be loaded. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be read, or is no safetensors file.
    #[error("cannot read weights from `{}`: {cause}\nhelp: it has to be a safetensors file with the names of torchvision's `state_dict()`", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// libtorch's or the reader's words.
        cause: TchError,
    },
    /// Names that the file lacks.
    #[error("`{}` has no {}\nhelp: the depth or the norms of `model.backbone` are others than the file's", file.display(), listed(missing))]
    Missing {
        /// The file.
        file: PathBuf,
        /// Variables of the backbone.
        missing: Vec<String>,
    },
    /// Statistics of batch norms for a backbone without.
    #[error("`{}` has batch norms, and `model.backbone` has group norms\nhelp: set `model.backbone.norm_cfg.type` to `BN`", .0.display())]
    Norms(PathBuf),
    /// A variable of another shape.
    #[error("`{name}` is {found:?} in `{}`, but {wanted:?} in the model", file.display())]
    Shape {
        /// The file.
        file: PathBuf,
        /// The variable.
        name: String,
        /// Its shape in the file.
        found: Vec<i64>,
        /// Its shape in the model.
        wanted: Vec<i64>,
    },
    /// libtorch's own.
    #[error(transparent)]
    Tch(#[from] TchError),
}

/// Puts the weights of a torchvision `ResNet` into the variables of `store` below `backbone.`; returns the names that the
/// backbone has no use for (`fc.weight`, `bn1.num_batches_tracked`).
///
/// # Errors
/// See [`WeightsError`].
pub fn load_resnet(file: &Path, store: &VarStore) -> Result<Vec<String>, WeightsError> {
    let read = Tensor::read_safetensors(file);
    let read = read.map_err(|cause| WeightsError::Read { file: file.to_owned(), cause })?;
    let mut given: std::collections::BTreeMap<String, Tensor> = read.into_iter().collect();
    let mut pairs = Vec::new();
    let mut missing = BTreeSet::new();
    for (name, variable) in store.variables() {
        let Some(own) = name.strip_prefix("backbone.") else { continue };
        match given.remove(own) {
            None => {
                missing.insert(own.to_owned());
            }
            Some(weights) if weights.size() != variable.size() => {
                return Err(WeightsError::Shape {
                    file: file.to_owned(),
                    name: own.to_owned(),
                    found: weights.size(),
                    wanted: variable.size(),
                });
            }
            Some(weights) => pairs.push((variable, weights)),
        }
    }
    if given.keys().any(|name| name.ends_with("running_mean")) && missing.is_empty() {
        return Err(WeightsError::Norms(file.to_owned()));
    }
    if !missing.is_empty() {
        return Err(WeightsError::Missing { file: file.to_owned(), missing: missing.into_iter().collect() });
    }
    no_grad(|| pairs.into_iter().try_for_each(|(mut variable, weights)| variable.f_copy_(&weights)))?;
    Ok(given.into_keys().collect())
}

/// Up to three of them.
fn listed(names: &[String]) -> String {
    let first: Vec<_> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(first.len());
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}
