//! What the benchmarks share: a PyTorch that takes its turns through a pipe, medians, arguments.
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A Python that measures when asked.
pub(crate) struct PyTorch {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl PyTorch {
    /// Starts `script`, a file beside this one, with this process's number of threads; an error says why that is not possible.
    pub(crate) fn start(script: &str) -> Result<Self, String> {
        let python = std::env::var("AMP_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        // The set-up's torch package, wherever its link leads.
        let torch = workspace.join(".libtorch/torch").canonicalize().map_err(|error| error.to_string())?;
        let mut child = Command::new(python)
            .arg(workspace.join("tests/benches").join(script))
            .arg(tch::get_num_threads().to_string())
            .env("PYTHONPATH", torch.parent().unwrap_or(&torch))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (requests, answers) = pipes.ok_or("no pipes")?;
        let mut pytorch = Self { child, requests, answers: BufReader::new(answers) };
        match pytorch.answer()?.strip_prefix("ready ") {
            Some(version) if version.starts_with("2.11.") => Ok(pytorch),
            other => Err(format!("no torch 2.11 to import: {}", other.unwrap_or("none"))),
        }
    }

    fn answer(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(|error| error.to_string())?;
        Ok(line.trim().to_owned())
    }

    /// The seconds that the script answers to `request`.
    pub(crate) fn seconds(&mut self, request: &str) -> Result<Vec<f64>, Box<dyn Error>> {
        writeln!(self.requests, "{request}")?;
        Ok(self.answer()?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
    }
}

impl Drop for PyTorch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `--json PATH`; cargo adds `--bench`.
pub(crate) fn json_path(benchmark: &str) -> Result<Option<String>, String> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(None),
        (Some("--json"), Some(path)) => Ok(Some(path)),
        (Some(other), _) => {
            Err(format!("unknown argument `{other}`\nhelp: `cargo xtask bench {benchmark} [-- --json PATH]`"))
        }
    }
}

pub(crate) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
