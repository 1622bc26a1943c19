//! What is said about values that can be read and make no sense.
use super::{cells, load_of, refused};
use detector::config::{Config, Overrides};
use std::path::Path;

#[test]
fn of_training() {
    for (option, message) in [
        ("train_dataloader.batch_size=0", "`train_dataloader.batch_size`: it has to be 1 or more"),
        ("train_cfg.max_epochs=0", "`train_cfg.max_epochs`: it has to be 1 or more"),
        ("train_cfg.val_interval=0", "`train_cfg.val_interval`: it has to be 1 or more"),
        ("default_hooks.logger.interval=0", "`default_hooks.logger.interval`: it has to be 1 or more"),
        (
            "default_hooks.checkpoint.interval=0",
            "`default_hooks.checkpoint.interval`: it has to be 1 or more",
        ),
        (
            "default_hooks.checkpoint.max_keep_ckpts=0",
            "`default_hooks.checkpoint.max_keep_ckpts`: 0 checkpoints cannot be kept\nhelp: 1 or more, or -1 for all",
        ),
        ("default_hooks.visualization.score_thr=2", "`2` is not between 0 and 1"),
        (
            "custom_hooks=[{type = \"EMAHook\", momentum = 0}]",
            "`custom_hooks[0].momentum`: `0` is not above 0",
        ),
        (
            "custom_hooks=[{type = \"EarlyStoppingHook\", patience = 0}]",
            "`custom_hooks[0].patience`: it has to be 1 or more",
        ),
        (
            "custom_hooks=[{type = \"EarlyStoppingHook\", monitor = \"coco/bbox_mAP\"}]",
            "`custom_hooks[0].monitor`: `coco/bbox_mAP` is not the number that `val_evaluator` decides by\nhelp: `pascal_voc/mAP`",
        ),
        (
            "default_hooks.checkpoint.save_best=pascal_voc/map",
            "`pascal_voc/map` is not the number that `val_evaluator` decides by\nhelp: `pascal_voc/mAP`; or `auto`, or `off`",
        ),
        ("auto_scale_lr.enable=true", "`auto_scale_lr.base_batch_size`: the learning rate is to be scaled"),
        ("auto_scale_lr.base_batch_size=0", "`auto_scale_lr.base_batch_size`: it has to be 1 or more"),
        ("optim_wrapper.optimizer.lr=-1", "`optim_wrapper.optimizer.lr` is -1"),
    ] {
        refused(&[option], message);
    }
    refused(
        &["custom_hooks=[{type = \"EarlyStoppingHook\"}]", "val_dataloader=None"],
        "`custom_hooks[0]`: without `val_dataloader` there is no number that could stop rising",
    );
}

#[test]
fn of_models() {
    for (option, message) in [
        ("model.backbone.depth=19", "`model.backbone.depth`: there is no ResNet-19\nhelp: 18, 34, 50 or 101"),
        ("model.backbone.frozen_stages=5", "`model.backbone.frozen_stages`: there are 4 stages, not 5"),
        (
            "model.backbone.norm_cfg.num_groups=7",
            "`model.backbone.norm_cfg.num_groups`: 64 channels cannot be parted into 7 groups",
        ),
        ("model.neck.norm_cfg.num_groups=0", "64 channels cannot be parted into 0 groups"),
        ("model.neck.out_channels=0", "`model.neck.out_channels`: there are 0 channels"),
        ("model.bbox_head.feat_channels=12", "12 channels cannot be parted into 8 groups"),
        (
            "model.bbox_head.loss_bbox.loss_weight=-1",
            "`model.bbox_head.loss_bbox.loss_weight`: `-1` is not above 0",
        ),
        ("model.data_preprocessor.std=[0, 1, 1]", "a deviation has to be above 0"),
        ("model.data_preprocessor.pad_size_divisor=0", "it has to be 1 or more"),
        ("model.test_cfg.score_thr=1.5", "`model.test_cfg.score_thr`: `1.5` is not between 0 and 1"),
        (
            "model.test_cfg.nms.iou_threshold=-0.5",
            "`model.test_cfg.nms.iou_threshold`: `-0.5` is not between 0 and 1",
        ),
        ("model.test_cfg.nms_pre=0", "`model.test_cfg.nms_pre`: it has to be 1 or more"),
        ("model.test_cfg.max_per_img=0", "`model.test_cfg.max_per_img`: it has to be 1 or more"),
    ] {
        refused(&[option], message);
    }
    let ratios = "model.bbox_head.anchor_generator.ratios=[]";
    refused(&["model.type=RetinaNet", ratios], "anchors need at least a ratio");
    cells(&[ratios]).expect("FCOS has no anchors");
}

