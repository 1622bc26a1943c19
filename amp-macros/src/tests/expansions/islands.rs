// Input: #[amp()]
fn loss(&self, logits: &Tensor) -> Tensor {
    #[amp(full)]
    let p = logits.sigmoid();
    #[amp(skip)]
    {
        self.log(&p.exp());
    }
    #[amp(low)] p.exp()
}

// Output:
fn loss(&self, logits: &Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_3 = p::Site::new();
    let p = p::leave(
        p::island(),
        p::Place(&logits).amp_full(&p::Site::new(), &mut p::Slot::new()).sigmoid(),
    );
    {
        let __amp_island = p::outside();
        self.log(&p.exp());
    }
    p::resumed(
        &__amp_3,
        __amp_3.arm(p::Place(&p).amp_low(&__amp_3, &mut p::Slot::new())).exp(),
    )
}
