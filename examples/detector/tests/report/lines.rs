//! Lines and tables, held against MMEngine's log processor and pycocotools' summary (`goldens/report.py`).
use detector::report::{Log, StepNumbers, TrainEntry, ValEntry, Window, coco_lines, table};
use serde_json::{Value, json};
use std::fs;

fn goldens() -> Value {
    serde_json::from_str(include_str!("../goldens/report.json")).unwrap()
}

/// JSON has no `inf` and `nan`; the goldens have them as text.
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn entry(given: &Value) -> TrainEntry {
    let numbers = &given["numbers"];
    let whole = |key: &str| given[key].as_u64().unwrap();
    let losses = ["loss", "loss_cls", "loss_bbox"].into_iter();
    TrainEntry {
        epoch: whole("epoch"),
        iter: whole("iter"),
        iters_per_epoch: whole("iters_per_epoch"),
        step: whole("step"),
        lr: number(&numbers["lr"]),
        eta: number(&given["eta"]),
        time: number(&numbers["time"]),
        data_time: number(&numbers["data_time"]),
        memory: given["memory"].as_u64(),
        grad_norm: Some(number(&numbers["grad_norm"])),
        losses: losses.filter_map(|name| Some((name.to_owned(), number(numbers.get(name)?)))).collect(),
        scaling: None,
    }
}

#[test]
fn training_reads_like_mmengine() {
    for golden in goldens()["train"].as_array().unwrap() {
        let entry = entry(&golden["given"]);
        assert_eq!(entry.to_string(), golden["line"].as_str().unwrap());
        assert_eq!(entry.to_json(), golden["json"]);
    }
}

#[test]
fn a_loss_scale_stands_at_the_end() {
    let golden = &goldens()["train"][0];
    let entry = TrainEntry { scaling: Some((65536., 3)), ..entry(&golden["given"]) };
    let line = golden["line"].as_str().unwrap();
    assert_eq!(entry.to_string(), format!("{line}  loss_scale: 65536  skipped: 3"));
    assert_eq!((&entry.to_json()["loss_scale"], &entry.to_json()["skipped"]), (&json!(65536.), &json!(3)));
    let none = TrainEntry { grad_norm: None, ..entry };
    assert!(!none.to_string().contains("grad_norm") && none.to_json().get("grad_norm").is_none());
}

#[test]
fn evaluation_reads_like_mmengine_but_for_its_spaces_and_its_step() {
    let golden = &goldens()["val"][0];
    let numbers = golden["given"]["numbers"].as_object().unwrap();
    let metrics = ["pascal_voc/mAP", "pascal_voc/AP50_RBC"];
    let entry = ValEntry {
        epoch: golden["given"]["epoch"].as_u64().unwrap(),
        step: 1845,
        batches: golden["given"]["batches"].as_u64().unwrap(),
        metrics: metrics.map(|name| (name.to_owned(), number(&numbers[name]))).to_vec(),
        time: number(&numbers["time"]),
        data_time: number(&numbers["data_time"]),
    };
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&entry.to_string()), words(golden["line"].as_str().unwrap()));
    let mut expected = Value::Object(numbers.clone());
    (expected["epoch"], expected["step"]) = (json!(9), json!(1845));
    assert_eq!(entry.to_json(), expected);
}

#[test]
fn coco_reads_like_pycocotools() {
    for golden in goldens()["coco"].as_array().unwrap() {
        let numbers: [Option<f64>; 12] = serde_json::from_value(golden["numbers"].clone()).unwrap();
        let printed = coco_lines(&numbers);
        let (lines, copy) = printed.rsplit_once('\n').unwrap();
        assert_eq!(lines, golden["lines"].as_str().unwrap().trim_end_matches('\n'));
        let first: Vec<&str> = lines.lines().take(6).map(|line| line.rsplit(' ').next().unwrap()).collect();
        assert_eq!(copy, format!("bbox_mAP_copypaste: {}", first.join(" ")));
    }
}

#[test]
fn columns_of_a_table_stand_under_their_heads() {
    let rows =
        [["Platelets", "69", "0.8"], ["RBC", "1805", "0.75"]].map(|row| row.map(str::to_owned).to_vec());
    let expected =
        ["class       gts    ap", "---------------------", "Platelets    69   0.8", "RBC        1805  0.75"];
    assert_eq!(table(&["class", "gts", "ap"], &rows), expected.join("\n"));
}

fn step(loss: f64, grad_norm: Option<f64>, skipped: bool) -> StepNumbers {
    StepNumbers {
        time: loss.abs(),
        data_time: 0.5,
        losses: vec![("loss".to_owned(), loss)],
        grad_norm,
        skipped,
    }
}

#[test]
fn a_skipped_update_does_not_spoil_the_means_of_the_others() {
    let mut window = Window::default();
    window.add(step(1., Some(2.), false));
    window.add(step(f64::INFINITY, Some(f64::NAN), true));
    window.add(step(3., None, false));
    window.add(step(5., Some(6.), false));
    assert_eq!((window.len(), window.trailing_skips()), (4, 0));
    let mean = window.take();
    assert_eq!((mean.losses, mean.grad_norm, mean.skipped), (vec![("loss".to_owned(), 3.)], Some(4.), false));
    assert!(window.is_empty());
    // Nothing else is known of a stretch of skipped updates, which is counted on.
    window.add(step(7., Some(f64::NAN), true));
    window.add(step(9., Some(f64::NAN), true));
    assert_eq!(window.trailing_skips(), 2);
    let mean = window.take();
    assert_eq!((mean.losses[0].1, mean.grad_norm, mean.time, mean.skipped), (8., None, 8., true));
    window.add(step(7., None, true));
    assert_eq!(window.trailing_skips(), 3);
    // A loss that is not finite without a skipped update is the user's to see.
    let mut window = Window::default();
    window.add(step(1., None, false));
    window.add(step(f64::NAN, None, false));
    assert!(window.take().losses[0].1.is_nan());
}

#[test]
fn a_log_goes_on_at_the_end_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.log");
    Log::to_file(&path).unwrap().info("first");
    let log = Log::to_file(&path).unwrap();
    log.begin("evaluation".to_owned(), 2, 0);
    log.warning(format_args!("{} of 2", 1));
    log.advance(String::new);
    log.end();
    log.error("the end");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<(&str, &str)> =
        text.lines().map(|line| line.split_at("2026/11/25 20:05:35".len())).collect();
    let said: Vec<&str> = lines.iter().map(|(_, said)| *said).collect();
    let expected =
        [" - detector - INFO - first", " - detector - WARNING - 1 of 2", " - detector - ERROR - the end"];
    assert_eq!(said, expected);
    for (time, _) in lines {
        let shape: String = time.chars().map(|sign| if sign.is_ascii_digit() { '0' } else { sign }).collect();
        assert_eq!(shape, "0000/00/00 00:00:00");
    }
}
