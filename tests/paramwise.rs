//! Learning rates and weight decays per parameter: are they MMEngine's?
//!
//! They are, with two departures. MMEngine matches a top-level parameter `gamma` as `.gamma` (it joins an empty module name
//! with a dot); ours by its name. It lets `flat_decay_mult` pass without a weight decay to multiply; ours refuses that as it
//! does the others. What a parameter is, it reads from module types, ours from names and shapes: a 1-D weight of
//! another kind (`PReLU`) counts as a norm's, a layer norm over two dimensions does not.
use amp_runtime::{
    AdamW, CustomKey, OptimError, OptimWrapper, OptimWrapperError, OptimizerConfig, Paramwise, Precision, Sgd,
};
use amp_tests::goldens;
use amp_tests::heard::Heard;
use amp_tests::recorded::Recorded;
use serde_json::Value;
use std::collections::BTreeMap;
use tch::{Device, Kind, Tensor};
use tracing::Level;

fn model(document: &Value) -> Recorded {
    let params = document["params"].as_array().unwrap();
    let mut model = Recorded::default();
    for param in params {
        let shape: Vec<i64> =
            param["shape"].as_array().unwrap().iter().map(|size| size.as_i64().unwrap()).collect();
        let zeros = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        let _ = model.add(param["name"].as_str().unwrap(), &zeros, 0);
    }
    model
}

fn optimizer(entry: &Value) -> OptimizerConfig {
    let args = &entry["optimizer"];
    let number = |key: &str, default: f64| args[key].as_f64().unwrap_or(default);
    let (lr, weight_decay) = (number("lr", f64::NAN), number("weight_decay", 0.));
    match args["type"].as_str().unwrap() {
        "SGD" => Sgd { lr, weight_decay, momentum: number("momentum", 0.), ..Sgd::default() }.into(),
        "AdamW" => {
            let beta = |i: usize| args["betas"][i].as_f64().unwrap();
            AdamW { lr, weight_decay, betas: (beta(0), beta(1)), ..AdamW::default() }.into()
        }
        other => panic!("{other}"),
    }
}

/// None where the recorded options are of a type that ours cannot have.
fn paramwise(cfg: &Value) -> Option<Paramwise> {
    let number = |key: &str| cfg[key].as_f64();
    let mut custom_keys = BTreeMap::new();
    if !cfg["custom_keys"].is_null() {
        for (key, entry) in cfg["custom_keys"].as_object()? {
            let mult = |name: &str| entry[name].as_f64().unwrap_or(1.);
            custom_keys
                .insert(key.clone(), CustomKey { lr_mult: mult("lr_mult"), decay_mult: mult("decay_mult") });
        }
    }
    Some(Paramwise {
        custom_keys,
        bias_lr_mult: number("bias_lr_mult"),
        bias_decay_mult: number("bias_decay_mult"),
        norm_decay_mult: number("norm_decay_mult"),
        dwconv_decay_mult: number("dwconv_decay_mult"),
        flat_decay_mult: number("flat_decay_mult"),
        bypass_duplicate: false,
    })
}

/// By parameter: learning rate and weight decay.
fn numbers(wrapper: &OptimWrapper) -> BTreeMap<String, (f64, f64)> {
    let groups = wrapper.groups();
    let members = groups
        .iter()
        .flat_map(|group| group.parameters.iter().map(|name| (name.clone(), (group.lr, group.weight_decay))));
    members.collect()
}

#[test]
fn every_recorded_case() {
    let document = goldens::json("mmengine.json");
    let cases = document["paramwise"].as_array().unwrap();
    assert!(cases.len() > 20);
    let mut refused = 0;
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let Some(paramwise) = paramwise(&case["paramwise_cfg"]) else {
            // Keys that are no table: a type error there, none that compiles here.
            assert_eq!(case["error"]["type"], "TypeError", "{name}");
            continue;
        };
        let model = model(&document);
        let built = OptimWrapper::builder(optimizer(case))
            .precision(Precision::Full)
            .paramwise(paramwise)
            .build(&model.store);
        if !case["error"].is_null() || name == "no_base_decay_flat" {
            let no_decay = matches!(built, Err(OptimWrapperError::Optim(OptimError::NoWeightDecay)));
            assert!(no_decay, "{name}: {} there", case["error"]);
            refused += 1;
            continue;
        }
        let wrapper = built.unwrap_or_else(|error| panic!("{name}: {error}"));
        let got = numbers(&wrapper);
        let wanted = case["groups"].as_array().unwrap();
        assert_eq!(got.len(), wanted.len(), "{name}");
        for group in wanted {
            let parameter = group["name"].as_str().unwrap();
            let mut wanted = (group["lr"].as_f64().unwrap(), group["weight_decay"].as_f64().unwrap());
            if name == "custom_leading_dot" && parameter == "gamma" {
                assert_ne!(wanted.0, wrapper.lr(), "no departure any more");
                wanted.0 = wrapper.lr();
            }
            assert_eq!(got[parameter], wanted, "{name}: {parameter}");
        }
        if case["one_group"].as_bool().unwrap() {
            assert_eq!(wrapper.groups().len(), 1, "{name}");
        } else {
            // Every parameter is a group of its own there; the base rate, which has no group, comes last or by name.
            let base = case["get_lr"]["base_lr"][0].as_f64().unwrap();
            assert_eq!(wrapper.lr(), base, "{name}");
        }
        let momentum = case["get_momentum"]["momentum"][0].as_f64().unwrap();
        assert_eq!(wrapper.momentum(), momentum, "{name}");
    }
    assert!(refused > 0);
}

#[test]
fn multipliers_out_of_range_are_refused_by_name() {
    let store = Recorded::small().store;
    let config = || Sgd { weight_decay: 0.1, ..Sgd::default() };
    let build =
        |paramwise: Paramwise| OptimWrapper::builder(config()).paramwise(paramwise).build(&store).map(drop);
    for bad in [-1., f64::NAN, f64::INFINITY] {
        let error =
            build(Paramwise { bias_lr_mult: Some(bad), ..Paramwise::default() }).unwrap_err().to_string();
        assert!(error.contains("`Paramwise` has `bias_lr_mult ="), "{error}");
        let key = CustomKey { decay_mult: bad, ..CustomKey::default() };
        let custom_keys = [("first".to_owned(), key)].into();
        let error = build(Paramwise { custom_keys, ..Paramwise::default() }).unwrap_err().to_string();
        assert!(
            error.contains("`Paramwise` has `decay_mult =") && error.contains("finite and at least 0"),
            "{error}"
        );
    }
    build(Paramwise { bias_lr_mult: Some(0.), ..Paramwise::default() }).unwrap();
}

/// A typo would train with other rates than those written down.
#[test]
fn keys_in_no_name_are_told() {
    let model = Recorded::small();
    let key = |key: &str| (key.to_owned(), CustomKey { lr_mult: 0.1, ..CustomKey::default() });
    let paramwise = |keys: &[&str]| Paramwise {
        custom_keys: keys.iter().map(|name| key(name)).collect(),
        ..Paramwise::default()
    };
    let build = |paramwise: &Paramwise| {
        Heard::of(|_| {
            let builder =
                OptimWrapper::builder(Sgd { lr: 0.1, ..Sgd::default() }).paramwise(paramwise.clone());
            drop(builder.build(&model.store).unwrap());
        })
    };
    assert_eq!(build(&paramwise(&["first", "bias"])), []);
    let heard = build(&paramwise(&["first", "frist"]));
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].0 == Level::WARN && heard[0].1.contains("frist"), "{heard:?}");
}
