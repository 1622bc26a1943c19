//! `--amp`: the one switch, which may not contradict the configuration.
use super::error::ConfigError;
use super::layers::Layers;
use amp_runtime::Precision;
use serde_json::{Value, json};

/// Sets the precision of `optim_wrapper`: an `OptimWrapper` becomes an `AmpOptimWrapper`, whose loss scale is dynamic in f16,
/// as with MMDetection's `--amp`. A configuration that says another precision is an error.
pub(super) fn set(layers: &mut Layers, flag: Precision) -> Result<(), ConfigError> {
    let document = layers.document();
    let Some(wrapper) = document.get("optim_wrapper").and_then(Value::as_object) else { return Ok(()) };
    let (word, dtype) = match flag {
        Precision::Full => ("off", "float32"),
        Precision::F16 => ("fp16", "float16"),
        Precision::Bf16 => ("bf16", "bfloat16"),
    };
    let contradiction = |key: &str, instead: &str| {
        let file = layers.origin(&format!("optim_wrapper.{key}"));
        let said = wrapper.get(key).map(Value::to_string).unwrap_or_default();
        Err(ConfigError::Precision {
            flag: word,
            place: file.map_or_else(|| "the configuration".to_owned(), |file| format!("`{file}`")),
            configured: format!("`{key} = {said}`"),
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
