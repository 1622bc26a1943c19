//! Precision and regions: who decides, what is lowered, and is everything as it was afterwards?
use amp_runtime::{Precision, autocast, full_precision, set_default_precision, with_precision};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tch::{Device, Kind, Tensor};

/// The default is the process's: tests that read or write it take turns.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn on_cpu() -> Precision {
    Precision::current(Device::Cpu)
}

/// The dtype that a matrix product comes out in here and now.
fn product() -> Kind {
    let square = Tensor::ones([2, 2], (Kind::Float, Device::Cpu));
    square.matmul(&square).kind()
}

#[test]
fn words_name_precisions() {
    let words = [
        (Precision::Full, &["off", "full", "fp32", "float32"][..]),
        (Precision::F16, &["fp16", "f16", "float16", "FP16"]),
        (Precision::Bf16, &["bf16", "bfloat16"]),
    ];
    for (precision, names) in words {
        assert!(names.iter().all(|name| name.parse() == Ok(precision)));
        assert_eq!(precision.to_string().parse(), Ok(precision));
    }
    for wrong in ["", "half", "bf16 ", "float64", "on"] {
        let error = wrong.parse::<Precision>().unwrap_err().to_string();
        assert!(error.contains(&format!("`{wrong}`")) && error.contains("`bf16`"), "{error}");
    }
    let kinds = [Precision::Full, Precision::F16, Precision::Bf16].map(Precision::low_kind);
    assert_eq!(kinds, [None, Some(Kind::Half), Some(Kind::BFloat16)]);
}

#[test]
fn the_innermost_choice_wins_and_the_device_comes_last() {
    let _turn = alone();
    let by_device = || [Device::Cpu, Device::Cuda(0), Device::Mps].map(Precision::current);
    assert_eq!(by_device(), [Precision::Bf16, Precision::F16, Precision::F16]);
    for default in [Precision::Full, Precision::F16, Precision::Bf16] {
        set_default_precision(Some(default));
        assert_eq!(by_device(), [default; 3]);
        with_precision(Precision::F16, || {
            assert_eq!(by_device(), [Precision::F16; 3]);
            let inner = with_precision(Precision::Full, on_cpu);
            assert_eq!(inner, Precision::Full);
            assert_eq!(on_cpu(), Precision::F16);
        });
        assert_eq!(by_device(), [default; 3]);
    }
    set_default_precision(None);
    assert_eq!(by_device(), [Precision::Bf16, Precision::F16, Precision::F16]);
}

#[test]
fn other_threads_have_their_own_choice_and_share_the_default() {
    let _turn = alone();
    let elsewhere = || std::thread::spawn(|| (on_cpu(), product())).join().unwrap();
    with_precision(Precision::Full, || assert_eq!(elsewhere().0, Precision::Bf16));
    set_default_precision(Some(Precision::F16));
    assert_eq!(elsewhere().0, Precision::F16);
    set_default_precision(None);
    autocast(Precision::Bf16, || {
        assert_eq!(product(), Kind::BFloat16);
        assert_eq!(elsewhere().1, Kind::Float);
    });
}

#[test]
fn a_panic_leaves_everything_as_it_was() {
    let _turn = alone();
    let panics = |f: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
    with_precision(Precision::F16, || {
        panics(&|| with_precision(Precision::Full, || panic!("inside")));
        assert_eq!(on_cpu(), Precision::F16);
    });
    assert_eq!(on_cpu(), Precision::Bf16);

    panics(&|| autocast(Precision::Bf16, || panic!("inside")));
    assert_eq!(product(), Kind::Float);
    autocast(Precision::F16, || {
        panics(&|| autocast(Precision::Bf16, || panic!("inside")));
        assert_eq!(product(), Kind::Half);
        panics(&|| full_precision(|| panic!("inside")));
        assert_eq!(product(), Kind::Half);
    });
    assert_eq!(product(), Kind::Float);
}

#[test]
fn regions_lower_and_nest() {
    for (precision, low) in [(Precision::F16, Kind::Half), (Precision::Bf16, Kind::BFloat16)] {
        assert_eq!(product(), Kind::Float);
        autocast(precision, || {
            assert_eq!(product(), low);
            full_precision(|| {
                assert_eq!(product(), Kind::Float);
                autocast(Precision::Bf16, || assert_eq!(product(), Kind::BFloat16));
                assert_eq!(product(), Kind::Float);
            });
            assert_eq!(product(), low);
            autocast(Precision::F16, || assert_eq!(product(), Kind::Half));
            assert_eq!(product(), low);
            // Full precision asks for nothing: inside a region it stays in it.
            autocast(Precision::Full, || assert_eq!(product(), low));
        });
        autocast(Precision::Full, || assert_eq!(product(), Kind::Float));
    }
    assert_eq!(full_precision(product), Kind::Float);
}

/// tch's own region around ours, and ours around it.
#[test]
fn regions_nest_with_those_of_tch() {
    tch::autocast(true, || {
        autocast(Precision::F16, || assert_eq!(product(), Kind::Half));
    });
    autocast(Precision::F16, || {
        tch::autocast(false, || ());
        assert_eq!(product(), Kind::Half);
    });
    assert_eq!(product(), Kind::Float);
}

#[test]
fn a_weight_is_cast_once_in_a_region_and_anew_in_the_next() {
    let xs = Tensor::ones([1, 2], (Kind::Float, Device::Cpu));
    let mut weight = Tensor::ones([2, 2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let sum = |weight: &Tensor| xs.matmul(weight).to_kind(Kind::Float).sum(Kind::Float).double_value(&[]);
    let double = |weight: &mut Tensor| {
        tch::no_grad(|| {
            let _ = weight.multiply_scalar_(2.);
        });
    };
    assert_eq!(autocast(Precision::Bf16, || sum(&weight)), 4.);
    double(&mut weight);
    assert_eq!(autocast(Precision::Bf16, || sum(&weight)), 8.);
    // An inner region's end keeps the copy, as torch does: the outermost drops it, even if it ends in a panic.
    autocast(Precision::Bf16, || {
        assert_eq!(sum(&weight), 8.);
        autocast(Precision::Bf16, || ());
        full_precision(|| ());
        double(&mut weight);
        assert_eq!(sum(&weight), 8., "the cast was not shared within the region");
    });
    assert_eq!(autocast(Precision::Bf16, || sum(&weight)), 16.);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        autocast(Precision::Bf16, || {
            let _ = sum(&weight);
            panic!("inside")
        });
    }));
    assert!(panicked.is_err());
    double(&mut weight);
    assert_eq!(autocast(Precision::Bf16, || sum(&weight)), 32.);
}

/// Weights stay f32, and so do their gradients.
#[test]
fn gradients_through_a_region_are_f32() {
    for precision in [Precision::F16, Precision::Bf16] {
        let weight = Tensor::ones([3, 3], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let loss = autocast(precision, || {
            let once = weight.matmul(&weight);
            assert_eq!(Some(once.kind()), precision.low_kind());
            full_precision(|| once.to_kind(Kind::Float).square()).sum(Kind::Float)
        });
        assert_eq!(loss.kind(), Kind::Float);
        loss.backward();
        assert_eq!(weight.grad().kind(), Kind::Float);
        // Small integers are exact in all precisions: d/dW sum((W W)^2) of ones is 2 * (3 + 3) * 3.
        assert!(bool::try_from(weight.grad().eq(36.).all()).unwrap());
    }
}
