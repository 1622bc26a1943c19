// Input: #[amp()]
fn mix(a: &Tensor, b: &Tensor) -> Tensor {
    a.dot(b)
}

// Output:
fn mix(a: &Tensor, b: &Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_0 = p::Site::new();
    __amp_0
        .done(p::Place(&a).amp_widest(&__amp_0, &mut p::Slot::new()).dot(__amp_0.arm(b)))
}
