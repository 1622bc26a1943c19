//! What MMDetection's configurations say beside what is read here: a dump of one loads as it is.
use serde_json::{Value, json};

/// Keys of which it does not matter what they say.
const MEANINGLESS: [&str; 30] = [
    "backend_args",
    "dataset_type",
    "default_scope",
    "env_cfg",
    "file_client_args",
    "launcher",
    "log_level",
    "log_processor",
    "resume",
    "test_cfg",
    "test_pipeline",
    "train_pipeline",
    "tta_model",
    "tta_pipeline",
    "val_cfg",
    "val_pipeline",
    "vis_backends",
    "visualizer",
    // The weights come from `model.backbone.checkpoint` instead.
    "model.backbone.init_cfg",
    // Numbers that follow from others.
    "model.neck.in_channels",
    "model.bbox_head.in_channels",
    "model.bbox_head.num_classes",
    // How it is done is not configured.
    "default_hooks.timer",
    "default_hooks.param_scheduler",
    "default_hooks.sampler_seed",
    "train_dataloader.batch_sampler",
    "val_evaluator.ann_file",
    "test_evaluator.ann_file",
    "val_evaluator.backend_args",
    "test_evaluator.backend_args",
];

/// Keys that may only say what happens here anyway; with another value they stay, and are unknown keys.
fn expected() -> Vec<(&'static str, Value)> {
    let mut expected = vec![
        ("model.data_preprocessor.type", json!("DetDataPreprocessor")),
        ("model.data_preprocessor.bgr_to_rgb", json!(true)),
        ("model.backbone.type", json!("ResNet")),
        ("model.backbone.num_stages", json!(4)),
        ("model.backbone.out_indices", json!([0, 1, 2, 3])),
        ("model.backbone.style", json!("pytorch")),
        ("model.neck.type", json!("FPN")),
        ("model.neck.start_level", json!(1)),
        ("model.neck.add_extra_convs", json!("on_input")),
        ("model.neck.num_outs", json!(5)),
        ("model.bbox_head.type", json!("RetinaHead")),
        ("model.bbox_head.anchor_generator.type", json!("AnchorGenerator")),
        ("model.bbox_head.anchor_generator.strides", json!([8, 16, 32, 64, 128])),
        (
            "model.bbox_head.bbox_coder",
            json!({
                "type": "DeltaXYWHBBoxCoder", "target_means": [0., 0., 0., 0.], "target_stds": [1., 1., 1., 1.],
            }),
        ),
        (
            "model.bbox_head.loss_cls",
            json!({
                "type": "FocalLoss", "use_sigmoid": true, "gamma": 2., "alpha": 0.25, "loss_weight": 1.,
            }),
        ),
        (
            "model.train_cfg",
            json!({
                "assigner": {
                    "type": "MaxIoUAssigner", "pos_iou_thr": 0.5, "neg_iou_thr": 0.4, "min_pos_iou": 0, "ignore_iof_thr": -1,
                },
                "sampler": { "type": "PseudoSampler" },
                "allowed_border": -1, "pos_weight": -1, "debug": false,
            }),
        ),
        ("model.test_cfg.min_bbox_size", json!(0)),
        ("model.test_cfg.nms.type", json!("nms")),
        ("train_cfg.type", json!("EpochBasedTrainLoop")),
        ("default_hooks.logger.type", json!("LoggerHook")),
        ("default_hooks.checkpoint.type", json!("CheckpointHook")),
        ("default_hooks.visualization.type", json!("DetVisualizationHook")),
    ];
    for norm in [
        "model.backbone.norm_cfg.requires_grad",
        "model.neck.norm_cfg.requires_grad",
        "model.bbox_head.norm_cfg.requires_grad",
    ] {
        expected.push((norm, json!(true)));
    }
    expected
}

/// Transforms that say what happens anyway.
const IMPLIED: [&str; 3] = ["LoadImageFromFile", "LoadAnnotations", "PackDetInputs"];

/// Takes all of that out of a document; returns the keys whose value did not matter.
pub(super) fn drop_implied(document: &mut Value) -> Vec<String> {
    let mut dropped: Vec<String> =
        MEANINGLESS.iter().filter(|path| take(document, path, None)).map(|path| (*path).to_owned()).collect();
    for (path, value) in expected() {
        take(document, path, Some(&value));
    }
    for loader in ["train_dataloader", "val_dataloader", "test_dataloader"] {
        for key in [
            "persistent_workers",
            "sampler",
            "dataset.backend_args",
            "dataset.test_mode",
            "dataset.filter_cfg.min_size",
        ] {
            let path = format!("{loader}.{key}");
            if take(document, &path, None) {
                dropped.push(path);
            }
        }
        let Some(dataset) = document.get_mut(loader).and_then(|loader| loader.get_mut("dataset")) else {
            continue;
        };
        // `filter_cfg` has nothing but this left.
        if let Some(filter) = dataset.as_object_mut().and_then(|dataset| dataset.remove("filter_cfg")) {
            dataset["filter_empty_gt"] = filter.get("filter_empty_gt").cloned().unwrap_or(json!(false));
        }
        if let Some(pipeline) = dataset.get_mut("pipeline").and_then(Value::as_array_mut) {
            pipeline.retain(|transform| !IMPLIED.iter().any(|implied| transform["type"] == *implied));
        }
    }
    dropped
}

/// Takes away the key at a path, if it has that value; whether it did.
fn take(document: &mut Value, path: &str, value: Option<&Value>) -> bool {
    let (above, key) = path.rsplit_once('.').unwrap_or(("", path));
    let pointer = if above.is_empty() { String::new() } else { format!("/{}", above.replace('.', "/")) };
    let Some(table) = document.pointer_mut(&pointer).and_then(Value::as_object_mut) else { return false };
    let is_it = table.get(key).is_some_and(|found| value.is_none_or(|value| same(found, value)));
    is_it && table.remove(key).is_some()
}

/// Equal, whether numbers are written with a point or without.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}
