// Input: #[amp()]
fn forward(&mut self, xs: &Tensor) -> Tensor {
    let (xs, _) = self.rnn.seq(&xs.apply(&self.embedding));
    self.head.forward(&xs.apply_t(&self.norm, true))
}

// Output:
fn forward(&mut self, xs: &Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_c1 = p::Call::new();
    let __amp_c3 = p::Call::new();
    let (xs, _) = p::called(
        __amp_c1.look(&self.rnn, &__AMP_LAYERS[1]),
        &__amp_c1,
        self
            .rnn
            .seq(
                p::Value(
                        &p::Place(&xs)
                            .amp_at(&__AMP_LAYERS[0], &mut p::Slot::new())
                            .apply(&self.embedding),
                    )
                    .amp_input(&__amp_c1, &mut p::Slot::new()),
            ),
    );
    p::called(
        __amp_c3.look(&self.head, &__AMP_LAYERS[3]),
        &__amp_c3,
        self
            .head
            .forward(
                p::Value(
                        &p::Place(&xs)
                            .amp_at(&__AMP_LAYERS[2], &mut p::Slot::new())
                            .apply_t(&self.norm, true),
                    )
                    .amp_input(&__amp_c3, &mut p::Slot::new()),
            ),
    )
}
