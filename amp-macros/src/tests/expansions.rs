//! What functions become, as files to read: the input on top, the body below.
use super::{body, expand};
use expect_test::expect_file;

/// One test a file in `expansions/`.
macro_rules! expansions {
    ($($name:ident($args:literal): $item:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let shown = format!("// Input: #[amp({})]\n{}\n// Output:\n{}", $args, super::format($item), body($args, $item));
                expect_file![concat!("expansions/", stringify!($name), ".rs")].assert_eq(&shown);
            }
        )*
    };
}

expansions! {
    readme(""): "fn scores(&self, xs: &Tensor) -> Tensor {
        let (query, key) = (xs.apply(&self.query), xs.apply(&self.key));
        query.matmul(&self.scale.tr()).matmul(&key.tr()).softmax(-1, key.kind())
    }";
    nothing_to_do(""): "fn double(xs: &Tensor) -> i64 { xs.size()[0] * 2 }";
    unknown_operands(""): "fn forward(&self, xs: &Tensor) -> Tensor { xs.linear(&self.ws, Some(&self.bs)) }";
    known_operands(""): "fn forward(xs: &Tensor, w: &Tensor) -> Tensor {
        let h = xs.matmul(w).relu();
        h.matmul(&h).softmax(-1, Kind::Float).log()
    }";
    shared_casts(""): "fn attention(&self, xs: &Tensor) -> (Tensor, Tensor, Tensor) {
        let q = xs.matmul(&self.q);
        let k = xs.matmul(&self.k);
        (q, k, xs.apply(&self.v))
    }";
    not_across_loops(""): "fn steps(xs: &Tensor, w: &Tensor) -> Tensor {
        let mut state = xs.matmul(w);
        for _ in 0..3 { state = xs.matmul(w) + state.matmul(w); }
        state
    }";
    weights_below_views(""): "fn forward(&self, xs: &Tensor) -> Tensor { xs.matmul(&self.ws.tr()) }";
    output_dtype(""): "fn scores(&self, xs: &Tensor) -> Tensor { xs.softmax(-1, xs.kind()).sum(self.kind) }";
    widest(""): "fn mix(a: &Tensor, b: &Tensor) -> Tensor { a.dot(b) }";
    layers(""): "fn forward(&mut self, xs: &Tensor) -> Tensor {
        let (xs, _) = self.rnn.seq(&xs.apply(&self.embedding));
        self.head.forward(&xs.apply_t(&self.norm, true))
    }";
    islands(""): "fn loss(&self, logits: &Tensor) -> Tensor {
        #[amp(full)]
        let p = logits.sigmoid();
        #[amp(skip)]
        { self.log(&p.exp()); }
        #[amp(low)]
        p.exp()
    }";
    overrides("low(exp), full(relu)"): "fn forward(xs: &Tensor) -> Tensor { xs.exp().relu() }";
    closures(""): "fn block(p: nn::Path) -> FuncT { let c = conv(&p); nn::func_t(move |xs, train| xs.apply(&c).softmax(-1, xs.kind())) }";
    reciprocal(""): "fn inverse(xs: &Tensor, scale: f64) -> Tensor { scale / xs }";
    square(""): "fn rms(xs: &Tensor, w: &Tensor) -> Tensor { let h = xs.matmul(w); &h / (&h * (&h)).mean(Kind::Float).sqrt() }";
    in_macros(""): "fn pair(a: &Tensor, b: &Tensor) -> Vec<Tensor> { assert!(a.dim() > 1); vec![a.matmul(b), a.exp()] }";
    returns("output = full"): "fn forward(xs: &Tensor, w: &Tensor) -> Tensor { if w.numel() == 0 { return xs.shallow_clone(); } xs.matmul(w) }";
    writes(""): "fn forward(&self, xs: &mut Tensor) -> Tensor { let _ = xs.relu_(); no_grad(|| self.ema.update()); xs.matmul(&self.w) }";
    strict("deny(opaque)"): "fn forward(&self, xs: &Tensor) -> Tensor { self.b.forward(&xs.apply(&self.a)) }";
}

#[test]
fn incomplete_code_comes_back_with_one_error() {
    let expanded =
        crate::pipeline::expand("".parse().unwrap(), "fn f(x: &Tensor) { x. }".parse().unwrap()).to_string();
    assert!(expanded.starts_with("fn f (x : & Tensor) { x . }"), "{expanded}");
    assert_eq!(expanded.matches("compile_error").count(), 1, "{expanded}");
}

#[test]
fn an_impl_block_rewrites_what_has_something_to_rewrite() {
    let expanded = expand(
        "",
        "impl nn::Module for Net { fn forward(&self, xs: &Tensor) -> Tensor { xs.matmul(&self.w) } fn name(&self) -> &str { \"net\" } }",
    );
    assert_eq!(expanded.matches("__amp::enter(").count(), 1, "{expanded}");
    assert!(expanded.contains("KnownLayer for Net"), "{expanded}");
}
