//! `--amp`: the one switch, which may not contradict the configuration.
use super::error::ConfigError;
use amp_runtime::Precision;
use serde_json::{Value, json};

/// Sets the precision of `optim_wrapper`: an `OptimWrapper` becomes an `AmpOptimWrapper`, whose loss scale is dynamic in f16,
/// as with MMDetection's `--amp`. A configuration that says another precision is an error.
pub(super) fn set(document: &mut Value, flag: Precision) -> Result<(), ConfigError> {
    let Some(wrapper) = document.get_mut("optim_wrapper").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    let is_mixed = wrapper.get("type").is_some_and(|kind| kind == "AmpOptimWrapper");
    let configured = wrapper.get("dtype").and_then(Value::as_str).map(str::to_owned);
    let contradiction = |said: String, instead: String| {
        let flag = match flag {
            Precision::Full => "off",
            Precision::F16 => "fp16",
            Precision::Bf16 => "bf16",
        };
        Err(ConfigError::Precision { flag, configured: said, instead })
    };
    match (is_mixed, configured) {
        (true, Some(configured)) => {
            let known: Result<Precision, _> = configured.trim_start_matches("torch.").parse();
            if known.as_ref() != Ok(&flag) {
                let said = format!("`dtype = \"{configured}\"`");
                return contradiction(said, format!("--cfg-options optim_wrapper.dtype={}", dtype(flag)));
            }
        }
        (true, None) if flag == Precision::Full => {
            let said = "`type = \"AmpOptimWrapper\"`".to_owned();
            return contradiction(said, "--cfg-options optim_wrapper.type=OptimWrapper".to_owned());
        }
        (false, _) if flag == Precision::Full => {}
        _ => {
            wrapper.insert("type".to_owned(), json!("AmpOptimWrapper"));
            wrapper.insert("dtype".to_owned(), json!(dtype(flag)));
        }
    }
    Ok(())
}

/// Sets the precision of `optim_wrapper`, whatever it said.
pub(super) fn replace(document: &mut Value, precision: Precision) {
    let Some(wrapper) = document.get_mut("optim_wrapper").and_then(Value::as_object_mut) else { return };
    wrapper.retain(|key, _| !["type", "dtype", "loss_scale"].contains(&key.as_str()));
    if precision != Precision::Full {
        wrapper.insert("type".to_owned(), json!("AmpOptimWrapper"));
        wrapper.insert("dtype".to_owned(), json!(dtype(precision)));
    }
}

/// `PyTorch`'s word for it.
fn dtype(precision: Precision) -> &'static str {
    match precision {
        Precision::Full => "float32",
        Precision::F16 => "float16",
        Precision::Bf16 => "bfloat16",
    }
}
