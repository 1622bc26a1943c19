//! Five models under `#[amp]`: forward and gradients against PyTorch's f32 and against PyTorch's autocast of the same weights.
//!
//! `goldens/autocast.py` records the results and, for each tensor, how far rounding in the dtype may move it: every value
//! that is rounded, forward or backward, is moved by the dtype's unit roundoff in exact arithmetic. No tolerance is chosen here.
//! One mixed run may differ from f32 by its own bound, and two mixed runs from each other by the sum of theirs.
use amp_runtime::{Precision, autocast, with_precision};
use amp_tests::device;
use amp_tests::goldens::{Goldens, same_bits};
use amp_tests::models::{self, NAMES};
use std::collections::BTreeMap;
use tch::{Device, Kind, Tensor};

const FILE: &str = "autocast.safetensors";

/// Outputs as `out/<name>`, gradients as `grad/<name>`.
type Results = BTreeMap<String, Tensor>;

/// The recorded loss scale: f16 gradients are recorded of the scaled loss.
fn scale(precision: Precision) -> f64 {
    if precision == Precision::F16 { 1024. } else { 1. }
}

/// What the recorded runs of a model are called; none where PyTorch itself has no kernel.
fn runs() -> impl Iterator<Item = (&'static str, Precision)> {
    let all = NAMES.into_iter().flat_map(|name| [(name, Precision::Bf16), (name, Precision::F16)]);
    // oneDNN has no f16 LSTM for processors without f16 arithmetic: torch.autocast raises as well.
    all.filter(|run| *run != ("lstm", Precision::F16))
}

/// Forward, loss and backward of the recorded weights; `region` runs the forward.
fn results(
    name: &str,
    goldens: &Goldens,
    scale: f64,
    region: impl FnOnce(&dyn Fn() -> models::Outputs) -> models::Outputs,
) -> Results {
    tch::set_num_threads(1); // as they were recorded
    let (store, model, inputs) = models::recorded(name, goldens);
    let turn = models::alone();
    let outputs = region(&|| model.run(&inputs));
    drop(turn);
    (&outputs["loss"] * scale).backward();
    let mut results: Results =
        outputs.into_iter().map(|(name, tensor)| (format!("out/{name}"), tensor.detach())).collect();
    for (name, variable) in store.variables() {
        if variable.requires_grad() {
            results.insert(format!("grad/{name}"), variable.grad() / scale);
        }
    }
    results
}

/// Under `#[amp]` alone.
fn amp(name: &str, goldens: &Goldens, precision: Precision) -> Results {
    results(name, goldens, scale(precision), |run| with_precision(precision, run))
}

/// Under libtorch's autocast alone: the models' own regions are switched off.
fn ambient(name: &str, goldens: &Goldens, precision: Precision) -> Results {
    results(name, goldens, scale(precision), |run| {
        autocast(precision, || with_precision(Precision::Full, run))
    })
}

/// Calls `check` with every tensor of a run, its name, and the place of its records.
fn each(name: &str, results: &Results, goldens: &Goldens, mut check: impl FnMut(&str, &Tensor)) {
    let prefix = format!("{name}/f32/");
    let wanted: Vec<_> = goldens.below(&prefix).map(|(name, _)| name).collect();
    assert_eq!(
        results.keys().map(String::as_str).collect::<Vec<_>>(),
        wanted,
        "{name}: not the recorded tensors"
    );
    for (what, tensor) in results {
        check(what, tensor);
    }
}

/// The norm of a difference, relative to the norm of the f32 value.
fn distance(a: &Tensor, b: &Tensor, full: &Tensor) -> f64 {
    let norm = |tensor: Tensor| tensor.norm().double_value(&[]);
    norm(a.to_kind(Kind::Double) - b.to_kind(Kind::Double)) / norm(full.to_kind(Kind::Double))
}

fn bound(goldens: &Goldens, place: &str, what: &str) -> f64 {
    goldens.tensor(&format!("{place}/bound/{what}")).double_value(&[])
}

/// The same bits where the processor is the recorded one; says where it is not.
fn compare_bits(name: &str, results: &Results, goldens: &Goldens, place: &str) {
    if !goldens.same_processor() {
        return eprintln!(
            "skipped: {place} was recorded on another kind of processor: bits were not compared"
        );
    }
    each(name, results, goldens, |what, tensor| {
        let wanted = goldens.tensor(&format!("{place}/{what}"));
        assert!(same_bits(tensor, wanted), "{place}/{what}: not PyTorch's bits");
    });
}

#[test]
fn in_full_precision_the_models_are_pytorchs() {
    let goldens = Goldens::open(FILE);
    for name in NAMES {
        let full = results(name, &goldens, 1., |run| with_precision(Precision::Full, run));
        compare_bits(name, &full, &goldens, &format!("{name}/f32"));
    }
}

#[test]
fn libtorchs_autocast_alone_is_pytorchs() {
    let goldens = Goldens::open(FILE);
    // The pyramid's loss is in an `#[amp(full)]` island, which is off together with the regions.
    for (name, precision) in runs().filter(|(name, _)| *name != "fpn") {
        let ambient = ambient(name, &goldens, precision);
        compare_bits(name, &ambient, &goldens, &format!("{name}/{precision}/cpu"));
    }
}

