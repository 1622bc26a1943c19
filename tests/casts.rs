//! Casts are few: per forward and loss never more than PyTorch's autocast makes, by the same lists, for the same model.
use amp_runtime::{Precision, autocast, count_ops, with_precision};
use amp_tests::goldens::{Goldens, json};
use amp_tests::models::{self, NAMES};

fn casts(name: &str, region: impl FnOnce(&dyn Fn() -> models::Outputs) -> models::Outputs) -> u64 {
    let goldens = Goldens::open("autocast.safetensors");
    let (_store, model, inputs) = models::recorded(name, &goldens);
    let (_, ops) = count_ops(|| region(&|| model.run(&inputs))).expect("libtorch counts");
    ops.get("aten::_to_copy").copied().unwrap_or(0)
}

/// What PyTorch counted, by a dispatch mode.
fn pytorch(name: &str, precision: Precision, lists: &str) -> u64 {
    json("autocast.json")["casts"][name][precision.to_string()][lists].as_u64().expect("a recorded count")
}

#[test]
fn both_sides_count_alike() {
    for name in NAMES {
        let ambient =
            casts(name, |run| autocast(Precision::Bf16, || with_precision(Precision::Full, run)));
        assert_eq!(ambient, pytorch(name, Precision::Bf16, "cpu"), "{name}: of libtorch's autocast alone");
    }
}

#[test]
fn full_precision_casts_nothing() {
    for name in NAMES {
        assert_eq!(casts(name, |run| with_precision(Precision::Full, run)), 0, "{name}");
    }
}

#[test]
fn never_more_than_pytorch_and_fewer_where_values_are_shared() {
    println!("model        ours  PyTorch (CUDA lists)  PyTorch (CPU lists, softmax and norms in bf16)");
    for name in NAMES {
        let ours = casts(name, |run| with_precision(Precision::Bf16, run));
        let [cuda, cpu, least] =
            ["cuda", "cpu", "shared"].map(|lists| pytorch(name, Precision::Bf16, lists));
        println!("{name:<11} {ours:>5} {cuda:>21} {cpu:>20}");
        assert!(ours <= cuda, "{name}: {ours} casts, PyTorch makes {cuda}");
        assert_eq!(ours, least, "{name}: one cast a value would be {least}");
        // A value feeds several low sites, or a weight is used twice through a view.
        if ["transformer", "lstm", "fpn"].contains(&name) {
            assert!(ours < cuda, "{name}: {ours} casts, as many as PyTorch");
        }
    }
}
