//! One quantity of runs over their steps.
use super::draw::COLOURS;
use super::scalars::Run;
use plotters::coord::Shift;
use plotters::prelude::*;

/// What a panel shows.
pub(super) struct Panel {
    pub(super) title: &'static str,
    /// Steps and values.
    pub(super) points: fn(&Run) -> Vec<(f64, f64)>,
    /// Smoothed, with the numbers themselves pale behind.
    pub(super) smooth: bool,
    /// Marks where updates were skipped.
    pub(super) marks: bool,
    /// What the vertical axis has at least.
    pub(super) range: Option<(f64, f64)>,
    /// A number at the vertical axis.
    pub(super) tick: fn(f64) -> String,
    /// Where there is room for the legend, which stands in the first panel of a picture alone: lines go anywhere in others.
    pub(super) legend: SeriesLabelPosition,
}

const GRID: RGBColor = RGBColor(225, 225, 225);
const AXIS: RGBColor = RGBColor(120, 120, 120);

/// Draws a panel, all of whose lengths are multiples of `unit` pixels, with or without the names of the runs.
pub(super) fn draw_panel<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    unit: u32,
    panel: &Panel,
    runs: &[Run],
    named: bool,
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    let all: Vec<(f64, f64)> = runs.iter().flat_map(|run| finite(panel, run)).collect();
    let values = all.iter().map(|(_, value)| *value);
    let (low, high) = extent(values.chain(panel.range.iter().flat_map(|&(low, high)| [low, high])));
    let (_, last) = extent(all.iter().map(|(step, _)| *step).chain([0.]));
    let room = (high - low) * 0.05;
    let letters = ("sans-serif", 15 * unit);
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title, ("sans-serif", 20 * unit))
        .margin(14 * unit)
        .x_label_area_size(44 * unit)
        .y_label_area_size(70 * unit)
        .build_cartesian_2d(0. ..last * 1.02, low - room..high + room)?;
    chart
        .configure_mesh()
        .x_desc("step")
        .x_labels(8)
        .y_labels(8)
        .set_all_tick_mark_size(5 * unit)
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(unit))
        .axis_style(AXIS.stroke_width(unit))
        .label_style(letters)
        .axis_desc_style(letters)
        .x_label_formatter(&|step| format!("{step:.0}"))
        .y_label_formatter(&|value| (panel.tick)(*value))
        .draw()?;
    for (index, run) in runs.iter().enumerate() {
        let [r, g, b] = COLOURS[index % COLOURS.len()];
        let colour = RGBColor(r, g, b);
        let points = finite(panel, run);
        let line = if panel.smooth {
            let pale = colour.mix(0.35).stroke_width(unit);
            chart.draw_series(LineSeries::new(points.iter().copied(), pale))?;
            smoothed(&points)
        } else {
            points.clone()
        };
        let strong = colour.stroke_width(2 * unit);
        let length = 20 * unit.cast_signed();
        chart
            .draw_series(LineSeries::new(line, strong))?
            .label(&run.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + length, y)], strong));
        // A few numbers are seen as such, and one alone at all.
        if points.len() == 1 || (!panel.smooth && points.len() < 50) {
            chart.draw_series(points.iter().map(|&at| Circle::new(at, 3 * unit, colour.filled())))?;
        }
        if panel.marks {
            let at = |step: f64| points.iter().rev().find(|(x, _)| *x <= step).copied();
            let skipped = run.skipped.iter().filter_map(|step| at(*step));
            chart.draw_series(skipped.map(|at| Cross::new(at, 5 * unit, RED.stroke_width(2 * unit))))?;
        }
    }
    if !named {
        return Ok(());
    }
    chart
        .configure_series_labels()
        .position(panel.legend.clone())
        .margin(8 * unit)
        .legend_area_size(28 * unit)
        .background_style(WHITE.mix(0.85))
        .border_style(GRID.stroke_width(unit))
        .label_font(letters)
        .draw()
}

/// The points that can be drawn.
fn finite(panel: &Panel, run: &Run) -> Vec<(f64, f64)> {
    let mut points = (panel.points)(run);
    points.retain(|(step, value)| step.is_finite() && value.is_finite());
    points
}

/// The least and the largest number, apart from each other.
fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if !(low.is_finite() && high.is_finite()) {
        (0., 1.)
    } else if high > low {
        (low, high)
    } else {
        (low - 0.5 * low.abs().max(1e-6), high + 0.5 * high.abs().max(1e-6))
    }
}

/// Means of a fifteenth of the points around each, of fewer towards the ends: they do not lag behind.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut sums = vec![0.];
    sums.extend(points.iter().scan(0., |sum, (_, value)| {
        *sum += value;
        Some(*sum)
    }));
    let most = points.len() / 30;
    let around = |(index, &(step, _)): (usize, &(f64, f64))| {
        let reach = most.min(index).min(points.len() - 1 - index);
        #[allow(clippy::cast_precision_loss)] // points of a curve
        let mean = (sums[index + reach + 1] - sums[index - reach]) / (2 * reach + 1) as f64;
        (step, mean)
    };
    points.iter().enumerate().map(around).collect()
}

/// Few digits.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        // what steps to zero leave behind
        size if size < 1e-12 => "0".to_owned(),
        size if size < 1e-2 => format!("{value:.1e}"),
        size if size < 10. => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

/// `2^16` at 16, and nothing between.
pub(super) fn power_of_two(exponent: f64) -> String {
    if (exponent - exponent.round()).abs() < 1e-6 { format!("2^{exponent:.0}") } else { String::new() }
}
