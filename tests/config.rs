//! Configuration files: the three formats, MMEngine's meanings, and what is said about mistakes.
#![expect(clippy::float_cmp, reason = "a number is read as it is written")]
use amp_runtime::config::{ConfigError, Format, OptimWrapperConfig, Problem, TrainingConfig};
use amp_runtime::schedule::{Curve, EtaMin, Piece, Unit};
use amp_runtime::{
    Adam, AdamW, ClipGrad, CustomKey, DynamicLossScale, Floor, LossScale, OptimizerConfig, Paramwise,
    Precision, Sgd,
};
use serde_json::{Value, json};

fn read(wrapper: &Value) -> Result<OptimWrapperConfig, ConfigError> {
    OptimWrapperConfig::from_json(&wrapper.to_string())
}

/// A wrapper with SGD and these keys.
fn with(keys: &Value) -> Value {
    let mut wrapper = json!({"optimizer": {"type": "SGD", "lr": 0.1}});
    wrapper.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    wrapper
}

fn amp(keys: &Value) -> Value {
    let mut wrapper = with(keys);
    wrapper["type"] = json!("AmpOptimWrapper");
    wrapper
}

fn complaint(wrapper: &Value) -> String {
    read(wrapper).unwrap_err().to_string()
}

fn problems(error: ConfigError) -> Vec<Problem> {
    match error {
        ConfigError::Invalid { problems, .. } => problems,
        other => panic!("{other}"),
    }
}

fn everything() -> TrainingConfig {
    TrainingConfig {
        optim_wrapper: OptimWrapperConfig {
            precision: Some(Precision::F16),
            loss_scale: Some(LossScale::Dynamic(DynamicLossScale {
                init_scale: 1024.,
                growth_factor: 4.,
                backoff_factor: 0.25,
                growth_interval: 100,
                min_scale: 0.5,
                max_scale: f64::INFINITY,
                hysteresis: 2,
                consecutive_hysteresis: true,
                on_floor: Floor::Error { after: 7 },
            })),
            optimizer: OptimizerConfig::AdamW(AdamW {
                lr: 1e-4,
                betas: (0.8, 0.95),
                eps: 1e-6,
                weight_decay: 0.05,
                amsgrad: true,
                maximize: false,
            }),
            clip_grad: Some(ClipGrad::Norm {
                max_norm: 35.,
                norm_type: f64::INFINITY,
                error_if_nonfinite: true,
            }),
            accumulative_counts: 4,
            paramwise: Paramwise {
                custom_keys: [("backbone.layer0".to_owned(), CustomKey { lr_mult: 0.1, decay_mult: 1. })]
                    .into(),
                norm_decay_mult: Some(0.),
                bypass_duplicate: true,
                ..Paramwise::default()
            },
        },
        param_scheduler: vec![
            Piece::new(Curve::Linear { start_factor: 0.001, end_factor: 1. }).end(500),
            Piece::new(Curve::CosineAnnealing { t_max: Some(11), eta_min: EtaMin::Ratio(0.05) })
                .begin(1)
                .end(12)
                .unit(Unit::EpochsAsUpdates),
        ],
    }
}

const TOML: &str = include_str!("config/everything.toml");
const JSON: &str = include_str!("config/everything.json");
const YAML: &str = include_str!("config/everything.yaml");

#[test]
fn three_formats_one_configuration() {
    assert_eq!(TrainingConfig::from_toml(TOML).unwrap(), everything());
    assert_eq!(TrainingConfig::from_json(JSON).unwrap(), everything());
    assert_eq!(TrainingConfig::from_yaml(YAML).unwrap(), everything());
}

#[test]
fn files_by_extension() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in
        [("a.toml", TOML), ("a.json", JSON), ("a.yaml", YAML), ("a.yml", YAML), ("a.TOML", TOML)]
    {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        assert_eq!(TrainingConfig::from_path(&path).unwrap(), everything(), "{name}");
    }
    let missing = TrainingConfig::from_path(folder.path().join("missing.toml")).unwrap_err();
    assert!(matches!(missing, ConfigError::Read { .. }));
    for name in ["a.py", "a"] {
        let unknown = TrainingConfig::from_path(folder.path().join(name)).unwrap_err();
        assert!(matches!(unknown, ConfigError::UnknownExtension { .. }));
    }
    let path = folder.path().join("bad.toml");
    std::fs::write(&path, "[optim_wrapper]\noptimizer = { type = \"SGD\", lr = \"0.1\" }").unwrap();
    let error = TrainingConfig::from_path(&path).unwrap_err().to_string();
    let wanted = "`optim_wrapper.optimizer.lr` is the string \"0.1\"\nhelp: it must be a number";
    assert_eq!(error, format!("`{}`: {wanted}", path.display()));
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert!(matches!(TrainingConfig::from_path(&path), Err(ConfigError::Read { .. })));
    std::fs::write(&path, "a = ").unwrap();
    let error = TrainingConfig::from_path(&path).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("`{}`: not valid TOML at line 1, column 5: ", path.display())),
        "{error}"
    );
}

