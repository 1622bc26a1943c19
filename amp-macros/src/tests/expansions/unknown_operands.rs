// Input: #[amp()]
fn forward(&self, xs: &Tensor) -> Tensor {
    xs.linear(&self.ws, Some(&self.bs))
}

// Output:
fn forward(&self, xs: &Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_0 = p::Site::new();
    p::Place(&xs)
        .amp_low(&__amp_0, &mut p::Slot::new())
        .linear(
            p::Value(&self.ws).amp_low_arg(&__amp_0, &mut p::Slot::new()),
            p::Value(Some(&self.bs)).amp_low_arg(&__amp_0, &mut p::Slot::new()),
        )
}
