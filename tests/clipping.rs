//! Clipping: is it `torch.nn.utils`' clipping, after unscaling, and does no norm that overflowed reach the weights?
use amp_runtime::{
    Adam, ClipGrad, LossScale, OptimWrapper, OptimWrapperError, OptimizerConfig, Precision, Sgd, StepOutcome,
    StepStats,
};
use amp_tests::goldens::{Goldens, assert_same, relative_difference, same_bits};
use amp_tests::recorded::Recorded;
use tch::{Kind, Tensor};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const NORM_TYPES: [(&str, f64); 5] = [("0.5", 0.5), ("1", 1.), ("2", 2.), ("3", 3.), ("inf", f64::INFINITY)];
const MAX_NORMS: [(&str, f64); 3] = [("0.1", 0.1), ("1", 1.), ("1e6", 1e6)];

/// Weights of 0 and a learning rate of 1: after an update they are the negated gradients, exactly.
struct Run {
    model: Recorded,
    grads: Vec<Tensor>,
}

impl Run {
    fn new(file: &Goldens, list: &str) -> Self {
        let grads: Vec<Tensor> =
            (0..5).map(|i| file.tensor(&format!("in/{list}/{i}")).shallow_clone()).collect();
        let model = Recorded::new(NAMES.into_iter().zip(grads.iter().map(Tensor::zeros_like)));
        Self { model, grads }
    }

    fn update(&self, wrapper: &mut OptimWrapper) -> StepStats {
        let grads = NAMES.into_iter().zip(self.grads.iter().map(Tensor::shallow_clone));
        match wrapper.update_params(&self.model.loss(grads)).unwrap() {
            StepOutcome::Stepped(stats) => stats,
            StepOutcome::Accumulating => panic!("no update"),
        }
    }

    fn clipped(&self) -> Vec<Tensor> {
        self.model.values().iter().map(Tensor::neg).collect()
    }

    fn is_untouched(&self) -> bool {
        self.model.values().iter().all(|value| same_bits(value, &value.zeros_like()))
    }
}

fn descent() -> OptimizerConfig {
    Sgd { lr: 1., ..Sgd::default() }.into()
}

/// A scale of 1024 is exact, so clipping sees the recorded gradients if and only if they were unscaled before.
fn wrapper(run: &Run, clip_grad: ClipGrad) -> OptimWrapper {
    OptimWrapper::builder(descent())
        .precision(Precision::F16)
        .loss_scale(LossScale::Static(1024.))
        .clip_grad(clip_grad)
        .build(&run.model.store)
        .unwrap()
}

/// Our norm is f32 whatever the dtype: f32 and bf16 gradients are compared with what torch gives for their f32 copies.
#[test]
fn clipping_by_norm_is_that_of_torch() {
    let file = Goldens::open("clip.safetensors");
    let exact = file.same_kernels();
    for (list, recorded) in [("f32", "f32"), ("bf16", "bf16_as_f32"), ("f64", "f64")] {
        for (p, norm_type) in NORM_TYPES {
            for (m, max_norm) in MAX_NORMS {
                let what = format!("{list} p {p} max {m}");
                let run = Run::new(&file, list);
                let clip = ClipGrad::Norm { max_norm, norm_type, error_if_nonfinite: true };
                let stats = run.update(&mut wrapper(&run, clip));
                let norm = Tensor::from(stats.grad_norm().unwrap().unwrap());
                let wanted = file.tensor(&format!("norm/{recorded}/p{p}/m{m}/total"));
                // The 2-norm of f32 gradients on the CPU is summed by this crate, in another order than torch's.
                let exact = exact && !(list == "f32" && p == "2");
                let off = relative_difference(&norm, wanted);
                assert!(off < 6e-6, "{what}: norm off by {off:e}");
                // A norm in f32 of gradients in f64 has a hundred roundings of 6e-8 at the very most, in the factor too.
                if list != "f64" {
                    assert_same(&norm.to_kind(Kind::Float), wanted, exact, &format!("{what}: norm"));
                }
                for (i, got) in run.clipped().iter().enumerate() {
                    let wanted = file.tensor(&format!("norm/{recorded}/p{p}/m{m}/out/{i}"));
                    match list {
                        "f64" => {
                            let off = relative_difference(got, wanted);
                            assert!(off < 6e-6, "{what}: gradient {i} off by {off:e}");
                        }
                        "bf16" => {
                            let rounded = wanted.to_kind(Kind::BFloat16);
                            assert_same(got, &rounded, exact, &format!("{what}: gradient {i}"));
                        }
                        _ if !exact => {
                            assert!(relative_difference(got, wanted) < 1e-6, "{what}: gradient {i}");
                        }
                        _ => assert_same(got, wanted, exact, &format!("{what}: gradient {i}")),
                    }
                }
            }
        }
    }
}

