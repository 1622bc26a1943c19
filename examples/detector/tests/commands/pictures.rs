//! The pictures that the commands draw, opened and looked at.
use super::program::{Done, detector, trained};
use image::RgbImage;
use std::fs;
use std::path::Path;

/// The first two colours of the palette: classes and runs.
const BLUE: [u8; 3] = [0, 114, 178];
const ORANGE: [u8; 3] = [213, 94, 0];

fn open(path: &Path) -> RgbImage {
    image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into_rgb8()
}

fn count(image: &RgbImage, colour: [u8; 3]) -> usize {
    image.pixels().filter(|pixel| pixel.0 == colour).count()
}

#[test]
fn training_draws_its_curves_and_predictions() {
    let curves = open(&trained().join("curves.png"));
    assert_eq!(curves.dimensions(), (1200, 800));
    assert!(count(&curves, [255, 255, 255]) > 600_000, "it is mostly white");
    // Each of the three panels that a bf16 training has, and not the fourth, has a line.
    for (x, y, has_line) in [(0, 0, true), (600, 0, true), (0, 400, true), (600, 400, false)] {
        let panel = image::imageops::crop_imm(&curves, x, y, 600, 400).to_image();
        assert_eq!(count(&panel, BLUE) > 100, has_line, "the panel at {x}, {y}");
    }
    let predictions = open(&trained().join("predictions.png"));
    assert_eq!(
        predictions.dimensions(),
        (4 * 136 + 8, 124 + 8),
        "four images of 128 x 96 with captions in a row"
    );
    assert!(count(&predictions, [20, 20, 20]) > 200, "the truth is drawn in black");
}

#[test]
fn browse_draws_the_boxes_that_training_sees() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("seen");
    let arguments = ["browse", "cells", "--num", "5", "--out", out.to_str().unwrap()];
    let Done { output, .. } = detector(arguments).succeeds();
    assert!(output.contains("5 images in `"), "{output}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 6, "five images and the sheet of all");
    let sheet = open(&out.join("sheet.png"));
    assert_eq!(sheet.dimensions(), (4 * 328 + 8, 2 * 268 + 8));
    assert!(count(&sheet, BLUE) > 2000, "red cells have blue boxes");
    // Another seed draws other images, the same one the same.
    let again = folder.path().join("again");
    detector(["browse", "cells", "--num", "5", "--out", again.to_str().unwrap()]).succeeds();
    assert_eq!(open(&again.join("sheet.png")), sheet);
    detector(["browse", "cells", "--num", "5", "--seed", "9", "--out", again.to_str().unwrap()]).succeeds();
    assert_ne!(open(&again.join("sheet.png")), sheet);
}

#[test]
fn predict_draws_and_lists_what_it_finds() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    detector(["browse", "cells", "--num", "1", "--out", seen.to_str().unwrap()]).succeeds();
    let photo = folder.path().join("photo.png");
    fs::remove_file(seen.join("sheet.png")).unwrap();
    let image = fs::read_dir(&seen).unwrap().next().unwrap().unwrap();
    fs::rename(image.path(), &photo).unwrap();
    let out = folder.path().join("out");
    let model = trained().to_str().unwrap();
    // Two epochs teach little: everything counts.
    let arguments = [
        "predict",
        photo.to_str().unwrap(),
        "--model",
        model,
        "--out",
        out.to_str().unwrap(),
        "--score-thr",
        "0",
        "--cfg-options",
        "model.test_cfg.score_thr=0",
    ];
    let Done { output, .. } = detector(arguments).succeeds();
    assert!(output.contains("drawn in `"), "{output}");
    let listed: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("predictions.json")).unwrap()).unwrap();
    let detections = listed[0]["detections"].as_array().unwrap();
    assert!(!detections.is_empty(), "{listed}");
    let (before, after) = (open(&photo), open(&out.join("photo.png")));
    assert_eq!(before.dimensions(), after.dimensions());
    // The middle of the upper edge of the best box has the colour of its class, unless another box lies over it.
    let coloured = detections.iter().filter(|found| {
        let corner = |index: usize| found["bbox"][index].as_f64().unwrap();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let (x, y) = (f64::midpoint(corner(0), corner(2)) as u32, corner(3).round() as u32 - 1);
        after.get_pixel(x.min(after.width() - 1), y.min(after.height() - 1))
            != before.get_pixel(x.min(before.width() - 1), y.min(before.height() - 1))
    });
    assert!(coloured.count() * 2 > detections.len(), "most boxes are seen");
}

#[test]
fn plot_lays_runs_over_each_other() {
    let folder = tempfile::tempdir().unwrap();
    // A second run, with a loss scale and skipped updates, as MMEngine writes its numbers.
    let lines = [
        r#"{"lr": 0.001, "loss": 3.5, "grad_norm": NaN, "loss_scale": 65536.0, "skipped": 0, "epoch": 1, "step": 2}"#,
        r#"{"lr": 0.001, "loss": 2.5, "grad_norm": 1.0, "loss_scale": 32768.0, "skipped": 1, "epoch": 1, "step": 4}"#,
        r#"{"pascal_voc/mAP": 0.5, "step": 1}"#,
    ];
    let other = folder.path().join("scalars.json");
    fs::write(&other, lines.join("\n")).unwrap();
    let work = trained().to_str().unwrap();
    let plot = |name: &str| {
        let out = folder.path().join(name);
        let runs = ["plot", work, other.to_str().unwrap(), "--legend", "bf16", "fp16"];
        detector(runs.into_iter().chain(["--out", out.to_str().unwrap()])).succeeds();
        out
    };
    let out = plot("both.png");
    let picture = open(&out);
    assert!(count(&picture, BLUE) > 300 && count(&picture, ORANGE) > 300);
    let scale = image::imageops::crop_imm(&picture, 600, 400, 600, 400).to_image();
    assert!(
        count(&scale, ORANGE) > 100 && count(&scale, [255, 0, 0]) > 4,
        "the loss scale, and a cross where it fell"
    );
    let out = plot("both.svg");
    let text = fs::read_to_string(out).unwrap();
    for part in [
        "training loss",
        "loss scale",
        "learning rate",
        "mAP of the validation set",
        "bf16",
        "fp16",
        "#0072B2",
        "#D55E00",
    ] {
        assert!(text.contains(part), "`{part}` is not in the picture");
    }
}
