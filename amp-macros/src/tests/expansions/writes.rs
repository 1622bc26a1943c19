// Input: #[amp()]
fn forward(&self, xs: &mut Tensor) -> Tensor {
    let _ = xs.relu_();
    no_grad(|| self.ema.update());
    xs.matmul(&self.w)
}

// Output:
fn forward(&self, xs: &mut Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_3 = p::Site::new();
    let _ = p::wrote(xs.relu_());
    p::wrote_anything(no_grad(|| { self.ema.update() }));
    p::Place(&xs)
        .amp_low(&__amp_3, &mut p::Slot::new())
        .matmul(p::Value(&self.w).amp_low_arg(&__amp_3, &mut p::Slot::new()))
}
