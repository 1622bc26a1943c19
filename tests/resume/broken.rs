//! What is no checkpoint, or none of this training, is refused by name, and the training goes on untouched.
use crate::edit::{Parts, edited, words};
use crate::training::{Case, Training, alone, lively_scale};
use amp_runtime::checkpoint::{self, CheckpointError, LoadOptions};
use amp_runtime::{Adam, LossScale, OptimWrapper, Precision, Sgd};
use serde_json::json;
use std::path::{Path, PathBuf};
use tch::nn::{self, VarStore};
use tch::{Device, Tensor};
use tempfile::TempDir;

/// A checkpoint inside an open window, and another training of the same kind that must not change.
pub(crate) struct Victim {
    pub(crate) training: Training,
    /// The good file.
    pub(crate) file: Vec<u8>,
    /// Where the broken ones go.
    pub(crate) path: PathBuf,
    before: Vec<u8>,
    _folder: TempDir,
}

impl Victim {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.safetensors");
        let mut saved = Training::new(Case::largest(), 1);
        saved.train(0..5);
        saved.save(&path);
        let file = std::fs::read(&path).unwrap();
        let mut training = Training::new(Case::largest(), 2);
        training.train(2..5);
        let before = training.fingerprint();
        Self { training, file, path, before, _folder: folder }
    }

    pub(crate) fn refused(&mut self) -> CheckpointError {
        self.training.load(&self.path, LoadOptions::default()).unwrap_err()
    }

    pub(crate) fn refused_bytes(&mut self, bytes: &[u8]) -> CheckpointError {
        std::fs::write(&self.path, bytes).unwrap();
        self.refused()
    }

    fn refused_edit(&mut self, edit: impl FnOnce(&mut Parts)) -> CheckpointError {
        edited(&self.path, &self.file, edit);
        self.refused()
    }

    pub(crate) fn is_untouched(&mut self) {
        assert!(self.training.fingerprint() == self.before);
    }
}

macro_rules! assert_refused {
    ($error:expr, $variant:pat, $names:expr) => {
        let error: CheckpointError = $error;
        assert!(matches!(error, $variant), "{error:?}");
        let message = error.to_string();
        assert!(message.contains($names), "{message}");
        assert!(message.lines().count() <= 3, "{message}");
    };
}

#[test]
fn foreign_files() {
    let _alone = alone();
    let mut victim = Victim::new();
    for (bytes, what) in [
        (&b""[..], "empty"),
        (b"\0", "short"),
        (b"the checkpoint of another day", "safetensors header"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "safetensors header"),
    ] {
        assert_refused!(victim.refused_bytes(bytes), CheckpointError::NotACheckpoint { .. }, what);
    }
    Tensor::write_safetensors(&[("a", Tensor::ones([2], (tch::Kind::Float, Device::Cpu)))], &victim.path)
        .unwrap();
    assert_refused!(victim.refused(), CheckpointError::NotACheckpoint { .. }, "load_weights");
    std::fs::remove_file(&victim.path).unwrap();
    assert_refused!(victim.refused(), CheckpointError::Io { action: "read", .. }, "broken.safetensors");
    victim.is_untouched();
}

#[test]
fn truncated_files() {
    let _alone = alone();
    let mut victim = Victim::new();
    let whole = victim.file.clone();
    for length in (0..whole.len()).step_by(499).chain([8, 9, whole.len() - 1]) {
        let error = victim.refused_bytes(&whole[..length]);
        let as_wanted = if length < 8 {
            matches!(error, CheckpointError::NotACheckpoint { .. })
        } else {
            matches!(error, CheckpointError::Truncated { found, .. } if found == length as u64)
        };
        assert!(as_wanted, "{length}: {error:?}");
    }
    assert_refused!(
        victim.refused_bytes(&[&whole[..], b"x"].concat()),
        CheckpointError::Corrupt { .. },
        "1 bytes follow"
    );
    victim.is_untouched();
}

#[test]
fn other_schemas() {
    let _alone = alone();
    let mut victim = Victim::new();
    for (schema, help) in [("0", "load_weights"), ("2", "newer"), ("4294967296", "newer")] {
        let error = victim.refused_edit(|parts| words(&mut parts.header)["schema"] = schema.into());
        assert_refused!(error, CheckpointError::UnsupportedSchema { supported: 1, .. }, help);
    }
    let error = victim.refused_edit(|parts| words(&mut parts.header)["schema"] = "one".into());
    assert_refused!(error, CheckpointError::Corrupt { .. }, "schema");
    victim.is_untouched();
}

