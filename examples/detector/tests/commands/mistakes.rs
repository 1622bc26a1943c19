//! Mistakes on the command line, and what is said about them.
use super::program::{SMALL, detector, trained};
use std::fs;

#[test]
fn a_folder_that_has_a_training_is_not_overwritten() {
    let before = fs::read(trained().join("scalars.json")).unwrap();
    let work = trained().to_str().unwrap();
    let train = |more: &[&'static str]| {
        let arguments = ["train", "cells", "--work-dir", work].into_iter().chain(more.iter().copied());
        detector(arguments.chain(["--cfg-options"]).chain(SMALL))
    };
    train(&[]).fails("has a training already\nhelp: go on with `--resume`, choose another `--work-dir`, or delete it with `--overwrite`");
    assert_eq!(fs::read(trained().join("scalars.json")).unwrap(), before);
}

#[test]
fn overwriting_deletes_the_trainings_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["scalars.json", "epoch_9.safetensors", "notes.txt", "data.safetensors"] {
        fs::write(folder.path().join(name), "old").unwrap();
    }
    let arguments =
        ["train", "cells", "--overwrite", "--work-dir", folder.path().to_str().unwrap(), "--cfg-options"];
    detector(arguments.into_iter().chain(SMALL).chain(["train_cfg.max_epochs=1"])).succeeds();
    assert!(!folder.path().join("epoch_9.safetensors").exists());
    assert_eq!(fs::read(folder.path().join("notes.txt")).unwrap(), b"old");
    assert_eq!(fs::read(folder.path().join("data.safetensors")).unwrap(), b"old");
}

/// As in MMEngine: whoever restarts a training until it is through says the same each time.
#[test]
fn with_nothing_to_resume_a_training_begins() {
    let folder = tempfile::tempdir().unwrap();
    // A training that was ended before its first checkpoint leaves these.
    for name in ["scalars.json", "best_pascal_voc_mAP_epoch_1.safetensors", "train.log"] {
        fs::write(folder.path().join(name), "old").unwrap();
    }
    let arguments =
        ["train", "cells", "--resume", "--work-dir", folder.path().to_str().unwrap(), "--cfg-options"];
    let run = || detector(arguments.into_iter().chain(SMALL).chain(["train_cfg.max_epochs=1"]));
    let out = run().succeeds().output;
    assert!(out.contains("there is nothing to resume in `") && out.contains("training begins anew"), "{out}");
    let out = run().succeeds().output;
    assert!(out.contains("goes on from `"), "{out}");
    // The same, said in the configuration.
    let arguments = ["train", "cells", "--work-dir", folder.path().to_str().unwrap(), "--cfg-options"];
    let options = ["train_cfg.max_epochs=1", "resume=True"];
    let out = detector(arguments.into_iter().chain(SMALL).chain(options)).succeeds().output;
    assert!(out.contains("goes on from `"), "{out}");
}

#[test]
fn checkpoints_without_the_name_of_the_last_are_not_deleted() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("epoch_3.safetensors"), "old").unwrap();
    let arguments = ["train", "cells", "--resume", "--work-dir", folder.path().to_str().unwrap()];
    detector(arguments).fails("epoch_3.safetensors`");
    assert!(folder.path().join("epoch_3.safetensors").exists());
}

#[test]
fn a_checkpoint_of_another_model_says_what_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = trained().join("epoch_2.safetensors");
    let arguments = [
        "train",
        "cells",
        "--amp",
        "bf16",
        "--resume",
        checkpoint.to_str().unwrap(),
        "--work-dir",
        folder.path().to_str().unwrap(),
        "--cfg-options",
    ];
    let other = ["model.neck.out_channels=32"];
    detector(arguments.into_iter().chain(SMALL).chain(other)).fails("cannot resume from `");
    // In another precision it would not go on as it began.
    let arguments = [
        "train",
        "cells",
        "--amp",
        "off",
        "--resume",
        checkpoint.to_str().unwrap(),
        "--work-dir",
        folder.path().to_str().unwrap(),
        "--cfg-options",
    ];
    detector(arguments.into_iter().chain(SMALL)).fails("precision");
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(trained().join("epoch_2.safetensors")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let damaged = folder.path().join("epoch_2.safetensors");
    fs::write(&damaged, bytes).unwrap();
    let work = trained().to_str().unwrap();
    detector(["test", work, "--checkpoint", damaged.to_str().unwrap()]).fails("cannot use the weights in `");
}

#[test]
fn a_contradiction_of_precisions() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "train",
        "cells",
        "--amp",
        "off",
        "--work-dir",
        folder.path().to_str().unwrap(),
        "--cfg-options",
        "optim_wrapper.type=AmpOptimWrapper",
        "optim_wrapper.dtype=bfloat16",
    ];
    detector(arguments).fails("`--amp off` contradicts the configuration");
}

#[test]
fn devices_that_are_not_there() {
    if !tch::Cuda::is_available() {
        detector(["bench", "--device", "cuda:7"])
            .fails("there is no `cuda:7`: libtorch sees 0 CUDA devices\nhelp: `--device cpu`");
    }
    let done = detector(["bench", "--device", "gpu"]);
    assert_eq!(done.code, Some(2));
    assert!(done.errors.contains("write `cpu`, `cuda`, `cuda:1` or `mps`"), "{}", done.errors);
}

#[test]
fn images_that_cannot_be_read_are_named_and_the_others_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.png");
    image::RgbImage::new(64, 64).save(&good).unwrap();
    let bad = folder.path().join("bad.jpg");
    fs::write(&bad, "no picture").unwrap();
    let out = folder.path().join("out");
    let model = trained().to_str().unwrap();
    let done = detector([
        "predict",
        bad.to_str().unwrap(),
        good.to_str().unwrap(),
        "--model",
        model,
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(done.output.contains("bad.jpg` cannot be read: "), "{}", done.output);
    assert!(out.join("good.png").exists());
    done.fails("1 of 2 images could not be read");
    let done = detector(["predict", good.to_str().unwrap(), "--model", model, "--score-thr", "3"]);
    done.fails("`--score-thr 3` is not between 0 and 1");
}

#[test]
fn logs_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.png");
    let out = out.to_str().unwrap();
    let plot = |log: &str| detector(["plot", log, "--out", out]);
    plot("no/such/log").fails("cannot read `no/such/log`: ");
    let log = folder.path().join("log.json");
    fs::write(&log, "{\"loss\": 1, \"step\": 1}\nnonsense\n").unwrap();
    plot(log.to_str().unwrap()).fails("log.json`, line 2: ");
    fs::write(&log, "{\"step\": 1}\n").unwrap();
    plot(log.to_str().unwrap()).fails("has nothing to draw");
    let work = trained().to_str().unwrap();
    detector(["plot", work, "--out", "a.gif"]).fails("`a.gif` has to end in `.png` or `.svg`");
    detector(["plot", work, "--out", out, "--legend", "a", "b"])
        .fails("there are 1 runs and 2 names in `--legend`");
}

#[test]
fn functions_that_are_not_there() {
    detector(["explain", "zebra"]).fails("no `#[amp]` function has `zebra` in its path\nhelp: there are ");
}

#[test]
fn help_is_worth_reading() {
    for command in ["train", "test", "predict", "bench", "explain", "browse", "plot"] {
        let done = detector([command, "--help"]).succeeds();
        assert!(
            done.output.contains("Usage: detector ") && done.output.lines().count() > 8,
            "{}",
            done.output
        );
    }
    let all = detector(["--help"]).succeeds().output;
    assert!(all.contains("detector train cells --amp bf16") && all.contains("Exit status"), "{all}");
}
