//! Configurations: layers, options, precision, and what is said about mistakes.
use amp_runtime::Precision;
use amp_runtime::config::TrainingConfig;
use detector::config::{Config, DatasetType, ModelType, Overrides};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const SMALL: &str = r#"
_base_ = "cells"
[train_dataloader]
batch_size = 3
"#;

fn load_with(text: &str, options: &[&str]) -> Result<Config, String> {
    let folder = folder(&[("a.toml", text)]);
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    let overrides = Overrides { options: &options, ..Overrides::default() };
    Config::load(&folder.path().join("a.toml"), overrides)
        .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "FOLDER"))
}

#[track_caller]
fn refused(text: &str, options: &[&str], message: &str) {
    let found = load_with(text, options).expect_err("it is bad");
    assert!(found.contains(message), "{found}");
}

#[test]
fn all_built_in_configurations_load_and_come_back() {
    for name in ["bench", "cells", "bccd_fcos_r18", "bccd_retinanet_r18", "coco_retinanet_r50"] {
        let config = Config::load(Path::new(name), Overrides::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let folder = folder(&[("a.toml", &config.to_toml())]);
        let again = Config::load(&folder.path().join("a.toml"), Overrides::default()).unwrap();
        assert_eq!(again, config, "{name}");
    }
}

#[test]
fn later_layers_win_key_by_key() {
    let files = [
        (
            "base.toml",
            "_base_ = \"cells\"\n[train_dataloader]\nbatch_size = 3\nnum_workers = 5\n[model.neck]\nout_channels = 32\n",
        ),
        ("b.yaml", "_base_: [base.toml]\ntrain_dataloader: { batch_size: 4 }\n"),
        (
            "c.json",
            r#"{"_base_": "b.yaml", "model": {"neck": {"_delete_": true, "out_channels": 16}}, "work_dir": null}"#,
        ),
    ];
    let folder = folder(&files);
    let config = Config::load(&folder.path().join("c.json"), Overrides::default()).unwrap().sections;
    assert_eq!((config.train_dataloader.batch_size, config.train_dataloader.num_workers), (4, 5));
    assert_eq!(
        (config.model.neck.out_channels, config.model.neck.norm_cfg),
        (16, None),
        "`_delete_` took the norms away"
    );
    assert_eq!(config.work_dir, None);
}

#[test]
fn options_set_single_values() {
    let config = load_with(
        SMALL,
        &[
            "train_dataloader.batch_size=7",
            "train_dataloader.dataset.pipeline.1.prob=0.25",
            "work_dir=some/where",
            "default_hooks.checkpoint.save_best=off",
            "model.test_cfg={nms_pre = 10}",
        ],
    );
    let config = config.unwrap().sections;
    assert_eq!(config.train_dataloader.batch_size, 7);
    assert!(format!("{:?}", config.train_dataloader.dataset.pipeline[1]).contains("prob: 0.25"));
    assert_eq!(config.work_dir, Some(PathBuf::from("some/where")));
    assert_eq!((config.model.test_cfg.nms_pre, config.model.test_cfg.max_per_img), (10, 100));
}

#[test]
fn bad_options_say_which() {
    refused(SMALL, &["train_dataloader"], "`--cfg-options train_dataloader`: write `key=value`");
    refused(SMALL, &["a..b=1"], "`--cfg-options a..b=1`: a part of the key is empty");
    refused(SMALL, &["train_dataloader.dataset.pipeline.9.prob=1"], "`9` is no place in a list of 2");
    refused(SMALL, &["train_dataloader.batch_size.x=1"], "there is a single value above `x`");
    refused(
        SMALL,
        &["train_dataloader.batch_size=many"],
        "`train_dataloader.batch_size`: invalid type: string \"many\"",
    );
}

#[test]
fn unknown_keys_say_what_was_meant() {
    refused(
        SMALL,
        &["train_dataloader.batch_sise=1"],
        "unknown key `train_dataloader.batch_sise`\nhelp: did you mean `batch_size`?",
    );
    refused(SMALL, &["modle.depth=1"], "unknown key `modle`\nhelp: did you mean `model`?");
    refused(
        SMALL,
        &["model.zebra=1"],
        "unknown key `model.zebra`\nhelp: known are `type`, `data_preprocessor`",
    );
    refused(
        SMALL,
        &["optim_wrapper.optimizer.momentun=0.9"],
        "unknown key `optim_wrapper.optimizer.momentun`",
    );
    refused(SMALL, &["model.neck.num_outs=4"], "unknown key `model.neck.num_outs`");
}

#[test]
fn files_that_cannot_be_read_say_who_wants_them() {
    refused(
        "_base_ = \"gone.toml\"",
        &[],
        "cannot read the configuration `FOLDER/gone.toml`, which `FOLDER/a.toml` names as `_base_`",
    );
    refused("_base_ = 3", &[], "`_base_`: it is a file or a list of files");
    refused("model = ", &[], "`FOLDER/a.toml` is no TOML: ");
    let error = Config::load(Path::new("zells"), Overrides::default()).unwrap_err().to_string();
    assert!(error.contains("help: built in are ") && error.contains("`cells`"), "{error}");
    let folder = folder(&[("a.py", "model = dict()"), ("b.yaml", "a: ["), ("c.json", "{")]);
    let load =
        |name: &str| Config::load(&folder.path().join(name), Overrides::default()).unwrap_err().to_string();
    assert!(load("a.py").contains("help: dump it as JSON first"), "{}", load("a.py"));
    assert!(load("b.yaml").contains("is no YAML: "), "{}", load("b.yaml"));
    assert!(
        load("c.json").contains("is no JSON: ") && load("c.json").contains("line 1"),
        "{}",
        load("c.json")
    );
}

#[test]
fn circles_show_their_way() {
    let folder = folder(&[("a.toml", "_base_ = \"b.toml\""), ("b.toml", "_base_ = \"a.toml\"")]);
    let error = Config::load(&folder.path().join("a.toml"), Overrides::default()).unwrap_err().to_string();
    assert!(error.starts_with("the configurations are each other's `_base_`: "), "{error}");
    assert_eq!(error.matches("a.toml").count(), 2, "{error}");
}

#[test]
fn values_that_make_no_sense() {
    for (option, message) in [
        ("train_dataloader.batch_size=0", "`train_dataloader.batch_size`: it has to be 1 or more"),
        ("train_cfg.max_epochs=0", "`train_cfg.max_epochs`: it has to be 1 or more"),
        ("model.backbone.depth=19", "`model.backbone.depth`: there is no ResNet-19\nhelp: 18, 34, 50 or 101"),
        ("model.neck.norm_cfg.num_groups=7", "64 channels cannot be parted into 7 groups"),
        ("model.test_cfg.score_thr=1.5", "`model.test_cfg.score_thr`: `1.5` is not between 0 and 1"),
        ("train_dataloader.dataset.pipeline=[]", "`train_dataloader.dataset.pipeline`: there is no `Resize`"),
        ("train_dataloader.dataset.pipeline.1.prob=2", "`train_dataloader.dataset.pipeline.1`: `prob` is 2"),
        (
            "val_dataloader.dataset.pipeline=[{type = \"RandomFlip\", prob = 1.0}, {type = \"Resize\", scale = [8, 8]}]",
            "`val_dataloader.dataset.pipeline.0`: images that are measured are not changed at random",
        ),
        (
            "train_dataloader.dataset.num_images=0",
            "`train_dataloader.dataset.num_images`: it has to be 1 or more",
        ),
        ("train_dataloader.dataset.metainfo.classes=[]", "there are no classes"),
        (
            "custom_hooks=[{type = \"EMAHook\", momentum = 0}]",
            "`custom_hooks.EMAHook.momentum`: `0` is not above 0",
        ),
        ("auto_scale_lr.enable=true", "`auto_scale_lr.base_batch_size`: the learning rate is to be scaled"),
        ("model.data_preprocessor.std=[0, 1, 1]", "a deviation has to be above 0"),
        ("optim_wrapper.optimizer.lr=-1", "optim_wrapper.optimizer.lr"),
        ("train_dataloader.dataset.type=VOCDataset", "`train_dataloader.dataset.ann_file`: it is missing"),
        ("train_dataloader.dataset.type=MyDataset", "unknown variant `MyDataset`"),
    ] {
        refused(SMALL, &[option], message);
    }
    refused(
        "_base_ = \"cells\"\nmodel = { type = \"RetinaNet\", bbox_head = { anchor_generator = { ratios = [] } } }",
        &[],
        "anchors need at least a ratio",
    );
}

fn with_amp(options: &[&str], amp: Precision) -> Result<Config, String> {
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    let overrides = Overrides { options: &options, amp: Some(amp), ..Overrides::default() };
    Config::load(Path::new("cells"), overrides).map_err(|error| error.to_string())
}

#[test]
fn the_switch_sets_the_precision() {
    for precision in [Precision::Full, Precision::F16, Precision::Bf16] {
        assert_eq!(with_amp(&[], precision).unwrap().precision(), Some(precision));
    }
    let mixed = "optim_wrapper.type=AmpOptimWrapper";
    assert_eq!(with_amp(&[mixed], Precision::F16).unwrap().precision(), Some(Precision::F16));
    let same = with_amp(&[mixed, "optim_wrapper.dtype=bfloat16"], Precision::Bf16).unwrap();
    assert_eq!(same.precision(), Some(Precision::Bf16));
}

#[test]
fn the_switch_may_not_contradict_the_configuration() {
    let mixed = ["optim_wrapper.type=AmpOptimWrapper", "optim_wrapper.dtype=float16"];
    let error = with_amp(&mixed, Precision::Bf16).unwrap_err();
    let wanted = "`--amp bf16` contradicts the configuration, whose `optim_wrapper` says `dtype = \"float16\"`\n\
                  help: leave out `--amp`, or set `--cfg-options optim_wrapper.dtype=bfloat16`";
    assert_eq!(error, wanted);
    let error = with_amp(&mixed[..1], Precision::Full).unwrap_err();
    assert!(
        error.contains("`--amp off` contradicts") && error.contains("optim_wrapper.type=OptimWrapper"),
        "{error}"
    );
    assert!(with_amp(&mixed, Precision::Full).unwrap_err().contains("`--amp off` contradicts"));
}

#[test]
fn learning_rates_scale_with_the_batch() {
    let options = ["auto_scale_lr.base_batch_size=16".to_owned()];
    let load = |auto_scale_lr| {
        let overrides = Overrides { options: &options, auto_scale_lr, ..Overrides::default() };
        Config::load(Path::new("cells"), overrides).unwrap()
    };
    assert_eq!(load(true).lr_factor(), 0.5, "batches of 8 instead of 16");
    assert_eq!(load(false).lr_factor(), 1.);
}

fn dump() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/retinanet_r18_fpn_1x_coco.json")
}

