//! Configuration files: no input makes the reader panic, and what it accepts is usable.
use amp_runtime::config::{ConfigError, OptimWrapperConfig, TrainingConfig};
use proptest::prelude::*;
use serde_json::{Value, json};

const KEYS: [&str; 20] = [
    "type",
    "optimizer",
    "optim_wrapper",
    "param_scheduler",
    "loss_scale",
    "dtype",
    "clip_grad",
    "paramwise_cfg",
    "custom_keys",
    "lr",
    "momentum",
    "betas",
    "begin",
    "end",
    "by_epoch",
    "milestones",
    "on_floor",
    "accumulative_counts",
    "lrr",
    "",
];
const WORDS: [&str; 9] = [
    "AmpOptimWrapper",
    "SGD",
    "AdamW",
    "dynamic",
    "inf",
    "value",
    "float64",
    "MultiStepLR",
    "CosineAnnealingLR",
];

/// Names that occur in configurations, and some that do not.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![prop::sample::select(&KEYS[..]).prop_map(str::to_owned), ".{0,6}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-3..4_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(&WORDS[..]).prop_map(Value::from),
        ".{0,50}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Whatever comes in: a configuration whose schedule gives numbers, or an error that says something.
fn survives(result: Result<TrainingConfig, ConfigError>) {
    match result {
        Ok(config) => {
            let schedule = config.schedule(Some(10)).unwrap();
            for applied in [0, 1, 10, 1000, u64::MAX] {
                assert!(!schedule.lr(0.1, applied).is_nan());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

proptest! {
    #[test]
    fn any_value(value in value()) {
        let text = value.to_string();
        survives(TrainingConfig::from_json(&text));
        survives(TrainingConfig::from_yaml(&text));
        let _ = OptimWrapperConfig::from_json(&text);
    }

    #[test]
    fn any_wrapper(wrapper in value(), pieces in value()) {
        let document = json!({"optim_wrapper": wrapper, "param_scheduler": pieces});
        survives(TrainingConfig::from_json(&document.to_string()));
    }

    /// Pieces that are nearly right.
    #[test]
    fn any_piece(
        kind in prop::sample::select(vec!["LinearLR", "ConstantLR", "MultiStepLR", "StepLR", "ExponentialLR", "CosineAnnealingLR", "PolyLR"]),
        keys in prop::collection::btree_map(
            prop::sample::select(vec!["begin", "end", "T_max", "step_size", "gamma", "factor", "power", "eta_min", "eta_min_ratio", "convert_to_iter_based"]),
            prop_oneof![
                (0..30_u64).prop_map(Value::from),
                Just(Value::from(u64::MAX)),
                (0. ..2.).prop_map(Value::from),
                Just(Value::from(f64::MAX)),
                Just(Value::from(true)),
            ],
            0..5,
        ),
    ) {
        let mut piece = json!({"type": kind});
        piece.as_object_mut().unwrap().extend(keys.into_iter().map(|(key, value)| (key.to_owned(), value)));
        let document = json!({"optim_wrapper": {"optimizer": {"type": "SGD"}}, "param_scheduler": [piece]});
        survives(TrainingConfig::from_json(&document.to_string()));
    }

    #[test]
    fn any_text(text in "(?s).{0,200}", lines in "([a-z_]{1,9}[:=] ?[-\\[\\]{}\"'a-z0-9.&*<!|> ]{0,9}\n){0,9}") {
        for text in [text, lines] {
            survives(TrainingConfig::from_toml(&text));
            survives(TrainingConfig::from_json(&text));
            survives(TrainingConfig::from_yaml(&text));
        }
    }
}

#[test]
fn deep_nesting_is_an_error() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{a: ", "}"), ("- ", "")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(TrainingConfig::from_json(&deep).is_err());
        assert!(TrainingConfig::from_yaml(&deep).is_err());
        assert!(TrainingConfig::from_toml(&format!("a = {deep}")).is_err());
    }
}
