// Input: #[amp(low(exp), full(relu))]
fn forward(xs: &Tensor) -> Tensor {
    xs.exp().relu()
}

// Output:
fn forward(xs: &Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_0 = p::Site::new();
    p::Value(
            p::resumed(
                &__amp_0,
                __amp_0.arm(p::Place(&xs).amp_low(&__amp_0, &mut p::Slot::new())).exp(),
            ),
        )
        .amp_full(&p::Site::new(), &mut p::Slot::new())
        .relu()
}
