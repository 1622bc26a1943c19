//! Curves: where their lines are, and what is left out.
use super::{BLUE, ORANGE, count};
use detector::report::{Run, curves};
use image::{RgbImage, imageops};
use std::path::Path;

/// 200 lines of a loss that falls from 4 to 1 with noise, and a loss scale that halves twice.
fn run(name: &str, scaled: bool) -> Run {
    let steps = (1..=200).map(|line| f64::from(line) * 10.);
    let loss = |step: f64| 1. + 3. * (-step / 400.).exp() + 0.15 * (step * 1.7).sin();
    let scale = |step: f64| {
        if step < 500. {
            65536.
        } else if step < 1200. {
            32768.
        } else {
            16384.
        }
    };
    Run {
        name: name.to_owned(),
        loss: steps.clone().map(|step| (step, loss(step))).collect(),
        lr: steps.clone().map(|step| (step, 0.01 * (step / 500.).min(1.))).collect(),
        loss_scale: if scaled { steps.map(|step| (step, scale(step))).collect() } else { Vec::new() },
        skipped: if scaled { vec![500., 1200.] } else { Vec::new() },
        map: vec![(500., 0.3), (1000., 0.55), (1500., 0.7), (2000., 0.72)],
    }
}

fn drawn(runs: &[Run], folder: &Path) -> RgbImage {
    let path = folder.join("curves.png");
    curves(runs, &path).unwrap();
    image::open(path).unwrap().into_rgb8()
}

/// Which of the four panels have a line of the colour.
fn panels(picture: &RgbImage, colour: [u8; 3]) -> [bool; 4] {
    [(0, 0), (600, 0), (0, 400), (600, 400)]
        .map(|(x, y)| count(&imageops::crop_imm(picture, x, y, 600, 400).to_image(), colour) > 100)
}

/// The ends of the horizontal axis and the vertical one, in pixels, by the grey of the axes.
fn axes(panel: &RgbImage) -> (u32, u32) {
    let grey = [120, 120, 120];
    let row = (0..panel.height())
        .max_by_key(|&y| panel.rows().nth(y as usize).unwrap().filter(|p| p.0 == grey).count());
    let column = (0..panel.width())
        .max_by_key(|&x| (0..panel.height()).filter(|&y| panel.get_pixel(x, y).0 == grey).count());
    (column.unwrap(), row.unwrap())
}

#[test]
fn each_quantity_has_its_panel() {
    let folder = tempfile::tempdir().unwrap();
    let both = drawn(&[run("fp16", true), run("bf16", false)], folder.path());
    assert_eq!(both.dimensions(), (1200, 800));
    assert_eq!(panels(&both, ORANGE), [true, true, true, false], "bf16 has no loss scale");
    let scaled = drawn(&[run("fp16", true)], folder.path());
    assert_eq!(panels(&scaled, BLUE), [true; 4]);
    assert_eq!(panels(&scaled, ORANGE), [false; 4]);
    // The names of all runs stand in the first panel alone, which has lines of the loss only below.
    let corner = |x, y| imageops::crop_imm(&both, x, y, 140, 50).to_image();
    assert!(count(&corner(440, 36), BLUE) > 30 && count(&corner(440, 36), ORANGE) > 30);
    assert_eq!(count(&corner(440, 436), BLUE), 0);
    let plain = drawn(&[run("bf16", false)], folder.path());
    assert_eq!(panels(&plain, BLUE), [true, true, true, false]);
    assert!(count(&imageops::crop_imm(&plain, 600, 400, 600, 400).to_image(), [255; 3]) == 240_000);
}

#[test]
fn an_map_of_a_half_is_half_way_up() {
    let folder = tempfile::tempdir().unwrap();
    let map = vec![(0., 0.5), (1000., 0.5)];
    let picture = drawn(&[Run { name: "half".to_owned(), map, ..Run::default() }], folder.path());
    // One panel fills the picture. Its axis goes from -0.05 to 1.05, below the title and the margin.
    let (left, bottom) = axes(&picture);
    let line = (0..picture.height()).find(|&y| picture.get_pixel(left + 300, y).0 == BLUE).unwrap();
    let rows: Vec<u32> = (0..bottom - 5).filter(|&y| picture.get_pixel(left + 20, y).0 != [255; 3]).collect();
    let top = *rows.first().unwrap();
    // The grid's first line is at 1, its last one at 0.
    let zero = *rows.last().unwrap();
    assert!(line.abs_diff(u32::midpoint(top, zero)) <= 2, "{line} between {top} and {zero}");
    assert!(bottom - zero > 10);
}