#[test]
fn forward_and_gradients_are_f32s_within_rounding() {
    let goldens = Goldens::open(FILE);
    for (name, precision) in runs() {
        let results = amp(name, &goldens, precision);
        let mut worst = (0., String::new());
        each(name, &results, &goldens, |what, tensor| {
            let full = goldens.tensor(&format!("{name}/f32/{what}"));
            let share =
                distance(tensor, full, full) / bound(&goldens, &format!("{name}/{precision}/shared"), what);
            if share > worst.0 {
                worst = (share, what.to_owned());
            }
        });
        println!("{name} {precision}: {} uses {:.2} of its bound", worst.1, worst.0);
        assert!(worst.0 <= 1., "{name} {precision}: {} is {} of its bound away from f32", worst.1, worst.0);
        assert!(worst.0 > 0.01, "{name} {precision}: nothing ran in {precision}");
    }
}

#[test]
fn forward_and_gradients_are_pytorch_autocasts_within_rounding() {
    let goldens = Goldens::open(FILE);
    for (name, precision) in runs() {
        let results = amp(name, &goldens, precision);
        for lists in ["cpu", "cuda"] {
            let (ours, theirs) =
                (format!("{name}/{precision}/shared"), format!("{name}/{precision}/{lists}"));
            each(name, &results, &goldens, |what, tensor| {
                let wanted = goldens.tensor(&format!("{theirs}/{what}"));
                let distance = distance(tensor, wanted, goldens.tensor(&format!("{name}/f32/{what}")));
                let allowed = bound(&goldens, &ours, what) + bound(&goldens, &theirs, what);
                assert!(distance <= allowed, "{theirs}/{what}: {distance} away, rounding allows {allowed}");
            });
        }
    }
}

/// Against the PyTorch of the machine and the device that are tested, which need not be those of the records.
#[test]
fn forward_and_gradients_are_those_of_the_pytorch_that_is_here() {
    const LIVE: &str = "autocast_live.safetensors";
    if !Goldens::exist(LIVE) {
        return println!(
            "SKIPPED: no {LIVE}, which `goldens/autocast_live.py` makes on the machine that is tested"
        );
    }
    let (goldens, live) = (Goldens::open(FILE), Goldens::open(LIVE));
    let lists = if device() == Device::Cpu { "cpu" } else { "cuda" };
    for (name, precision) in runs() {
        let results = amp(name, &goldens, precision);
        let (ours, theirs) = (format!("{name}/{precision}/shared"), format!("{name}/{precision}/{lists}"));
        let mut worst = 0_f64;
        each(name, &results, &goldens, |what, tensor| {
            let wanted = live.tensor(&format!("{name}/{precision}/{what}"));
            let distance = distance(tensor, wanted, goldens.tensor(&format!("{name}/f32/{what}")));
            let allowed = bound(&goldens, &ours, what) + bound(&goldens, &theirs, what);
            assert!(
                distance <= allowed,
                "{name} {precision} {what}: {distance} away, rounding allows {allowed}"
            );
            worst = worst.max(distance / allowed);
        });
        println!("{name} {precision}: {worst:.2} of what rounding allows");
    }
}

/// The CUDA lists with one cast per value, run by PyTorch: the very same casts give the very same bits.
#[test]
fn the_casts_are_where_the_policy_has_them() {
    let goldens = Goldens::open(FILE);
    for (name, precision) in runs() {
        let results = amp(name, &goldens, precision);
        compare_bits(name, &results, &goldens, &format!("{name}/{precision}/shared"));
    }
}

#[test]
fn losses_are_full_and_outputs_have_pytorchs_dtypes() {
    let goldens = Goldens::open(FILE);
    for (name, precision) in runs() {
        let results = amp(name, &goldens, precision);
        assert_eq!(results["out/loss"].kind(), Kind::Float, "{name}");
        each(name, &results, &goldens, |what, tensor| {
            let wanted = goldens.tensor(&format!("{name}/{precision}/cuda/{what}"));
            assert_eq!(tensor.kind(), wanted.kind(), "{name} {precision}: {what}");
        });
    }
}

/// The bounds are no formality: what bf16 rounds away from a model's outputs is more than f16's allow.
#[test]
fn a_coarser_dtype_is_noticed() {
    let goldens = Goldens::open(FILE);
    for name in NAMES.into_iter().filter(|name| *name != "lstm") {
        let results = amp(name, &goldens, Precision::Bf16);
        for (what, tensor) in
            results.iter().filter(|(what, _)| what.starts_with("out/") && *what != "out/loss")
        {
            let full = goldens.tensor(&format!("{name}/f32/{what}"));
            let share = distance(tensor, full, full) / bound(&goldens, &format!("{name}/f16/shared"), what);
            assert!(share > 1., "{name}: {what} in bf16 is within f16's bound, {share} of it");
        }
    }
}
