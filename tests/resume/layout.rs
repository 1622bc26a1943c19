//! Memory layout and number of threads: kept, and a change is refused unless it is allowed.
use crate::training::{Case, Training, alone, bytes_of};
use amp_runtime::checkpoint::{CheckpointError, LoadOptions};
use safetensors::SafeTensors;

const ALLOWED: LoadOptions = LoadOptions { allow_environment_change: true, without_scaler: false };

fn channels_last() -> Case {
    Case { channels_last: true, ..Case::largest() }
}

#[test]
fn a_channels_last_model_stays_one() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut straight = Training::new(channels_last(), 1);
    let weight = straight.store.variables().remove("conv.weight").unwrap();
    assert_eq!(weight.stride(), [36, 1, 12, 4]);
    straight.train(0..5);
    straight.save(&path);

    let file = std::fs::read(&path).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    assert_eq!(tensors.tensor("model/conv.weight").unwrap().data(), bytes_of(&weight));
    let wanted = straight.future(5..12);

    let mut resumed = Training::new(channels_last(), 2);
    resumed.load(&path, LoadOptions::default()).unwrap();
    assert_eq!(resumed.store.variables()["conv.weight"].stride(), [36, 1, 12, 4]);
    assert!(resumed.future(5..12) == wanted);
}

#[test]
fn another_layout_is_refused_unless_allowed() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut saved = Training::new(channels_last(), 1);
    saved.train(0..5);
    saved.save(&path);
    let mut contiguous = Training::new(Case::largest(), 2);
    let before = contiguous.fingerprint();
    let error = contiguous.load(&path, LoadOptions::default()).unwrap_err();
    assert!(
        matches!(&error, CheckpointError::Environment { what, saved, here, .. }
            if what == "memory layout of `conv.weight`" && saved == "channels-last" && here == "contiguous"),
        "{error:?}"
    );
    assert!(contiguous.fingerprint() == before);

    contiguous.load(&path, ALLOWED).unwrap();
    for (name, variable) in contiguous.store.variables() {
        assert!(variable == saved.store.variables()[&name], "{name}");
        assert!(variable.is_contiguous(), "{name}");
    }
    contiguous.train(5..12);
}

#[test]
fn another_number_of_threads_is_refused_unless_allowed() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut training = Training::new(Case::largest(), 1);
    training.train(0..3);
    training.save(&path);
    tch::set_num_threads(2);
    let refused = training.load(&path, LoadOptions::default());
    let allowed = training.load(&path, ALLOWED);
    tch::set_num_threads(1);
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("thread count 1, here it is 2"), "{message}");
    assert!(message.contains("`allow_environment_change`"), "{message}");
    allowed.unwrap();
}

#[test]
fn loading_counts_as_a_write() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut training = Training::new(Case::largest(), 1);
    training.save(&path);
    let weight = training.store.variables().remove("linear.weight").unwrap();
    let loss = weight.square().sum(tch::Kind::Float);
    training.load(&path, LoadOptions::default()).unwrap();
    let error = loss.f_backward().unwrap_err().to_string();
    assert!(error.contains("modified by an inplace operation"), "{error}");
}
