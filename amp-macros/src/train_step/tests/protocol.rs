//! Every sequence of up to four calls, and the first that is accused: `tests/train_step/orders.txt`, which the real wrapper
//! is held to as well.
use super::accusations;
use expect_test::expect_file;
use std::fmt::Write;

const CALLS: [(&str, &str); 5] = [
    ("backward", "loss.backward();"),
    ("clip", "opt.clip_grad_norm(1.);"),
    ("step", "opt.step();"),
    ("zero_grad", "opt.zero_grad();"),
    ("update", "opt.backward_step(&loss);"),
];

#[test]
fn the_check_has_the_order_of_the_wrapper() {
    let mut table = String::new();
    for length in 1..=4_u32 {
        for number in 0..CALLS.len().pow(length) {
            let digits = (0..length).map(|place| number / CALLS.len().pow(place) % CALLS.len());
            let calls: Vec<_> = digits.map(|digit| CALLS[digit]).collect();
            let body: Vec<&str> = calls.iter().map(|(_, code)| *code).collect();
            let found = accusations(&super::step(&body.join("\n")), "");
            // The first line is the function's head.
            let first = found
                .iter()
                .find(|error| error.text.contains("train_step_order"))
                .map(|error| error.line - 2);
            let names: Vec<&str> = calls.iter().map(|(name, _)| *name).collect();
            let verdict = first.map_or("right".to_owned(), |first| format!("{first} is wrong"));
            writeln!(table, "{}: {verdict}", names.join(" ")).unwrap();
        }
    }
    expect_file!["../../../../tests/train_step/orders.txt"].assert_eq(&table);
}

/// A method that the table lacks would end the check; one that is gone would be wired into nothing.
#[test]
fn the_methods_are_those_of_the_wrapper() {
    use super::super::calls::METHODS;
    let room = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../amp-runtime/src/optim_wrapper");
    let mut written: Vec<(String, bool)> = Vec::new();
    for entry in std::fs::read_dir(room).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for item in syn::parse_file(&text).unwrap().items {
            let syn::Item::Impl(block) = item else { continue };
            let of = &block.self_ty;
            if block.trait_.is_some() || quote::quote!(#of).to_string() != "OptimWrapper" {
                continue;
            }
            for item in block.items {
                let syn::ImplItem::Fn(method) = item else { continue };
                if matches!(method.vis, syn::Visibility::Public(_)) && method.sig.receiver().is_some() {
                    let output = &method.sig.output;
                    let fallible = quote::quote!(#output).to_string().starts_with("-> Result");
                    written.push((method.sig.ident.to_string(), fallible));
                }
            }
        }
    }
    written.sort();
    let mut known: Vec<(String, bool)> =
        METHODS.iter().map(|method| (method.name().to_owned(), method.fallible)).collect();
    known.sort();
    assert_eq!(known, written);
}
