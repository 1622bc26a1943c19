//! Files on top of files.
use super::{folder, load_of};
use detector::config::{Config, Overrides};
use std::path::{Path, PathBuf};

fn sections(files: &[(&str, &str)], name: &str) -> detector::config::Sections {
    load_of(files, name, Overrides::default()).unwrap_or_else(|error| panic!("{error}")).sections
}

#[test]
fn later_ones_win_key_by_key_in_every_format() {
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
    let config = sections(&files, "c.json");
    assert_eq!((config.train_dataloader.batch_size, config.train_dataloader.num_workers), (4, 5));
    let neck = config.model.neck;
    assert_eq!((neck.out_channels, neck.norm_cfg), (16, None), "`_delete_` took the norms away");
    assert_eq!(config.work_dir, None);
    assert_eq!(sections(&files, "b.yaml").model.neck.out_channels, 32);
}

#[test]
fn of_several_bases_the_last_wins_and_lists_are_replaced() {
    let files = [
        ("one.toml", "_base_ = \"cells\"\n[train_cfg]\nmax_epochs = 1\nval_interval = 1"),
        (
            "two.toml",
            "[train_cfg]\nmax_epochs = 2\n[train_dataloader.dataset]\npipeline = [{ type = \"Resize\", scale = [64, 32] }]",
        ),
        ("top.toml", "_base_ = [\"one.toml\", \"two.toml\"]"),
    ];
    let config = sections(&files, "top.toml");
    assert_eq!((config.train_cfg.max_epochs, config.train_cfg.val_interval), (2, 1));
    assert_eq!(config.train_dataloader.dataset.pipeline.len(), 1);
}

