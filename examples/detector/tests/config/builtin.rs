//! What the program brings along loads, and comes back from what is written down of it.
use super::folder;
use clap::{CommandFactory, Parser};
use detector::cli::Cli;
use detector::config::{Config, Overrides, builtin_names};
use std::path::Path;

#[test]
fn all_load_and_come_back() {
    assert!(builtin_names().count() >= 5);
    for name in builtin_names() {
        let config = Config::load(Path::new(name), Overrides::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let folder = folder(&[("a.toml", config.to_toml())]);
        let again = Config::load(&folder.path().join("a.toml"), Overrides::default()).unwrap();
        assert_eq!(again, config, "{name}");
    }
}

#[test]
fn the_help_names_all_of_them() {
    let help = Cli::command().render_long_help().to_string();
    for name in builtin_names() {
        assert!(help.contains(name), "{name}");
    }
}

/// What the command line says is in what is written down.
#[test]
fn what_the_command_line_says_comes_back() {
    let options = ["train_dataloader.batch_size=3".to_owned(), "auto_scale_lr.base_batch_size=6".to_owned()];
    let overrides = Overrides {
        options: &options,
        amp: Some(amp_runtime::Precision::F16),
        seed: Some(41),
        auto_scale_lr: true,
        ..Overrides::default()
    };
    let config = Config::load(Path::new("bccd_fcos_r18"), overrides).unwrap();
    assert_eq!((config.sections.randomness.seed, config.lr_factor()), (41, 0.5));
    let folder = folder(&[("a.toml", config.to_toml())]);
    assert_eq!(Config::load(&folder.path().join("a.toml"), Overrides::default()).unwrap(), config);
}

/// `wd/cells` is where `detector train cells` writes; it does not hide the configuration.
#[test]
fn a_folder_of_that_name_is_no_configuration() {
    let folder = folder(&[("a.toml", "_base_ = \"cells\"")]);
    std::fs::create_dir(folder.path().join("cells")).unwrap();
    Config::load(&folder.path().join("a.toml"), Overrides::default()).unwrap();
}

/// Every example in the help of a command is a command line that is understood.
#[test]
fn the_examples_in_the_help_are_understood() {
    let mut examples = 0;
    let mut program = Cli::command();
    let commands: Vec<String> = program.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    for command in commands {
        let help = program.find_subcommand_mut(&command).unwrap().render_long_help().to_string();
        let before = examples;
        for line in help.lines().filter(|line| line.starts_with("  detector ")) {
            Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
            examples += 1;
        }
        assert!(examples > before, "{command} has no examples");
    }
}