#[test]
fn of_data() {
    let train = "train_dataloader.dataset";
    for (option, message) in [
        ("pipeline=[]", "`train_dataloader.dataset.pipeline`: there is no `Resize`\nhelp: add `{ type"),
        (
            "pipeline.0.scale=[0, 10]",
            "`train_dataloader.dataset.pipeline[0].scale`: an image of 0 x 10 pixels",
        ),
        ("pipeline.1.prob=2", "`train_dataloader.dataset.pipeline[1].prob`: 2 is no share"),
        ("pipeline.1.direction=[]", "`train_dataloader.dataset.pipeline[1].direction`: there is none"),
        (
            "pipeline=[{type = \"RandomResize\", scale = [64, 64], ratio_range = [2.0, 0.5]}]",
            "`train_dataloader.dataset.pipeline[0].ratio_range`: [2, 0.5] is no range",
        ),
        (
            "pipeline=[{type = \"PhotoMetricDistortion\", contrast_range = [1.5, 0.5]}]",
            "`train_dataloader.dataset.pipeline[0].contrast_range`: [1.5, 0.5] is no range",
        ),
        (
            "pipeline=[{type = \"PhotoMetricDistortion\", brightness_delta = -1.0}]",
            "`train_dataloader.dataset.pipeline[0].brightness_delta`: -1 is not between 0 and 255",
        ),
        ("num_images=0", "`train_dataloader.dataset.num_images`: it has to be 1 or more"),
        ("metainfo.classes=[]", "`train_dataloader.dataset.metainfo.classes`: there are no classes"),
        ("metainfo.classes=[\"a\", \"b\", \"a\"]", "`a` is there twice"),
        ("type=VOCDataset", "`train_dataloader.dataset.ann_file`: it is missing\nhelp: VOC: the split"),
    ] {
        refused(&[&format!("{train}.{option}")], message);
    }
    refused(
        &["val_dataloader.dataset.pipeline=[]"],
        "`val_dataloader.dataset.pipeline`: there is no `Resize`",
    );
    let random = "[{type = \"RandomFlip\", prob = 1.0}, {type = \"Resize\", scale = [8, 8]}]";
    refused(
        &[&format!("val_dataloader.dataset.pipeline={random}")],
        "`val_dataloader.dataset.pipeline[0]`: images that are measured are not changed at random",
    );
}

#[test]
fn all_are_told_at_once_with_where_they_are() {
    let files = [("a.toml", "_base_ = \"cells\"\n[train_cfg]\nmax_epochs = 0\n[model.backbone]\ndepth = 7")];
    let error = load_of(&files, "a.toml", Overrides::default()).unwrap_err();
    let wanted = "`FOLDER/a.toml`: `model.backbone.depth`: there is no ResNet-7\nhelp: 18, 34, 50 or 101\n\
                  `FOLDER/a.toml`: `train_cfg.max_epochs`: it has to be 1 or more";
    assert_eq!(error, wanted);
}

#[test]
fn what_is_measured_has_an_evaluator() {
    refused(
        &["val_evaluator=None"],
        "`val_evaluator` is missing, and there is a `val_dataloader`\nhelp: add `val_evaluator = ",
    );
    refused(
        &[
            "val_evaluator=None",
            "val_dataloader=None",
            "test_dataloader={batch_size = 1, dataset = {type = \"CellsDataset\", pipeline = [{type = \"Resize\", scale = [64, 64]}]}}",
        ],
        "`test_evaluator` is missing",
    );
    cells(&["val_evaluator=None", "val_dataloader=None"]).expect("nothing is measured");
}

/// MMEngine's rule: the batch size over the one that the rate is for; accumulated batches do not count.
#[test]
fn learning_rates_scale_with_the_batch() {
    let options = [
        "train_dataloader.batch_size=8",
        "auto_scale_lr.base_batch_size=16",
        "optim_wrapper.accumulative_counts=4",
    ]
    .map(str::to_owned);
    let load = |auto_scale_lr| {
        let overrides = Overrides { options: &options, auto_scale_lr, ..Overrides::default() };
        Config::load(Path::new("cells"), overrides).unwrap()
    };
    assert_eq!(load(true).lr_factor(), 0.5, "batches of 8 instead of 16");
    assert_eq!(load(false).lr_factor(), 1.);
    let overrides = Overrides { auto_scale_lr: true, ..Overrides::default() };
    let error = Config::load(Path::new("cells"), overrides).unwrap_err().to_string();
    assert!(error.contains("`auto_scale_lr.base_batch_size`: the learning rate is to be scaled"), "{error}");
}
