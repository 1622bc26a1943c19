//! What to do, given what is out there.
//!
//! libtorch is looked for in this order, and the first that holds wins:
//!
//! 1. the caller's `LIBTORCH`: it must be a libtorch 2.11, else an error. Under cargo the variable is always set; the
//!    value from `.cargo/config.toml` does not count as the caller's.
//! 2. the caller's `LIBTORCH_USE_PYTORCH`: the active environment's python, else `python3`, must have torch 2.11, else
//!    an error.
//! 3. an earlier `.libtorch` that is whole and does what is wanted now. A broken one is made anew, and so is one that
//!    does less: no GPU, no python.
//! 4. a torch 2.11 that a python on this machine imports. Another version is mentioned and left alone.
//! 5. an install of the pinned wheel.
//!
//! 1, 2 and 4 are linked at `.libtorch/torch`, where plain cargo commands look.
use std::path::PathBuf;

use crate::error::Error;
use crate::probe::Findings;
use crate::probe::compiler::Compiler;
use crate::probe::earlier::Earlier;
use crate::probe::python::Python;
use crate::probe::torch::Torch;
use crate::wheels::{Kind, PYTHONS, human};

#[derive(Debug, PartialEq)]
pub(crate) enum Plan {
    Keep,
    Link { torch: PathBuf, origin: String },
    Install { python: PathBuf, kind: Kind, pip: Pip },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pip {
    Own,
    /// python has no pip, but can make an environment with one.
    InVenv,
}

/// The plan, and what the user should hear about how it came to be.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) plan: Plan,
    pub(crate) notes: Vec<String>,
}

pub(crate) fn decide(found: &Findings, python_too: bool) -> Result<Decision, Error> {
    match &found.compiler {
        Compiler::Runs => {}
        Compiler::Missing(tried) => return Err(Error::NoCompiler { tried: tried.clone() }),
        Compiler::Unnamed(other) => return Err(Error::UnnamedCompiler { other }),
    }
    let kind = wanted_kind(found, python_too);
    let mut notes = Vec::new();
    let plan = match asked_for(found, python_too)? {
        Some(plan) => plan,
        None if serves(&found.earlier, kind, &mut notes) => Plan::Keep,
        None => match importable(found, &mut notes) {
            Some(plan) => plan,
            None => install(found, kind)?,
        },
    };
    Ok(Decision { plan, notes })
}

fn wanted_kind(found: &Findings, python_too: bool) -> Kind {
    match found.pythons.iter().any(|python| python.sees_gpu) {
        _ if python_too => Kind::Python,
        true => Kind::Gpu,
        false => Kind::Cpu,
    }
}

/// What the caller's variables say; whoever sets them wants no other libtorch, so a flaw is an error.
fn asked_for(found: &Findings, python_too: bool) -> Result<Option<Plan>, Error> {
    if let Some(torch) = &found.libtorch {
        let path = || torch.path.clone();
        check_version("LIBTORCH", torch)?;
        if let Some(flaw) = torch.flaw() {
            return Err(Error::BrokenLibtorch { path: path(), flaw: format!("it {flaw}") });
        }
        if python_too && !torch.is_package {
            return Err(Error::NotAPackage { path: path() });
        }
        return Ok(Some(Plan::Link { torch: path(), origin: "LIBTORCH".to_owned() }));
    }
    if !found.use_pytorch {
        return Ok(None);
    }
    let python = found.pythons.first();
    let name = python.map_or("python3".to_owned(), Python::name);
    let Some(python) = python else {
        return Err(Error::NoPytorch { python: name, why: "does not run".to_owned() });
    };
    let Some(torch) = &python.torch else {
        return Err(Error::NoPytorch { python: name, why: "has no torch".to_owned() });
    };
    check_version("LIBTORCH_USE_PYTORCH", torch)?;
    match torch.flaw() {
        Some(flaw) => Err(Error::NoPytorch { python: name, why: format!("has a torch that {flaw}") }),
        None => Ok(Some(Plan::Link { torch: torch.path.clone(), origin: name })),
    }
}

fn check_version(variable: &'static str, torch: &Torch) -> Result<(), Error> {
    match torch.version {
        Ok(version) if !version.is_wanted() => {
            Err(Error::WrongVersion { variable, path: torch.path.clone(), found: version.to_string() })
        }
        _ => Ok(()),
    }
}

fn serves(earlier: &Earlier, wanted: Kind, notes: &mut Vec<String>) -> bool {
    match earlier {
        Earlier::Nothing => false,
        Earlier::Linked(torch) if wanted == Kind::Python && !torch.is_package => {
            notes.push(format!("`.libtorch` links to a libtorch without python: `{}`", torch.path.display()));
            false
        }
        Earlier::Installed(kind) if *kind < wanted => {
            notes.push(format!("the earlier install is for {kind} only and is replaced"));
            false
        }
        Earlier::Linked(_) | Earlier::Installed(_) => true,
        Earlier::Broken(flaw) => {
            notes.push(format!("the earlier `.libtorch` {flaw}; it is made anew"));
            false
        }
    }
}

fn importable(found: &Findings, notes: &mut Vec<String>) -> Option<Plan> {
    for python in &found.pythons {
        let Some(torch) = &python.torch else { continue };
        match torch.flaw() {
            None => return Some(Plan::Link { torch: torch.path.clone(), origin: python.name() }),
            Some(flaw) => notes.push(format!("not used: the torch of `{}`, which {flaw}", python.name())),
        }
    }
    None
}

fn install(found: &Findings, kind: Kind) -> Result<Plan, Error> {
    let fits = |python: &&Python| PYTHONS.contains(&python.version);
    let Some(python) = found.pythons.iter().find(fits) else {
        return Err(found.pythons.first().map_or(Error::NoPython, |python| {
            let (major, minor) = python.version;
            Error::PythonVersion { python: python.name(), version: format!("{major}.{minor}") }
        }));
    };
    let pip = match (python.has_pip, python.has_venv) {
        (true, _) => Pip::Own,
        (false, true) => Pip::InVenv,
        (false, false) => return Err(Error::NoPip { python: python.name() }),
    };
    let needed = kind.size().peak();
    if python.free < needed {
        let (needed, free) = (human(needed), human(python.free));
        return Err(Error::NoRoom { needed, free, path: found.root.clone() });
    }
    Ok(Plan::Install { python: python.command.clone(), kind, pip })
}

#[cfg(test)]
mod tests;
