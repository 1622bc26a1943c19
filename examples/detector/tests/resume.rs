//! A training that was killed or interrupted goes on as if nothing had happened, to the bit.
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Six epochs of three steps in f32 on one thread, with averaged weights.
fn training(work: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_detector"));
    command
        .args(["train", "cells", "--amp", "off", "--threads", "1", "--work-dir"])
        .arg(work)
        .args(more)
        .args([
            "--cfg-options",
            "train_dataloader.dataset.num_images=6",
            "train_dataloader.batch_size=2",
            "train_dataloader.dataset.image_size=[96, 64]",
            "train_dataloader.dataset.pipeline.0.scale=[96, 64]",
            "val_dataloader.dataset.num_images=2",
            "val_dataloader.dataset.image_size=[96, 64]",
            "val_dataloader.dataset.pipeline.0.scale=[96, 64]",
            "train_cfg.max_epochs=6",
            "default_hooks.checkpoint.interval=1",
            "default_hooks.logger.interval=1",
            "custom_hooks=[{type = \"EMAHook\", momentum = 0.1}]",
        ]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// All tensors of the last checkpoint and of its averages, as bytes.
fn weights(work: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for name in ["epoch_6.safetensors", "epoch_6.ema.safetensors"] {
        let bytes = fs::read(work.join(name)).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        all.extend(
            file.tensors()
                .into_iter()
                .map(|(key, tensor)| (format!("{name}: {key}"), tensor.data().to_vec())),
        );
    }
    all.sort();
    all
}

#[track_caller]
fn same(a: &[(String, Vec<u8>)], b: &[(String, Vec<u8>)]) {
    assert!(a.len() > 100 && a.len() == b.len());
    for ((name, a), (other, b)) in a.iter().zip(b) {
        assert!(name == other && a == b, "{name} differs");
    }
}

/// Steps and losses, as they were written down.
fn losses(work: &Path) -> Vec<(u64, String)> {
    let text = fs::read_to_string(work.join("scalars.json")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .filter(|line| line.get("loss").is_some())
        .map(|line| (line["step"].as_u64().unwrap(), line["loss"].to_string()))
        .collect()
}

/// Waits for the first checkpoint.
fn has_checkpoint(work: &Path, child: &mut Child) {
    let begin = Instant::now();
    while !work.join("last_checkpoint").exists() {
        assert!(
            begin.elapsed() < Duration::from_secs(120) && child.try_wait().unwrap().is_none(),
            "there is no checkpoint"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn pseudo_random(seed: u64) -> u64 {
    seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 33
}

/// Three batches an epoch, six epochs, windows of four: two batches are left over at the end, and must not be lost.
#[test]
fn the_last_window_of_an_accumulation_is_an_update_too() {
    let folder = tempfile::tempdir().unwrap();
    let updates = |counts: &str| {
        let work = folder.path().join(counts);
        let counts = format!("optim_wrapper.accumulative_counts={counts}");
        assert!(training(&work, &[]).arg(counts).status().unwrap().success());
        let bytes = fs::read(work.join("epoch_6.safetensors")).unwrap();
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let state = &header.metadata().as_ref().unwrap()["state"];
        let state: serde_json::Value = serde_json::from_str(state).unwrap();
        state.pointer("/wrappers//numbers/applied").unwrap().as_u64().unwrap()
    };
    assert_eq!(updates("1"), 18);
    assert_eq!(updates("4"), 5);
}

#[test]
fn killed_and_interrupted_trainings_end_with_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let begin = Instant::now();
    assert!(training(&whole, &[]).status().unwrap().success());
    let length = begin.elapsed();
    let wanted = weights(&whole);

    // Killed at random moments after the first checkpoint; the seed is the time, and told.
    #[allow(clippy::cast_possible_truncation)]
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    eprintln!("seed {seed}");
    for round in 0..3 {
        let work = folder.path().join(format!("killed{round}"));
        let mut child = training(&work, &[]).spawn().unwrap();
        has_checkpoint(&work, &mut child);
        let most = u64::try_from(length.as_millis()).unwrap() / 2;
        std::thread::sleep(Duration::from_millis(pseudo_random(seed + round) % most.max(1)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(training(&work, &["--resume"]).status().unwrap().success());
        same(&weights(&work), &wanted);
        assert_eq!(losses(&work), losses(&whole), "no step is written down twice");
    }

    // Interrupted by Ctrl-C in the middle of an epoch.
    let work = folder.path().join("interrupted");
    let mut child = training(&work, &[]).stderr(Stdio::piped()).spawn().unwrap();
    has_checkpoint(&work, &mut child);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    if status.code() == Some(130) {
        let log = fs::read_to_string(work.join("train.log")).unwrap();
        assert!(log.contains("interrupted; everything is in `"), "{log}");
        assert!(log.contains("to go on: detector train cells --work-dir "), "{log}");
        assert!(log.trim_end().ends_with("--resume"), "{log}");
    } else {
        // It was in its last step.
        assert!(status.success());
    }
    assert!(training(&work, &["--resume"]).status().unwrap().success());
    same(&weights(&work), &wanted);
}
