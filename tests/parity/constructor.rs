//! `paramwise_cfg` beside what MMEngine's `DefaultOptimWrapperConstructor` made of the same model.
use super::Recording;
use amp_runtime::config::OptimWrapperConfig;
use amp_runtime::{CustomKey, OptimError, OptimWrapper, OptimWrapperError, Paramwise, Precision, Sgd};
use amp_tests::recorded::Recorded;
use serde_json::{Map, Value, json};
use tch::Tensor;

const SYSTEM: &str = "DefaultOptimWrapperConstructor";

/// The recorded network: a linear layer, a layer norm and a `PReLU` in `body`, a linear layer as `head`.
fn model() -> Recorded {
    let parameters: [(&str, &[i64]); 7] = [
        ("body.0.weight", &[2, 2]),
        ("body.0.bias", &[2]),
        ("body.1.weight", &[2]),
        ("body.1.bias", &[2]),
        ("body.2.weight", &[2]),
        ("head.weight", &[2, 2]),
        ("head.bias", &[2]),
    ];
    Recorded::new(parameters.map(|(name, shape)| (name, Tensor::ones(shape, tch::kind::FLOAT_CPU))))
}

fn build(
    model: &Recorded,
    weight_decay: f64,
    paramwise: Paramwise,
) -> Result<OptimWrapper, OptimWrapperError> {
    let sgd = Sgd { lr: 1., weight_decay, ..Sgd::default() };
    OptimWrapper::builder(sgd).precision(Precision::Full).paramwise(paramwise).build(&model.store)
}

/// Learning rate and weight decay by parameter, as the recording has them.
fn groups(wrapper: &OptimWrapper) -> Map<String, Value> {
    let groups = wrapper.groups();
    let numbers = groups.iter().flat_map(|group| {
        group.parameters.iter().map(|name| (name.clone(), json!([group.lr, group.weight_decay])))
    });
    numbers.collect()
}

fn keys<const N: usize>(keys: [(&str, f64); N]) -> Paramwise {
    let entry = |(key, lr_mult): (&str, f64)| (key.to_owned(), CustomKey { lr_mult, decay_mult: 1. });
    Paramwise { custom_keys: keys.map(entry).into(), ..Paramwise::default() }
}

#[test]
fn groups_are_those_recorded() {
    let recording = Recording::read();
    let made = |paramwise| groups(&build(&model(), 1., paramwise).unwrap());
    let custom = keys([("head", 2.), ("head.weight", 3.), ("head.bia", 4.), ("ead.bias", 5.)]);
    let flat = Paramwise { flat_decay_mult: Some(0.), ..Paramwise::default() };
    for (case, paramwise) in
        [("custom keys: the longest, then the first", custom), ("`flat_decay_mult`", flat)]
    {
        assert_eq!(json!(made(paramwise)), *recording.gives(SYSTEM, case), "{case}");
    }
    let norms = Paramwise { bias_lr_mult: Some(2.), norm_decay_mult: Some(0.), ..Paramwise::default() };
    let mut ours = made(norms);
    // The one departure: a 1-D weight is a norm's.
    let activation = ours.insert("body.2.weight".to_owned(), json!([1., 1.])).unwrap();
    assert_eq!(activation, json!([1., 0.]));
    assert_ne!(activation, *recording.gives(SYSTEM, "`norm_decay_mult` and a `PReLU`"));
    assert_eq!(json!(ours), *recording.gives(SYSTEM, "`bias_lr_mult` and `norm_decay_mult`"));

    let nothing = build(&model(), 1., keys([("neck", 2.)])).unwrap();
    assert_eq!(nothing.groups().len(), 1);
    assert_eq!(json!(groups(&nothing).len()), *recording.gives(SYSTEM, "a custom key that matches nothing"));

    let tied = Recorded::new([("body.0.weight", Tensor::ones([2, 2], tch::kind::FLOAT_CPU))]);
    let _ = (tied.store.root() / "head").add("weight", tied.variable("body.0.weight"), true);
    let bypass = Paramwise { bypass_duplicate: true, ..Paramwise::default() };
    assert_eq!(groups(&build(&tied, 1., bypass).unwrap()).len(), 1);
    let theirs = recording.gives(SYSTEM, "a parameter registered twice, `bypass_duplicate`");
    assert_eq!(json!(model().names().len() - 1), *theirs);
}

