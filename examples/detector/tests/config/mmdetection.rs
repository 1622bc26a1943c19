//! A dump of MMDetection's own configuration, as MMEngine wrote it (`goldens/config.py`).
use super::load_of;
use amp_runtime::config::TrainingConfig;
use detector::config::{BoxLoss, Config, DatasetType, EvaluatorConfig, ModelType, Overrides, Transform};
use std::path::{Path, PathBuf};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/retinanet_r18_fpn_1x_coco.json")
}

fn with(options: &[&str]) -> Result<Config, String> {
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    let overrides = Overrides { options: &options, ..Overrides::default() };
    Config::load(&path(), overrides).map_err(|error| error.to_string())
}

#[test]
fn it_loads_as_it_is() {
    let config = with(&[]).unwrap();
    let sections = &config.sections;
    assert_eq!(sections.model.kind, ModelType::RetinaNet);
    assert_eq!((sections.model.backbone.depth, sections.model.backbone.frozen_stages), (18, 1));
    assert!(sections.model.backbone.norm_eval);
    assert_eq!(sections.model.bbox_head.loss_bbox.kind, BoxLoss::L1Loss);
    let train = &sections.train_dataloader;
    assert_eq!((train.batch_size, train.dataset.kind), (2, DatasetType::Coco));
    assert!(matches!(
        train.dataset.pipeline[..],
        [Transform::Resize { scale: [1333, 800], keep_ratio: true }, Transform::RandomFlip { prob: 0.5, .. }]
    ));
    assert!(train.dataset.filter_empty_gt);
    assert_eq!(train.dataset.data_root, Path::new("data/coco/"));
    assert_eq!((sections.val_evaluator, sections.train_cfg.max_epochs), (EvaluatorConfig::CocoMetric, 12));
    assert_eq!(sections.default_hooks.logger.interval, 50);
    assert_eq!(sections.auto_scale_lr.base_batch_size, Some(16));
    for key in ["env_cfg", "model.backbone.init_cfg", "train_dataloader.batch_sampler", "val_cfg"] {
        assert!(config.ignored.iter().any(|ignored| ignored == key), "{key}");
    }
}

/// The optimizer's block, as `amp-runtime` reads it on its own, whatever lies on top of the rest.
#[test]
fn its_optimizer_is_that_of_the_dump() {
    let alone = TrainingConfig::from_path(path()).unwrap();
    assert_eq!(with(&[]).unwrap().training, alone);
    let dump = std::fs::read_to_string(path()).unwrap();
    let ours = "_base_ = \"dump.json\"\n\
                [model]\n_delete_ = true\ntype = \"FCOS\"\n\
                [train_dataloader]\n_delete_ = true\nbatch_size = 4\n\
                [train_dataloader.dataset]\ntype = \"CellsDataset\"\npipeline = [{ type = \"Resize\", scale = [64, 64] }]";
    let files = [("dump.json", dump.as_str()), ("ours.toml", ours)];
    let config = load_of(&files, "ours.toml", Overrides::default()).unwrap();
    assert_eq!(config.training, alone);
    assert_eq!(config.sections.train_dataloader.dataset.kind, DatasetType::Cells);
}

/// The one that is tried first: its dump has a variable left over, from which its pipelines were made.
#[test]
fn the_resnet_50_loads_as_it_is() {
    let file = path().with_file_name("retinanet_r50_fpn_1x_coco.json");
    let config = Config::load(&file, Overrides::default()).unwrap();
    assert_eq!(config.sections.model.backbone.depth, 50);
    assert!(config.ignored.iter().any(|key| key == "img_scales"), "{:?}", config.ignored);
}

/// What MMDetection's FCOS says of itself is understood, and means what is done here.
#[test]
fn the_keys_of_its_fcos_are_understood() {
    let load = |neck: &str, sampling: bool| {
        let text = format!(
            "_base_ = \"bccd_fcos_r18\"\n[model]\nneck = {{ add_extra_convs = \"{neck}\", relu_before_extra_convs = true }}\n\
             [model.bbox_head]\ntype = \"FCOSHead\"\nstrides = [8, 16, 32, 64, 128]\ncenter_sampling = {sampling}\n\
             centerness_on_reg = true\nnorm_on_bbox = true\n\
             loss_centerness = {{ type = \"CrossEntropyLoss\", use_sigmoid = true, loss_weight = 1.0 }}"
        );
        load_of(&[("fcos.toml", text.as_str())], "fcos.toml", Overrides::default())
    };
    assert_eq!(load("on_output", true).unwrap().sections.model.kind, ModelType::Fcos);
    assert!(load("on_input", true).unwrap_err().contains("help: it must be \"on_output\""));
    assert!(load("on_output", false).unwrap_err().contains("`model.bbox_head.center_sampling` is false"));
}

#[test]
fn what_is_written_down_of_it_reads_the_same() {
    let config = with(&["data_root=elsewhere"]).unwrap();
    let again = load_of(&[("a.toml", config.to_toml())], "a.toml", Overrides::default()).unwrap();
    assert_eq!((&again.sections, &again.training), (&config.sections, &config.training));
    assert_eq!(again.sections.train_dataloader.dataset.data_root, Path::new("elsewhere"));
    assert!(again.ignored.is_empty(), "{:?}", again.ignored);
}

/// What it says that is not what happens here is not passed over.
#[test]
fn another_model_is_refused() {
    for (option, message) in [
        (
            "model.backbone.style=caffe",
            "`model.backbone.style` is \"caffe\"\nhelp: it must be \"pytorch\": nothing else is built here",
        ),
        ("model.neck.num_outs=6", "`model.neck.num_outs` is 6\nhelp: it must be 5"),
        ("model.bbox_head.loss_cls.gamma=1.5", "`model.bbox_head.loss_cls.gamma` is 1.5\nhelp: it must be 2"),
        ("model.bbox_head.loss_cls.gama=1.5", "unknown key `model.bbox_head.loss_cls`"),
        ("model.train_cfg.assigner.pos_iou_thr=0.6", "`model.train_cfg.assigner.pos_iou_thr` is 0.6"),
        ("val_evaluator.metric=segm", "`val_evaluator.metric` is \"segm\"\nhelp: it must be \"bbox\""),
        ("val_evaluator.metrik=bbox", "unknown key `val_evaluator.metrik`"),
        ("train_dataloader.dataset.filter_cfg.min=3", "unknown key `train_dataloader.dataset.filter_cfg`"),
        ("model.type=FasterRCNN", "`model.type` is \"FasterRCNN\"\nhelp: known: `RetinaNet`, `FCOS`"),
    ] {
        let error = with(&[option]).expect_err(option);
        assert!(error.contains(message), "{error}");
        assert!(error.starts_with(&format!("`--cfg-options {option}`: ")), "{error}");
    }
}