#[test]
fn what_a_parser_says() {
    let json = OptimWrapperConfig::from_json("{\n  \"type\": }").unwrap_err().to_string();
    assert_eq!(json, "not valid JSON at line 2, column 11: expected value");
    let toml = OptimWrapperConfig::from_toml("a = 1\na = 2").unwrap_err().to_string();
    assert_eq!(toml, "not valid TOML at line 2, column 1: duplicate key");
    let yaml = OptimWrapperConfig::from_yaml("a: 1\na: 2").unwrap_err();
    assert!(
        matches!(yaml, ConfigError::Syntax { format: Format::Yaml, line_column: Some((2, 1)), .. }),
        "{yaml}"
    );
    assert_eq!(yaml.to_string().lines().count(), 1, "{yaml}");
    // JSON's grammar allows it
    let json = r#"{"optimizer": {"type": "SGD", "lr": 1, "lr": 2}}"#;
    assert_eq!(OptimWrapperConfig::from_json(json).unwrap_err().to_string(), "`optimizer.lr` is given twice");
}

#[test]
fn as_part_of_a_larger_configuration() {
    let tree: Value = serde_json::from_str(JSON).unwrap();
    let wrapper: OptimWrapperConfig = serde_json::from_value(tree["optim_wrapper"].clone()).unwrap();
    assert_eq!(wrapper, everything().optim_wrapper);
    let error = serde_json::from_value::<OptimWrapperConfig>(json!({})).unwrap_err();
    assert_eq!(error.to_string(), "`optimizer` is missing");
}

/// As MMDetection's Faster R-CNN dumps it.
#[test]
fn a_dump_of_mmdetection() {
    let dump = r#"{
        "auto_scale_lr": {"enable": false, "base_batch_size": 16},
        "optim_wrapper": {
            "type": "OptimWrapper",
            "optimizer": {"type": "SGD", "lr": 0.02, "momentum": 0.9, "weight_decay": 0.0001},
            "clip_grad": {"max_norm": 35, "norm_type": 2}
        },
        "param_scheduler": [
            {"type": "LinearLR", "start_factor": 0.001, "by_epoch": false, "begin": 0, "end": 500},
            {"type": "MultiStepLR", "begin": 0, "end": 12, "by_epoch": true, "milestones": [8, 11], "gamma": 0.1}
        ],
        "train_cfg": {"type": "EpochBasedTrainLoop", "max_epochs": 12, "val_interval": 1}
    }"#;
    let config = TrainingConfig::from_json(dump).unwrap();
    let sgd = Sgd { lr: 0.02, momentum: 0.9, weight_decay: 1e-4, ..Sgd::default() };
    let wanted = OptimWrapperConfig {
        precision: Some(Precision::Full),
        loss_scale: Some(LossScale::Off),
        optimizer: OptimizerConfig::Sgd(sgd),
        clip_grad: Some(ClipGrad::norm(35.)),
        accumulative_counts: 1,
        paramwise: Paramwise::default(),
    };
    assert_eq!(config.optim_wrapper, wanted);
    assert_eq!(
        config.param_scheduler[1],
        Piece::new(Curve::MultiStep { milestones: vec![8, 11], gamma: 0.1 }).end(12).unit(Unit::Epochs)
    );
}

#[test]
fn defaults() {
    let config = read(
        &json!({"type": "AmpOptimWrapper", "optimizer": {"type": "Adam", "fused": true, "foreach": null}}),
    )
    .unwrap();
    assert_eq!(config.optimizer, OptimizerConfig::Adam(Adam::default()));
    assert_eq!((config.precision, config.loss_scale), (None, None));
    assert_eq!(config.accumulative_counts, 1);
    let nulls = json!({"dtype": null, "loss_scale": null, "clip_grad": null, "paramwise_cfg": null, "constructor": null});
    assert_eq!(read(&amp(&nulls)).unwrap(), read(&amp(&json!({}))).unwrap());
}

#[test]
fn precisions() {
    let precision = |dtype: &str| read(&amp(&json!({"dtype": dtype}))).unwrap().precision.unwrap();
    for dtype in ["float16", "torch.float16", "fp16", "f16"] {
        assert_eq!(precision(dtype), Precision::F16);
    }
    assert_eq!(precision("bfloat16"), Precision::Bf16);
    assert_eq!(precision("float32"), Precision::Full);
    let yaml = "{type: AmpOptimWrapper, dtype: off, optimizer: {type: SGD}}";
    assert_eq!(OptimWrapperConfig::from_yaml(yaml).unwrap().precision, Some(Precision::Full));
    assert!(complaint(&amp(&json!({"dtype": "float64"}))).contains("f64 is not supported"));
}

