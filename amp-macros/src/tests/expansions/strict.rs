// Input: #[amp(deny(opaque))]
fn forward(&self, xs: &Tensor) -> Tensor {
    self.b.forward(&xs.apply(&self.a))
}

// Output:
fn forward(&self, xs: &Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_c1 = p::Call::new();
    p::called(
        __amp_c1.look(p::known(&self.b), &__AMP_LAYERS[1]),
        &__amp_c1,
        self
            .b
            .forward(
                p::Value(
                        &p::Place(&xs)
                            .amp_at(&__AMP_LAYERS[0], &mut p::Slot::new())
                            .apply(p::known(&self.a)),
                    )
                    .amp_input(&__amp_c1, &mut p::Slot::new()),
            ),
    )
}