#[test]
fn what_is_refused_there_is_refused_here() {
    let recording = Recording::read();
    let none = Paramwise::default;
    let head = CustomKey { lr_mult: 1., decay_mult: 0. };
    let cases = [
        ("`bias_decay_mult`", Paramwise { bias_decay_mult: Some(0.), ..none() }),
        ("`norm_decay_mult`", Paramwise { norm_decay_mult: Some(0.), ..none() }),
        ("`dwconv_decay_mult`", Paramwise { dwconv_decay_mult: Some(0.), ..none() }),
        ("`decay_mult`", Paramwise { custom_keys: [("head".to_owned(), head)].into(), ..none() }),
        ("`flat_decay_mult`", Paramwise { flat_decay_mult: Some(0.), ..none() }),
    ];
    for (key, paramwise) in cases {
        let record = recording.case(SYSTEM, &format!("{key} without a weight decay"));
        // Theirs forgets the flat ones, whose decay is then that of the others.
        assert_eq!(record.get("raises").is_none(), key == "`flat_decay_mult`", "{record}");
        let refused = build(&model(), 0., paramwise).unwrap_err();
        assert!(matches!(refused, OptimWrapperError::Optim(OptimError::NoWeightDecay)), "{key}: {refused}");
    }
}

#[test]
fn configurations_are_refused_as_theirs_and_beyond() {
    let recording = Recording::read();
    let with = |paramwise: Value| json!({"optimizer": {"type": "SGD", "lr": 1., "weight_decay": 1.}, "paramwise_cfg": paramwise});
    let cases = [
        ("`paramwise_cfg` is a list", with(json!(["head"])), "paramwise_cfg"),
        ("`custom_keys` is a list", with(json!({"custom_keys": ["head"]})), "custom_keys"),
        ("no `optimizer`", json!({}), "`optimizer` is missing"),
        ("`optim_wrapper_cfg` is a list", json!(["optimizer"]), "the document is a list"),
        ("an unknown key", with(json!({"bias_lr_mul": 2.})), "is it `bias_lr_mult`?"),
        (
            "an unknown key of a custom key",
            with(json!({"custom_keys": {"head": {"lr": 2.}}})),
            "is it `lr_mult`?",
        ),
        (
            "a custom key with the optimizer's own option",
            with(json!({"custom_keys": {"head": {"momentum": 0.5}}})),
            "unknown key `paramwise_cfg.custom_keys.head.momentum`",
        ),
        ("a negative multiplier", with(json!({"bias_lr_mult": -1.})), "it must be 0 or more"),
    ];
    let mut ours_alone = 0;
    for (case, config, wanted) in cases {
        let error = OptimWrapperConfig::from_json(&config.to_string()).unwrap_err().to_string();
        assert!(error.contains(wanted), "{case}: {error}");
        ours_alone += usize::from(recording.case(SYSTEM, case).get("raises").is_none());
    }
    assert_eq!(ours_alone, 4);

    assert!(recording.says(SYSTEM, "`bias_lr_mult` without a learning rate").contains("NoneType"));
    let config = json!({"optimizer": {"type": "SGD"}, "paramwise_cfg": {"bias_lr_mult": 2.}});
    let wrapper =
        OptimWrapperConfig::from_json(&config.to_string()).unwrap().builder().build(&model().store).unwrap();
    assert_eq!(groups(&wrapper)["head.bias"][0], json!(2. * Sgd::default().lr));
}
