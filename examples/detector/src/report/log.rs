//! Lines on the terminal and in `train.log`, and a bar where someone is looking.
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Where lines go. Log lines pass above the bar.
#[derive(Debug)]
pub struct Log {
    file: Option<RefCell<File>>,
    bar: RefCell<Option<ProgressBar>>,
}

impl Log {
    /// Lines on standard output alone.
    pub fn to_terminal() -> Self {
        Self { file: None, bar: RefCell::new(None) }
    }

    /// Lines also at the end of a file.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn to_file(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file: Some(RefCell::new(file)), bar: RefCell::new(None) })
    }

    /// A line, as MMEngine begins it.
    pub fn info(&self, text: impl Display) {
        self.line("INFO", &text);
    }

    /// A line about something that needs looking at.
    pub fn warning(&self, text: impl Display) {
        self.line("WARNING", &text);
    }

    /// A line about what ended the work.
    pub fn error(&self, text: impl Display) {
        self.line("ERROR", &text);
    }

    /// A bar of `length` steps, on a terminal; it ends with the next one, or with [`end`](Self::end).
    pub fn begin(&self, what: String, length: u64, at: u64) {
        self.end();
        if !io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::new(length).with_position(at).with_prefix(what);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {elapsed}<{eta} {msg}")
        {
            bar.set_style(style);
        }
        *self.bar.borrow_mut() = Some(bar);
    }

    /// Moves the bar by one step.
    pub fn advance(&self, message: impl FnOnce() -> String) {
        if let Some(bar) = &*self.bar.borrow() {
            bar.set_message(message());
            bar.inc(1);
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }

    fn line(&self, level: &str, text: &dyn Display) {
        let now = jiff::ZonedDateTime::now().strftime("%Y/%m/%d %H:%M:%S");
        let line = format!("{now} - detector - {level} - {text}");
        let print = || {
            // Whoever reads it may have gone; training goes on.
            let _ = writeln!(io::stdout(), "{line}");
        };
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
        if let Some(file) = &self.file {
            let _ = writeln!(file.borrow_mut(), "{line}");
        }
    }
}
