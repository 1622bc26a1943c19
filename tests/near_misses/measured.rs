//! What the pages of the rules say that libtorch does with the mistakes.
use std::panic::{AssertUnwindSafe, catch_unwind};
use tch::{Device, Kind, Reduction, TchError, Tensor, no_grad};

fn low(values: &[f64], kind: Kind) -> Tensor {
    Tensor::from_slice(values).to_kind(kind)
}

fn value(x: &Tensor) -> f64 {
    x.to_kind(Kind::Double).double_value(&[0])
}

#[test]
fn huge_numbers_are_refused_where_they_are_written_and_inf_where_they_are_computed_with() {
    let (mask, index) = (Tensor::from_slice(&[true, false]), Tensor::from_slice2(&[[0i64]]));
    // tch drops the number before it reads the error, and panics: from `f_masked_fill` as from `masked_fill`.
    let fails = |op: &dyn Fn() -> Result<Tensor, TchError>| {
        catch_unwind(AssertUnwindSafe(op)).map_or(true, |result| result.is_err())
    };
    let refused = |kind: Kind, number: f64| {
        let x = || low(&[1., 1., 1., 1.], kind).view([2, 2]);
        [
            fails(&|| x().f_masked_fill(&mask, number)),
            fails(&|| x().f_index_fill(0, &index.view([1]), number)),
            fails(&|| x().f_scatter_value(0, &index, number)),
            fails(&|| x().f_fill_(number)),
            fails(&|| x().f_fill_diagonal_(number, false)),
            fails(&|| x().f_full_like(number)),
            fails(&|| x().f_pad([1, 1], "constant", number)),
            fails(&|| x().f_threshold(2., number)),
            fails(&|| x().f_clamp(-1., number)),
            fails(&|| x().f_clamp_max(number)),
            fails(&|| Tensor::f_full([2], number, (kind, Device::Cpu))),
            fails(&|| x().f_new_full([2], number, (kind, Device::Cpu))),
        ]
    };
    assert_eq!(refused(Kind::Half, 1e5), [true; 12]);
    assert_eq!(refused(Kind::Half, 65505.), [true; 12]);
    assert_eq!(refused(Kind::Half, 65504.), [false; 12]);
    assert_eq!(refused(Kind::BFloat16, 1e5), [false; 12]);
    assert_eq!(refused(Kind::BFloat16, f64::from(f32::MIN)), [true; 12]);
    let x = low(&[1.], Kind::Half);
    assert_eq!(value(&x.fill(1e5)), f64::INFINITY, "a single element is filled without a check");
    assert_eq!(value(&(&x + 1e5)), f64::INFINITY);
    assert_eq!(value(&(&x * 1e5)), f64::INFINITY);
    assert!(value(&(&x * 0.6 * 1e5)).is_finite() && value(&(&x / 1e5)) > 0.);
    assert_eq!(value(&x.where_scalarother(&mask.narrow(0, 1, 1), 1e5)), f64::INFINITY);
    assert_eq!(value(&(&x / 1e8)), 0.);
}

#[test]
fn tiny_numbers_become_zero_in_f16_and_not_in_bf16() {
    for (kind, lost) in [(Kind::Half, true), (Kind::BFloat16, false)] {
        let zero = low(&[0.], kind);
        assert_eq!(value(&(&zero + 1e-8)) == 0., lost);
        assert_eq!(value(&zero.clamp_min(1e-8)) == 0., lost);
        assert_eq!(value(&zero.fill(1e-8)) == 0., lost);
        assert_eq!(bool::try_from(zero.ge(1e-8)).unwrap(), lost);
        assert_eq!(bool::try_from(zero.lt(1e-8)).unwrap(), !lost);
        assert!(!bool::try_from(zero.gt(1e-8)).unwrap());
        assert_eq!(value(&(low(&[1.], kind) / 1e-8)).is_infinite(), lost);
        assert_eq!(value(&low(&[1.], kind).clamp(0., 0.9999)), 1.);
    }
    assert!(value(&low(&[1.], Kind::Half).clamp(0., 0.9995)) < 1.);
    assert!(value(&low(&[1.], Kind::BFloat16).clamp(0., 0.996)) < 1.);
}

#[test]
fn a_low_sigmoid_takes_the_gradient_with_it() {
    let logit = low(&[10.], Kind::Half).set_requires_grad(true);
    let p = logit.sigmoid().to_kind(Kind::Float);
    let loss = p.binary_cross_entropy(&p.zeros_like(), None::<Tensor>, Reduction::Mean);
    loss.backward();
    assert_eq!(loss.double_value(&[]), 100.);
    assert!(no_grad(|| value(&logit.grad())).is_nan());
}

#[test]
fn an_area_overflows_in_f16() {
    let side = low(&[256.], Kind::Half);
    assert_eq!(value(&(&side * &side)), f64::INFINITY);
    assert_eq!(value(&low(&[257.], Kind::BFloat16)), 256.);
}
