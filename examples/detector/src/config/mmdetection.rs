//! What MMDetection's configurations say beside what is read here: a dump of one loads as it is.
use super::document::{at, below, take};
use super::error::Problem;
use super::layers::LOADERS;
use serde_json::{Value, json};

/// Keys of which it does not matter what they say.
const MEANINGLESS: [&str; 29] = [
    // A variable that a file makes its pipelines of: a dump has both.
    "img_scales",
    "backend_args",
    "dataset_type",
    "default_scope",
    "env_cfg",
    "file_client_args",
    "launcher",
    "log_level",
    "log_processor",
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
    "val_evaluator.ann_file",
    "test_evaluator.ann_file",
    "val_evaluator.backend_args",
    "test_evaluator.backend_args",
];

/// The same below every `*_dataloader`.
const MEANINGLESS_IN_LOADERS: [&str; 8] = [
    "batch_sampler",
    "collate_fn",
    "persistent_workers",
    "sampler",
    "dataset.backend_args",
    "dataset.test_mode",
    // MMDetection drops boxes below this many pixels a side; `on_bad_data` looks after what is broken.
    "dataset.filter_cfg.min_size",
    "dataset.metainfo.palette",
];

/// Keys that may only say what happens here anyway.
fn expected(document: &Value) -> Value {
    let is_fcos = at(document, "model.type").is_some_and(|kind| kind == "FCOS");
    let evaluator = json!({ "metric": "bbox", "format_only": false, "eval_mode": "area", "iou_thrs": 0.5 });
    let mut expected = json!({
        "model": {
            "data_preprocessor": { "type": "DetDataPreprocessor", "bgr_to_rgb": true },
            "backbone": {
                "type": "ResNet", "num_stages": 4, "out_indices": [0, 1, 2, 3], "style": "pytorch",
                "norm_cfg": { "requires_grad": true },
            },
            "neck": {
                "type": "FPN", "start_level": 1, "add_extra_convs": "on_input", "num_outs": 5,
                "norm_cfg": { "requires_grad": true },
            },
            "bbox_head": {
                "type": if is_fcos { "FCOSHead" } else { "RetinaHead" },
                "norm_cfg": { "requires_grad": true },
                "anchor_generator": { "type": "AnchorGenerator", "strides": [8, 16, 32, 64, 128] },
                "bbox_coder": {
                    "type": "DeltaXYWHBBoxCoder", "target_means": [0, 0, 0, 0], "target_stds": [1, 1, 1, 1],
                },
                "loss_cls": {
                    "type": "FocalLoss", "use_sigmoid": true, "gamma": 2, "alpha": 0.25, "loss_weight": 1,
                },
            },
            "train_cfg": {
                "assigner": {
                    "type": "MaxIoUAssigner", "pos_iou_thr": 0.5, "neg_iou_thr": 0.4, "min_pos_iou": 0,
                    "ignore_iof_thr": -1,
                },
                "sampler": { "type": "PseudoSampler" },
                "allowed_border": -1, "pos_weight": -1, "debug": false,
            },
            "test_cfg": { "min_bbox_size": 0, "nms": { "type": "nms" } },
        },
        "train_cfg": { "type": "EpochBasedTrainLoop" },
        "val_evaluator": evaluator,
        "test_evaluator": evaluator,
        "default_hooks": {
            "logger": { "type": "LoggerHook" },
            "checkpoint": { "type": "CheckpointHook" },
            "visualization": { "type": "DetVisualizationHook" },
        },
    });
    if is_fcos {
        expected["model"]["neck"]["add_extra_convs"] = json!("on_output");
        expected["model"]["neck"]["relu_before_extra_convs"] = json!(true);
        let head = &mut expected["model"]["bbox_head"];
        head["strides"] = json!([8, 16, 32, 64, 128]);
        head["loss_centerness"] =
            json!({ "type": "CrossEntropyLoss", "use_sigmoid": true, "loss_weight": 1 });
        for (key, value) in [("center_sampling", true), ("centerness_on_reg", true), ("norm_on_bbox", true)] {
            head[key] = json!(value);
        }
        head["conv_bias"] = json!("auto");
        head["dcn_on_last_conv"] = json!(false);
    }
    expected
}

/// Transforms that say what happens anyway.
const IMPLIED: [&str; 3] = ["LoadImageFromFile", "LoadAnnotations", "PackDetInputs"];

/// Takes all of that out of a document, and notes what says something else; returns the keys whose value did not matter.
pub(super) fn drop_implied(document: &mut Value, problems: &mut Vec<Problem>) -> Vec<String> {
    let in_loaders = LOADERS.iter().flat_map(|loader| MEANINGLESS_IN_LOADERS.map(|key| below(loader, key)));
    let ignored = MEANINGLESS.map(str::to_owned).into_iter().chain(in_loaders);
    let ignored = ignored.filter(|key| take(document, key).is_some()).collect();
    drop_expected(document, "", &expected(document), problems);
    for loader in LOADERS {
        if let Some(empty) = take(document, &format!("{loader}.dataset.filter_cfg.filter_empty_gt")) {
            document[loader]["dataset"]["filter_empty_gt"] = empty;
        }
        drop_empty(document, &format!("{loader}.dataset.filter_cfg"));
        let pipeline = document.pointer_mut(&format!("/{loader}/dataset/pipeline"));
        if let Some(pipeline) = pipeline.and_then(Value::as_array_mut) {
            pipeline.retain(|transform| !IMPLIED.iter().any(|implied| transform["type"] == *implied));
        }
    }
    ignored
}

fn drop_expected(document: &mut Value, key: &str, wanted: &Value, problems: &mut Vec<Problem>) {
    if let Value::Object(table) = wanted {
        for (name, wanted) in table {
            drop_expected(document, &below(key, name), wanted, problems);
        }
        drop_empty(document, key);
    } else if let Some(found) = take(document, key)
        && !same(&found, wanted)
    {
        problems.push(Problem::wants(
            key,
            &found.to_string(),
            &format!("{wanted}: nothing else is built here"),
        ));
    }
}

/// Takes away a table that has nothing left.
fn drop_empty(document: &mut Value, key: &str) {
    if at(document, key).and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
        take(document, key);
    }
}

/// Equal, whether numbers are written with a point or without.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b,
    }
}
