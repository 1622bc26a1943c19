//! `scalars.json`: what survives a kill, whose files can be read, and what is said about those that cannot.
use detector::report::{Run, ScalarsWriter, read_run};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn steps(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["step"].as_u64().unwrap()).collect()
}

#[test]
fn a_resumed_run_drops_what_came_after_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scalars.json");
    let mut writer = ScalarsWriter::create(&path).unwrap();
    for step in 1..=6 {
        writer.write(&json!({ "loss": 1., "step": step })).unwrap();
    }
    drop(writer);
    // Killed in the middle of a line, and of a letter.
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(b"{\"pascal_voc/AP50_\xc3");
    fs::write(&path, bytes).unwrap();
    let mut writer = ScalarsWriter::resume(&path, 4).unwrap();
    assert_eq!(steps(&path), [1, 2, 3, 4]);
    writer.write(&json!({ "loss": 1., "step": 5 })).unwrap();
    assert_eq!(steps(&path), [1, 2, 3, 4, 5]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[cfg(unix)]
#[test]
fn a_resumed_file_is_read_by_those_who_could_before() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scalars.json");
    fs::write(&path, "{\"step\": 1}\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    drop(ScalarsWriter::resume(&path, 1).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o664);
}

#[test]
fn a_run_without_scalars_begins_them_when_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scalars.json");
    ScalarsWriter::resume(&path, 7).unwrap().write(&json!({ "step": 8 })).unwrap();
    assert_eq!(steps(&path), [8]);
    let missing = folder.path().join("no/scalars.json");
    assert!(ScalarsWriter::resume(&missing, 7).is_err());
}

/// MMEngine's layout and words: `NaN`, evaluations that count epochs.
#[test]
fn mmengines_file_is_read_as_ours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("retinanet/vis_data/scalars.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let lines = [
        r#"{"lr": 0.01, "loss": 3.5, "grad_norm": NaN, "epoch": 1, "iter": 50, "memory": 1182, "step": 50}"#,
        r#"{"lr": 0.02, "loss": Infinity, "grad_norm": -Infinity, "epoch": 1, "iter": 100, "step": 100}"#,
        r#"{"coco/bbox_mAP": 0.25, "coco/bbox_mAP_50": 0.5, "data_time": 0.1, "time": 0.2, "step": 1}"#,
        r#"{"lr": 0.02, "loss": 2.5, "loss_scale": 512.0, "skipped": 2, "epoch": 2, "iter": 150, "step": 150}"#,
        r#"{"lr": 0.02, "loss": 2.4, "loss_scale": 512.0, "skipped": 2, "epoch": 2, "iter": 200, "step": 200}"#,
        r#"{"lr": 0.02, "lo"#,
    ];
    fs::write(&path, lines.join("\n")).unwrap();
    let expected = Run {
        name: "retinanet".to_owned(),
        loss: vec![(50., 3.5), (150., 2.5), (200., 2.4)],
        lr: vec![(50., 0.01), (100., 0.02), (150., 0.02), (200., 0.02)],
        loss_scale: vec![(150., 512.), (200., 512.)],
        skipped: vec![150.],
        map: vec![(100., 0.25)],
    };
    assert_eq!(read_run(&path, None).unwrap(), expected);
    assert_eq!(
        read_run(path.parent().unwrap(), Some("mine")).unwrap(),
        Run { name: "mine".to_owned(), ..expected }
    );
}

#[test]
fn what_cannot_be_read_says_which_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scalars.json");
    let said = |text: &str| {
        fs::write(&path, text).unwrap();
        read_run(&path, None).unwrap_err().to_string()
    };
    let torn = said("{\"loss\": 1, \"step\": 1}\n\n{\"loss\": 1, \"ste\n{\"loss\": 1, \"step\": 3}\n");
    assert!(torn.starts_with(&format!("`{}`, line 3: ", path.display())), "{torn}");
    let list = said("{\"loss\": 1, \"step\": 1}\n[1, 2]\n");
    assert!(list.contains("line 2: ") && list.contains("expected a map"), "{list}");
    let empty = said("{\"lr\": 1, \"step\": 1}\n");
    assert!(empty.ends_with("has nothing to draw: no line has `loss`, and none an mAP"), "{empty}");
    let missing = read_run(&folder.path().join("no"), None).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read `") && missing.contains("\nhelp: "), "{missing}");
}
