//! Values that can be read and make no sense.
use super::data::{DataloaderConfig, DatasetType, Transform};
use super::error::ConfigError;
use super::model::{ModelType, NormCfg, NormType};
use super::run::CustomHook;
use super::sections::Sections;

/// The first value that makes no sense.
pub(super) fn check(sections: &Sections) -> Result<(), ConfigError> {
    model(sections)?;
    loader("train_dataloader", &sections.train_dataloader)?;
    let others =
        [("val_dataloader", &sections.val_dataloader), ("test_dataloader", &sections.test_dataloader)];
    for (name, dataloader) in others {
        if let Some(dataloader) = dataloader {
            loader(name, dataloader)?;
            measured(name, dataloader)?;
        }
    }
    positive("train_cfg.max_epochs", sections.train_cfg.max_epochs)?;
    positive("train_cfg.val_interval", sections.train_cfg.val_interval)?;
    positive("default_hooks.logger.interval", sections.default_hooks.logger.interval)?;
    positive("default_hooks.checkpoint.interval", sections.default_hooks.checkpoint.interval)?;
    share(
        "default_hooks.visualization.score_thr",
        f64::from(sections.default_hooks.visualization.score_thr),
    )?;
    for hook in &sections.custom_hooks {
        if let CustomHook::Ema { momentum } = hook
            && !(*momentum > 0. && *momentum <= 1.)
        {
            let message =
                format!("`{momentum}` is not above 0 and up to 1: it is the share of the new weights");
            return Err(ConfigError::value("custom_hooks.EMAHook.momentum", message));
        }
    }
    let scaling = sections.auto_scale_lr;
    if scaling.enable && scaling.base_batch_size.is_none_or(|size| size == 0) {
        let message = "the learning rate is to be scaled, and this does not say which batch size it is for";
        return Err(ConfigError::value("auto_scale_lr.base_batch_size", message));
    }
    Ok(())
}

fn model(sections: &Sections) -> Result<(), ConfigError> {
    let model = &sections.model;
    if ![18, 34, 50, 101].contains(&model.backbone.depth) {
        let message = format!("there is no ResNet-{}\nhelp: 18, 34, 50 or 101", model.backbone.depth);
        return Err(ConfigError::value("model.backbone.depth", message));
    }
    groups("model.backbone.norm_cfg", Some(model.backbone.norm_cfg), 64)?;
    groups("model.neck.norm_cfg", model.neck.norm_cfg, model.neck.out_channels)?;
    groups("model.bbox_head.norm_cfg", model.bbox_head.norm_cfg, model.bbox_head.feat_channels)?;
    let anchors = &model.bbox_head.anchor_generator;
    if model.kind == ModelType::RetinaNet
        && (anchors.ratios.is_empty()
            || anchors.scales_per_octave == 0
            || anchors
                .ratios
                .iter()
                .chain([&anchors.octave_base_scale])
                .any(|size| !(*size > 0. && size.is_finite())))
    {
        let message = "anchors need at least a ratio and a scale, all above 0";
        return Err(ConfigError::value("model.bbox_head.anchor_generator", message));
    }
    if model.data_preprocessor.std.iter().any(|std| !(*std > 0. && std.is_finite())) {
        return Err(ConfigError::value("model.data_preprocessor.std", "a deviation has to be above 0"));
    }
    positive(
        "model.data_preprocessor.pad_size_divisor",
        u64::from(model.data_preprocessor.pad_size_divisor),
    )?;
    positive("model.test_cfg.nms_pre", u64::try_from(model.test_cfg.nms_pre).unwrap_or(0))?;
    share("model.test_cfg.score_thr", model.test_cfg.score_thr)?;
    share("model.test_cfg.nms.iou_threshold", f64::from(model.test_cfg.nms.iou_threshold))
}

fn groups(key: &str, norm: Option<NormCfg>, channels: i64) -> Result<(), ConfigError> {
    if channels <= 0 {
        return Err(ConfigError::value(key, format!("there are {channels} channels")));
    }
    match norm {
        Some(NormCfg { kind: NormType::Gn, num_groups }) if num_groups <= 0 || channels % num_groups != 0 => {
            let message =
                format!("{channels} channels cannot be parted into {num_groups} groups (`num_groups`)");
            Err(ConfigError::value(key, message))
        }
        _ => Ok(()),
    }
}

fn loader(name: &str, loader: &DataloaderConfig) -> Result<(), ConfigError> {
    let key = |key: &str| format!("{name}.{key}");
    positive(&key("batch_size"), loader.batch_size as u64)?;
    let dataset = &loader.dataset;
    if dataset.kind == DatasetType::Cells {
        positive(&key("dataset.num_images"), dataset.num_images as u64)?;
    } else if dataset.ann_file.as_os_str().is_empty() {
        let message = "it is missing\nhelp: VOC: the split (`ImageSets/Main/train.txt`), COCO: the JSON file";
        return Err(ConfigError::value(&key("dataset.ann_file"), message));
    }
    if let Some([]) = dataset.metainfo.classes.as_deref() {
        return Err(ConfigError::value(&key("dataset.metainfo.classes"), "there are no classes"));
    }
    for (index, transform) in dataset.pipeline.iter().enumerate() {
        let key = key(&format!("dataset.pipeline.{index}"));
        let bad = |message: String| Err(ConfigError::value(&key, message));
        match transform {
            Transform::Resize { scale: [width, height], .. } if *width == 0 || *height == 0 => {
                return bad(format!("an image of {width} x {height} pixels"));
            }
            Transform::RandomResize { scale: [width, height], ratio_range: [least, most], .. } => {
                if *width == 0 || *height == 0 {
                    return bad(format!("an image of {width} x {height} pixels"));
                }
                if !(*least > 0. && least <= most && most.is_finite()) {
                    return bad(format!(
                        "`ratio_range` is [{least}, {most}]: the smallest factor comes first, above 0"
                    ));
                }
            }
            Transform::RandomFlip { prob, .. } if !(0. ..=1.).contains(prob) => {
                return bad(format!("`prob` is {prob}: 0 is never, 1 is always"));
            }
            _ => {}
        }
    }
    let sized = |transform: &Transform| {
        matches!(transform, Transform::Resize { .. } | Transform::RandomResize { .. })
    };
    if !dataset.pipeline.iter().any(sized) {
        let help = "add `{ type = \"Resize\", scale = [320, 240], keep_ratio = true }`";
        return Err(ConfigError::value(
            &key("dataset.pipeline"),
            format!("there is no `Resize`\nhelp: {help}"),
        ));
    }
    Ok(())
}

/// What is measured is not changed at random: detections are told in pixels of the original image.
fn measured(name: &str, loader: &DataloaderConfig) -> Result<(), ConfigError> {
    for (index, transform) in loader.dataset.pipeline.iter().enumerate() {
        if matches!(transform, Transform::RandomFlip { .. } | Transform::RandomResize { .. }) {
            let message = "images that are measured are not changed at random\nhelp: use `Resize`";
            return Err(ConfigError::value(&format!("{name}.dataset.pipeline.{index}"), message));
        }
    }
    Ok(())
}

fn positive(key: &str, number: u64) -> Result<(), ConfigError> {
    if number > 0 { Ok(()) } else { Err(ConfigError::value(key, "it has to be 1 or more")) }
}

fn share(key: &str, number: f64) -> Result<(), ConfigError> {
    if (0. ..=1.).contains(&number) {
        Ok(())
    } else {
        Err(ConfigError::value(key, format!("`{number}` is not between 0 and 1")))
    }
}
