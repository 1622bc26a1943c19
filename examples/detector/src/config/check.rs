//! Values that can be read and make no sense.
use super::data::{DataloaderConfig, DatasetConfig, DatasetType, Transform};
use super::document::at;
use super::error::Problem;
use super::model::{ModelConfig, ModelType, NormCfg, NormType};
use super::run::{CustomHook, SaveBest};
use super::sections::Sections;
use serde_json::Value;
use std::fmt::Display;

/// Data that would be measured by a default that nobody chose.
pub(super) fn evaluators(document: &Value) -> Option<Problem> {
    let has = |key: &str| at(document, key).is_some();
    let measured = ["val", "test"].into_iter().find(|name| has(&format!("{name}_dataloader")))?;
    if has("val_evaluator") || (measured == "test" && has("test_evaluator")) {
        return None;
    }
    let key = format!("{measured}_evaluator");
    let help = "help: add `val_evaluator = { type = \"CocoMetric\" }`, or `VOCMetric`";
    Some(Problem::new(&key, format!("`{key}` is missing, and there is a `{measured}_dataloader`\n{help}")))
}

/// All values that make no sense.
pub(super) fn values(sections: &Sections) -> Vec<Problem> {
    let mut check = Check::default();
    check.model(&sections.model);
    check.loader("train_dataloader", &sections.train_dataloader);
    let others =
        [("val_dataloader", &sections.val_dataloader), ("test_dataloader", &sections.test_dataloader)];
    for (name, loader) in others {
        if let Some(loader) = loader {
            check.loader(name, loader);
            check.measured(name, &loader.dataset.pipeline);
        }
    }
    check.run(sections);
    check.problems
}

