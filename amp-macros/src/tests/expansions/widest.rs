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
    p::Place(&a).amp_widest(&p::Site::new(), &mut p::Slot::new()).dot(b)
}
