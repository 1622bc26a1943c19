//! No input makes the pipeline panic, and what comes out can be read again.
use super::generated::{WORDS, function};
use crate::pipeline::expand;
use proc_macro2::{Group, TokenStream, TokenTree};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;
use std::str::FromStr;

/// An item, or several: an `impl` block may bring a second one.
pub(super) fn reads_back(output: &TokenStream) -> bool {
    syn::parse2::<syn::File>(output.clone()).is_ok()
}

fn errors(output: &str) -> usize {
    output.matches("compile_error").count()
}

fn words(text: &str) -> TokenStream {
    TokenStream::from_str(text).unwrap_or_default()
}

/// Takes the token at `index` away, in depth-first order.
fn without(tokens: TokenStream, index: &mut usize) -> TokenStream {
    let mut kept = TokenStream::new();
    for tree in tokens {
        let here = *index == 0;
        *index = index.wrapping_sub(1);
        match tree {
            _ if here => {}
            TokenTree::Group(group) => {
                let inner = without(group.stream(), index);
                kept.extend([TokenTree::Group(Group::new(group.delimiter(), inner))]);
            }
            other => kept.extend([other]),
        }
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_functions(text in function(), args in select(WORDS)) {
        let output = expand(words(args), TokenStream::from_str(&text).unwrap());
        prop_assert!(reads_back(&output), "{output}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// As in an editor, between two key strokes.
    #[test]
    fn functions_with_a_token_missing(text in function(), index in any::<proptest::sample::Index>()) {
        let whole = TokenStream::from_str(&text).unwrap();
        let cut = without(whole, &mut index.index(text.len().div_ceil(3)));
        let output = expand(TokenStream::new(), cut.clone());
        if syn::parse2::<syn::Item>(cut.clone()).is_err() {
            let (cut, output) = (cut.to_string(), output.to_string());
            prop_assert!(output.starts_with(&cut), "{output}");
            prop_assert_eq!(errors(&output), 1, "{}", output);
        } else {
            prop_assert!(reads_back(&output), "{output}");
        }
    }
}

#[test]
fn incomplete_code_comes_back_with_one_error() {
    for text in [
        "fn f(x: &Tensor) { x. }",
        "fn f(x: &Tensor) -> Tensor { x.matmul( }",
        "fn f(",
        "fn",
        "",
        "#[amp] fn f() {",
    ] {
        let Ok(item) = TokenStream::from_str(text) else { continue };
        let output = expand(TokenStream::new(), item.clone()).to_string();
        assert!(output.starts_with(&item.to_string()), "{output}");
        assert_eq!(errors(&output), 1, "{output}");
    }
}

#[test]
fn the_grammar_covers_what_functions_can_hold() {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let text: String = (0..2_000).map(|_| function().new_tree(&mut runner).unwrap().current()).collect();
    for word in [
        "match",
        "if let",
        "else {",
        "loop",
        "while let",
        "for",
        "matmul",
        "#[amp(full)]",
        "move |",
        "break 'a",
        "vec!",
        "?",
        "async",
        "assert!",
    ] {
        assert!(text.contains(word), "no `{word}`");
    }
}