#[test]
fn skipped_updates_are_crossed_on_the_line_of_the_scale() {
    let folder = tempfile::tempdir().unwrap();
    let picture = drawn(&[run("fp16", true)], folder.path());
    let red: Vec<(u32, u32)> =
        picture.enumerate_pixels().filter(|(_, _, p)| p.0 == [255, 0, 0]).map(|(x, y, _)| (x, y)).collect();
    assert!(red.iter().all(|&(x, y)| x > 600 && y > 400), "they are in the last panel alone");
    let (low, high): (Vec<u32>, Vec<u32>) = red.iter().map(|(x, _)| *x).partition(|&x| x < 850);
    let middle = |xs: &[u32]| {
        f64::midpoint(f64::from(*xs.iter().min().unwrap()), f64::from(*xs.iter().max().unwrap()))
    };
    let (first, second) = (middle(&low), middle(&high));
    // 700 steps lie between them, and the axis has 2040.
    let axis = (second - first) * 2040. / 700.;
    // The panel's width without margins and labels; a pixel more or less is three of the axis.
    assert!((axis - (600. - 2. * 14. - 70.)).abs() < 3., "{axis} pixels");
}

#[test]
fn the_smoothed_line_does_not_lag() {
    let folder = tempfile::tempdir().unwrap();
    // A straight line is its own mean; an average that looks back only would run above it.
    let loss = (0..300).map(|step| (f64::from(step), 300. - f64::from(step))).collect();
    let picture = drawn(&[Run { name: "straight".to_owned(), loss, ..Run::default() }], folder.path());
    let blue: Vec<(u32, u32)> =
        picture.enumerate_pixels().filter(|(_, _, p)| p.0 == BLUE).map(|(x, y, _)| (x, y)).collect();
    let (first, last) = (blue.iter().min().unwrap(), blue.iter().max().unwrap());
    let slope = (f64::from(last.1) - f64::from(first.1)) / (f64::from(last.0) - f64::from(first.0));
    for (x, y) in &blue {
        let expected = f64::from(first.1) + slope * (f64::from(*x) - f64::from(first.0));
        assert!((f64::from(*y) - expected).abs() < 4., "{x}, {y}: not {expected}");
    }
    assert!(last.0 - first.0 > 900);
}

#[test]
fn the_smoothed_line_is_calmer_than_the_numbers() {
    let folder = tempfile::tempdir().unwrap();
    // Up and down by 1 around 5: the strong line stays in the middle, the pale one goes from edge to edge.
    let loss = (0..300).map(|step| (f64::from(step), 5. + f64::from(step % 2 * 2 - 1))).collect();
    let picture = drawn(&[Run { name: "restless".to_owned(), loss, ..Run::default() }], folder.path());
    // Without the first and last steps, where the mean is of few numbers.
    let strong: Vec<u32> = picture
        .enumerate_pixels()
        .filter(|(x, _, pixel)| (250..1000).contains(x) && pixel.0 == BLUE)
        .map(|(_, y, _)| y)
        .collect();
    let height = strong.iter().max().unwrap() - strong.iter().min().unwrap();
    assert!(height < 80, "{height} of 800 pixels");
    assert!(strong.len() > 100);
}

#[test]
fn odd_numbers_are_drawn_too() {
    let folder = tempfile::tempdir().unwrap();
    let of = |loss: Vec<(f64, f64)>| Run { name: "odd".to_owned(), loss, ..Run::default() };
    let one = drawn(&[of(vec![(5., 2.)])], folder.path());
    assert!(count(&one, BLUE) > 10, "a single number is a dot");
    let short = Run { loss_scale: vec![(2., 65536.), (4., 32768.)], ..of(vec![(2., 3.5), (4., 2.5)]) };
    assert_eq!(panels(&drawn(&[short], folder.path()), BLUE)[..2], [true; 2], "two points are a line");
    let same = drawn(&[of(vec![(1., 0.), (2., 0.)])], folder.path());
    assert!(count(&same, BLUE) > 100);
    let broken = drawn(&[of(vec![(0., f64::NAN), (1., 1.), (2., f64::INFINITY), (3., 1.)])], folder.path());
    assert!(count(&broken, BLUE) > 100, "what can be drawn is");
    drawn(&[of(vec![(1., f64::NAN)])], folder.path());
    drawn(&[], folder.path());
}

#[test]
fn a_vector_picture_has_names_and_an_unknown_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curves.svg");
    let runs = [run("half precision", true), run("bf16", false)];
    curves(&runs, &path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for part in
        ["training loss", "loss scale", "half precision", "bf16", "2^15", "#0072B2", "#D55E00", "</svg>"]
    {
        assert!(text.contains(part), "`{part}`");
    }
    let error = curves(&runs, Path::new("curves.pdf")).unwrap_err().to_string();
    assert_eq!(error, "`curves.pdf` has to end in `.png` or `.svg`");
    let error = curves(&runs, &folder.path().join("no/curves.png")).unwrap_err().to_string();
    assert!(error.starts_with("cannot draw `"), "{error}");
}
