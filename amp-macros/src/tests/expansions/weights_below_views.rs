// Input: #[amp()]
fn forward(&self, xs: &Tensor) -> Tensor {
    xs.matmul(&self.ws.tr())
}

// Output:
fn forward(&self, xs: &Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_1 = p::Site::new();
    p::Place(&xs)
        .amp_low(&__amp_1, &mut p::Slot::new())
        .matmul(
            p::Value(&p::Place(&self.ws).amp_weight(&mut p::Slot::new()).tr())
                .amp_low_arg(&__amp_1, &mut p::Slot::new()),
        )
}
