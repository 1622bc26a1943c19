//! The chart: for every model and batch size, time in low precision against PyTorch's and against the own f32.
use crate::entrant::{Numbers, System};
use crate::results::{Measured, Results, Row};
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: u32 = 960;
const ROW: i32 = 58;
const BAR: i32 = 14;
const LEFT: i32 = 210;
const TOP: i32 = 64;
const OURS: RGBColor = RGBColor(0xce, 0x42, 0x2b);
const THEIRS: RGBColor = RGBColor(0x5b, 0x6b, 0x7b);

/// Speed-ups over PyTorch without mixed precision, as bars, one group for each row: longer is faster.
pub(crate) fn svg(results: &Results, numbers: Numbers) -> Result<String> {
    let groups: Vec<Group> = results.rows.iter().filter_map(|row| Group::new(row, numbers)).collect();
    let most = groups.iter().flat_map(|group| group.bars.iter().map(|(_, gain, _)| *gain)).fold(1., f64::max);
    let height = u32::try_from(groups.len()).unwrap_or(0) * ROW.unsigned_abs() + TOP.unsigned_abs() + 16;
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        draw(&area, results, &groups, most).map_err(|error| anyhow!("the chart: {error}"))?;
    }
    Ok(text)
}

/// A row's three bars.
struct Group {
    name: String,
    bars: [(String, f64, RGBColor); 3],
}

impl Group {
    fn new(row: &Row, numbers: Numbers) -> Option<Self> {
        let layout = row.measured.first()?.entrant.channels_last;
        let full = row.full();
        let base = row.find(System::Pytorch, full, layout)?;
        let bar = |one: &Measured, color| (one.entrant.label(), base.seconds / one.seconds, color);
        let bars = [
            bar(row.find(System::Amp, numbers, layout)?, OURS),
            bar(row.find(System::Pytorch, numbers, layout)?, THEIRS),
            bar(row.find(System::Amp, full, layout)?, OURS),
        ];
        Some(Self { name: format!("{}, batch {}", row.model, row.batch), bars })
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
    for (index, group) in groups.iter().enumerate() {
        let y = TOP + i32::try_from(index)? * ROW;
        put(&group.name, (LEFT - 12, y + ROW / 2 - 6), right, 14)?;
        for (place, (label, gain, color)) in (0..).zip(&group.bars) {
            let (top, end) = (y + place * (BAR + 2), LEFT + (gain * scale) as i32);
            // Full precision is paler than low.
            let strength = if place == 2 { 0.35 } else { 1. };
            let bar = Rectangle::new([(LEFT, top), (end, top + BAR)], color.mix(strength).filled());
            area.draw(&bar).map_err(|error| anyhow!("{error}"))?;
            put(&format!("{gain:.2}x  {label}"), (end + 6, top + BAR / 2 + 1), left, 12)?;
        }
    }
    let one = LEFT + scale as i32;
    let line = PathElement::new(
        [(one, TOP - 6), (one, TOP + i32::try_from(groups.len())? * ROW - 8)],
        BLACK.mix(0.5),
    );
    area.draw(&line).map_err(|error| anyhow!("{error}"))?;
    area.present().map_err(|error| anyhow!("{error}"))
}
