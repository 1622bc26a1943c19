//! `--amp`: the one switch, which may not contradict the configuration.
use super::document::at;
use super::error::ConfigError;
use super::layers::Layers;
use amp_runtime::Precision;
use serde_json::{Value, json};

/// Sets the precision of `optim_wrapper`: an `OptimWrapper` becomes an `AmpOptimWrapper`, whose loss scale is dynamic in f16,
/// as with MMDetection's `--amp`. A configuration that says another precision is an error.
pub(super) fn set(layers: &mut Layers, flag: Precision) -> Result<(), ConfigError> {
    let document = layers.document();
    let Some(wrapper) = document.get("optim_wrapper").and_then(Value::as_object) else { return Ok(()) };
    let (word, dtype) = words(flag);
    let contradiction = |key: &str, instead: &str| {
        let key = format!("optim_wrapper.{key}");
        Err(ConfigError::Precision {
            flag: word,
            place: layers.origin(&key).unwrap_or_default().to_owned(),
            configured: format!("{key} = {}", at(&document, &key).unwrap_or(&Value::Null)),
            instead: format!("--cfg-options optim_wrapper.{instead}"),
        })
    };
    let is_mixed = wrapper.get("type").is_some_and(|kind| kind == "AmpOptimWrapper");
    match wrapper.get("dtype").and_then(Value::as_str) {
        Some(configured) if is_mixed => {
            // a dtype that is none is for the reader to say
            let configured = configured.trim_start_matches("torch.").parse::<Precision>();
            return match configured {
                Ok(configured) if configured != flag => contradiction("dtype", &format!("dtype={dtype}")),
                _ => Ok(()),
            };
        }
        _ if is_mixed && flag == Precision::Full => return contradiction("type", "type=OptimWrapper"),
        _ if flag == Precision::Full => return Ok(()),
        _ => {}
    }
    // only f16 wants its loss scaled: whoever wrote a scale meant f16
    let has_scale = wrapper.get("loss_scale").is_some_and(|scale| scale != &json!({ "enabled": false }));
    if flag == Precision::Bf16 && has_scale {
        return contradiction("loss_scale", "loss_scale=None");
    }
    let own = json!({ "optim_wrapper": { "type": "AmpOptimWrapper", "dtype": dtype } });
    layers.lay(format!("--amp {word}"), own);
    Ok(())
}

/// Sets the precision of `optim_wrapper`, whatever it said.
pub(super) fn replace(layers: &mut Layers, precision: Precision) {
    let (word, dtype) = words(precision);
    let mixed = (precision != Precision::Full).then_some(("AmpOptimWrapper", dtype)).unzip();
    let own = json!({ "type": mixed.0, "dtype": mixed.1, "loss_scale": null });
    layers.lay(format!("--amp {word}"), json!({ "optim_wrapper": own }));
}

/// The flag's word, and `PyTorch`'s.
fn words(precision: Precision) -> (&'static str, &'static str) {
    match precision {
        Precision::Full => ("off", "float32"),
        Precision::F16 => ("fp16", "float16"),
        Precision::Bf16 => ("bf16", "bfloat16"),
    }
}
