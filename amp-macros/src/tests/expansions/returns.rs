// Input: #[amp(output = full)]
fn forward(xs: &Tensor, w: &Tensor) -> Tensor {
    if w.numel() == 0 {
        return xs.shallow_clone();
    }
    xs.matmul(w)
}

// Output:
fn forward(xs: &Tensor, w: &Tensor) -> Tensor {
    #[allow(unused_imports)]
    use ::amp_runtime::__private as __amp;
    let __amp_region = p::enter(&__AMP_PLAN);
    #[allow(unused_imports)]
    use p::fallback::*;
    let __amp_2 = p::Site::new();
    if w.numel() == 0 {
        return p::output_full(xs.shallow_clone());
    }
    p::output_full(
        p::Place(&xs)
            .amp_low(&__amp_2, &mut p::Slot::new())
            .matmul(p::Value(w).amp_low_arg(&__amp_2, &mut p::Slot::new())),
    )
}
