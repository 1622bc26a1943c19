// Input: #[amp()]
fn steps(xs: &Tensor, w: &Tensor) -> Tensor {
    let mut state = xs.matmul(w);
    for _ in 0..3 {
        state = xs.matmul(w) + state.matmul(w);
    }
    state
}

// Output:
fn steps(xs: &Tensor, w: &Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_0 = p::Site::new();
    let __amp_1 = p::Site::new();
    let __amp_2 = p::Site::new();
    let mut state = p::Place(&xs)
        .amp_low(&__amp_0, &mut p::Slot::new())
        .matmul(p::Value(w).amp_low_arg(&__amp_0, &mut p::Slot::new()));
    for _ in 0..3 {
        let __amp_s0 = p::Shared::new();
        state = p::Place(&xs)
            .amp_low(&__amp_1, &mut p::Slot::new())
            .matmul(
                p::Value(w).amp_low_arg_shared(&__amp_1, &mut p::Slot::new(), &__amp_s0),
            )
            + p::Place(&state)
                .amp_low(&__amp_2, &mut p::Slot::new())
                .matmul(
                    p::Value(w)
                        .amp_low_arg_shared(&__amp_2, &mut p::Slot::new(), &__amp_s0),
                );
    }
    state
}