#[test]
fn loss_scales() {
    let loss_scale =
        |value: Value| read(&amp(&json!({"loss_scale": value}))).map(|config| config.loss_scale.unwrap());
    assert_eq!(loss_scale(json!("dynamic")).unwrap(), LossScale::dynamic());
    assert_eq!(loss_scale(json!({})).unwrap(), LossScale::dynamic());
    assert_eq!(loss_scale(json!(512.)).unwrap(), LossScale::Static(512.));
    assert_eq!(loss_scale(json!(512)).unwrap(), LossScale::Static(512.));
    assert_eq!(loss_scale(json!({"enabled": false})).unwrap(), LossScale::Off);
    for (name, floor) in [("clamp", Floor::Clamp), ("warn", Floor::Warn)] {
        let wanted = LossScale::Dynamic(DynamicLossScale { on_floor: floor, ..DynamicLossScale::default() });
        assert_eq!(loss_scale(json!({"on_floor": name})).unwrap(), wanted);
    }
    for bad in [
        json!(0),
        json!(-1),
        json!(1e39),
        json!(1e-50),
        json!("static"),
        json!(true),
        json!([1]),
        json!({"on_floor": 3}),
    ] {
        assert_eq!(problems(loss_scale(bad.clone()).unwrap_err()).len(), 1, "{bad}");
    }
}

#[test]
fn all_problems_at_once() {
    let toml = r#"
        [optim_wrapper]
        accumulative_counts = 0
        loss_scale = 512
        constructor = "LearningRateDecayOptimWrapperConstructor"
        optimiser = {}
        optimizer = { type = "SGD", lr = "0.02", momentum = -0.9, nesterov = 1, lrr = 3 }
        clip_grad = { type = "norm" }
        paramwise_cfg = { dcn_offset_lr_mult = 0.1, bias_lr_mult = -1, custom_keys = { "a.b" = { lr = 1 } } }
        [[param_scheduler]]
        type = "LinearLr"
        [[param_scheduler]]
        type = "LinearLR"
        begin = -1
        end = 2.5
        [[param_scheduler]]
        type = "MultiStepLR"
        milestones = [1, "2"]
        begin = 5
        end = 5
    "#;
    let error = TrainingConfig::from_toml(toml).unwrap_err().to_string();
    let wanted = "\
`optim_wrapper.loss_scale` cannot be used here
note: `OptimWrapper` trains in full precision
help: write `type: AmpOptimWrapper`
`optim_wrapper.optimizer.lr` is the string \"0.02\"
help: it must be a number
`optim_wrapper.optimizer.nesterov` is 1
help: it must be true or false
`optim_wrapper.optimizer.momentum` is -0.9
help: it must be 0 or more
unknown key `optim_wrapper.optimizer.lrr`
help: is it `lr`? known: `type`, `lr`, `momentum`, `dampening`, `weight_decay`, `nesterov`, `maximize`, `fused`, `foreach`
`optim_wrapper.clip_grad.max_norm` is missing
`optim_wrapper.accumulative_counts` is 0
help: it must be 1 or more
`optim_wrapper.paramwise_cfg.dcn_offset_lr_mult` cannot be used here
note: tch has no deformable convolutions
help: remove it
`optim_wrapper.paramwise_cfg.bias_lr_mult` is -1
help: it must be 0 or more
unknown key `optim_wrapper.paramwise_cfg.custom_keys.\"a.b\".lr`
help: is it `lr_mult`? known: `lr_mult`, `decay_mult`
`optim_wrapper.constructor` is \"LearningRateDecayOptimWrapperConstructor\"
help: known: `DefaultOptimWrapperConstructor`
unknown key `optim_wrapper.optimiser`
help: is it `optimizer`? known: `type`, `optimizer`, `clip_grad`, `accumulative_counts`, `paramwise_cfg`, `constructor`
`param_scheduler[0].type` is \"LinearLr\"
help: is it `LinearLR`? known: `LinearLR`, `ConstantLR`, `MultiStepLR`, `StepLR`, `ExponentialLR`, `CosineAnnealingLR`, `PolyLR`
`param_scheduler[1].begin` is -1
help: it must be 0 or more
`param_scheduler[1].end` is 2.5
help: it must be an integer
`param_scheduler[2].milestones[1]` is the string \"2\"
help: it must be an integer";
    assert_eq!(error, wanted);
}

