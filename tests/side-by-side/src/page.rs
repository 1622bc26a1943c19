//! `BENCHMARKS.md`, its charts and the README's figures, from the recorded results.
use crate::chart;
use crate::entrant::{Hardware, Numbers, System};
use crate::results::{Measured, Results, Row};
use crate::table;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- the figures, from `cargo xtask bench -- --record` -->\n";
const END: &str = "<!-- the figures end -->";

/// What a row with graphs is.
const GRAPHS: &str = "\
- *graph*: forward and backward captured once and replayed, `OptimWrapper::capture` here and `torch.cuda.graph` there, as PyTorch's
  notes have it; each step copies its batch into the graph's memory, and the update stays outside. Its peak is what the allocator
  had taken from the driver, a graph's own memory with it, which is more than what tensors held.
";

/// The order of the sections.
const RECORDED: [&str; 4] = ["cpu", "cpu-kept-memory", "cuda", "cuda-kept-memory"];

/// Files as they should be, by their paths below the workspace.
pub(crate) type Files = Vec<(PathBuf, String)>;

/// Writes everything that is made from the recorded results.
pub(crate) fn write() -> Result<()> {
    for (path, text) in files()? {
        let path = root().join(path);
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Keeps results beside the sources, and renders.
pub(crate) fn record(results: &Results) -> Result<()> {
    let text = serde_json::to_string_pretty(results)? + "\n";
    fs::write(root().join(path(results.machine.key(), "json")), text)?;
    write()
}

/// What the recorded results make of the page, the charts and the README.
pub(crate) fn files() -> Result<Files> {
    let mut recorded = Vec::new();
    for key in RECORDED {
        let path = root().join(path(key, "json"));
        if path.exists() {
            let text = fs::read_to_string(&path)?;
            let results: Results = serde_json::from_str(&text)
                .with_context(|| format!("`{}` is not readable", path.display()))?;
            recorded.push((key, results));
        }
    }
    let mut text = page(&recorded);
    if let Ok(json) = fs::read_to_string(root().join(path("cuda-tests", "json"))) {
        text += &tests(&serde_json::from_str(&json).context("`cuda-tests.json` is not readable")?);
    }
    let mut files: Files = vec![("BENCHMARKS.md".into(), text)];
    for (key, results) in &recorded {
        files.push((path(key, "svg"), chart::svg(results, low(results))?));
    }
    let readme = fs::read_to_string(root().join("README.md"))?;
    let parts = readme.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else { bail!("the README has no place for the figures: {BEGIN}{END}") };
    files.push(("README.md".into(), format!("{before}{BEGIN}\n{}\n{END}{after}", figures(&recorded))));
    Ok(files)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn path(key: &str, extension: &str) -> PathBuf {
    Path::new("tests/side-by-side/results").join(key).with_extension(extension)
}

fn low(results: &Results) -> Numbers {
    if results.machine.device == Hardware::Cpu { Numbers::Bf16 } else { Numbers::F16 }
}

fn page(recorded: &[(&str, Results)]) -> String {
    let mut out = include_str!("page.md").to_owned();
    if recorded.iter().any(|(_, results)| !graph_figures(results).is_empty()) {
        out += GRAPHS;
    }
    for (key, results) in recorded {
        let _ = write!(out, "\n## {}\n\n{}\n\n", title(results), results.machine.line());
        let _ = write!(
            out,
            "![Speed-ups over PyTorch without mixed precision](tests/side-by-side/results/{key}.svg)\n\n"
        );
        out += &summary(results);
        out += "\n<details><summary>Everyone who took part</summary>\n\n```text";
        results.rows.iter().for_each(|row| out += &table::of_row(row));
        out += "```\n\n</details>\n";
    }
    out
}

/// What a bundle's tests said on the machine that it was carried to: its `tests.json`, kept as `cuda-tests.json`.
fn tests(recorded: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut out = format!(
        "\n## Tests on {}\n\ntorch {}, CUDA {}, {}\n\n| | |\n|---|---|\n",
        text(&recorded["device"]),
        text(&recorded["torch"]),
        text(&recorded["cuda"]),
        text(&recorded["date"])
    );
    for program in recorded["programs"].as_array().into_iter().flatten() {
        let _ = writeln!(out, "| `{}` | {} |", text(&program["name"]), text(&program["summary"]));
        for skipped in program["skipped"].as_array().into_iter().flatten() {
            let _ = writeln!(out, "| | {} |", text(skipped));
        }
    }
    for remark in recorded["remarks"].as_array().into_iter().flatten() {
        let _ = write!(out, "\n{}\n", text(remark));
    }
    out
}

fn title(results: &Results) -> String {
    let device = if results.machine.device == Hardware::Cpu { "CPU" } else { "GPU" };
    let memory = if results.machine.keeps_memory { ", freed memory is kept" } else { "" };
    format!("{device}: {}{memory}", results.machine.name)
}

/// Ratios first, one line for each row, in the low precision that the hardware is made for.
fn summary(results: &Results) -> String {
    let low = low(results);
    let word = if low == Numbers::Bf16 { "bf16" } else { "f16" };
    let gpu = results.machine.device == Hardware::Cuda;
    let full = if gpu { "TF32" } else { "f32" };
    let mut out = format!(
        "| | {word}: ours / PyTorch | ours, {full} to {word} | PyTorch, {full} to {word} | ours / torch.compile | ms | peak MB, ours / PyTorch | of our {full}'s | casts, ours / PyTorch |\n\
         |---|---|---|---|---|---|---|---|---|\n"
    );
    for row in &results.rows {
        let Some(pair) = Pair::of(row, low) else { continue };
        let layout = pair.ours.entrant.channels_last;
        let compiled = row.find(System::TorchCompile, low, layout).map(|other| pair.ours.ratio_to(other));
        let peak = |one: &Measured| one.peak_bytes.unwrap_or(0) / 1_000_000;
        let [own_gain, their_gain] = pair.gains();
        let casts = |one: &Measured| one.casts.map_or_else(|| "-".to_owned(), |casts| casts.to_string());
        let _ = writeln!(
            out,
            "| {}, batch {} | {:.2}x | {:.2}x | {:.2}x | {} | {:.2} | {} / {} | {:.2}x | {} / {} |",
            row.model,
            row.batch,
            pair.ratio(),
            own_gain,
            their_gain,
            compiled.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}x")),
            pair.ours.seconds * 1e3,
            peak(pair.ours),
            peak(pair.theirs),
            pair.memory(),
            casts(pair.ours),
            casts(pair.theirs),
        );
    }
    out + &remarks(results)
}

/// The README's table: what was recorded on the CPU, and with memory kept where that was recorded too.
fn figures(recorded: &[(&str, Results)]) -> String {
    let find = |wanted: &str| recorded.iter().find(|(key, _)| *key == wanted).map(|(_, results)| results);
    let Some(plain) = find("cpu") else { return "Nothing was recorded yet.\n".to_owned() };
    let mut out = format!(
        "{}\n\n| | ours | PyTorch | against PyTorch | both with memory kept | gain over own f32 | PyTorch's gain |\n|---|---|---|---|---|---|---|\n",
        plain.machine.line()
    );
    for row in &plain.rows {
        let Some(pair) = Pair::of(row, Numbers::Bf16) else { continue };
        let same = |other: &&Row| other.model == row.model && other.batch == row.batch;
        let kept = find("cpu-kept-memory").and_then(|results| results.rows.iter().find(same));
        let kept =
            kept.and_then(|row| Pair::of(row, Numbers::Bf16)).map(|pair| format!("{:.2}x", pair.ratio()));
        out += &line(row, &pair, &format!(" {} |", kept.unwrap_or_else(|| "-".to_owned())));
    }
    if let Some(results) = find("cuda") {
        out += &gpu_figures(results);
    }
    out
}

/// The same for a GPU, whose users compute in TF32 otherwise.
fn gpu_figures(results: &Results) -> String {
    let heads = "ours, f16 | PyTorch, f16 | against PyTorch | against `tch::autocast` | gain over own TF32 | PyTorch's gain";
    let mut out = format!("\n{}\n\n| | {heads} |\n|---|---|---|---|---|---|---|\n", results.machine.line());
    for row in &results.rows {
        let Some(pair) = Pair::of(row, Numbers::F16) else { continue };
        let by_tch = row.find(System::TchAutocast, Numbers::F16, pair.ours.entrant.channels_last);
        let ratio = by_tch.map_or_else(|| "-".to_owned(), |one| format!("{:.2}x", pair.ours.ratio_to(one)));
        out += &line(row, &pair, &format!(" {ratio} |"));
    }
    out + &remarks(results) + &graph_figures(results)
}

/// Below a table.
fn remarks(results: &Results) -> String {
    let of_row =
        |row: &Row| Some(format!("\n{}, batch {}: {}\n", row.model, row.batch, row.remark.as_ref()?));
    results.rows.iter().filter_map(of_row).collect()
}

/// The same where forward and backward are a CUDA graph, if that was recorded.
fn graph_figures(results: &Results) -> String {
    let lines = results.rows.iter().filter_map(|row| {
        let pair = Pair::between([System::AmpGraph, System::PytorchGraph], row, Numbers::F16)?;
        let without = row.find(System::Amp, Numbers::F16, pair.ours.entrant.channels_last)?;
        let without = pair.ours.ratio_to(without);
        Some(line(row, &pair, &format!(" {without:.2}x | {:.2}x |", pair.memory())))
    });
    let lines: String = lines.collect();
    if lines.is_empty() {
        return lines;
    }
    let heads = "ours, f16 | PyTorch, f16 | against PyTorch | against ours without | memory, of own TF32's in a graph | gain over it | PyTorch's gain";
    format!("\n| in a CUDA graph | {heads} |\n|---|---|---|---|---|---|---|---|\n{lines}")
}

/// One row of the README; `more` is a column behind the ratio.
fn line(row: &Row, pair: &Pair<'_>, more: &str) -> String {
    let [ours, theirs] = [pair.ours, pair.theirs].map(|one| one.seconds * 1e3);
    let [own_gain, their_gain] = pair.gains();
    format!(
        "| {}, batch {} | {ours:.2} ms | {theirs:.2} ms | {:.2}x |{more} {own_gain:.2}x | {their_gain:.2}x |\n",
        row.model,
        row.batch,
        pair.ratio()
    )
}

/// We and PyTorch in the same low precision, and in what one trains without: f32, on a GPU with products in TF32.
struct Pair<'a> {
    ours: &'a Measured,
    theirs: &'a Measured,
    own_full: &'a Measured,
    their_full: &'a Measured,
}

impl<'a> Pair<'a> {
    fn of(row: &'a Row, low: Numbers) -> Option<Self> {
        Self::between([System::Amp, System::Pytorch], row, low)
    }

    fn between(systems: [System; 2], row: &'a Row, low: Numbers) -> Option<Self> {
        let layout = row.measured.first()?.entrant.channels_last;
        let [low, full] =
            [low, row.full()].map(|numbers| systems.map(|system| row.find(system, numbers, layout)));
        Some(Self { ours: low[0]?, theirs: low[1]?, own_full: full[0]?, their_full: full[1]? })
    }

    fn ratio(&self) -> f64 {
        self.ours.ratio_to(self.theirs)
    }

    /// Our peak, of that without.
    #[allow(clippy::cast_precision_loss)] // bytes
    fn memory(&self) -> f64 {
        let [low, full] = [self.ours, self.own_full].map(|one| one.peak_bytes.unwrap_or(0) as f64);
        low / full
    }

    /// How many times faster than without, ours and theirs.
    fn gains(&self) -> [f64; 2] {
        [self.own_full.ratio_to(self.ours), self.their_full.ratio_to(self.theirs)]
    }
}

#[cfg(test)]
mod checks {
    #[test]
    fn a_bundles_tests_are_shown_with_what_was_skipped() {
        let recorded = serde_json::json!({
            "device": "a GPU", "torch": "2.11.0", "cuda": "13.0", "date": "2026-01-02",
            "programs": [{ "name": "policy", "summary": "test result: ok", "skipped": ["one SKIPPED"] }],
        });
        let text = super::tests(&recorded);
        assert!(text.contains("## Tests on a GPU\n\ntorch 2.11.0, CUDA 13.0, 2026-01-02"), "{text}");
        assert!(text.contains("| `policy` | test result: ok |\n| | one SKIPPED |\n"), "{text}");
    }

    /// Whoever changes a figure by hand, or records without rendering, hears of it here.
    #[test]
    fn what_is_shown_is_what_was_recorded() {
        for (path, wanted) in super::files().unwrap() {
            let shown = std::fs::read_to_string(super::root().join(&path)).unwrap_or_default();
            assert!(
                shown == wanted,
                "{} is not what `side-by-side render` makes of the results",
                path.display()
            );
        }
    }
}
