//! The decision for each machine that the order of the search tells apart.
use std::path::Path;

use super::*;
use crate::probe::torch::Version;

fn torch(path: &str, version: [u32; 3]) -> Torch {
    Torch { path: path.into(), version: Ok(Version(version)), is_package: true }
}

fn good(path: &str) -> Torch {
    torch(path, [2, 11, 0])
}

fn python(command: &str) -> Python {
    Python {
        command: command.into(),
        version: (3, 11),
        has_pip: true,
        has_venv: true,
        torch: None,
        sees_gpu: false,
        free: u64::MAX,
    }
}

/// A fresh machine: compiler, python3, nothing else.
fn fresh() -> Findings {
    Findings {
        compiler: Compiler::Runs,
        libtorch: None,
        use_pytorch: false,
        earlier: Earlier::Nothing,
        pythons: vec![python("python3")],
        root: "/workspace".into(),
    }
}

fn plan(found: &Findings) -> Plan {
    decide(found, false).unwrap().plan
}

fn error(found: &Findings) -> Error {
    decide(found, false).unwrap_err()
}

fn link(path: &str, origin: &str) -> Plan {
    Plan::Link { torch: path.into(), origin: origin.into() }
}

fn install(kind: Kind) -> Plan {
    Plan::Install { python: "python3".into(), kind, pip: Pip::Own }
}

#[test]
fn each_source_beats_all_later_ones() {
    let mut found = fresh();
    assert_eq!(plan(&found), install(Kind::Cpu));
    found.pythons[0].torch = Some(good("/site/torch"));
    assert_eq!(plan(&found), link("/site/torch", "python3"));
    found.earlier = Earlier::Installed(Kind::Cpu);
    assert_eq!(plan(&found), Plan::Keep);
    found.use_pytorch = true;
    assert_eq!(plan(&found), link("/site/torch", "python3"));
    found.libtorch = Some(good("/opt/libtorch"));
    assert_eq!(plan(&found), link("/opt/libtorch", "LIBTORCH"));
}

#[test]
fn what_the_caller_names_must_be_good() {
    let mut found = fresh();
    found.libtorch = Some(torch("/opt/libtorch", [2, 5, 1]));
    assert!(matches!(error(&found), Error::WrongVersion { variable: "LIBTORCH", .. }));
    found.libtorch = Some(Torch { version: Err("is not a folder".into()), ..good("/opt/libtorch") });
    assert!(matches!(error(&found), Error::BrokenLibtorch { .. }));

    let mut found = Findings { use_pytorch: true, ..fresh() };
    assert!(matches!(error(&found), Error::NoPytorch { .. }));
    found.pythons[0].torch = Some(torch("/site/torch", [2, 12, 0]));
    assert!(matches!(error(&found), Error::WrongVersion { variable: "LIBTORCH_USE_PYTORCH", .. }));
    found.pythons.clear();
    assert!(matches!(error(&found), Error::NoPytorch { .. }));
}

#[test]
fn use_pytorch_means_the_first_python_and_otherwise_any_will_do() {
    let with_torch = Python { torch: Some(good("/site/torch")), ..python("python") };
    let mut found = Findings { pythons: vec![python("python3"), with_torch], ..fresh() };
    assert_eq!(plan(&found), link("/site/torch", "python"));
    found.use_pytorch = true;
    assert!(matches!(error(&found), Error::NoPytorch { .. }));
}

#[test]
fn a_broken_install_is_reported_and_made_anew() {
    let found = Findings { earlier: Earlier::Broken("lacks `x`".into()), ..fresh() };
    let decision = decide(&found, false).unwrap();
    assert_eq!(decision.plan, install(Kind::Cpu));
    assert_eq!(decision.notes, ["the earlier `.libtorch` lacks `x`; it is made anew"]);
}

#[test]
fn another_version_in_python_is_only_mentioned() {
    let mut found = fresh();
    found.pythons[0].torch = Some(torch("/site/torch", [2, 5, 1]));
    let decision = decide(&found, false).unwrap();
    assert_eq!(decision.plan, install(Kind::Cpu));
    assert_eq!(decision.notes, ["not used: the torch of `python3`, which is version 2.5.1"]);
}

#[test]
fn an_install_that_does_less_than_wanted_is_replaced() {
    let mut found = Findings { earlier: Earlier::Installed(Kind::Cpu), ..fresh() };
    assert_eq!(decide(&found, true).unwrap().plan, install(Kind::Python));
    found.pythons[0].sees_gpu = true;
    assert_eq!(plan(&found), install(Kind::Gpu));
    found.earlier = Earlier::Installed(Kind::Python);
    assert_eq!(plan(&found), Plan::Keep);
}

#[test]
fn python_too_wants_a_package() {
    let bare = || Torch { is_package: false, ..good("/opt/libtorch") };
    let found = Findings { earlier: Earlier::Linked(bare()), ..fresh() };
    assert_eq!(plan(&found), Plan::Keep);
    assert_eq!(decide(&found, true).unwrap().plan, install(Kind::Python));
    let found = Findings { libtorch: Some(bare()), ..fresh() };
    assert!(matches!(decide(&found, true), Err(Error::NotAPackage { .. })));
}

#[test]
fn the_installing_python_must_be_able_to() {
    let with = |change: fn(&mut Python)| {
        let mut found = fresh();
        change(&mut found.pythons[0]);
        found
    };
    assert!(matches!(error(&Findings { pythons: vec![], ..fresh() }), Error::NoPython));
    assert!(matches!(error(&with(|python| python.version = (3, 9))), Error::PythonVersion { .. }));
    assert!(matches!(error(&with(|python| python.version = (3, 15))), Error::PythonVersion { .. }));
    assert!(matches!(error(&with(|python| python.free = 1_000_000_000)), Error::NoRoom { .. }));
    let mut found = with(|python| python.has_pip = false);
    assert!(matches!(plan(&found), Plan::Install { pip: Pip::InVenv, .. }));
    found.pythons[0].has_venv = false;
    assert!(matches!(error(&found), Error::NoPip { .. }));

    let mut found = with(|python| python.version = (3, 9));
    found.pythons.push(python("python"));
    let Plan::Install { python, .. } = plan(&found) else { panic!("does not install") };
    assert_eq!(python, Path::new("python"));
}

#[test]
fn nothing_goes_without_a_compiler() {
    let mut found = Findings { compiler: Compiler::Missing("c++".into()), ..fresh() };
    assert!(matches!(error(&found), Error::NoCompiler { .. }));
    found.compiler = Compiler::Unnamed("g++");
    assert!(matches!(error(&found), Error::UnnamedCompiler { .. }));
}
