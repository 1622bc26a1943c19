//! One process of an entrant, asked through a pipe.
use crate::entrant::Task;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// How Python is started.
#[derive(Debug, Clone)]
pub(crate) struct Python {
    pub(crate) program: String,
    /// Where its torch package lies, if it does not find it by itself.
    pub(crate) path: Option<PathBuf>,
}

pub(crate) struct Process {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// A file, which never fills up as a pipe does that nobody reads.
    errors: File,
}

impl Process {
    /// Starts an entrant and waits until it is ready; the version of its torch comes with it.
    pub(crate) fn start(task: &Task, python: &Python, keep_memory: bool) -> Result<(Self, String)> {
        let argument = serde_json::to_string(task)?;
        let mut command = if task.entrant.is_python() {
            let mut command = Command::new(&python.program);
            command.args(["-c", include_str!("pytorch.py"), &argument]);
            if let Some(path) = &python.path {
                command.env("PYTHONPATH", path);
            }
            command
        } else {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["serve", &argument]);
            command
        };
        command.envs(task.entrant.environment());
        if keep_memory {
            // What `keep_freed_memory` sets. More than any of them needs: nothing is returned, and nothing is mapped for itself.
            command.env("MALLOC_TRIM_THRESHOLD_", "68719476736").env("MALLOC_MMAP_THRESHOLD_", "68719476736");
            command.env("GLIBC_TUNABLES", "glibc.malloc.mxfast=0");
        }
        command.env("RUST_BACKTRACE", "0");
        command.env("OMP_NUM_THREADS", task.threads.to_string());
        let errors =
            tempfile::tempfile().context("there is no temporary file for what it complains about")?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone()?)
            .spawn()
            .with_context(|| format!("`{}` does not start", command.get_program().display()))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (requests, answers) = pipes.context("the process has no pipes")?;
        let mut process = Self { child, requests, answers: BufReader::new(answers), errors };
        let ready = process.read()?;
        match ready["ready"].as_str() {
            Some(version) => Ok((process, version.to_owned())),
            None => bail!("it said `{ready}` instead of `ready`"),
        }
    }

    /// The answer to one request.
    pub(crate) fn ask(&mut self, request: &str) -> Result<Value> {
        writeln!(self.requests, "{request}").or_else(|_| self.died())?;
        let answer = self.read()?;
        match answer["error"].as_str() {
            Some(error) => bail!("{error}"),
            None => Ok(answer),
        }
    }

    /// The seconds of so many steps.
    pub(crate) fn steps(&mut self, count: usize) -> Result<Vec<f64>> {
        Ok(serde_json::from_value(self.ask(&format!("steps {count}"))?)?)
    }

    fn read(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            self.died()?;
        }
        serde_json::from_str(&line).with_context(|| format!("it said `{}`", line.trim()))
    }

    /// Why it is gone: the last that it wrote to stderr, without what Rust and libtorch say of where.
    fn died(&mut self) -> Result<()> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let mut text = Vec::new();
        self.errors.seek(SeekFrom::Start(0))?;
        self.errors.read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let is_reason = |line: &&str| !line.is_empty() && !line.starts_with("note: ");
        let line = text.lines().rev().map(str::trim).find(is_reason).unwrap_or("it ended without a word");
        bail!("{}", line.split("\\nException raised from").next().unwrap_or(line))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
