//! The parity page: is every row of it recorded and tested, and do its values come out?
use amp_tests::goldens;
use amp_tests::recorded::Recorded;
use serde_json::{Value, json};
use tch::{Kind, Tensor};

#[path = "parity/autocast.rs"]
mod autocast;
#[path = "parity/constructor.rs"]
mod constructor;
#[path = "parity/lists.rs"]
mod lists;
#[path = "public_names.rs"]
mod public_names;
#[path = "parity/scaler.rs"]
mod scaler;
#[path = "parity/table.rs"]
mod table;
#[path = "parity/wrapper.rs"]
mod wrapper;

/// What the real libraries did.
struct Recording(Value);

impl Recording {
    fn read() -> Self {
        Self(goldens::json("parity.json"))
    }

    /// All cases of a system.
    fn cases<'a>(&'a self, system: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let all = self.0["behaviours"].as_array().unwrap().iter();
        all.filter(move |case| case["system"] == system).map(|case| (case["case"].as_str().unwrap(), case))
    }

    fn case(&self, system: &str, case: &str) -> &Value {
        let mut all = self.0["behaviours"].as_array().unwrap().iter();
        let found = all.find(|record| record["system"] == system && record["case"] == case);
        found.unwrap_or_else(|| panic!("{system}: no case {case}"))
    }

    /// What the case gives.
    fn gives(&self, system: &str, case: &str) -> &Value {
        let record = self.case(system, case);
        record.get("gives").unwrap_or_else(|| panic!("{system}, {case}: it raises: {record}"))
    }

    /// The message that the case raises.
    fn says(&self, system: &str, case: &str) -> &str {
        self.case(system, case)["says"]
            .as_str()
            .unwrap_or_else(|| panic!("{system}, {case}: it raises nothing"))
    }

    /// The default of a constructor's argument.
    fn default(&self, system: &str, argument: &str) -> &Value {
        self.0["arguments"][system]
            .get(argument)
            .unwrap_or_else(|| panic!("{system}: no argument {argument}"))
    }
}

/// The recorded model: one weight of two zeros.
fn zeros() -> Recorded {
    Recorded::new([("weight", Tensor::from_slice(&[0f32, 0.]))])
}

/// A loss with that gradient.
fn loss(model: &Recorded, gradient: [f32; 2]) -> Tensor {
    model.loss([("weight", Tensor::from_slice(&gradient))])
}

/// All elements, as the recording has them.
fn numbers(tensor: &Tensor) -> Value {
    let (flat, sizes) = (tensor.detach().to_kind(Kind::Double).flatten(0, -1), tensor.size());
    let flat: Vec<f64> = flat.try_into().unwrap();
    let number =
        |value: &f64| if value.is_finite() { json!(value) } else { json!(value.to_string().to_lowercase()) };
    let row = |row: &[f64]| row.iter().map(number).collect::<Value>();
    match sizes.as_slice() {
        [] => number(&flat[0]),
        [_, columns] => flat.chunks(usize::try_from(*columns).unwrap()).map(row).collect(),
        _ => row(&flat),
    }
}

/// The weight, as the recording has it.
fn weight(model: &Recorded) -> Value {
    numbers(&model.variable("weight"))
}

/// A dtype in torch's words.
fn word(kind: Kind) -> Value {
    json!(match kind {
        Kind::Float => "torch.float32",
        Kind::Double => "torch.float64",
        Kind::Half => "torch.float16",
        Kind::BFloat16 => "torch.bfloat16",
        other => panic!("{other:?}"),
    })
}
