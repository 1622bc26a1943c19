// Input: #[amp()]
fn attention(&self, xs: &Tensor) -> (Tensor, Tensor, Tensor) {
    let q = xs.matmul(&self.q);
    let k = xs.matmul(&self.k);
    (q, k, xs.apply(&self.v))
}

// Output:
fn attention(&self, xs: &Tensor) -> (Tensor, Tensor, Tensor) {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_0 = p::Site::new();
    let __amp_1 = p::Site::new();
    let __amp_s0 = p::Shared::new();
    let q = p::Place(&xs)
        .amp_low_shared(&__amp_0, &mut p::Slot::new(), &__amp_s0)
        .matmul(p::Value(&self.q).amp_low_arg(&__amp_0, &mut p::Slot::new()));
    let k = p::Place(&xs)
        .amp_low_shared(&__amp_1, &mut p::Slot::new(), &__amp_s0)
        .matmul(p::Value(&self.k).amp_low_arg(&__amp_1, &mut p::Slot::new()));
    (
        q,
        k,
        p::Place(&xs)
            .amp_at_shared(&__AMP_LAYERS[0], &mut p::Slot::new(), &__amp_s0)
            .apply(&self.v),
    )
}
