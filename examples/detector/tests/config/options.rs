//! `--cfg-options`: what they set, and what is wrong with them.
use super::{cells, load_of, refused};
use detector::config::{Config, Overrides, Transform};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

#[test]
fn they_set_single_values() {
    let config = cells(&[
        "train_dataloader.batch_size=7",
        "train_dataloader.dataset.pipeline.1.prob=0.25",
        "work_dir=some/where",
        "default_hooks.checkpoint.save_best=pascal_voc/mAP",
        "custom_hooks=[{type = \"EarlyStoppingHook\", monitor = \"pascal_voc/mAP\"}]",
        "model.test_cfg={nms_pre = 10}",
        "model.backbone.norm_eval=True",
        "model.neck.norm_cfg=None",
        "train_cfg.max_epochs=1",
        "train_cfg.max_epochs=2",
        "model.data_preprocessor.mean=1,2.5,3",
        "train_dataloader.dataset.metainfo.classes=red, white",
    ]);
    let config = config.unwrap().sections;
    assert_eq!(config.train_dataloader.batch_size, 7);
    assert!(matches!(config.train_dataloader.dataset.pipeline[1], Transform::RandomFlip { prob: 0.25, .. }));
    assert_eq!(config.work_dir, Some(PathBuf::from("some/where")));
    assert_eq!((config.model.test_cfg.nms_pre, config.model.test_cfg.max_per_img), (10, 100));
    assert!(config.model.backbone.norm_eval, "a word of Python");
    assert_eq!(config.model.neck.norm_cfg, None, "Python's null");
    assert_eq!(config.train_cfg.max_epochs, 2, "the last one wins");
    assert_eq!(config.model.data_preprocessor.mean, [1., 2.5, 3.], "a list of MMEngine's");
    let classes = &config.train_dataloader.dataset.metainfo.classes;
    assert_eq!(classes.as_deref(), Some(&["red".to_owned(), "white".to_owned()][..]), "and of words");
}

#[test]
fn what_is_no_value_is_text() {
    for (text, wanted) in [("2026-01-01", "2026-01-01"), ("runs/a=b", "runs/a=b"), ("\"quoted\"", "quoted")] {
        let config = cells(&[&format!("work_dir={text}")]).unwrap();
        assert_eq!(config.sections.work_dir, Some(PathBuf::from(wanted)));
    }
}

#[test]
fn a_table_can_start_anew() {
    let config = cells(&["model.neck={_delete_ = true, out_channels = 16}"]).unwrap().sections;
    assert_eq!((config.model.neck.out_channels, config.model.neck.norm_cfg), (16, None));
}

#[test]
fn bad_ones_say_which() {
    refused(&["train_dataloader"], "`--cfg-options train_dataloader`: write `key=value`");
    refused(&["a..b=1"], "`--cfg-options a..b=1`: a part of the key is empty");
    refused(&["train_dataloader.dataset.pipeline.9.prob=1"], "`9` is no place in a list of 2");
    refused(&["train_dataloader.dataset.pipeline.x.prob=1"], "`x` is no place in a list of 2");
    refused(&["train_dataloader.batch_size.x=1"], "there is a single value above `x`");
    refused(&["work_dir=nan"], "`--cfg-options work_dir=nan`: NaN is no number to train with");
    refused(
        &["train_dataloader.batch_size=many"],
        "`--cfg-options train_dataloader.batch_size=many`: `train_dataloader.batch_size` is the string \"many\"\n\
         help: it must be an integer of 0 or more",
    );
}

/// An option wins over the file, `--seed` over the option.
#[test]
fn the_command_line_lies_on_top() {
    let files = [("a.toml", "_base_ = \"cells\"\n[randomness]\nseed = 1")];
    let seed = |overrides| load_of(&files, "a.toml", overrides).unwrap().sections.randomness.seed;
    let options = ["randomness.seed=2".to_owned()];
    assert_eq!(seed(Overrides::default()), 1);
    assert_eq!(seed(Overrides { options: &options, ..Overrides::default() }), 2);
    assert_eq!(seed(Overrides { options: &options, seed: Some(3), ..Overrides::default() }), 3);
}

proptest! {
    /// Whatever is written: an error or a configuration, never a panic.
    #[test]
    fn no_text_and_no_option_panics(text in "\\PC{0,60}", option in "[a-z_.=\\[\\]{}0-9\"]{0,40}") {
        for name in ["a.toml", "b.json", "c.yaml"] {
            let _ = load_of(&[(name, &text)], name, Overrides::default());
        }
        let options = [option];
        let _ = Config::load(Path::new("cells"), Overrides { options: &options, ..Overrides::default() });
    }

    /// The same where there is something to set, with values of every kind.
    #[test]
    fn no_value_panics(
        key in prop::sample::select(vec![
            "model", "model.neck", "train_dataloader.dataset.pipeline", "train_dataloader.dataset.pipeline.0",
            "val_evaluator", "optim_wrapper", "optim_wrapper.optimizer.lr", "param_scheduler.0.end", "data_root",
            "custom_hooks", "train_dataloader.dataset.image_size", "model.data_preprocessor.std", "train_cfg.max_epochs",
        ]),
        value in prop::sample::select(vec![
            "-1", "0", "1e300", "inf", "nan", "None", "x", "[]", "[1]", "[[]]", "{}", "{a = 1}", "{_delete_ = true}",
            "9223372036854775807", "[{type = \"Resize\"}]", "[{type = \"EMAHook\", momentum = 0.1}]",
        ]),
    ) {
        if let Err(error) = cells(&[&format!("{key}={value}")]) {
            prop_assert!(!error.is_empty());
        }
    }
}
