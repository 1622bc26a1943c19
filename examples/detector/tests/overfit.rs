//! Eight images can be learned by heart, in bf16, within two minutes: about 45 seconds on two cores.
use std::process::Command;

#[test]
fn eight_images_are_learned_by_heart() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_detector"))
        .args([
            "train",
            "cells",
            "--amp",
            "bf16",
            "--work-dir",
            folder.path().to_str().unwrap(),
            "--cfg-options",
        ])
        .args([
            "train_dataloader.dataset.num_images=8",
            "train_dataloader.batch_size=2",
            "train_dataloader.dataset.pipeline=[{type = \"Resize\", scale = [320, 240]}]",
            // the same images
            "val_dataloader.dataset.num_images=8",
            "val_dataloader.dataset.seed=1",
            "train_cfg.max_epochs=48",
            "train_cfg.val_interval=48",
            "param_scheduler.0.end=20",
            "param_scheduler.1.T_max=48",
            "default_hooks.checkpoint.interval=48",
        ])
        .output()
        .unwrap();
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{log}{}", String::from_utf8_lossy(&output.stderr));
    let map = log.split("pascal_voc/mAP: ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let map: f64 = map.parse().unwrap();
    assert!(map > 0.95, "mAP@0.5 is {map}\n{log}");
}
