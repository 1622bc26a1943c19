//! Updates at the edge: losses in f16 without a scale, limits beyond f32, and what one that fails leaves behind.
use amp_runtime::OptimWrapperBuilder;
use amp_runtime::prelude::*;
use amp_tests::recorded::Recorded;
use tch::Kind;
use tch::Tensor;

fn builder() -> OptimWrapperBuilder {
    OptimWrapper::builder(Sgd { lr: 0.5, momentum: 0.9, ..Sgd::default() }).precision(Precision::Full)
}

#[amp]
fn squared(weight: &Tensor) -> Tensor {
    weight.reshape([1, -1]).matmul(&weight.reshape([-1, 1])).sum(Kind::Float)
}

#[test]
fn a_loss_in_f16_needs_a_scale() {
    let model = Recorded::small();
    let weight = model.variable("first.weight");
    let optim = |precision, scale| {
        let builder = OptimWrapper::builder(Sgd::default()).precision(precision).loss_scale(scale);
        builder.build(&model.store).unwrap()
    };
    let loss = |precision| with_precision(precision, || squared(&weight));
    for built_for in [Precision::Bf16, Precision::Full] {
        let mut without = optim(built_for, LossScale::Off);
        let refused = without.update_params(&loss(Precision::F16)).unwrap_err();
        assert!(matches!(refused, OptimWrapperError::F16Loss { built_for: named } if named == built_for));
        let by_autocast = autocast(Precision::F16, || {
            weight.reshape([1, -1]).matmul(&weight.reshape([-1, 1])).sum(Kind::Float)
        });
        for _ in 0..2 {
            let refused = without.update_params(&by_autocast);
            assert!(matches!(refused, Err(OptimWrapperError::F16Loss { .. })));
        }
        // Nor is what somebody looked at in f16 and does not train on.
        let _ = loss(Precision::F16);
        let _ = without.update_params(&weight.square().sum(Kind::Float)).unwrap();
        // What is computed in f16 and trains nothing is of no interest.
        let taught = loss(built_for) + tch::no_grad(|| loss(Precision::F16));
        let _ = without.update_params(&taught).unwrap();
        let mut scaled = optim(built_for, LossScale::Static(4.));
        let _ = scaled.update_params(&loss(Precision::F16)).unwrap();
    }
    let mut f16 = optim(Precision::F16, LossScale::dynamic());
    let _ = f16.update_params(&loss(Precision::F16)).unwrap();
}

#[test]
fn limits_that_f32_cannot_hold_are_none() {
    let trained = |builder: OptimWrapperBuilder| {
        let model = Recorded::small();
        let mut wrapper = builder.build(&model.store).unwrap();
        for _ in 0..2 {
            assert!(
                !wrapper.update_params(&model.uniform_loss(1.)).unwrap().stats().unwrap().skipped().unwrap()
            );
        }
        model.values()
    };
    let plain = trained(builder());
    let dynamic = DynamicLossScale { max_scale: f64::MAX, ..DynamicLossScale::default() };
    for without in [
        builder().loss_scale(LossScale::Dynamic(dynamic)),
        builder().clip_grad(ClipGrad::value(f64::MAX)),
        builder().clip_grad(ClipGrad::norm(f64::MAX)),
    ] {
        assert_eq!(trained(without), plain);
    }
}

#[test]
fn an_update_that_fails_is_over() {
    let model = Recorded::small();
    let mut wrapper = builder().build(&model.store).unwrap();
    let mut weight = model.variable("first.weight");
    let value = weight.detach().copy();
    let _ = wrapper.update_params(&model.uniform_loss(1.)).unwrap();
    let unscaled = wrapper.backward(&model.uniform_loss(1.)).unwrap().unscale().unwrap();
    tch::no_grad(|| weight.set_data(&value.reshape([-1, 1, 1])));
    assert!(unscaled.step().is_err());
    tch::no_grad(|| weight.set_data(&value));
    assert!(!weight.grad().defined());
    let _ = wrapper.update_params(&model.uniform_loss(1.)).unwrap();
}
