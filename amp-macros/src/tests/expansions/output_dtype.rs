// Input: #[amp()]
fn scores(&self, xs: &Tensor) -> Tensor {
    xs.softmax(-1, xs.kind()).sum(self.kind)
}

// Output:
fn scores(&self, xs: &Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_1 = p::Site::new();
    let __amp_2 = p::Site::new();
    p::Value(
            p::Place(&xs)
                .amp_keep(&__amp_1)
                .softmax(-1, p::Value(xs.kind()).amp_kind(&__amp_1)),
        )
        .amp_keep(&__amp_2)
        .sum(p::Value(self.kind).amp_kind(&__amp_2))
}