#[test]
fn clipping_by_value_is_that_of_torch() {
    let file = Goldens::open("clip.safetensors");
    for list in ["f32", "f64", "bf16", "huge"] {
        for (v, clip_value) in [("0.01", 0.01), ("0.5", 0.5)] {
            let run = Run::new(&file, list);
            let stats = run.update(&mut wrapper(&run, ClipGrad::value(clip_value)));
            assert_eq!(stats.grad_norm().unwrap(), None);
            for (i, got) in run.clipped().iter().enumerate() {
                let wanted = file.tensor(&format!("value/{list}/v{v}/out/{i}"));
                assert!(same_bits(got, wanted), "{list} {v}: gradient {i}\n{got}\n{wanted}");
            }
        }
    }
}

/// Finite gradients of 1e20, whose 2-norm overflows f32. torch clips them to 0 and decays the weights.
#[test]
fn a_norm_that_overflows_skips_but_is_no_reason_to_lower_the_scale() {
    let file = Goldens::open("clip.safetensors");
    let (mut overflowed, mut fine) = (0, 0);
    for (p, norm_type) in NORM_TYPES {
        let run = Run::new(&file, "huge");
        let total = file.f64s(&format!("norm/huge/p{p}/m1/total"))[0];
        let clip_grad = ClipGrad::Norm { max_norm: 1., norm_type, error_if_nonfinite: false };
        let mut wrapper = OptimWrapper::builder(descent())
            .precision(Precision::F16)
            .clip_grad(clip_grad)
            .build(&run.model.store)
            .unwrap();
        let stats = run.update(&mut wrapper);
        assert!(!stats.found_inf().unwrap(), "p {p}: every gradient is finite");
        assert_eq!(wrapper.loss_scale().unwrap(), 65536., "p {p}");
        if total.is_finite() {
            assert!(!stats.skipped().unwrap(), "p {p}");
            for (i, got) in run.clipped().iter().enumerate() {
                let wanted = file.tensor(&format!("norm/huge/p{p}/m1/out/{i}"));
                assert_same(got, wanted, file.same_kernels(), &format!("huge p {p}: gradient {i}"));
            }
            fine += 1;
        } else {
            assert!(stats.skipped().unwrap(), "p {p}");
            assert!(run.is_untouched(), "p {p}");
            assert_eq!(stats.grad_norm().unwrap(), Some(f64::INFINITY), "p {p}");
            assert_eq!(wrapper.skipped_updates().unwrap(), 1);
            overflowed += 1;
        }
    }
    assert!(overflowed > 0 && fine > 0, "the recorded list no longer tells the two apart");
}

#[test]
fn gradients_with_inf_or_nan_never_reach_the_weights() {
    let file = Goldens::open("clip.safetensors");
    let clips = NORM_TYPES.map(|(_, norm_type)| ClipGrad::Norm {
        max_norm: 1.,
        norm_type,
        error_if_nonfinite: false,
    });
    for list in ["has_inf", "has_nan"] {
        for clip_grad in clips.into_iter().chain([ClipGrad::value(0.5)]) {
            for precision in [Precision::F16, Precision::Bf16, Precision::Full] {
                let run = Run::new(&file, list);
                let mut wrapper = OptimWrapper::builder(Adam::default())
                    .precision(precision)
                    .clip_grad(clip_grad)
                    .build(&run.model.store)
                    .unwrap();
                let stats = run.update(&mut wrapper);
                let what = format!("{list} {clip_grad:?} {precision}");
                assert!(stats.skipped().unwrap() && stats.found_inf().unwrap(), "{what}");
                assert!(run.is_untouched(), "{what}");
                let state = wrapper.state().unwrap();
                for (key, tensor) in state.optimizer().tensors() {
                    assert!(same_bits(tensor, &tensor.zeros_like()), "{what}: {key}");
                }
            }
        }
    }
}

/// A norm that is not finite, with `error_if_nonfinite`: what the next call that knows says.
fn complaint(
    clip: impl Fn(&Run, &mut OptimWrapper) -> StepStats,
    list: &str,
    by: LossScale,
) -> Option<OptimWrapperError> {
    let file = Goldens::open("clip.safetensors");
    let run = Run::new(&file, list);
    let mut wrapper = OptimWrapper::builder(descent())
        .precision(Precision::Full)
        .loss_scale(by)
        .clip_grad(ClipGrad::Norm { max_norm: 1., norm_type: 2., error_if_nonfinite: true })
        .build(&run.model.store)
        .unwrap();
    let stats = clip(&run, &mut wrapper);
    assert!(stats.skipped().unwrap());
    let error = wrapper.applied_updates().err();
    // It is said once.
    assert_eq!(wrapper.applied_updates().unwrap(), 0);
    assert_eq!(wrapper.skipped_updates().unwrap(), 1);
    assert!(run.is_untouched());
    error
}

