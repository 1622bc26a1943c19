// Input: #[amp()]
fn block(p: nn::Path) -> FuncT {
    let c = conv(&p);
    nn::func_t(move |xs, train| xs.apply(&c).softmax(-1, xs.kind()))
}

// Output:
fn block(p: nn::Path) -> FuncT {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let c = conv(&p);
    nn::func_t(move |xs, train| {
        let __amp_region = p::reenter(&__AMP_PLAN);
        let __amp_1 = p::Site::new();
        p::Value(p::Place(&xs).amp_at(&__AMP_LAYERS[0], &mut p::Slot::new()).apply(&c))
            .amp_keep(&__amp_1)
            .softmax(-1, p::Value(xs.kind()).amp_kind(&__amp_1))
    })
}
