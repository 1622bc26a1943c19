//! `n` batches straight equal `k` batches, save, load in a new process, `n - k` batches.
use crate::training::{Case, Training, alone, another_process, extra, lively_scale, optimizers, part};
use amp_runtime::checkpoint::{self, CheckpointError, LoadOptions};
use amp_runtime::{Adam, LossScale, OptimWrapper, OptimWrapperDict, Precision, Sgd};
use serde_json::json;
use tch::nn::{self, VarStore};
use tch::{Device, Kind, Tensor};

/// Inside an accumulation window of two, halfway to growth, with half of the patience for overflows spent.
const SAVED_AT: u64 = 13;
const BATCHES: u64 = 25;

fn cases() -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for (name, optimizer) in optimizers() {
        for (mode, precision, loss_scale) in [
            ("full", Precision::Full, LossScale::Off),
            ("bf16", Precision::Bf16, LossScale::Off),
            ("f16", Precision::F16, lively_scale()),
            ("f16-static", Precision::F16, LossScale::Static(100.)),
        ] {
            cases.push((format!("{name}-{mode}"), Case::new(optimizer, precision, loss_scale)));
        }
    }
    cases.push(("channels-last".to_owned(), Case { channels_last: true, ..Case::largest() }));
    cases.push(("two-threads".to_owned(), Case { threads: 2, ..Case::largest() }));
    cases
}

#[test]
fn every_optimizer_and_scaler_resumes_in_a_new_process() {
    let _alone = alone();
    if let Some(folder) = part() {
        for (name, case) in cases() {
            let mut resumed = Training::new(case, 7);
            assert_eq!(resumed.load(&folder.join(&name), LoadOptions::default()).unwrap(), extra(), "{name}");
            assert!(resumed.fingerprint() == std::fs::read(folder.join(&name)).unwrap(), "{name}");
            std::fs::write(folder.join(name + ".resumed"), resumed.future(SAVED_AT..BATCHES)).unwrap();
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut straight = Vec::new();
    for (name, case) in cases() {
        let mut training = Training::new(case, 1);
        training.train(0..SAVED_AT);
        straight.push((name.clone(), training.future(SAVED_AT..BATCHES)));
        assert!(training.optim.skipped_updates().unwrap() == 4, "{name}");

        let mut interrupted = Training::new(case, 1);
        interrupted.train(0..SAVED_AT);
        interrupted.save(&folder.path().join(&name));
        // What a save leaves behind must not matter either.
        assert!(interrupted.future(SAVED_AT..BATCHES) == straight.last().unwrap().1, "{name} after saving");
    }
    let child =
        another_process("bitwise::every_optimizer_and_scaler_resumes_in_a_new_process", folder.path());
    assert!({ child }.status().unwrap().success());
    for (name, wanted) in straight {
        let resumed = std::fs::read(folder.path().join(name.clone() + ".resumed")).unwrap();
        assert!(resumed == wanted, "{name} went another way");
    }
}

#[test]
fn the_scale_grows_and_backs_off_around_the_checkpoint() {
    let _alone = alone();
    let mut training = Training::new(Case::largest(), 1);
    let mut scales = Vec::new();
    for batch in (0..BATCHES).step_by(2) {
        training.train(batch..(batch + 2).min(BATCHES));
        scales.push(training.optim.loss_scale().unwrap());
    }
    let before = &scales[..6];
    let after = &scales[6..];
    assert!(before.windows(2).any(|pair| pair[1] > pair[0]), "{scales:?}");
    assert!(after.windows(2).any(|pair| pair[1] > pair[0]), "{scales:?}");
    assert!(scales.windows(2).any(|pair| pair[1] < pair[0]), "{scales:?}");
}

#[test]
fn a_window_keeps_its_own_scale() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut straight = Training::new(Case::largest(), 1);
    straight.train(0..SAVED_AT);
    straight.optim.set_loss_scale(77.).unwrap();
    straight.save(&path);
    let wanted = straight.future(SAVED_AT..BATCHES);

    // Into the middle of another training, whose last update is still to be judged: nothing of it is left.
    let mut resumed = Training::new(Case::largest(), 2);
    resumed.train(0..5);
    resumed.load(&path, LoadOptions::default()).unwrap();
    assert!(resumed.fingerprint() == std::fs::read(&path).unwrap());
    assert!(resumed.future(SAVED_AT..BATCHES) == wanted);
}

#[test]
fn another_precision_takes_over_an_open_window() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let sgd = Sgd { lr: 1., ..Sgd::default() };
    let mut f16 = Training::new(Case::new(sgd, Precision::F16, LossScale::Static(4096.)), 1);
    f16.train(2..5);
    f16.save(&path);
    let without_scaler = LoadOptions { without_scaler: true, ..LoadOptions::default() };
    let mut bf16 = Training::new(Case::new(sgd, Precision::Bf16, LossScale::Off), 2);
    bf16.load(&path, LoadOptions::default()).unwrap_err();
    bf16.load(&path, without_scaler).unwrap();
    let mut f16_other = Training::new(Case::new(sgd, Precision::F16, lively_scale()), 3);
    f16_other.load(&path, without_scaler).unwrap();
    let bias = |training: &Training| training.store.variables()["linear.bias"].detach().copy();
    let before = bias(&f16);
    for training in [&mut f16, &mut bf16, &mut f16_other] {
        tch::manual_seed(5);
        training.train(5..6);
    }
    // The half that was saved weighs as much as the half that came after, whatever scale each carried.
    let wanted = bias(&f16) - &before;
    for other in [&bf16, &f16_other] {
        let found = bias(other) - &before;
        assert!(found.allclose(&wanted, 0.05, 1e-4, false), "{found} {wanted}");
    }
}

