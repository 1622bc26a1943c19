// Input: #[amp()]
fn inverse(xs: &Tensor, scale: f64) -> Tensor {
    scale / xs
}

// Output:
fn inverse(xs: &Tensor, scale: f64) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    scale / p::Value(xs).amp_full_owned()
}
