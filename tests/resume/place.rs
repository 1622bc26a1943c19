//! A save that fails says why and leaves the previous checkpoint.
use crate::training::{Case, Training, alone, another_process, part};
use amp_runtime::checkpoint::{self, CheckpointError, LoadOptions};
use serde_json::json;
use std::path::Path;
use std::process::Command;

fn save_error(training: &mut Training, path: &Path) -> CheckpointError {
    checkpoint::save(path, &training.store, &mut training.optim, &json!(null)).unwrap_err()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn unwritable_places() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("directory");
    std::fs::create_dir(&directory).unwrap();
    let mut training = Training::new(Case::largest(), 1);
    // Nobody, root included, creates files in /proc.
    for path in [folder.path().join("missing/checkpoint"), "/proc/checkpoint".into(), directory, "/".into()] {
        let error = save_error(&mut training, &path);
        assert!(matches!(error, CheckpointError::Io { .. }), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    assert_eq!(names(folder.path()), ["directory"]);
    let error = checkpoint::save_weights("/proc/weights", &training.store).unwrap_err();
    assert!(matches!(error, CheckpointError::Io { action: "write", .. }), "{error:?}");
}

/// A limit on the size of files stands for a full disk: the write fails halfway.
#[test]
fn a_full_disk_leaves_the_previous_checkpoint() {
    let _alone = alone();
    if let Some(folder) = part() {
        let mut training = Training::new(Case::largest(), 2);
        let before = std::fs::read(folder.join("checkpoint")).unwrap();
        let error = save_error(&mut training, &folder.join("checkpoint"));
        assert!(matches!(error, CheckpointError::Io { action: "write", .. }), "{error:?}");
        assert!(std::fs::read(folder.join("checkpoint")).unwrap() == before);
        assert_eq!(names(&folder), ["checkpoint"]);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut training = Training::new(Case::largest(), 1);
    training.save(&path);
    let child = another_process("place::a_full_disk_leaves_the_previous_checkpoint", folder.path());
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(child.get_program())
        .args(child.get_args())
        .envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))))
        // Piped: output that goes to a file would meet the limit as well.
        .output()
        .unwrap();
    assert!(limited.status.success(), "{}", String::from_utf8_lossy(&limited.stderr));
    training.load(&path, LoadOptions::default()).unwrap();
}

#[test]
#[cfg(unix)]
fn a_checkpoint_has_the_permissions_of_any_file() {
    use std::os::unix::fs::PermissionsExt;
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    std::fs::write(folder.path().join("plain"), "").unwrap();
    Training::new(Case::largest(), 1).save(&folder.path().join("checkpoint"));
    assert_eq!(mode(&folder.path().join("checkpoint")), mode(&folder.path().join("plain")));
}