#[test]
fn other_keys() {
    let _alone = alone();
    let mut victim = Victim::new();
    for key in ["model/conv.weight", "rng/cpu"] {
        assert_refused!(victim.refused_edit(|parts| parts.remove(key)), CheckpointError::Missing { .. }, key);
    }
    for key in ["optimizer/linear.bias/exp_avg_sq", "optimizer/conv.bias/step"] {
        let named = key.trim_start_matches("optimizer/");
        assert_refused!(victim.refused_edit(|parts| parts.remove(key)), CheckpointError::Wrapper(_), named);
    }
    let error = victim.refused_edit(|parts| parts.remove("gradient_scale"));
    assert_refused!(error, CheckpointError::Unexpected { .. }, "gradient/conv.bias");
    let error = victim.refused_edit(|parts| parts.rename("model/linear.bias", "model/linear.offset"));
    assert_refused!(error, CheckpointError::Missing { .. }, "model/linear.bias");
    for key in ["model/head.weight", "rng/quantum", "something", "wrapper/x/gradient_scale"] {
        let error = victim.refused_edit(|parts| parts.add(key, "F32", &[1]));
        assert_refused!(error, CheckpointError::Unexpected { .. }, key);
    }
    for key in ["optimizer/head.weight/exp_avg", "gradient/head.weight"] {
        let error = victim.refused_edit(|parts| parts.add(key, "F32", &[1]));
        assert_refused!(error, CheckpointError::Wrapper(_), "head.weight");
    }
    victim.is_untouched();
}

#[test]
fn other_shapes_and_dtypes() {
    let _alone = alone();
    let mut victim = Victim::new();
    let mut replaced = |key: &str, dtype: &str, shape: &[u64]| {
        victim.refused_edit(|parts| {
            parts.remove(key);
            parts.add(key, dtype, shape);
        })
    };
    for (dtype, shape) in [("F32", [1, 1]), ("BF16", [2, 1]), ("BOOL", [2, 2]), ("U32", [1, 1])] {
        let error = replaced("model/linear.bias", dtype, &shape);
        assert_refused!(error, CheckpointError::Mismatch { .. }, "`model/linear.bias`");
    }
    assert_refused!(replaced("rng/cpu", "U8", &[4]), CheckpointError::Mismatch { .. }, "`rng/cpu`");
    let error = replaced("optimizer/linear.bias/exp_avg", "F32", &[1]);
    assert_refused!(error, CheckpointError::Wrapper(_), "linear.bias/exp_avg");
    assert_refused!(
        replaced("gradient/linear.bias", "F32", &[1]),
        CheckpointError::Wrapper(_),
        "linear.bias"
    );
    let scales = ["F32", "I32"].map(|dtype| replaced("gradient_scale", dtype, &[]));
    for error in scales {
        assert_refused!(error, CheckpointError::Wrapper(_), "gradient_scale");
    }
    // The right size, and no state of a generator: libtorch finds that out itself.
    let error = victim.refused_edit(|parts| {
        let offsets = &parts.header["rng/cpu"]["data_offsets"];
        let [start, end] = [0, 1].map(|index| usize::try_from(offsets[index].as_u64().unwrap()).unwrap());
        parts.body[start..end].fill(0xff);
    });
    assert_refused!(error, CheckpointError::Native(_), "libtorch");
    victim.is_untouched();
}

