//! Is there a C++ compiler that cargo's build scripts will find?
use std::env;
use std::process::{Command, Stdio};

pub(crate) enum Compiler {
    Runs,
    /// Nothing that runs; this was tried.
    Missing(String),
    /// One that runs, under a name that build scripts do not try.
    Unnamed(&'static str),
}

pub(crate) fn find() -> Compiler {
    if cfg!(windows) && env::var_os("CXX").is_none() {
        return Compiler::Runs; // build scripts find Visual Studio through the registry, not on `PATH`
    }
    match env::var("CXX") {
        // CXX may hold a wrapper or flags too: `ccache g++`
        Ok(cxx) if cxx.split_whitespace().next().is_some_and(runs) => Compiler::Runs,
        Ok(cxx) if !cxx.trim().is_empty() => Compiler::Missing(cxx),
        _ if runs("c++") => Compiler::Runs,
        _ => match ["g++", "clang++"].into_iter().find(|name| runs(name)) {
            Some(name) => Compiler::Unnamed(name),
            None => Compiler::Missing("c++".to_owned()),
        },
    }
}

/// macOS has a `c++` that only says that the developer tools are missing, hence not just a look at `PATH`.
fn runs(name: &str) -> bool {
    let mut command = Command::new(name);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
