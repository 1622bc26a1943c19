//! The built program, command by command: what it prints, writes and draws.
#[path = "commands/mistakes.rs"]
mod mistakes;
#[path = "commands/pictures.rs"]
mod pictures;
#[path = "commands/program.rs"]
mod program;

use program::{Done, SMALL, detector, trained};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn training_writes_lines_scalars_checkpoints_and_its_configuration() {
    let work = trained();
    let log = fs::read_to_string(work.join("train.log")).unwrap();
    let line =
        log.lines().find(|line| line.contains("Epoch(train)  [1][2/3]")).unwrap_or_else(|| panic!("{log}"));
    for part in [
        " - detector - INFO - ",
        "lr: ",
        "eta: 0:0",
        "time: 0.",
        "data_time: 0.",
        "memory: ",
        "grad_norm: ",
        "loss: ",
        "loss_cls: ",
        "loss_bbox: ",
        "loss_centerness: ",
    ] {
        assert!(line.contains(part), "`{part}` is not in {line}");
    }
    assert!(!line.contains("loss_scale"), "bf16 has none: {line}");
    assert!(log.contains("preflight: loss ") && log.contains("cosine between the gradients"), "{log}");
    assert!(log.contains("Epoch(val)  [2][1/1]  pascal_voc/mAP: 0."), "{log}");

    let scalars = fs::read_to_string(work.join("scalars.json")).unwrap();
    let lines: Vec<Value> = scalars.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let steps: Vec<u64> = lines
        .iter()
        .filter(|line| line.get("loss").is_some())
        .map(|line| line["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, [2, 3, 5, 6], "every second step, and the last of an epoch");
    assert!(lines.iter().any(|line| line["pascal_voc/mAP"].is_f64()));

    assert_eq!(fs::read_to_string(work.join("last_checkpoint")).unwrap(), "epoch_2.safetensors");
    assert!(
        work.join("epoch_2.safetensors").exists() && !work.join("epoch_1.safetensors").exists(),
        "one is kept"
    );
    let best = fs::read_dir(work)
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("best_pascal_voc_mAP_epoch_"))
        .count();
    assert_eq!(best, 1);
    let config = fs::read_to_string(work.join("config.toml")).unwrap();
    assert!(config.contains("bfloat16") && config.contains("max_epochs = 2"), "{config}");
}

#[test]
fn test_measures_and_lists() {
    let work = trained();
    let folder = tempfile::tempdir().unwrap();
    let (out, show) = (folder.path().join("found.json"), folder.path().join("show"));
    let Done { output, .. } =
        detector(["test", text(work), "--out", text(&out), "--show-dir", text(&show)]).succeeds();
    assert!(output.contains("class      gts  dets  recall"), "{output}");
    assert!(
        output.contains("best_pascal_voc_mAP_epoch_") && output.contains(" in bf16, on 4 images"),
        "{output}"
    );
    let logged = fs::read_to_string(work.join("scalars.json")).unwrap();
    let best = logged
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).unwrap()["pascal_voc/mAP"].as_f64());
    let best = best.fold(0., f64::max);
    assert!(
        output.contains(&format!("pascal_voc/mAP: {best:.4}")),
        "the best checkpoint has the number it was kept for: {output}"
    );
    let found: Vec<Value> = serde_json::from_slice(&fs::read(out).unwrap()).unwrap();
    assert!(found.iter().all(
        |found| found["bbox"].as_array().unwrap().len() == 4 && found["image_id"].as_i64().unwrap() <= 4
    ));
    assert_eq!(fs::read_dir(show).unwrap().count(), 4);
    // The same weights in another precision, by COCO's numbers.
    let options = ["--amp", "off", "--cfg-options", "val_evaluator.type=CocoMetric"];
    let Done { output, .. } = detector(["test", text(work)].into_iter().chain(options)).succeeds();
    assert!(output.contains(" in full, on 4 images"), "{output}");
    assert_eq!(output.matches("Average Precision  (AP) @[ IoU=").count(), 6, "{output}");
    assert!(output.contains("bbox_mAP_copypaste: ") && output.contains("coco/bbox_mAP: "), "{output}");
}

#[test]
fn resuming_what_is_done_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    for name in ["epoch_2.safetensors", "last_checkpoint", "scalars.json"] {
        fs::create_dir_all(&work).unwrap();
        fs::copy(trained().join(name), work.join(name)).unwrap();
    }
    let before = fs::read(work.join("epoch_2.safetensors")).unwrap();
    let arguments =
        ["train", "cells", "--amp", "bf16", "--resume", "--work-dir", text(&work), "--cfg-options"];
    let Done { output, .. } = detector(arguments.into_iter().chain(SMALL)).succeeds();
    assert!(output.contains("after step 6"), "{output}");
    assert_eq!(fs::read(work.join("epoch_2.safetensors")).unwrap(), before);
}

#[test]
fn bench_prints_a_table_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("bench.json");
    let options = [
        "bench",
        "cells",
        "--batch-size",
        "2",
        "--size",
        "64x64",
        "--rounds",
        "2",
        "--amp",
        "off",
        "bf16",
        "--json",
        text(&json),
    ];
    let Done { output, .. } = detector(options).succeeds();
    for part in [
        "forward ms",
        "images/s",
        "vs f32",
        "step ms",
        "peak MB",
        "full, channels last",
        "bf16, channels last",
        "\nbf16 ",
    ] {
        assert!(output.contains(part), "`{part}` is not in {output}");
    }
    let document: Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    let rows = document["rows"].as_array().unwrap();
    assert_eq!((rows.len(), document["batch_size"].as_u64()), (4, Some(2)));
    assert!(rows.iter().all(|row| row["step_seconds"].as_array().unwrap().len() == 2
        && row["peak_bytes"].as_u64().unwrap() > 1 << 20));
}

#[test]
fn explain_shows_every_function_and_what_its_layers_did() {
    let Done { output, .. } = detector(["explain"]).succeeds();
    for part in [
        "model::fpn::",
        "upsample_nearest2d: low",
        "group_norm: full",
        "detector::train::step",
        ": by layer, ran ",
        " low",
    ] {
        assert!(output.contains(part), "`{part}` is not in {output}");
    }
    let Done { output, .. } = detector(["explain", "sigmoid_focal", "--json"]).succeeds();
    let plans: Vec<Value> = serde_json::from_str(&output).unwrap();
    assert_eq!(plans.len(), 1);
    let ops: Vec<&str> =
        plans[0]["sites"].as_array().unwrap().iter().filter_map(|site| site["op"].as_str()).collect();
    assert!(ops.iter().any(|op| op.contains("binary_cross_entropy_with_logits")), "{ops:?}");
}
