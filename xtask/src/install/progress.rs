//! How far an install is, seen from the size of its folder.
//!
//! pip's own bar stands still while it unpacks, which takes longer than a fast download; the folder grows all along.
use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::wheels::human;

const LOOK: Duration = Duration::from_millis(250);

/// Without a terminal, lines in a log.
const SAY: Duration = Duration::from_secs(10);

/// Waits for the end of `child`, which fills `folder` with about `expected` bytes.
pub(super) fn watch(child: &mut Child, folder: &Path, expected: u64) -> io::Result<ExitStatus> {
    let bar = io::stderr().is_terminal().then(|| bar(expected));
    let mut said = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            bar.inspect(ProgressBar::finish_and_clear);
            return Ok(status);
        }
        let filled = size(folder);
        if let Some(bar) = &bar {
            // never back: pip writes a wheel twice while it fetches it, and drops one copy
            bar.set_position(filled.max(bar.position()).min(expected));
            bar.set_message(doing(folder));
        } else if said.elapsed() >= SAY {
            said = Instant::now();
            eprintln!("{} of about {}: {}", human(filled), human(expected), doing(folder));
        }
        sleep(LOOK);
    }
}

/// The start of pip's last line.
fn doing(folder: &Path) -> String {
    let log = fs::read(folder.join("pip.log")).unwrap_or_default();
    String::from_utf8_lossy(&log).trim().lines().last().unwrap_or_default().trim().chars().take(70).collect()
}

fn bar(expected: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("[{bar:30}] {percent:>3}% {elapsed} {wide_msg}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(expected).with_style(style.progress_chars("=> "))
}

/// What vanishes meanwhile does not count.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => Some(size(&entry.path())),
        data => data.ok().map(|data| data.len()),
    });
    sizes.sum()
}
