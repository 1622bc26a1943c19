//! `--amp` and what the configuration says.
use amp_runtime::{LossScale, Precision};
use detector::config::{Config, Overrides};
use std::path::Path;

fn with(options: &[&str], amp: Precision) -> Result<Config, String> {
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    let overrides = Overrides { options: &options, amp: Some(amp), ..Overrides::default() };
    Config::load(Path::new("cells"), overrides).map_err(|error| error.to_string())
}

const MIXED: &str = "optim_wrapper.type=AmpOptimWrapper";

#[test]
fn the_switch_sets_the_precision() {
    for precision in [Precision::Full, Precision::F16, Precision::Bf16] {
        assert_eq!(with(&[], precision).unwrap().precision(), Some(precision));
    }
    assert_eq!(with(&[MIXED], Precision::F16).unwrap().precision(), Some(Precision::F16));
    for (dtype, precision) in
        [("bfloat16", Precision::Bf16), ("torch.float16", Precision::F16), ("float32", Precision::Full)]
    {
        let same = with(&[MIXED, &format!("optim_wrapper.dtype={dtype}")], precision).unwrap();
        assert_eq!(same.precision(), Some(precision), "{dtype}");
    }
    let scaled = with(&[MIXED, "optim_wrapper.loss_scale=512"], Precision::F16).unwrap();
    assert_eq!(scaled.training.optim_wrapper.loss_scale, Some(LossScale::Static(512.)), "f16 keeps it");
}

#[test]
fn the_switch_may_not_contradict_the_configuration() {
    let f16 = [MIXED, "optim_wrapper.dtype=float16"];
    let error = with(&f16, Precision::Bf16).unwrap_err();
    let wanted = "`--amp bf16` contradicts the configuration, where `--cfg-options optim_wrapper.dtype=float16` says `optim_wrapper.dtype = \"float16\"`\n\
                  help: leave out `--amp`, or set `--cfg-options optim_wrapper.dtype=bfloat16`";
    assert_eq!(error, wanted);
    assert!(with(&f16, Precision::Full).unwrap_err().contains("optim_wrapper.dtype=float32"));
    let error = with(&f16[..1], Precision::Full).unwrap_err();
    assert!(
        error.starts_with("`--amp off` contradicts ") && error.contains("optim_wrapper.type=OptimWrapper"),
        "{error}"
    );
}

/// Whoever scales the loss means f16.
#[test]
fn a_loss_scale_contradicts_bf16() {
    for kind in [MIXED, "optim_wrapper.type=OptimWrapper"] {
        let error = with(&[kind, "optim_wrapper.loss_scale=dynamic"], Precision::Bf16).unwrap_err();
        assert!(error.contains("`optim_wrapper.loss_scale = \"dynamic\"`"), "{error}");
        let mended = with(
            &[kind, "optim_wrapper.loss_scale=dynamic", "optim_wrapper.loss_scale=None"],
            Precision::Bf16,
        );
        assert_eq!(mended.unwrap().precision(), Some(Precision::Bf16), "the help helps");
    }
    let error =
        with(&["optim_wrapper.type=OptimWrapper", "optim_wrapper.loss_scale=dynamic"], Precision::Full)
            .unwrap_err();
    assert!(error.contains("`optim_wrapper.loss_scale` cannot be used here"), "{error}");
}

/// A dtype that is none is no contradiction, but a mistake.
#[test]
fn an_unknown_dtype_is_not_overruled() {
    let error = with(&[MIXED, "optim_wrapper.dtype=float61"], Precision::F16).unwrap_err();
    assert!(error.contains("`optim_wrapper.dtype` is the string \"float61\""), "{error}");
}

/// The weights of a trained model serve every precision.
#[test]
fn a_trained_model_is_used_in_any_precision() {
    let options = [MIXED, "optim_wrapper.dtype=float16", "optim_wrapper.loss_scale=512"].map(str::to_owned);
    for precision in [Precision::Full, Precision::F16, Precision::Bf16] {
        let overrides = Overrides { options: &options, use_in: Some(precision), ..Overrides::default() };
        let config = Config::load(Path::new("cells"), overrides).unwrap();
        assert_eq!(config.precision(), Some(precision));
    }
}