#[test]
fn numbers() {
    let sgd = |keys: &str| OptimWrapperConfig::from_yaml(&format!("optimizer: {{type: SGD, {keys}}}"));
    let lr = |text: &str| match sgd(&format!("lr: {text}")).unwrap().optimizer {
        OptimizerConfig::Sgd(sgd) => sgd.lr,
        other => panic!("{other:?}"),
    };
    // what some YAML readers take for strings
    for (text, wanted) in [("1e-4", 1e-4), ("1.e-4", 1e-4), ("2", 2.), ("1E2", 100.), (".5", 0.5)] {
        assert_eq!(lr(text), wanted);
    }
    for bad in ["lr: .inf", "lr: .nan", "lr: -1", "momentum: -0.9", "momentum: yes", "lr:", "nesterov: true"]
    {
        assert_eq!(problems(sgd(bad).unwrap_err()).len(), 1, "{bad}");
    }
    for bad in ["betas: [0.9]", "betas: [0.9, 1]", "betas: [0.9, a]", "betas: 0.9", "eps: -1"] {
        let text = format!("optimizer: {{type: Adam, {bad}}}");
        assert_eq!(problems(OptimWrapperConfig::from_yaml(&text).unwrap_err()).len(), 1, "{bad}");
    }
    for bad in [json!(1.0), json!(0), json!(-4), json!(4_294_967_296_u64), json!("2"), json!(null)] {
        assert_eq!(
            problems(read(&with(&json!({"accumulative_counts": bad.clone()}))).unwrap_err()).len(),
            1,
            "{bad}"
        );
    }
}

#[test]
fn one_mistake_each() {
    let cases = [
        (
            with(&json!({"dtype": "float16"})),
            "`dtype` cannot be used here\nnote: `OptimWrapper` trains in full precision\nhelp: write `type: AmpOptimWrapper`",
        ),
        (
            json!({"optim_wrapper": {}, "param_scheduler": []}),
            "`optim_wrapper` cannot be used here\nnote: this is a whole training configuration\nhelp: read it as a `TrainingConfig`",
        ),
        (json!([]), "the document is a list\nhelp: it must be a table"),
    ];
    for (wrapper, wanted) in cases {
        assert_eq!(complaint(&wrapper), wanted);
    }
    let schedules = [
        (json!(3), "`param_scheduler` is 3\nhelp: it must be a list"),
        (json!([{"type": "LinearLR"}]), "`param_scheduler[0].end` is missing"),
        (
            json!({"type": "LinearLR", "begin": 2, "end": 2}),
            "`param_scheduler.end` is 2\nhelp: it must be more than `begin`, 2",
        ),
        (
            json!([{"type": "StepLR", "step_size": 1, "gamma": 0}]),
            "`param_scheduler[0].gamma` is 0\nhelp: it must be more than 0",
        ),
        (
            json!([{"type": "PolyLR", "end": 9, "eta_min": 0, "eta_min_ratio": 0}]),
            "`param_scheduler[0].eta_min_ratio` is 0\nhelp: it must be left out where `eta_min` is given",
        ),
    ];
    for (param_scheduler, wanted) in schedules {
        let document = json!({"optim_wrapper": with(&json!({})), "param_scheduler": param_scheduler});
        assert_eq!(TrainingConfig::from_json(&document.to_string()).unwrap_err().to_string(), wanted);
    }
}

/// What the real MMEngine accepts and refuses, from its goldens.
#[test]
fn arguments_of_mmengine() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/mmengine.json");
    let goldens: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut differences = Vec::new();
    for golden in goldens["arguments"].as_array().unwrap() {
        let argument = golden["argument"].as_str().unwrap();
        let Some((key, python)) = argument.split_once('=') else { continue };
        let json = python.replace('\'', "\"").replace("None", "null").replace("True", "true");
        let json = if json.starts_with("torch.") { format!("{json:?}") } else { json };
        let value: Value = serde_json::from_str(&json).unwrap();
        let keys = json!({key: value});
        let ours = read(&if golden["wrapper"] == "OptimWrapper" { with(&keys) } else { amp(&keys) });
        if ours.is_ok() != (golden["result"] == "ok") {
            differences.push(argument);
        }
    }
    let wanted = [
        // keys and values that make MMEngine fail later, or train wrongly
        "clip_grad={'unknown': 3}",
        // an integer is a number
        "loss_scale=512",
        // none: by precision
        "loss_scale=None",
        "loss_scale={'init_scale': 0.0}",
        "loss_scale={'init_scale': -2.0}",
        // nothing is lowered to f64 or int8
        "dtype='float64'",
        "dtype=torch.int8",
    ];
    assert_eq!(differences, wanted);
}
