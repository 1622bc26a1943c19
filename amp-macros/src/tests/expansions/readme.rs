// Input: #[amp()]
fn scores(&self, xs: &Tensor) -> Tensor {
    let (query, key) = (xs.apply(&self.query), xs.apply(&self.key));
    query.matmul(&self.scale.tr()).matmul(&key.tr()).softmax(-1, key.kind())
}

// Output:
fn scores(&self, xs: &Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_1 = p::Site::new();
    let __amp_3 = p::Site::<p::IsTensor>::new();
    let __amp_5 = p::Site::new();
    let __amp_s0 = p::Shared::new();
    let (query, key) = (
        p::Place(&xs)
            .amp_at_shared(&__AMP_LAYERS[0], &mut p::Slot::new(), &__amp_s0)
            .apply(&self.query),
        p::Place(&xs)
            .amp_at_shared(&__AMP_LAYERS[1], &mut p::Slot::new(), &__amp_s0)
            .apply(&self.key),
    );
    p::Value(
            p::Place(&query)
                .amp_low(&__amp_1, &mut p::Slot::new())
                .matmul(
                    p::Value(&p::Place(&self.scale).amp_weight(&mut p::Slot::new()).tr())
                        .amp_low_arg(&__amp_1, &mut p::Slot::new()),
                )
                .matmul(
                    p::Value(&p::Place(&key).amp_weight(&mut p::Slot::new()).tr())
                        .amp_low_arg(&__amp_3, &mut p::Slot::new()),
                ),
        )
        .amp_keep(&__amp_5)
        .softmax(-1, p::Value(key.kind()).amp_kind(&__amp_5))
}
