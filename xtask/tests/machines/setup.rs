//! What set-up finds, installs, repairs and complains about.
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::world::{World, outcome, put};

#[test]
fn a_fresh_machine_gets_an_install_once() {
    let world = World::new();
    world.setup().succeeds("installed torch 2.11.0");
    assert!(world.library().is_file());
    assert!(!world.root().join(".libtorch.partial").exists());
    let cuda = if cfg!(target_os = "linux") {
        " nvidia-cuda-runtime==13.0.96.* nvidia-cuda-cupti==13.0.85.*"
    } else {
        ""
    };
    let calls = world.calls("pip");
    assert!(
        calls[0].contains("--no-deps") && calls[0].ends_with(&format!("torch==2.11.0{cuda}")),
        "{calls:?}"
    );

    world.setup().succeeds("libtorch is set up: `.libtorch/torch`");
    assert_eq!(world.calls("pip").len(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn a_gpu_gets_the_rest_of_cuda() {
    let world = World::new();
    world.setup().succeeds("no NVIDIA GPU is seen");
    world.facts("version 3.11\nfree 999999999999\npip\ngpu\n");
    world.setup().succeeds("with CUDA for the NVIDIA GPU");
    assert!(world.calls("pip")[1].contains("nvidia-cudnn-cu13"));
    assert!(!world.calls("pip")[1].contains("triton"));
}

#[test]
fn python_too_completes_an_install() {
    let world = World::new();
    world.setup().succeeds("installed");
    let completed = world.run(&["setup", "--python-too"]);
    completed.succeeds("the earlier install is for cpu only and is replaced");
    completed.succeeds("python imports it with `PYTHONPATH=");
    assert!(!world.calls("pip")[1].contains("--no-deps"));
    assert!(world.calls("pip")[1].ends_with(" torch==2.11.0 numpy safetensors"));
}

#[test]
fn python_without_pip_makes_an_environment() {
    let world = World::new();
    world.facts("version 3.11\nfree 999999999999\nvenv\n");
    world.remove("pip");
    world.setup().succeeds("installed");
    assert!(world.library().is_file());
}

#[test]
fn what_the_caller_names_is_linked() {
    let world = World::new();
    let torch = world.torch("opt/libtorch", "2.11.0");
    outcome(world.command(&["setup"]).env("LIBTORCH", &torch)).succeeds("libtorch is set up from LIBTORCH");
    assert_eq!(fs::read_link(world.installed()).unwrap(), torch);
    world.setup().succeeds("a link to");

    let other = world.torch("site/torch", "2.11.0");
    world.facts(&format!("version 3.11\nfree 0\ntorch {}\n", other.display()));
    outcome(world.command(&["setup"]).env("LIBTORCH_USE_PYTORCH", "1"))
        .succeeds("libtorch is set up from python3");
    assert_eq!(fs::read_link(world.installed()).unwrap(), other);
    assert!(torch.is_dir());
}

#[test]
fn a_torch_that_python_imports_is_linked() {
    let world = World::new();
    let torch = world.torch("site/torch", "2.11.0");
    world.facts(&format!("version 3.11\nfree 0\ntorch {}\n", torch.display()));
    world.setup().succeeds("libtorch is set up from python3");
    assert_eq!(fs::read_link(world.installed()).unwrap(), torch);
}

#[test]
fn another_torch_in_python_is_left_alone() {
    let world = World::new();
    let torch = world.torch("site/torch", "2.5.1");
    world.facts(&format!("version 3.11\nfree 999999999999\npip\ntorch {}\n", torch.display()));
    let done = world.setup();
    done.succeeds("note: not used: the torch of `python3`, which is version 2.5.1");
    done.succeeds("installed torch 2.11.0");
}

#[test]
fn a_wrong_version_is_named() {
    let world = World::new();
    let torch = world.torch("opt/libtorch", "2.5.1");
    let wrong = outcome(world.command(&["setup"]).env("LIBTORCH", &torch));
    wrong.fails("`LIBTORCH` leads to libtorch 2.5.1, but 2.11 is wanted");
    world.facts(&format!("version 3.11\nfree 0\ntorch {}\n", torch.display()));
    let wrong = outcome(world.command(&["setup"]).env("LIBTORCH_USE_PYTORCH", "1"));
    wrong.fails("`LIBTORCH_USE_PYTORCH` leads to libtorch 2.5.1, but 2.11 is wanted");
}

#[test]
fn a_name_that_leads_nowhere_is_an_error() {
    let world = World::new();
    let nowhere = outcome(world.command(&["setup"]).env("LIBTORCH", "/nowhere"));
    nowhere.fails("`LIBTORCH` is set, but it is not a folder: `/nowhere`");
    fs::create_dir(world.path("empty")).unwrap();
    let empty = outcome(world.command(&["setup"]).env("LIBTORCH", world.path("empty")));
    empty.fails("`LIBTORCH` is set, but it has no `lib/libtorch_cpu.");
    let no_torch = outcome(world.command(&["setup"]).env("LIBTORCH_USE_PYTORCH", "1"));
    no_torch.fails("`LIBTORCH_USE_PYTORCH` is set, but `python3` has no torch");
}

#[test]
fn what_is_missing_is_named() {
    let world = World::new();
    world.facts("version 3.9\nfree 999999999999\npip\n");
    world.setup().fails("`python3` is Python 3.9, but torch 2.11 has wheels for 3.10 to 3.14");
    world.facts("version 3.11\nfree 999999999999\n");
    world.setup().fails("`python3` has neither pip nor venv");
    world.facts("version 3.11\nfree 100000000\npip\n");
    world.setup().fails("not enough room for libtorch: ");
    world.remove("python3");
    world.setup().fails("libtorch is not here and must be installed, but there is no python3");
    world.script("g++", "");
    world.remove("c++");
    world.setup().fails("no C++ compiler called `c++`, but `g++` runs");
    world.remove("g++");
    world.setup().fails("no C++ compiler: `c++` does not run");
    outcome(world.command(&["setup"]).env("CXX", "ccache g++"))
        .fails("no C++ compiler: `ccache g++` does not run");
}

#[test]
fn pips_failures_are_explained_and_leave_no_install() {
    let world = World::new();
    let no_match = "echo 'ERROR: No matching distribution found for torch==2.11.0'; exit 1";
    world.script("pip", &format!("echo 'WARNING: Retrying after connection broken by X'; {no_match}"));
    world.setup().fails("the package index could not be reached");
    world.script("pip", no_match);
    world.setup().fails("the package index has no torch 2.11.0 for this machine and `python3`");
    let full =
        "touch \"$here/../workspace/.libtorch.partial/tmp/half\"; echo 'No space left on device'; exit 1";
    world.script("pip", full);
    world.setup().fails("the disk ran full during the install");
    assert!(!world.root().join(".libtorch.partial/tmp").exists());
    world.script("pip", "echo 'ERROR: something else'; exit 1");
    world.setup().fails("pip failed: ERROR: something else");
    assert!(world.root().join(".libtorch.partial/pip.log").is_file());
    assert!(!world.root().join(".libtorch").exists());
}

#[test]
fn a_library_that_does_not_load_is_not_installed() {
    let world = World::new();
    let library = world.library();
    let library = world.path("index/torch").join(library.strip_prefix(world.installed()).unwrap());
    fs::write(library, "damaged").unwrap();
    world.setup().fails("libtorch_cpu");
    assert!(!world.root().join(".libtorch").exists());
}

#[test]
fn a_broken_install_is_repaired() {
    let world = World::new();
    world.setup().succeeds("installed");
    fs::write(world.library(), "cut").unwrap();
    let repaired = world.setup();
    repaired.succeeds("note: the earlier `.libtorch` lacks `torch/lib/libtorch_cpu.");
    repaired.succeeds("installed torch 2.11.0");

    fs::remove_file(world.root().join(".libtorch/installed")).unwrap();
    world.setup().succeeds("note: the earlier `.libtorch` has no `installed` file");

    fs::remove_dir_all(world.root().join(".libtorch")).unwrap();
    fs::create_dir(world.root().join(".libtorch")).unwrap();
    symlink("/nowhere", world.installed()).unwrap();
    world.setup().succeeds(
        "note: the earlier `.libtorch` links to `/nowhere`, which is not a folder; it is made anew",
    );
    world.setup().succeeds("libtorch is set up: `.libtorch/torch`\n");
}

#[test]
fn an_install_is_never_linked_to_itself() {
    let world = World::new();
    world.setup().succeeds("installed");
    fs::remove_file(world.root().join(".libtorch/installed")).unwrap();
    world.facts(&format!("version 3.11\nfree 999999999999\npip\ntorch {}\n", world.installed().display()));
    world.setup().succeeds("installed");
    symlink(world.installed(), world.path("elsewhere")).unwrap();
    let named = outcome(world.command(&["setup"]).env("LIBTORCH", world.path("elsewhere")));
    named.succeeds("libtorch is set up: `.libtorch/torch`\n");
    assert!(world.library().is_file());
}

#[test]
fn an_interrupted_install_is_cleared_away() {
    let world = World::new();
    put(&world.root().join(".libtorch.partial/packages/half"), "");
    world.setup().succeeds("installed");
    assert!(!world.root().join(".libtorch.partial").exists());
}

#[test]
fn a_killed_set_up_holds_the_next_back_until_its_pip_is_gone() {
    let world = World::new();
    let pip = fs::read_to_string(world.path("bin/pip")).unwrap();
    world.script("pip", "touch \"$WORLD/started\"; sleep 1; touch \"$WORLD/ended\"; exit 1");
    let mut first = world.command(&["setup"]).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !world.path("started").exists() && start.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(10));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    fs::write(world.path("bin/pip"), pip).unwrap();
    let second = world.setup();
    second.succeeds("waiting for another set-up");
    second.succeeds("installed");
    assert!(world.path("ended").exists());
}
