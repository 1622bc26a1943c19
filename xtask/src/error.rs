//! Every way in which a command can fail, each with what to do about it.
use std::io;
use std::path::PathBuf;

use thiserror::Error;

#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error(
        "no C++ compiler: `{tried}` does not run\n\
         help: install one (Debian: `apt install g++`, macOS: `xcode-select --install`), or name it in `CXX`"
    )]
    NoCompiler { tried: String },

    #[error(
        "no C++ compiler called `c++`, but `{other}` runs\n\
         help: `export CXX={other}`; plain cargo commands need it as well"
    )]
    UnnamedCompiler { other: &'static str },

    #[error(
        "`LIBTORCH` is set, but {flaw}: `{}`\n\
         help: correct `LIBTORCH`, or unset it to have libtorch installed", .path.display()
    )]
    BrokenLibtorch { path: PathBuf, flaw: String },

    #[error(
        "`{variable}` leads to libtorch {found}, but 2.11 is wanted: `{}`\n\
         note: tch 0.24 is made for libtorch 2.11\n\
         help: point it to a libtorch 2.11, or unset it to have one installed", .path.display()
    )]
    WrongVersion { variable: &'static str, path: PathBuf, found: String },

    #[error(
        "`LIBTORCH_USE_PYTORCH` is set, but `{python}` {why}\n\
         help: activate the environment that has torch 2.11, or unset it to have libtorch installed"
    )]
    NoPytorch { python: String, why: String },

    #[error(
        "`--python-too` wants a torch that python can import, but `LIBTORCH` names a bare libtorch: `{}`\n\
         help: unset `LIBTORCH` to have one installed", .path.display()
    )]
    NotAPackage { path: PathBuf },

    #[error(
        "libtorch is not here and must be installed, but there is no python3\n\
         note: python3 with pip fetches the pinned wheel\n\
         help: install it (Debian: `apt install python3 python3-pip`), or set `LIBTORCH` to a libtorch 2.11"
    )]
    NoPython,

    #[error(
        "`{python}` is Python {version}, but torch 2.11 has wheels for 3.10 to 3.14\n\
         help: put such a python3 on `PATH`, or set `LIBTORCH` to a libtorch 2.11"
    )]
    PythonVersion { python: String, version: String },

    #[error(
        "`{python}` has neither pip nor venv, and libtorch must be installed\n\
         help: install one (Debian: `apt install python3-pip` or `python3-venv`), or set `LIBTORCH` to a libtorch 2.11"
    )]
    NoPip { python: String },

    #[error(
        "not enough room for libtorch: {needed} needed, {free} free in `{}`\n\
         help: free some, or set `LIBTORCH` to a libtorch 2.11 elsewhere", .path.display()
    )]
    NoRoom { needed: String, free: String, path: PathBuf },

    #[error(
        "the disk ran full during the install, which needs about {needed}\n\
         note: what was half installed has been removed again\n\
         help: free some, or set `LIBTORCH` to a libtorch 2.11 elsewhere"
    )]
    DiskFull { needed: String },

    #[error(
        "the package index could not be reached\n\
         note: pip says: {pip}\n\
         help: check the network, `PIP_INDEX_URL` and proxies, or set `LIBTORCH` to a libtorch 2.11"
    )]
    NoNetwork { pip: String },

    #[error(
        "the package index has no torch 2.11.0 for this machine and `{python}`\n\
         note: pip says: {pip}\n\
         help: check `PIP_INDEX_URL` and the network, use another python3, or set `LIBTORCH` to a libtorch 2.11"
    )]
    NoWheel { python: String, pip: String },

    #[error("pip failed: {pip}\nnote: all of its output is in `{}`", .log.display())]
    Pip { pip: String, log: PathBuf },

    #[error(
        "{what} does not load\nnote: {reason}\n\
         help: run this again; if that does not help, set `LIBTORCH` to another libtorch 2.11"
    )]
    NotLoadable { what: &'static str, reason: String },

    #[error("could not {what} `{}`: {source}", .path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },

    #[error(
        "`{}` is not empty\nhelp: name a folder that is empty or does not exist yet", .path.display()
    )]
    NotEmpty { path: PathBuf },

    #[error("could not start `{command}`: {source}")]
    NotStarted { command: String, source: io::Error },

    #[error("`{command}` failed ({status})")]
    Failed { command: String, status: String },

    #[error(
        "step {number} of {count} failed: {name}\nnote: {cause}\n\
         help: `cargo xtask test --only {name}` runs it alone"
    )]
    Step { number: usize, count: usize, name: String, cause: Box<Error> },
}