#[test]
fn bases_are_beside_the_file_that_names_them() {
    let folder = folder(&[]);
    std::fs::create_dir_all(folder.path().join("deep/er")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("deep/base.toml", "_base_ = \"cells\"\n[train_cfg]\nmax_epochs = 77");
    write("deep/er/a.toml", "_base_ = \"../base.toml\"");
    let config = Config::load(&folder.path().join("deep/er/a.toml"), Overrides::default()).unwrap();
    assert_eq!(config.sections.train_cfg.max_epochs, 77);
}

/// `data_root` is for all data sets; one that is nearer wins, be it in the same table or in a later layer.
#[test]
fn the_common_data_root_gives_way_to_what_is_nearer() {
    let roots = |files: &[(&str, &str)], options: &[&str]| {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let overrides = Overrides { options: &options, ..Overrides::default() };
        let config = load_of(files, "a.toml", overrides).unwrap().sections;
        [Some(config.train_dataloader), config.val_dataloader].map(|loader| loader.unwrap().dataset.data_root)
    };
    let own =
        "_base_ = \"bccd_fcos_r18\"\ndata_root = \"all\"\n[val_dataloader.dataset]\ndata_root = \"mine\"";
    let [all, mine, new] = ["all", "mine", "new"].map(PathBuf::from);
    assert_eq!(roots(&[("a.toml", own)], &[]), [all.clone(), mine.clone()]);
    assert_eq!(roots(&[("a.toml", own)], &["data_root=new"]), [new.clone(), new.clone()]);
    let last = ["data_root=new", "val_dataloader.dataset.data_root=mine"];
    assert_eq!(roots(&[("a.toml", own)], &last), [new.clone(), mine.clone()]);
    let files = [("a.toml", "_base_ = \"b.toml\"\ndata_root = \"new\""), ("b.toml", own)];
    assert_eq!(roots(&files, &[]), [new.clone(), new]);
}

#[test]
fn infinity_is_a_number_in_every_format() {
    let clip = |name: &str, text: &str| {
        load_of(&[(name, text)], name, Overrides::default()).unwrap().training.optim_wrapper.clip_grad
    };
    let toml = clip(
        "a.toml",
        "_base_ = \"cells\"\noptim_wrapper.clip_grad = { _delete_ = true, max_norm = 1, norm_type = inf }",
    );
    let yaml = clip(
        "a.yaml",
        "_base_: cells\noptim_wrapper: { clip_grad: { _delete_: true, max_norm: 1, norm_type: .inf } }",
    );
    let json = clip(
        "a.json",
        r#"{"_base_": "cells", "optim_wrapper": {"clip_grad": {"_delete_": true, "max_norm": 1, "norm_type": "inf"}}}"#,
    );
    assert!(format!("{toml:?}").contains("inf"), "{toml:?}");
    assert_eq!((yaml, json), (toml, toml));
}

#[test]
fn files_that_cannot_be_read_say_who_wants_them() {
    let error = |text: &str| load_of(&[("a.toml", text)], "a.toml", Overrides::default()).unwrap_err();
    assert!(
        error("_base_ = \"gone.toml\"").starts_with(
            "cannot read the configuration `FOLDER/gone.toml`, which `FOLDER/a.toml` names as `_base_`: "
        ),
        "{}",
        error("_base_ = \"gone.toml\"")
    );
    assert_eq!(
        error("_base_ = 3"),
        "`FOLDER/a.toml`: `_base_` is 3\nhelp: it must be a file or a list of files"
    );
    assert!(error("model = ").starts_with("`FOLDER/a.toml` is no TOML: "), "{}", error("model = "));
    let error = Config::load(Path::new("zells"), Overrides::default()).unwrap_err().to_string();
    assert!(error.contains("help: built in are `cells`, `bccd_fcos_r18`"), "{error}");
}

#[test]
fn texts_that_are_not_in_their_format() {
    let error = |name: &str, text: &str| load_of(&[(name, text)], name, Overrides::default()).unwrap_err();
    for (name, text, messages) in [
        ("a.py", "model = dict()", ["`FOLDER/a.py` is no configuration", "help: dump it as JSON first"]),
        ("a.yaml", "a: [", ["`FOLDER/a.yaml` is no YAML: ", "line 1"]),
        ("a.json", "{", ["`FOLDER/a.json` is no JSON: ", "line 1"]),
        ("b.json", r#"{"model": {"a": 1, "a": 2}}"#, ["is no JSON: `a` is given twice", "column"]),
        ("b.yaml", "a: 1\na: 2", ["is no YAML: ", "a"]),
        ("b.toml", "a = 1\na = 2", ["is no TOML: ", "duplicate key"]),
        ("c.yaml", "a: .nan", ["is no YAML: ", "NaN"]),
        ("c.json", r#"{"a": 9223372036854775808}"#, ["is no JSON: ", "9223372036854775808 is too large"]),
        (
            "d.json",
            "[1]",
            ["`FOLDER/d.json`: `the configuration` is a list", "help: it must be a table of keys"],
        ),
    ] {
        let found = error(name, text);
        assert!(messages.iter().all(|message| found.contains(message)), "{name}: {found}");
    }
}

#[test]
fn circles_show_their_way() {
    let circle = [("a.toml", "_base_ = \"b.toml\""), ("b.toml", "_base_ = \"a.toml\"")];
    assert_eq!(
        load_of(&circle, "a.toml", Overrides::default()).unwrap_err(),
        "the configurations are each other's `_base_`: `FOLDER/a.toml` -> `FOLDER/b.toml` -> `FOLDER/a.toml`"
    );
    let folder = folder(&[]);
    std::fs::create_dir(folder.path().join("x")).unwrap();
    let path = folder.path().join("x/a.toml");
    std::fs::write(&path, "_base_ = \"../x/a.toml\"").unwrap();
    let error = Config::load(&path, Overrides::default()).unwrap_err().to_string();
    assert!(error.starts_with("the configurations are each other's `_base_`: "), "{error}");
}

/// A base that two files share is no circle.
#[test]
fn a_common_base_is_no_circle() {
    let files = [
        ("base.toml", "_base_ = \"cells\""),
        ("one.toml", "_base_ = \"base.toml\""),
        ("two.toml", "_base_ = \"base.toml\""),
        ("top.toml", "_base_ = [\"one.toml\", \"two.toml\"]"),
    ];
    sections(&files, "top.toml");
}
