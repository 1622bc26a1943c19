// Input: #[amp()]
fn pair(a: &Tensor, b: &Tensor) -> Vec<Tensor> {
    assert!(a.dim() > 1);
    vec![a.matmul(b), a.exp()]
}

// Output:
fn pair(a: &Tensor, b: &Tensor) -> Vec<Tensor> {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_1 = p::Site::new();
    assert!(a.dim() > 1);
    vec![
        p::Place(& a).amp_low(& __amp_1, & mut p::Slot::new()).matmul(p::Value(b)
        .amp_low_arg(& __amp_1, & mut p::Slot::new())), p::Place(& a).amp_full(&
        p::Site::new(), & mut p::Slot::new()).exp()
    ]
}
