//! Regions: dtypes, nesting and kept casts, beside what `torch.autocast` did.
use super::{Recording, numbers, word};
use amp_runtime::prelude::*;
use amp_runtime::{count_ops, set_default_precision};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tch::{Device, Kind, Tensor};

const SYSTEM: &str = "torch.autocast";

/// libtorch keeps casts for all threads together, and the default precision is the process's.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ones(rows: i64) -> Tensor {
    Tensor::ones([rows, 2], (Kind::Float, Device::Cpu))
}

fn weight() -> Tensor {
    ones(2).set_requires_grad(true)
}

fn product() -> Value {
    word(ones(2).matmul(&ones(2)).kind())
}

fn region<R>(f: impl FnOnce() -> R) -> R {
    autocast(Precision::Bf16, f)
}

#[test]
fn regions_lower_as_recorded() {
    let _turn = alone();
    let recording = Recording::read();
    let gives = |case: &str| recording.gives(SYSTEM, case);
    assert_eq!(region(product), *gives("a region"));
    let full = autocast(Precision::Full, product);
    assert_eq!(full, *gives("`enabled=False`"));
    assert_eq!(full, *gives("`dtype=torch.float32`"));
    let nested = region(|| [product(), autocast(Precision::F16, product), product()]);
    assert_eq!(json!(nested), *gives("regions of two dtypes, nested"));
    let island = region(|| [full_precision(product), product()]);
    assert_eq!(json!(island), *gives("`enabled=False` inside a region"));
    assert!(catch_unwind(AssertUnwindSafe(|| region(|| panic!("inside")))).is_err());
    assert_eq!(product(), *gives("after an exception in a region"));
    let elsewhere = region(|| std::thread::spawn(product).join().unwrap());
    assert_eq!(elsewhere, *gives("another thread inside a region"));

    set_default_precision(None);
    for (device, name) in [(Device::Cpu, "cpu"), (Device::Cuda(0), "cuda"), (Device::Mps, "mps")] {
        let low = Precision::current(device).low_kind().unwrap();
        assert_eq!(word(low), gives("the default dtypes")[name], "{name}");
    }
    let weight = weight();
    region(|| ones(1).matmul(&weight)).sum(Kind::Float).backward();
    assert_eq!(word(weight.grad().kind()), *gives("the dtype of a weight's gradient"));
}

#[test]
fn dtypes_that_a_region_leaves_alone() {
    let _turn = alone();
    let recording = Recording::read();
    let (single, double) = (ones(2), ones(2).to_kind(Kind::Double));
    let both = region(|| double.matmul(&double).kind());
    assert_eq!(word(both), *recording.gives(SYSTEM, "f64 operands"));
    let mixed = region(|| double.f_matmul(&single)).unwrap_err().to_string();
    assert!(mixed.contains(recording.says(SYSTEM, "f64 and f32 operands")), "{mixed}");
    let joined = region(|| Tensor::f_cat(&[single.to_kind(Kind::Half), single.to_kind(Kind::BFloat16)], 0));
    let joined = joined.unwrap_err().to_string();
    assert!(joined.contains(recording.says(SYSTEM, "`cat` of f16 and bf16")), "{joined}");
    let out = region(|| single.mm_out(&ones(2), &single).kind());
    assert_eq!(word(out), *recording.gives(SYSTEM, "a product written to `out`"));
}

#[amp(dtype = bf16)]
fn squared(x: &Tensor) -> Tensor {
    x.matmul(x)
}

#[amp(dtype = bf16)]
fn attention(x: &Tensor) -> Tensor {
    x.matmul(x).softmax(-1, None)
}

#[amp(dtype = bf16)]
fn written_between(x: &Tensor, weight: &Tensor) -> [f64; 2] {
    let sum = |product: Tensor| product.to_kind(Kind::Float).sum(Kind::Float).double_value(&[]);
    let before = sum(x.matmul(weight));
    tch::no_grad(|| drop(weight.shallow_clone().zero_()));
    [before, sum(x.matmul(weight))]
}

/// The two departures are of the attribute: `autocast` is libtorch's own region.
#[test]
fn an_attribute_is_a_region() {
    let _turn = alone();
    let recording = Recording::read();
    assert_eq!(word(squared(&ones(2)).kind()), *recording.gives(SYSTEM, "as a decorator"));

    let theirs = recording.gives(SYSTEM, "`softmax` of bf16 on the CPU");
    let plain = region(|| ones(2).matmul(&ones(2)).softmax(-1, None).kind());
    assert_eq!(word(plain), *theirs);
    assert_eq!(attention(&ones(2)).kind(), Kind::Float);

    let theirs = recording.gives(SYSTEM, "a weight written to inside a region");
    let plain = weight();
    let sum = || ones(1).matmul(&plain).sum(Kind::Float).double_value(&[]);
    let seen = region(|| {
        let before = sum();
        tch::no_grad(|| drop(plain.shallow_clone().zero_()));
        [before, sum()]
    });
    assert_eq!(json!(seen), *theirs);
    assert_eq!(written_between(&ones(1), &weight()), [4., 0.]);
}

#[test]
fn a_cast_is_kept_for_the_region() {
    let _turn = alone();
    let recording = Recording::read();
    let (xs, kept) = (ones(1).to_kind(Kind::BFloat16), weight());
    let twice = || region(|| xs.matmul(&kept) + xs.matmul(&kept));
    let (_, counts) = count_ops(twice).unwrap();
    assert_eq!(json!(counts["aten::_to_copy"]), *recording.gives(SYSTEM, "a weight used twice: its casts"));

    let weight = weight();
    region(|| {
        let _ = tch::no_grad(|| ones(1).matmul(&weight));
        ones(1).matmul(&weight).to_kind(Kind::Float).sum(Kind::Float).backward();
    });
    let wanted = recording.gives(SYSTEM, "a use without a graph before one with it");
    assert_eq!(numbers(&weight.grad()), *wanted);
}

trait Doubled {
    fn doubled(&self) -> Tensor;
}

impl Doubled for Tensor {
    fn doubled(&self) -> Tensor {
        self.shallow_clone() + self
    }
}

#[amp(dtype = bf16, full(doubled))]
fn doubled_in_full(x: &Tensor) -> Tensor {
    x.matmul(x).doubled()
}

#[amp(dtype = bf16, low(doubled))]
fn doubled_in_low(x: &Tensor) -> Tensor {
    x.doubled()
}

/// As `custom_fwd(cast_inputs=..)` says it of an operation, the caller says it here.
#[test]
fn operations_of_ones_own_get_what_is_said() {
    let _turn = alone();
    assert_eq!(doubled_in_full(&ones(2)).kind(), Kind::Float);
    assert_eq!(doubled_in_low(&ones(2)).kind(), Kind::BFloat16);
}
