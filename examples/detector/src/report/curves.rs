//! Loss, loss scale, learning rate and mAP of runs, as one picture.
use super::draw::FONT;
use super::panel::{Panel, draw_panel, power_of_two, short};
use super::scalars::Run;
use image::RgbImage;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use std::path::{Path, PathBuf};

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CurvesError {
    /// A name that ends otherwise.
    #[error("`{}` has to end in `.png` or `.svg`", .0.display())]
    Extension(PathBuf),
    /// It cannot be drawn or written.
    #[error("cannot draw `{}`: {message}", path.display())]
    Draw {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        message: String,
    },
}

/// Width and height of the picture in pixels.
const SIZE: (u32, u32) = (1200, 800);

/// A PNG is drawn at so many times its size and made smaller, which smooths its lines.
const FINER: u32 = 2;

/// Left to right, top to bottom.
const PANELS: [Panel; 4] = [
    Panel {
        title: "training loss",
        points: |run| run.loss.clone(),
        smooth: true,
        marks: false,
        range: None,
        tick: short,
        legend: SeriesLabelPosition::UpperRight,
    },
    Panel {
        title: "mAP of the validation set",
        points: |run| run.map.clone(),
        smooth: false,
        marks: false,
        range: Some((0., 1.)),
        tick: short,
        legend: SeriesLabelPosition::LowerRight,
    },
    Panel {
        title: "learning rate",
        points: |run| run.lr.clone(),
        smooth: false,
        marks: false,
        range: Some((0., 0.)),
        tick: short,
        legend: SeriesLabelPosition::UpperRight,
    },
    Panel {
        title: "loss scale (x: updates were skipped)",
        points: |run| run.loss_scale.iter().map(|(step, scale)| (*step, scale.log2())).collect(),
        smooth: false,
        marks: true,
        range: None,
        tick: power_of_two,
        legend: SeriesLabelPosition::LowerRight,
    },
];

/// Draws the runs over each other: `.png` or `.svg`. Panels that no run has numbers for are left out.
///
/// # Errors
/// See [`CurvesError`].
pub fn curves(runs: &[Run], path: &Path) -> Result<(), CurvesError> {
    let failed = |message: String| CurvesError::Draw { path: path.to_owned(), message };
    // Again and again is fine: it is kept by its name.
    register_font("sans-serif", FontStyle::Normal, FONT)
        .map_err(|_| failed("the font is broken".to_owned()))?;
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png") => {
            let (width, height) = (SIZE.0 * FINER, SIZE.1 * FINER);
            let mut pixels = RgbImage::new(width, height);
            draw(&BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area(), FINER, runs)
                .map_err(failed)?;
            image::imageops::thumbnail(&pixels, SIZE.0, SIZE.1)
                .save(path)
                .map_err(|error| failed(error.to_string()))
        }
        Some("svg") => {
            let mut text = String::new();
            draw(&SVGBackend::with_string(&mut text, SIZE).into_drawing_area(), 1, runs).map_err(failed)?;
            std::fs::write(path, text).map_err(|error| failed(error.to_string()))
        }
        _ => Err(CurvesError::Extension(path.to_owned())),
    }
}

fn draw<DB: DrawingBackend>(area: &DrawingArea<DB, Shift>, unit: u32, runs: &[Run]) -> Result<(), String> {
    let message = |error: DrawingAreaErrorKind<DB::ErrorType>| error.to_string();
    let panels: Vec<&Panel> =
        PANELS.iter().filter(|panel| runs.iter().any(|run| !(panel.points)(run).is_empty())).collect();
    area.fill(&WHITE).map_err(message)?;
    let columns = if panels.len() > 1 { 2 } else { 1 };
    let rows = panels.len().div_ceil(columns).max(1);
    for (index, (panel, area)) in panels.iter().zip(area.split_evenly((rows, columns))).enumerate() {
        draw_panel(&area, unit, panel, runs, index == 0 && runs.len() > 1).map_err(message)?;
    }
    area.present().map_err(message)
}