#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn wrong(&mut self, key: &str, message: impl Display) {
        self.problems.push(Problem::value(key, message));
    }

    fn positive(&mut self, key: &str, number: u64) {
        if number == 0 {
            self.wrong(key, "it has to be 1 or more");
        }
    }

    /// The one number that models are compared by.
    fn deciding(&mut self, key: &str, metric: &str, sections: &Sections, or: &str) {
        let deciding = sections.val_evaluator.deciding();
        if metric != deciding {
            let message = format_args!(
                "`{metric}` is not the number that `val_evaluator` decides by\nhelp: `{deciding}`{or}"
            );
            self.wrong(key, message);
        }
    }

    fn share(&mut self, key: &str, number: f64) {
        if !(0. ..=1.).contains(&number) {
            self.wrong(key, format_args!("`{number}` is not between 0 and 1"));
        }
    }

    fn run(&mut self, sections: &Sections) {
        self.positive("train_cfg.max_epochs", sections.train_cfg.max_epochs);
        self.positive("train_cfg.val_interval", sections.train_cfg.val_interval);
        let hooks = &sections.default_hooks;
        self.positive("default_hooks.logger.interval", hooks.logger.interval);
        self.positive("default_hooks.checkpoint.interval", hooks.checkpoint.interval);
        if hooks.checkpoint.max_keep_ckpts < -1 || hooks.checkpoint.max_keep_ckpts == 0 {
            let found = hooks.checkpoint.max_keep_ckpts;
            let message = format_args!("{found} checkpoints cannot be kept\nhelp: 1 or more, or -1 for all");
            self.wrong("default_hooks.checkpoint.max_keep_ckpts", message);
        }
        if let SaveBest::By(metric) = &hooks.checkpoint.save_best {
            self.deciding("default_hooks.checkpoint.save_best", metric, sections, "; or `auto`, or `off`");
        }
        self.share("default_hooks.visualization.score_thr", f64::from(hooks.visualization.score_thr));
        for (index, hook) in sections.custom_hooks.iter().enumerate() {
            match hook {
                CustomHook::Ema { momentum } if !(*momentum > 0. && *momentum <= 1.) => {
                    let message = format_args!(
                        "`{momentum}` is not above 0 and up to 1: it is the share of the new weights"
                    );
                    self.wrong(&format!("custom_hooks[{index}].momentum"), message);
                }
                CustomHook::EarlyStopping(_) if sections.val_dataloader.is_none() => {
                    let message = "without `val_dataloader` there is no number that could stop rising";
                    self.wrong(&format!("custom_hooks[{index}]"), message);
                }
                CustomHook::EarlyStopping(stopping) => {
                    self.positive(&format!("custom_hooks[{index}].patience"), stopping.patience);
                    if let Some(metric) = &stopping.monitor {
                        self.deciding(&format!("custom_hooks[{index}].monitor"), metric, sections, "");
                    }
                }
                CustomHook::Ema { .. } => {}
            }
        }
        let scaling = sections.auto_scale_lr;
        if scaling.base_batch_size == Some(0) {
            self.wrong("auto_scale_lr.base_batch_size", "it has to be 1 or more");
        }
        if scaling.enable && scaling.base_batch_size.is_none() {
            let message =
                "the learning rate is to be scaled, and this does not say which batch size it is for";
            self.wrong("auto_scale_lr.base_batch_size", message);
        }
    }

    fn model(&mut self, model: &ModelConfig) {
        let backbone = &model.backbone;
        if ![18, 34, 50, 101].contains(&backbone.depth) {
            let message = format_args!("there is no ResNet-{}\nhelp: 18, 34, 50 or 101", backbone.depth);
            self.wrong("model.backbone.depth", message);
        }
        if !(-1..=4).contains(&backbone.frozen_stages) {
            let found = backbone.frozen_stages;
            let message =
                format_args!("there are 4 stages, not {found}\nhelp: -1 freezes nothing, 0 the stem, 4 all");
            self.wrong("model.backbone.frozen_stages", message);
        }
        self.groups("model.backbone.norm_cfg", Some(backbone.norm_cfg), 64);
        let (neck, head) = (&model.neck, &model.bbox_head);
        self.channels("model.neck.out_channels", neck.out_channels);
        self.groups("model.neck.norm_cfg", neck.norm_cfg, neck.out_channels);
        self.channels("model.bbox_head.feat_channels", head.feat_channels);
        self.groups("model.bbox_head.norm_cfg", head.norm_cfg, head.feat_channels);
        let weight = head.loss_bbox.loss_weight;
        if !(weight > 0. && weight.is_finite()) {
            self.wrong("model.bbox_head.loss_bbox.loss_weight", format_args!("`{weight}` is not above 0"));
        }
        let anchors = &head.anchor_generator;
        let sizes = anchors.ratios.iter().chain([&anchors.octave_base_scale]);
        let is_empty = anchors.ratios.is_empty() || anchors.scales_per_octave == 0;
        if model.kind == ModelType::RetinaNet
            && (is_empty || sizes.into_iter().any(|size| !(*size > 0. && size.is_finite())))
        {
            let message = "anchors need at least a ratio and a scale, all above 0";
            self.wrong("model.bbox_head.anchor_generator", message);
        }
        if model.data_preprocessor.std.iter().any(|std| !(*std > 0. && std.is_finite())) {
            self.wrong("model.data_preprocessor.std", "a deviation has to be above 0");
        }
        let divisor = model.data_preprocessor.pad_size_divisor;
        self.positive("model.data_preprocessor.pad_size_divisor", u64::from(divisor));
        let test = &model.test_cfg;
        self.positive("model.test_cfg.nms_pre", u64::try_from(test.nms_pre).unwrap_or(0));
        self.positive("model.test_cfg.max_per_img", test.max_per_img as u64);
        self.share("model.test_cfg.score_thr", test.score_thr);
        self.share("model.test_cfg.nms.iou_threshold", f64::from(test.nms.iou_threshold));
    }

    fn channels(&mut self, key: &str, channels: i64) {
        if channels <= 0 {
            self.wrong(key, format_args!("there are {channels} channels"));
        }
    }

    fn groups(&mut self, key: &str, norm: Option<NormCfg>, channels: i64) {
        if let Some(NormCfg { kind: NormType::Gn, num_groups }) = norm
            && (num_groups <= 0 || channels % num_groups != 0)
        {
            let message = format_args!("{channels} channels cannot be parted into {num_groups} groups");
            self.wrong(&format!("{key}.num_groups"), message);
        }
    }

    fn loader(&mut self, name: &str, loader: &DataloaderConfig) {
        self.positive(&format!("{name}.batch_size"), loader.batch_size as u64);
        self.dataset(&format!("{name}.dataset"), &loader.dataset);
    }

    fn dataset(&mut self, name: &str, dataset: &DatasetConfig) {
        if dataset.kind == DatasetType::Cells {
            self.positive(&format!("{name}.num_images"), dataset.num_images as u64);
        } else if dataset.ann_file.as_os_str().is_empty() {
            let message =
                "it is missing\nhelp: VOC: the split (`ImageSets/Main/train.txt`), COCO: the JSON file";
            self.wrong(&format!("{name}.ann_file"), message);
        }
        if let Some(classes) = dataset.metainfo.classes.as_deref() {
            let key = format!("{name}.metainfo.classes");
            let twice = classes.iter().enumerate().find(|(index, class)| classes[..*index].contains(class));
            match twice {
                Some((_, class)) => self.wrong(&key, format_args!("`{class}` is there twice")),
                None if classes.is_empty() => self.wrong(&key, "there are no classes"),
                None => {}
            }
        }
        for (index, transform) in dataset.pipeline.iter().enumerate() {
            self.transform(&format!("{name}.pipeline[{index}]"), transform);
        }
        if !dataset.pipeline.iter().any(is_sized) {
            let help = "add `{ type = \"Resize\", scale = [320, 240], keep_ratio = true }`";
            self.wrong(&format!("{name}.pipeline"), format_args!("there is no `Resize`\nhelp: {help}"));
        }
    }

    fn transform(&mut self, key: &str, transform: &Transform) {
        let below = |name: &str| format!("{key}.{name}");
        if let Transform::Resize { scale: [width, height], .. }
        | Transform::RandomResize { scale: [width, height], .. } = transform
            && (*width == 0 || *height == 0)
        {
            self.wrong(&below("scale"), format_args!("an image of {width} x {height} pixels"));
        }
        match transform {
            Transform::Resize { .. } => {}
            Transform::RandomResize { ratio_range, .. } => {
                self.factors(&below("ratio_range"), *ratio_range);
            }
            Transform::RandomFlip { prob, direction } => {
                if !(0. ..=1.).contains(prob) {
                    self.wrong(&below("prob"), format_args!("{prob} is no share: 0 is never, 1 is always"));
                }
                if direction.is_empty() {
                    self.wrong(&below("direction"), "there is none\nhelp: `horizontal` or `vertical`");
                }
            }
            Transform::PhotoMetricDistortion {
                brightness_delta,
                contrast_range,
                saturation_range,
                hue_delta,
            } => {
                self.factors(&below("contrast_range"), *contrast_range);
                self.factors(&below("saturation_range"), *saturation_range);
                for (name, delta, most) in
                    [("brightness_delta", *brightness_delta, 255.), ("hue_delta", *hue_delta, 360.)]
                {
                    if !(0. ..=most).contains(&delta) {
                        self.wrong(&below(name), format_args!("{delta} is not between 0 and {most}"));
                    }
                }
            }
        }
    }

    fn factors(&mut self, key: &str, [least, most]: [f32; 2]) {
        if !(least > 0. && least <= most && most.is_finite()) {
            let message =
                format_args!("[{least}, {most}] is no range: the smallest factor comes first, above 0");
            self.wrong(key, message);
        }
    }

    /// What is measured is not changed at random: detections are told in pixels of the original image.
    fn measured(&mut self, name: &str, pipeline: &[Transform]) {
        for (index, transform) in pipeline.iter().enumerate() {
            if !matches!(transform, Transform::Resize { .. }) {
                let message =
                    "images that are measured are not changed at random\nhelp: leave only a `Resize`";
                self.wrong(&format!("{name}.dataset.pipeline[{index}]"), message);
            }
        }
    }
}

fn is_sized(transform: &Transform) -> bool {
    matches!(transform, Transform::Resize { .. } | Transform::RandomResize { .. })
}