#[test]
fn other_trainings() {
    let _alone = alone();
    let mut victim = Victim::new();
    let error = victim.refused_edit(|parts| parts.state["wrappers"][""]["scaler"] = json!(null));
    assert_refused!(error, CheckpointError::Wrapper(_), "loss_scaler");
    let error = victim.refused_edit(|parts| parts.state["wrappers"][""]["scaler"]["scale"] = json!(-1.));
    assert_refused!(error, CheckpointError::Wrapper(_), "scale");
    let error =
        victim.refused_edit(|parts| parts.state["wrappers"][""]["numbers"]["accumulative_counts"] = json!(4));
    assert_refused!(error, CheckpointError::Wrapper(_), "accumulative_counts");
    let error =
        victim.refused_edit(|parts| parts.state["wrappers"][""]["optimizer"]["config"]["lr"] = json!(-1.));
    assert_refused!(error, CheckpointError::Wrapper(_), "lr");
    let error = victim.refused_edit(|parts| parts.state["environment"]["libtorch"] = json!("1.9.1"));
    assert_refused!(error, CheckpointError::Environment { .. }, "libtorch 1.9.1");
    let error = victim.refused_edit(|parts| parts.state["environment"]["device"] = json!("mps"));
    assert_refused!(error, CheckpointError::Environment { .. }, "device mps");
    let error = victim.refused_edit(|parts| parts.state["surprise"] = json!(1));
    assert_refused!(error, CheckpointError::Corrupt { .. }, "surprise");
    victim.is_untouched();

    std::fs::write(&victim.path, &victim.file).unwrap();
    let f16 = |optimizer| Case::new(optimizer, Precision::F16, lively_scale());
    let adam = amp_runtime::OptimizerConfig::from(Adam::default());
    for (case, names) in [
        (f16(adam), "type"),
        (f16(Sgd { momentum: 0.9, ..Sgd::default() }.into()), "type"),
        (Case::new(Case::largest().optimizer, Precision::Bf16, LossScale::Off), "precision f16"),
        (
            Case { loss_scale: LossScale::Off, precision: Precision::Full, ..Case::largest() },
            "here it is full",
        ),
    ] {
        let mut training = Training::new(case, 3);
        training.train(0..3);
        let before = training.fingerprint();
        let error = training.load(&victim.path, LoadOptions::default()).unwrap_err();
        assert!(error.to_string().contains(names), "{error}");
        assert!(training.fingerprint() == before);
    }
    // A scaler too many, once the other precision is allowed.
    let mut training =
        Training::new(Case { precision: Precision::Bf16, loss_scale: LossScale::Off, ..Case::largest() }, 3);
    let options = LoadOptions { allow_environment_change: true, ..LoadOptions::default() };
    let error = training.load(&victim.path, options).unwrap_err();
    assert_refused!(error, CheckpointError::Wrapper(_), "scaling is off here");
}

#[test]
fn weights_alone() {
    let _alone = alone();
    let mut victim = Victim::new();
    let path = |name: &str| victim.path.with_file_name(name);
    let (weights, whole) = (path("weights"), path("whole"));
    std::fs::write(&whole, &victim.file).unwrap();
    let mut first = Training::new(Case { channels_last: true, ..Case::largest() }, 4);
    checkpoint::save_weights(&weights, &first.store).unwrap();
    // tch reads it with a reader of its own.
    let read: std::collections::HashMap<_, _> =
        Tensor::read_safetensors(&weights).unwrap().into_iter().collect();
    assert_eq!(read.len(), first.store.len());
    assert!(first.store.variables().iter().all(|(name, variable)| read[name] == *variable));
    checkpoint::load_weights(&weights, &mut victim.training.store).unwrap();
    let same = |left: &VarStore, right: &VarStore| {
        let right = right.variables();
        left.variables().iter().all(|(name, variable)| right[name] == *variable)
    };
    assert!(same(&victim.training.store, &first.store));
    // The variables of a whole checkpoint will do as well.
    checkpoint::load_weights(&whole, &mut first.store).unwrap();
    victim.training.load(&whole, LoadOptions::default()).unwrap();
    assert!(same(&victim.training.store, &first.store));

    let mut small = VarStore::new(Device::Cpu);
    nn::linear(small.root() / "linear", 8, 3, nn::LinearConfig::default());
    let error = checkpoint::load_weights(&weights, &mut small).unwrap_err();
    assert_refused!(error, CheckpointError::Unexpected { .. }, "`conv.bias`");
    nn::linear(small.root() / "other", 8, 3, nn::LinearConfig::default());
    let error = checkpoint::load_weights(&weights, &mut small).unwrap_err();
    assert_refused!(error, CheckpointError::Missing { .. }, "`other.bias`");
}

#[test]
fn what_cannot_be_saved() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("checkpoint");
    let mut training = Training::new(Case::largest(), 1);
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let error = checkpoint::save(path, &training.store, &mut training.optim, &deep).unwrap_err();
    assert_refused!(error, CheckpointError::Unsavable { .. }, "read back");
    training.optim.set_lr(f64::INFINITY).unwrap();
    let error = checkpoint::save(path, &training.store, &mut training.optim, &json!(null)).unwrap_err();
    assert_refused!(error, CheckpointError::Unsavable { .. }, "read back");
    let opt = nn::OptimizerConfig::build(nn::Sgd::default(), &training.store, 0.1).unwrap();
    let mut wrapped = OptimWrapper::wrap(opt).precision(Precision::Full).build(&training.store).unwrap();
    let error = checkpoint::save(path, &training.store, &mut wrapped, &json!(null)).unwrap_err();
    assert_refused!(error, CheckpointError::Wrapper(_), "tch's own optimizer");
    assert!(!path.exists());
}
