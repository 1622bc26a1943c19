//! Casts are few: per forward and loss never more than PyTorch's autocast makes, by the same lists, for the same model.
//!
//! A cast is an `aten::_to_copy`. PyTorch's were counted twice: by a dispatch mode, and by a profiler, which also sees
//! kernels convert numbers and weights for themselves, as `count_ops` does. Like is compared with like.
use amp_runtime::{Precision, autocast, count_ops, with_precision};
use amp_tests::goldens::{Goldens, json};
use amp_tests::models::{self, NAMES};

/// Casts in forward and loss, those inside kernels too.
fn casts(name: &str, region: impl FnOnce(&dyn Fn() -> models::Outputs) -> models::Outputs) -> u64 {
    let goldens = Goldens::open("autocast.safetensors");
    let (_store, model, inputs) = models::recorded(name, &goldens);
    let _turn = models::alone();
    let (_, ops) = count_ops(|| region(&|| model.run(&inputs))).expect("libtorch counts");
    ops.get("aten::_to_copy").copied().unwrap_or(0)
}

/// PyTorch's, by a dispatch mode, and those inside kernels too.
fn pytorch(name: &str, lists: &str) -> (u64, u64) {
    let document = json("autocast.json");
    let counts = &document[name]["bf16"][lists];
    let count = |kind: &str| counts[kind].as_u64().expect("a recorded count");
    (count("casts"), count("with_kernels"))
}

#[test]
fn both_sides_count_alike() {
    // The pyramid's loss is in an `#[amp(full)]` island, which is off together with the regions.
    for name in NAMES.into_iter().filter(|name| *name != "fpn") {
        let ambient = casts(name, |run| autocast(Precision::Bf16, || with_precision(Precision::Full, run)));
        assert_eq!(ambient, pytorch(name, "cpu").1, "{name}: of libtorch's autocast alone");
    }
}

#[test]
fn never_more_than_pytorch_and_fewer_where_values_are_shared() {
    println!(
        "casts in forward and loss  ours  PyTorch  PyTorch with the CPU's lists (softmax, norms in bf16)"
    );
    for name in NAMES {
        let all = casts(name, |run| with_precision(Precision::Bf16, run));
        let (least, least_with_kernels) = pytorch(name, "shared");
        let (theirs, _) = pytorch(name, "cuda");
        // What kernels convert for themselves belongs to the operations, which are the same.
        let inside = least_with_kernels - least;
        assert!(all >= inside, "{name}: {all} casts, of which {inside} inside kernels");
        let ours = all - inside;
        println!("{name:<25} {ours:>5} {theirs:>8} {:>8}", pytorch(name, "cpu").0);
        assert!(ours <= theirs, "{name}: {ours} casts, PyTorch makes {theirs}");
        assert_eq!(ours, least, "{name}: one cast a value would be {least}");
        // A value feeds several low sites, or a weight is used twice through a view.
        if ["transformer", "lstm", "fpn"].contains(&name) {
            assert!(ours < theirs, "{name}: {ours} casts, as many as PyTorch");
        }
    }
}