/// A dump of MMDetection's own configuration, as MMEngine wrote it.
#[test]
fn a_dump_of_mmdetection_loads_as_it_is() {
    let config = Config::load(&dump(), Overrides::default()).unwrap();
    assert_eq!(
        config.training,
        TrainingConfig::from_path(dump()).unwrap(),
        "the optimizer's block, read on its own"
    );
    let sections = &config.sections;
    assert_eq!(sections.model.kind, ModelType::RetinaNet);
    assert_eq!((sections.model.backbone.depth, sections.model.backbone.frozen_stages), (18, 1));
    assert!(sections.model.backbone.norm_eval);
    let train = &sections.train_dataloader;
    assert_eq!(
        (train.batch_size, train.dataset.kind, train.dataset.pipeline.len()),
        (2, DatasetType::Coco, 2)
    );
    assert!(train.dataset.filter_empty_gt);
    assert_eq!((sections.train_cfg.max_epochs, sections.default_hooks.logger.interval), (12, 50));
    assert_eq!(sections.auto_scale_lr.base_batch_size, Some(16));
    assert!(
        config.ignored.contains(&"env_cfg".to_owned())
            && config.ignored.contains(&"model.backbone.init_cfg".to_owned())
    );
}

/// What it says that is not what happens here is not passed over.
#[test]
fn a_dump_with_another_model_is_refused() {
    for (option, message) in [
        ("model.backbone.style=caffe", "unknown key `model.backbone.style`"),
        ("model.neck.num_outs=6", "unknown key `model.neck.num_outs`"),
        ("model.bbox_head.loss_cls.gamma=1.5", "unknown key `model.bbox_head.loss_cls`"),
        ("model.train_cfg.assigner.pos_iou_thr=0.6", "unknown key `model.train_cfg`"),
        ("model.type=FasterRCNN", "unknown variant `FasterRCNN`, expected `RetinaNet` or `FCOS`"),
    ] {
        let options = [option.to_owned()];
        let error =
            Config::load(&dump(), Overrides { options: &options, ..Overrides::default() }).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
}

proptest! {
    /// Whatever is written: an error or a configuration, never a panic.
    #[test]
    fn no_text_and_no_option_panics(text in "\\PC{0,60}", option in "[a-z_.=\\[\\]{}0-9\"]{0,40}") {
        let folder = folder(&[("a.toml", &text), ("b.json", &text), ("c.yaml", &text)]);
        for name in ["a.toml", "b.json", "c.yaml"] {
            let _ = Config::load(&folder.path().join(name), Overrides::default());
        }
        let options = [option];
        let _ = Config::load(Path::new("cells"), Overrides { options: &options, ..Overrides::default() });
    }
}
