//! The recorded references are what the real PyTorch and MMEngine give: made anew and compared, where they can be imported.
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

/// The kept scripts, run by a Python that imports the set-up's torch; none with the reason where there is none.
fn check(name: &str) -> Result<Output, String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let torch = workspace.join(".libtorch/torch").canonicalize().map_err(|error| error.to_string())?;
    let python = std::env::var("AMP_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.args(arguments).current_dir(workspace.join("tests/goldens"));
        command.env("PYTHONPATH", torch.parent().unwrap_or(&torch)).env("PYTHONDONTWRITEBYTECODE", "1");
        command.output().map_err(|error| format!("{python}: {error}"))
    };
    let probe = run(&["-c", "import numpy, safetensors, torch"])?;
    if !probe.status.success() {
        let said = String::from_utf8_lossy(&probe.stderr);
        return Err(said.lines().last().unwrap_or("python failed").to_owned());
    }
    run(&["make.py", "--check", name])
}

/// Compares one reference; says loudly where that was not possible.
fn compare(name: &str) {
    match check(name) {
        Err(reason) => {
            // Not `println!`, which a passing test keeps to itself.
            let mut loud = std::io::stderr();
            let _ = writeln!(loud, "skipped: {name} was not compared with a live PyTorch: {reason}");
        }
        Ok(output) => {
            let said = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(output.status.success(), "{said}");
            assert!(said.contains("same: ") || said.contains("skipped: "), "{said}");
            print!("{said}");
        }
    }
}

#[test]
fn optimizers() {
    compare("optimizers");
}

#[test]
fn clipping() {
    compare("clip");
}

#[test]
fn schedules() {
    compare("schedules");
}

#[test]
fn hysteresis() {
    compare("hysteresis");
}

#[test]
fn scaler_traces() {
    compare("scaler");
}

#[test]
fn autocast() {
    compare("autocast");
}

#[test]
fn mmengine() {
    compare("mmengine");
}

#[test]
fn mmengine_schedules() {
    compare("mmengine_schedules");
}

#[test]
fn parity() {
    compare("parity");
}
