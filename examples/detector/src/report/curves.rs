//! Loss, loss scale, learning rate and mAP of runs, as one picture.
use super::draw::{COLOURS, FONT};
use super::scalars::Run;
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

/// A panel: its title, and the points of each run.
struct Panel<'a> {
    title: &'static str,
    points: Box<dyn Fn(&'a Run) -> Vec<(f64, f64)> + 'a>,
    /// Smoothed, with the numbers themselves pale behind.
    smooth: bool,
    /// Marks where updates were skipped.
    marks: bool,
    /// What the vertical axis has at least.
    range: Option<(f64, f64)>,
    /// Where there is room for the legend.
    legend: SeriesLabelPosition,
}

const SIZE: (u32, u32) = (1200, 800);

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
            let mut pixels = vec![0; (SIZE.0 * SIZE.1 * 3) as usize];
            draw(&BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area(), runs).map_err(failed)?;
            image::save_buffer(path, &pixels, SIZE.0, SIZE.1, image::ColorType::Rgb8)
                .map_err(|error| failed(error.to_string()))
        }
        Some("svg") => {
            let mut text = String::new();
            draw(&SVGBackend::with_string(&mut text, SIZE).into_drawing_area(), runs).map_err(failed)?;
            std::fs::write(path, text).map_err(|error| failed(error.to_string()))
        }
        _ => Err(CurvesError::Extension(path.to_owned())),
    }
}

fn draw<DB: DrawingBackend>(area: &DrawingArea<DB, Shift>, runs: &[Run]) -> Result<(), String> {
    let panels = [
        Panel {
            title: "training loss",
            points: Box::new(|run| run.loss.clone()),
            smooth: true,
            marks: false,
            range: None,
            legend: SeriesLabelPosition::UpperRight,
        },
        Panel {
            title: "mAP of the validation set",
            points: Box::new(|run| run.map.clone()),
            smooth: false,
            marks: false,
            range: Some((0., 1.)),
            legend: SeriesLabelPosition::LowerRight,
        },
        Panel {
            title: "learning rate",
            points: Box::new(|run| run.lr.clone()),
            smooth: false,
            marks: false,
            range: Some((0., 0.)),
            legend: SeriesLabelPosition::UpperRight,
        },
        Panel {
            title: "loss scale, log2 (x: updates were skipped)",
            points: Box::new(|run| {
                run.loss_scale.iter().map(|(step, scale)| (*step, scale.log2())).collect()
            }),
            smooth: false,
            marks: true,
            range: None,
            legend: SeriesLabelPosition::UpperLeft,
        },
    ];
    let panels: Vec<_> =
        panels.iter().filter(|panel| runs.iter().any(|run| !(panel.points)(run).is_empty())).collect();
    let message = |error: DrawingAreaErrorKind<DB::ErrorType>| error.to_string();
    area.fill(&WHITE).map_err(message)?;
    let columns = if panels.len() > 1 { 2 } else { 1 };
    let rows = panels.len().div_ceil(columns).max(1);
    for (panel, area) in panels.iter().zip(area.split_evenly((rows, columns))) {
        draw_panel(&area, panel, runs).map_err(message)?;
    }
    area.present().map_err(message)
}

fn draw_panel<'a, DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    panel: &Panel<'a>,
    runs: &'a [Run],
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    let all: Vec<(f64, f64)> = runs.iter().flat_map(|run| (panel.points)(run)).collect();
    let mut values: Vec<f64> =
        all.iter().map(|(_, value)| *value).filter(|value| value.is_finite()).collect();
    values.extend(panel.range.iter().flat_map(|&(low, high)| [low, high]));
    let (low, high) = extent(&values);
    let (first, last) = extent(&all.iter().map(|(step, _)| *step).collect::<Vec<_>>());
    let room = (high - low) * 0.05;
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title, ("sans-serif", 22))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(first.min(0.)..last + (last - first.min(0.)) * 0.02, low - room..high + room)?;
    chart
        .configure_mesh()
        .x_desc("step")
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 225, 225))
        .axis_style(RGBColor(120, 120, 120))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 15))
        .x_label_formatter(&|step| format!("{step:.0}"))
        .y_label_formatter(&|value| number(*value))
        .draw()?;
    for (index, run) in runs.iter().enumerate() {
        let [r, g, b] = COLOURS[index % COLOURS.len()];
        let colour = RGBColor(r, g, b);
        let points: Vec<(f64, f64)> =
            (panel.points)(run).into_iter().filter(|(_, value)| value.is_finite()).collect();
        if points.is_empty() {
            continue;
        }
        let line = if panel.smooth {
            chart.draw_series(LineSeries::new(points.iter().copied(), colour.mix(0.3).stroke_width(1)))?;
            smoothed(&points)
        } else {
            points.clone()
        };
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
            .label(&run.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
        if !panel.smooth && points.len() < 50 {
            chart.draw_series(points.iter().map(|&at| Circle::new(at, 3, colour.filled())))?;
        }
        if panel.marks {
            let at = |step: f64| points.iter().rev().find(|(x, _)| *x <= step).copied();
            chart.draw_series(
                run.skipped.iter().filter_map(|step| at(*step)).map(|at| Cross::new(at, 5, RED)),
            )?;
        }
    }
    if runs.len() == 1 {
        return Ok(());
    }
    chart
        .configure_series_labels()
        .position(panel.legend.clone())
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .label_font(("sans-serif", 15))
        .draw()
}

/// The least and the largest number, apart from each other.
fn extent(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !(low.is_finite() && high.is_finite()) {
        (0., 1.)
    } else if high > low {
        (low, high)
    } else {
        (low - 0.5 * low.abs().max(1e-6), high + 0.5 * high.abs().max(1e-6))
    }
}

/// An exponential moving average over about a fifteenth of the points.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    #[allow(clippy::cast_precision_loss)] // points of a curve
    let share = (15. / points.len() as f64).clamp(0.05, 1.);
    let mut mean = points.first().map_or(0., |(_, value)| *value);
    points
        .iter()
        .map(|&(step, value)| {
            mean += share * (value - mean);
            (step, mean)
        })
        .collect()
}

fn number(value: f64) -> String {
    match value.abs() {
        0. => "0".to_owned(),
        size if size < 1e-2 => format!("{value:.1e}"),
        size if size < 10. => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}