#[test]
fn a_variable_that_no_update_has_met_yet_is_saved() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let grown = || {
        let mut training = Training::new(Case::largest(), 1);
        training.train(0..2);
        nn::linear(training.store.root() / "late", 2, 2, nn::LinearConfig::default());
        training
    };
    grown().save(&path);
    let mut other = grown();
    other.train(2..4);
    other.load(&path, LoadOptions::default()).unwrap();
    assert!(other.fingerprint() == std::fs::read(&path).unwrap());
}

#[test]
fn several_wrappers_share_a_checkpoint() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    // A store for each wrapper, and one of all their variables for the checkpoint.
    let build = || {
        let (store, critic) = (VarStore::new(Device::Cpu), VarStore::new(Device::Cpu));
        let _ = nn::linear(store.root() / "a", 3, 1, nn::LinearConfig::default());
        let _ = nn::linear(critic.root() / "a", 3, 1, nn::LinearConfig::default());
        let mut optims = OptimWrapperDict::new();
        let scale = LossScale::dynamic();
        let sgd = Sgd { momentum: 0.9, ..Sgd::default() };
        let generator = OptimWrapper::builder(Adam::default()).precision(Precision::F16).loss_scale(scale);
        optims.insert("a/b%", generator.build(&store).unwrap());
        optims.insert("critic", OptimWrapper::builder(sgd).accumulate(3).build(&critic).unwrap());
        let error = checkpoint::save(&path, &critic, &mut optims, &json!(1)).unwrap_err();
        assert!(matches!(error, CheckpointError::AnotherStore { .. }), "{error}");
        (VarStore::merge(vec![(store, Some("g.")), (critic, Some("c."))]).unwrap(), optims)
    };
    let train = |(all, optims): &mut (VarStore, OptimWrapperDict)| {
        for (name, weight) in [("a/b%", "g.a.weight"), ("critic", "c.a.weight")] {
            let xs = Tensor::ones([2, 3], (Kind::Float, Device::Cpu));
            let loss = xs.matmul(&all.variables()[weight].tr()).square().sum(Kind::Float);
            let _ = optims.get(name).unwrap().update_params(&loss).unwrap();
        }
    };
    let mut first = build();
    train(&mut first);
    checkpoint::save(&path, &first.0, &mut first.1, &json!(1)).unwrap();
    let mut second = build();
    checkpoint::load(&path, &mut second.0, &mut second.1, LoadOptions::default()).unwrap();
    train(&mut first);
    train(&mut second);
    checkpoint::save(&path, &first.0, &mut first.1, &json!(1)).unwrap();
    let wanted = std::fs::read(&path).unwrap();
    checkpoint::save(&path, &second.0, &mut second.1, &json!(1)).unwrap();
    assert!(std::fs::read(&path).unwrap() == wanted);
    let error = checkpoint::load(&path, &mut first.0, first.1.get("critic").unwrap(), LoadOptions::default());
    assert!(error.unwrap_err().to_string().contains("`optimizer/`"));
}
