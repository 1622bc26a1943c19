//! What is said about keys and values that nobody can read.
use super::{load_of, refused};
use detector::config::Overrides;

#[test]
fn unknown_keys_say_what_was_meant() {
    refused(
        &["train_dataloader.batch_sise=1"],
        "unknown key `train_dataloader.batch_sise`\nhelp: is it `batch_size`? known: `batch_size`, `num_workers`",
    );
    refused(&["modle.depth=1"], "unknown key `modle`\nhelp: is it `model`? ");
    refused(&["optim_wraper.type=OptimWrapper"], "unknown key `optim_wraper`\nhelp: is it `optim_wrapper`? ");
    refused(&["model.zebra=1"], "unknown key `model.zebra`\nhelp: known: `type`, `data_preprocessor`");
    refused(
        &["optim_wrapper.optimizer.momentun=0.9"],
        "unknown key `optim_wrapper.optimizer.momentun`\nhelp: ",
    );
    refused(&["val_evaluator.iou=0.5"], "unknown key `val_evaluator.iou`\nhelp: known: `type`");
    refused(
        &["train_dataloader.dataset.pipeline.1.probability=1"],
        "unknown key `train_dataloader.dataset.pipeline[1].probability`\nhelp: is it `prob`? ",
    );
    refused(
        &["custom_hooks=[{type = \"EarlyStoppingHook\", patienc = 3}]"],
        "unknown key `custom_hooks[0].patienc`\nhelp: is it `patience`? ",
    );
    refused(
        &["custom_hooks=[{type = \"EMAHook\", decay = 3}]"],
        "unknown key `custom_hooks[0].decay`\nhelp: known: `momentum`",
    );
}

#[test]
fn values_of_another_kind_say_what_they_must_be() {
    for (option, message) in [
        ("model=3", "`model` is 3\nhelp: it must be a table"),
        (
            "train_dataloader.batch_size=-1",
            "`train_dataloader.batch_size` is -1\nhelp: it must be an integer of 0 or more",
        ),
        (
            "train_dataloader.batch_size=1.5",
            "`train_dataloader.batch_size` is 1.5\nhelp: it must be an integer of 0 or more",
        ),
        ("train_dataloader.drop_last=1", "`train_dataloader.drop_last` is 1\nhelp: it must be true or false"),
        (
            "train_dataloader.dataset.pipeline=Resize",
            "`train_dataloader.dataset.pipeline` is the string \"Resize\"\nhelp: it must be a list",
        ),
        (
            "train_dataloader.dataset.image_size=[1]",
            "`train_dataloader.dataset.image_size` is a list of 1\nhelp: it must be a list of 2",
        ),
        (
            "train_dataloader.dataset.pipeline.1.prob=often",
            "`train_dataloader.dataset.pipeline[1].prob` is the string \"often\"\nhelp: it must be a number",
        ),
        (
            "train_dataloader.dataset.pipeline.1.direction=diagonal",
            "`train_dataloader.dataset.pipeline[1].direction` is \"diagonal\"\nhelp: known: `horizontal`, `vertical`",
        ),
        (
            "train_dataloader.dataset.pipeline.1.type=RandomFlop",
            "`train_dataloader.dataset.pipeline[1].type` is \"RandomFlop\"\nhelp: is it `RandomFlip`? known: `Resize`",
        ),
        (
            "train_dataloader.dataset.type=CocoDatasets",
            "`train_dataloader.dataset.type` is \"CocoDatasets\"\nhelp: is it `CocoDataset`? known: ",
        ),
        ("model.type=FasterRCNN", "`model.type` is \"FasterRCNN\"\nhelp: known: `RetinaNet`, `FCOS`"),
        ("model.type=None", "`model.type` is missing"),
        ("train_cfg=None", "`train_cfg` is missing"),
        ("optim_wrapper=None", "`optim_wrapper` is missing"),
        (
            "train_dataloader.dataset.pipeline.0.scale=None",
            "`train_dataloader.dataset.pipeline[0].scale` is missing",
        ),
        (
            "optim_wrapper.optimizer.lr=[1]",
            "`optim_wrapper.optimizer.lr` is a list\nhelp: it must be a number",
        ),
    ] {
        refused(&[option], message);
    }
}

/// One run tells everything, with the file or option that it is in.
#[test]
fn all_mistakes_are_told_at_once_with_where_they_are() {
    let files = [
        (
            "base.toml",
            "_base_ = \"cells\"\n[model.backbone]\ndept = 18\n[model.neck]\nchannels = 3\n[optim_wrapper.optimizer]\nlr = \"much\"",
        ),
        (
            "a.toml",
            "_base_ = \"base.toml\"\n[model.neck]\nchannels = 4\n[default_hooks.logger]\ninterval = \"often\"",
        ),
    ];
    let options = ["custom_hook=[]".to_owned()];
    let overrides = Overrides { options: &options, ..Overrides::default() };
    let error = load_of(&files, "a.toml", overrides).unwrap_err();
    for part in [
        "`FOLDER/base.toml`: unknown key `model.backbone.dept`\nhelp: is it `depth`?",
        "`FOLDER/a.toml`: unknown key `model.neck.channels`\n",
        "`FOLDER/a.toml`: `default_hooks.logger.interval` is the string \"often\"",
        "`--cfg-options custom_hook=[]`: unknown key `custom_hook`\nhelp: is it `custom_hooks`?",
        "`FOLDER/base.toml`: `optim_wrapper.optimizer.lr` is the string \"much\"",
    ] {
        assert!(error.contains(part), "{part}\nis not in\n{error}");
    }
    assert_eq!(error.matches("help: ").count(), 5, "{error}");
}

/// A misspelt key that has to be there: the typo, and what is missing for it, and nothing made up.
#[test]
fn a_misspelt_key_that_must_be_there() {
    let files = [("a.toml", "_base_ = \"cells\"\ntrain_cfg = { _delete_ = true, max_epoch = 3 }")];
    let error = load_of(&files, "a.toml", Overrides::default()).unwrap_err();
    let wanted = "`FOLDER/a.toml`: unknown key `train_cfg.max_epoch`\n\
                  help: is it `max_epochs`? known: `max_epochs`, `val_interval`, `val_begin`\n\
                  `train_cfg.max_epochs` is missing";
    assert_eq!(error, wanted);
}
