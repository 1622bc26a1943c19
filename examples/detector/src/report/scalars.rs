//! `scalars.json`: a JSON object a line, as MMEngine writes them, for programs and for `plot`.
use serde_json::{Map, Value};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Appends lines.
#[derive(Debug)]
pub struct ScalarsWriter {
    file: File,
}

impl ScalarsWriter {
    /// Begins a file, or empties it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::create(path)? })
    }

    /// Goes on with a file after `step`: later lines, of a training that was killed after its last checkpoint, and a line
    /// that was only half written, are dropped. The file is replaced as a whole.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn resume(path: &Path, step: u64) -> io::Result<Self> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::create(path),
            Err(error) => return Err(error),
        };
        let before = |line: &&[u8]| {
            let value: Result<Value, _> = serde_json::from_slice(line);
            value.is_ok_and(|value| value["step"].as_u64().is_some_and(|at| at <= step))
        };
        let kept: Vec<&[u8]> =
            bytes.split(|&byte| byte == b'\n').filter(before).flat_map(|line| [line, b"\n"]).collect();
        let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(&kept.concat())?;
        // a temporary file is its owner's alone
        file.as_file().set_permissions(fs::metadata(path)?.permissions())?;
        file.persist(path)?;
        Ok(Self { file: OpenOptions::new().append(true).open(path)? })
    }

    /// Appends a line.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, line: &Value) -> io::Result<()> {
        // one write, so that a line is whole or not there
        self.file.write_all(format!("{line}\n").as_bytes())
    }
}

/// The numbers of a run, each with its step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// What the legend calls it.
    pub name: String,
    /// `loss`.
    pub loss: Vec<(f64, f64)>,
    /// `lr`.
    pub lr: Vec<(f64, f64)>,
    /// `loss_scale`.
    pub loss_scale: Vec<(f64, f64)>,
    /// Steps of lines by which updates had been skipped that had not been by the line before.
    pub skipped: Vec<f64>,
    /// The evaluator's deciding number.
    pub map: Vec<(f64, f64)>,
}

/// Why a run cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScalarsError {
    /// A file that cannot be read.
    #[error("cannot read `{}`: {cause}\nhelp: give a work folder, or a `scalars.json`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
    /// A line that is no JSON object.
    #[error("`{}`, line {line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The parser's words.
        message: String,
    },
    /// A file without a loss and without an mAP.
    #[error("`{}` has nothing to draw: no line has `loss`, and none an mAP", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The names that deciding numbers have, here and in MMDetection.
const DECIDING: [&str; 2] = ["pascal_voc/mAP", "coco/bbox_mAP"];

/// Reads a run's `scalars.json`, ours or MMEngine's; `path` may be the work folder. A last line that was only half written is
/// left out.
///
/// # Errors
/// See [`ScalarsError`].
pub fn read_run(path: &Path, name: Option<&str>) -> Result<Run, ScalarsError> {
    let folder = path.is_dir();
    let file = if folder { path.join("scalars.json") } else { path.to_owned() };
    let bytes = fs::read(&file).map_err(|cause| ScalarsError::Read { path: file.clone(), cause })?;
    // a letter may be torn as well as a line
    let text = String::from_utf8_lossy(&bytes);
    let mut run = Run { name: name.map_or_else(|| folder_name(&file), str::to_owned), ..Run::default() };
    let mut skipped_before = 0;
    let mut last_step = 0.;
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        // Python writes these, and no number of ours has such a name.
        let line = line.replace("NaN", "null").replace("-Infinity", "null").replace("Infinity", "null");
        let values: Map<String, Value> = match serde_json::from_str(&line) {
            Ok(values) => values,
            Err(_) if index + 1 == lines.len() && !text.ends_with('\n') => break,
            Err(error) => {
                return Err(ScalarsError::Line { path: file, line: index + 1, message: error.to_string() });
            }
        };
        let number = |key: &str| values.get(key).and_then(Value::as_f64);
        let is_training = values.contains_key("loss");
        // MMEngine counts evaluations in epochs: they belong to the training before them.
        let step =
            number("step").filter(|_| is_training || values.contains_key("epoch")).unwrap_or(last_step);
        last_step = step;
        let add =
            |points: &mut Vec<(f64, f64)>, key: &str| points.extend(number(key).map(|value| (step, value)));
        add(&mut run.loss, "loss");
        if is_training {
            add(&mut run.lr, "lr");
            add(&mut run.loss_scale, "loss_scale");
        }
        if let Some(key) = DECIDING.iter().find(|key| number(key).is_some()) {
            add(&mut run.map, key);
        }
        let skipped = values.get("skipped").and_then(Value::as_u64).unwrap_or(skipped_before);
        if skipped > skipped_before {
            run.skipped.push(step);
        }
        skipped_before = skipped;
    }
    if run.loss.is_empty() && run.map.is_empty() { Err(ScalarsError::Empty { path: file }) } else { Ok(run) }
}

/// The folder that a file is in; MMEngine puts its own into `vis_data`, which says nothing.
fn folder_name(file: &Path) -> String {
    let file = file.canonicalize().unwrap_or(file.to_owned());
    let mut names = file.ancestors().skip(1).filter_map(Path::file_name);
    names.find(|name| *name != "vis_data").unwrap_or_default().to_string_lossy().into_owned()
}