#[test]
fn error_if_nonfinite_is_one_where_no_scaler_expects_overflows() {
    let plain = |run: &Run, wrapper: &mut OptimWrapper| run.update(wrapper);
    for (list, by, expected) in [
        ("huge", LossScale::Off, Some(f64::INFINITY)),
        ("huge", LossScale::dynamic(), Some(f64::INFINITY)),
        ("has_inf", LossScale::Off, Some(f64::INFINITY)),
        ("has_nan", LossScale::Off, Some(f64::NAN)),
        ("has_nan", LossScale::Static(8.), Some(f64::NAN)),
        ("has_nan", LossScale::dynamic(), None),
        ("has_inf", LossScale::dynamic(), None),
    ] {
        match (complaint(plain, list, by), expected) {
            (None, None) => {}
            (Some(OptimWrapperError::NonFiniteNorm(norm)), Some(wanted)) => {
                assert!(
                    norm.total_cmp(&wanted).is_eq() || norm.is_nan() && wanted.is_nan(),
                    "{list}: {norm}"
                );
            }
            (got, _) => panic!("{list}, {by:?}: {got:?}"),
        }
    }
}

/// The clipping that happened is the one that decides, not the one that was configured.
#[test]
fn clipping_by_hand_brings_its_own_strictness() {
    let by_hand = |run: &Run, wrapper: &mut OptimWrapper, clip_grad: ClipGrad| {
        let grads = NAMES.into_iter().zip(run.grads.iter().map(Tensor::shallow_clone));
        let unscaled = wrapper.backward(&run.model.loss(grads)).unwrap().unscale().unwrap();
        match unscaled.clip_grad(clip_grad).unwrap().step().unwrap() {
            StepOutcome::Stepped(stats) => stats,
            StepOutcome::Accumulating => panic!("no update"),
        }
    };
    let by_value =
        complaint(|run, wrapper| by_hand(run, wrapper, ClipGrad::value(0.5)), "has_nan", LossScale::Off);
    assert!(by_value.is_none(), "clipped by value: there is no norm, but {by_value:?}");
    let lenient =
        complaint(|run, wrapper| by_hand(run, wrapper, ClipGrad::norm(0.5)), "huge", LossScale::Off);
    assert!(lenient.is_none(), "clipped without `error_if_nonfinite`, but {lenient:?}");

    let file = Goldens::open("clip.safetensors");
    let run = Run::new(&file, "huge");
    let mut wrapper =
        OptimWrapper::builder(descent()).precision(Precision::Full).build(&run.model.store).unwrap();
    let strict = ClipGrad::Norm { max_norm: 1., norm_type: 2., error_if_nonfinite: true };
    assert!(by_hand(&run, &mut wrapper, strict).skipped().unwrap());
    let error = wrapper.applied_updates().unwrap_err();
    assert!(matches!(error, OptimWrapperError::NonFiniteNorm(_)), "{error}");
}

#[test]
fn clipping_twice_reports_the_first_norm() {
    let file = Goldens::open("clip.safetensors");
    let run = Run::new(&file, "f32");
    let mut wrapper = wrapper(&run, ClipGrad::norm(1e-3));
    let grads = NAMES.into_iter().zip(run.grads.iter().map(Tensor::shallow_clone));
    let scaled = wrapper.backward(&run.model.loss(grads)).unwrap();
    let unscaled = scaled.unscale().unwrap().clip_grad(ClipGrad::norm(1.)).unwrap();
    let StepOutcome::Stepped(stats) = unscaled.clip_grad(ClipGrad::norm(0.1)).unwrap().step().unwrap() else {
        panic!("no update")
    };
    let total = file.f64s("norm/f32/p2/m1/total")[0];
    assert!((stats.grad_norm().unwrap().unwrap() - total).abs() <= 1e-6 * total);
    // 0.1, not the 1e-3 that the wrapper was built with.
    let clipped: f64 =
        run.clipped().iter().map(|grad| grad.square().sum(Kind::Double).double_value(&[])).sum();
    assert!((clipped.sqrt() - 0.1).abs() < 1e-6);
}

/// The error is about the update before: the batch that hears of it is not begun, and can be given again.
#[test]
fn after_the_error_training_goes_on_with_one_batch_at_a_time() {
    let strict = ClipGrad::Norm { max_norm: 1e6, norm_type: 2., error_if_nonfinite: true };
    let model = Recorded::small();
    let before = model.values();
    let mut wrapper = OptimWrapper::builder(descent())
        .precision(Precision::Full)
        .clip_grad(strict)
        .build(&model.store)
        .unwrap();
    let _ = wrapper.update_params(&model.uniform_loss(1e30)).unwrap();
    let error = wrapper.update_params(&model.uniform_loss(0.5)).unwrap_err();
    assert!(matches!(error, OptimWrapperError::NonFiniteNorm(_)), "{error}");
    assert_eq!(wrapper.inner_count(), 1);
    let _ = wrapper.update_params(&model.uniform_loss(0.5)).unwrap();
    assert!(model.unchanged_since(&before.iter().map(|value| value - 0.5).collect::<Vec<_>>()));
}
