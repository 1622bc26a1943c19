//! A plan in words: on stderr, in the documentation, in the registry.
use crate::analyse::analyse;
use crate::args::Args;
use crate::explain::{Explanation, explain};
use crate::names::Names;
use crate::syntax::labels::Labelled;
use expect_test::expect;
use quote::ToTokens;

fn explained() -> Explanation {
    let function: syn::ItemFn = syn::parse_str(
        "fn forward(&self, xs: &Tensor) -> Tensor {
            let h = xs.apply(&self.embed);
            let h = h.matmul(&self.w).relu();
            let p = h.softmax(-1, h.kind());
            #[amp(full)]
            let q = h.sigmoid();
            self.rnn.seq(&q);
            1. / (p * q)
        }",
    )
    .unwrap();
    let body = Labelled::new(*function.block);
    let args = Args::default();
    let plan = analyse(&function.sig, &body, &args);
    explain(&function.sig.ident, Some("Net"), &plan)
}

#[test]
fn as_text() {
    expect![[r"
        Net::forward: 2 of 6 sites low, 3 casts, 2 layer calls
             2  apply(&self.embed)  by layer     by layer        (the layer's type decides)
             3  matmul              low          low           input to low, if needed; argument 1 to low, if needed  (matrix products are where low precision pays, and they accumulate in full)
             3  relu                follow       low           none  (computed in full inside and rounded once)
             4  softmax             full output  full          output dtype f32, if a low one is asked for  (many terms add up: it reads low and gives f32)
             6  sigmoid             full         full          input to full  (inside `#[amp(full)]`)
             7  self.rnn.seq(..)    by layer     by layer        (the layer's type decides)
             8  mul                 follow       full          none  (it follows its operands)
             8  div                 full         full          none  (`number / tensor` is a reciprocal)
    "]]
    .assert_eq(&explained().text());
}

#[test]
fn as_documentation() {
    let table = explained().documentation().unwrap().to_token_stream().to_string();
    assert!(table.contains("`Net::forward: 2 of 6 sites low, 3 casts, 2 layer calls`"), "{table}");
    assert!(table.contains("| 4 | `softmax` | full output | full |"), "{table}");
    assert_eq!(table.matches("\\n| ").count(), 9, "a head and a row for each site and layer call: {table}");
}

#[test]
fn as_constants() {
    let constants = explained().registered(&Args::default(), &Names::new(None)).to_string();
    assert_eq!(constants.matches("SitePlan :: new").count(), 6);
    assert_eq!(constants.matches("LayerPlan :: new").count(), 2);
    assert!(constants.contains("static __AMP_LAYERS : [__amp :: LayerPlan ; 2usize]"), "{constants}");
    assert!(constants.contains("\"::Net::forward\""), "{constants}");
}
