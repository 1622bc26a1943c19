//! The chart: for every model and batch size, time in low precision against PyTorch's and against the own f32.
use crate::entrant::{Numbers, System};
use crate::results::{Results, Row};
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: u32 = 960;
const BAR: i32 = 14;
/// From one bar's top to the next one's, and between two groups.
const STEP: i32 = BAR + 2;
const GAP: i32 = 10;
const LEFT: i32 = 210;
const TOP: i32 = 64;
const OURS: RGBColor = RGBColor(0xce, 0x42, 0x2b);
const THEIRS: RGBColor = RGBColor(0x5b, 0x6b, 0x7b);

/// Speed-ups over PyTorch without mixed precision, as bars, one group for each row: longer is faster.
pub(crate) fn svg(results: &Results, numbers: Numbers) -> Result<String> {
    let groups: Vec<Group> = results.rows.iter().filter_map(|row| Group::new(row, numbers)).collect();
    let most = groups.iter().flat_map(|group| group.bars.iter().map(|(_, gain, _)| *gain)).fold(1., f64::max);
    let height = groups.iter().map(Group::height).sum::<i32>() + TOP + 16;
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height.unsigned_abs())).into_drawing_area();
        draw(&area, results, &groups, most).map_err(|error| anyhow!("the chart: {error}"))?;
    }
    Ok(text)
}

/// A row's bars: low precision, in graphs too where there are some, and the own full precision.
struct Group {
    name: String,
    bars: Vec<(String, f64, RGBAColor)>,
}

impl Group {
    fn new(row: &Row, numbers: Numbers) -> Option<Self> {
        let layout = row.measured.first()?.entrant.channels_last;
        let full = row.full();
        let base = row.find(System::Pytorch, full, layout)?;
        let bar = |system, numbers: Numbers, color: RGBColor| {
            let one = row.find(system, numbers, layout)?;
            let strength = if numbers.is_full() { 0.35 } else { 1. };
            Some((one.entrant.label(), base.seconds / one.seconds, color.mix(strength)))
        };
        let low = [bar(System::Amp, numbers, OURS)?, bar(System::Pytorch, numbers, THEIRS)?];
        let graphs = [bar(System::AmpGraph, numbers, OURS), bar(System::PytorchGraph, numbers, THEIRS)];
        let full = bar(System::Amp, full, OURS)?;
        let bars = low.into_iter().chain(graphs.into_iter().flatten()).chain([full]).collect();
        Some(Self { name: format!("{}, batch {}", row.model, row.batch), bars })
    }

    fn height(&self) -> i32 {
        i32::try_from(self.bars.len()).unwrap_or(0) * STEP + GAP
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

#[allow(clippy::cast_possible_truncation)] // pixels
fn draw(area: &Area, results: &Results, groups: &[Group], most: f64) -> Result<()> {
    let written = |anchor, size: i32| ("sans-serif", size).into_font().color(&BLACK).pos(anchor);
    let (left, right) = (Pos::new(HPos::Left, VPos::Center), Pos::new(HPos::Right, VPos::Center));
    area.fill(&WHITE).map_err(|error| anyhow!("{error}"))?;
    let put = |words: &str, at: (i32, i32), anchor, size| {
        area.draw(&Text::new(words.to_owned(), at, written(anchor, size))).map_err(|error| anyhow!("{error}"))
    };
    let full = results.rows.first().map_or(Numbers::F32, Row::full).word();
    let title = format!("Training steps per second, times PyTorch's in {full} ({})", results.machine.name);
    put(&title, (16, 20), left, 17)?;
    put("longer is faster; the line is 1", (16, 42), left, 13)?;
    let scale = f64::from(WIDTH.cast_signed() - LEFT - 230) / most;
    let mut y = TOP;
    for group in groups {
        put(&group.name, (LEFT - 12, y + (group.height() - GAP) / 2), right, 14)?;
        for (place, (label, gain, color)) in (0..).zip(&group.bars) {
            let (top, end) = (y + place * STEP, LEFT + (gain * scale) as i32);
            let bar = Rectangle::new([(LEFT, top), (end, top + BAR)], color.filled());
            area.draw(&bar).map_err(|error| anyhow!("{error}"))?;
            put(&format!("{gain:.2}x  {label}"), (end + 6, top + BAR / 2 + 1), left, 12)?;
        }
        y += group.height();
    }
    let one = LEFT + scale as i32;
    let line = PathElement::new([(one, TOP - 6), (one, y - GAP + 2)], BLACK.mix(0.5));
    area.draw(&line).map_err(|error| anyhow!("{error}"))?;
    area.present().map_err(|error| anyhow!("{error}"))
}
