// Input: #[amp()]
fn rms(xs: &Tensor, w: &Tensor) -> Tensor {
    let h = xs.matmul(w);
    &h / (&h * (&h)).mean(Kind::Float).sqrt()
}

// Output:
fn rms(xs: &Tensor, w: &Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_0 = p::Site::new();
    let h = p::Place(&xs)
        .amp_low(&__amp_0, &mut p::Slot::new())
        .matmul(p::Value(w).amp_low_arg(&__amp_0, &mut p::Slot::new()));
    &h
        / (p::Value(&h).amp_full_owned() * p::Value(&h).amp_full_owned())
            .mean(Kind::Float)
            .sqrt()
}
