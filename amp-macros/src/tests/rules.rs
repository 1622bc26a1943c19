//! Every rule at the tokens that it means, its near misses, and the examples on its page.
use crate::pipeline::expand;
use proc_macro2::{TokenStream, TokenTree};
use syn::{Item, LitStr};

/// An error: the source between the marks, and what it says.
type Found = (String, String);

/// The errors of `#[amp(args)] item`, with the source that each of them points at.
fn errors(args: &str, item: &str) -> Vec<Found> {
    let mut found = Vec::new();
    collect(expand(args.parse().unwrap(), item.parse().unwrap()), &mut found);
    found
}

/// Looks for `::core::compile_error! { "message" }`, which begins at its first token and ends at its braces.
fn collect(tokens: TokenStream, found: &mut Vec<Found>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        if index < 2 || tokens[index - 2].to_string() != "compile_error" {
            collect(group.stream(), found);
            continue;
        }
        let message: LitStr = syn::parse2(group.stream()).unwrap();
        let place = tokens[index - 2].span().join(group.span()).and_then(|span| span.source_text());
        found.push((place.unwrap_or_else(|| panic!("at no place: {}", message.value())), message.value()));
    }
}

/// A body in which a rule's places stand between `⟦` and `⟧`, in the order of the errors: these, and no others.
fn check(rule: &str, args: &str, body: &str) {
    let both = format!("{body}{args}");
    let marked: Vec<String> =
        both.split('⟦').skip(1).map(|rest| rest.split('⟧').next().unwrap().to_owned()).collect();
    let [args, plain] = [args, body].map(|text| text.replace(['⟦', '⟧'], ""));
    let optim = if args.contains("train_step") { ", optim: &mut OptimWrapper" } else { "" };
    let item =
        format!("fn f(&self, x: &Tensor, w: &Tensor, m: &Tensor, c: bool{optim}) -> Tensor {{ {plain} }}");
    let found = errors(&args, &item);
    let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, marked, "#[amp({args})] {body}\n{found:#?}");
    for (_, message) in &found {
        assert!(message.contains(&format!("[amp::{rule}]")), "{body}: {message}");
        in_the_manner_of_the_house(message);
    }
}

/// Lower case, no full stop, headline, note and help in one line each, and always a way out.
fn in_the_manner_of_the_house(message: &str) {
    let lines: Vec<&str> = message.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.len() <= 3, "{message}");
    assert!(lines.last().is_some_and(|line| line.starts_with("help: ")), "no way out: {message}");
    for line in lines {
        let line = line.trim_start_matches("note: ").trim_start_matches("help: ");
        assert!(!line.starts_with(char::is_uppercase) && !line.ends_with('.'), "{message}");
    }
}

/// One test a rule: `args => body`, marked where the rule fires; a body without marks is a near miss.
macro_rules! rules {
    ($($rule:ident { $($args:literal => $body:literal;)* })*) => {
        $(
            #[test]
            fn $rule() {
                $(check(stringify!($rule), $args, $body);)*
            }
        )*
    };
}

rules! {
    banned_op {
        "" => "x.⟦binary_cross_entropy⟧(m, None::<Tensor>, Reduction::Mean)";
        "" => "let p = x.sigmoid(); p.⟦binary_cross_entropy⟧(m, None::<Tensor>, Reduction::Mean)";
        "" => "let p = x.sigmoid().view([-1]); p.⟦f_binary_cross_entropy⟧(m, None::<Tensor>, Reduction::Mean).unwrap()";
        "" => "#[amp(low)] { x.⟦binary_cross_entropy⟧(m, None::<Tensor>, Reduction::Mean) }";
        "" => "#[amp(full)] { x.binary_cross_entropy(m, None::<Tensor>, Reduction::Mean) }";
        "" => "#[amp(skip)] { x.binary_cross_entropy(m, None::<Tensor>, Reduction::Mean) }";
        "" => "x.binary_cross_entropy_with_logits(m, None::<Tensor>, None::<Tensor>, Reduction::Mean)";
        "full(binary_cross_entropy)" => "x.binary_cross_entropy(m, None::<Tensor>, Reduction::Mean)";
        "allow(banned_op)" => "x.binary_cross_entropy(m, None::<Tensor>, Reduction::Mean)";
        "" => "self.binary_cross_entropy(m)";
    }
    low_request {
        "" => "x.softmax(-1, ⟦Kind::Half⟧)";
        "" => "x.matmul(w).sum(⟦tch::Kind::BFloat16⟧)";
        "" => "x.log_softmax(-1, ⟦Some(Kind::Half)⟧)";
        "" => "x.exp().to_kind(⟦Kind::Half⟧).exp()";
        "" => "let y = x.exp().to_kind(⟦Kind::BFloat16⟧); y.exp() + y.log()";
        "" => "x.softmax(-1, Kind::Double)";
        "" => "x.softmax(-1, x.kind())";
        "" => "x.sum(Kind::Int64)";
        "low(softmax)" => "x.softmax(-1, Kind::Half)";
        "" => "#[amp(low)] { x.softmax(-1, Kind::Half) }";
        "" => "x.to_kind(Kind::Half).matmul(w)";
        "" => "x.matmul(w).to_kind(Kind::Half).exp()";
        "" => "self.softmax(Kind::Half)";
    }
    huge_literal {
        "" => "x.matmul(w).masked_fill(m, ⟦-1e9⟧)";
        "" => "let s = x.matmul(w); s.masked_fill(m, ⟦f32::MIN as f64⟧)";
        "" => "x.matmul(w).f_masked_fill(m, ⟦f64::MIN⟧).unwrap()";
        "" => "let big = 70000; x.matmul(w).masked_fill(m, ⟦big⟧)";
        "" => "x.matmul(w) + ⟦70000.⟧";
        "" => "⟦1e5⟧ - x.matmul(w)";
        "" => "x.matmul(w) * ⟦-1e9⟧";
        "" => "x.matmul(w) / ⟦1e8⟧";
        "" => "x.matmul(w).clamp(⟦-1e5⟧, ⟦1e5⟧)";
        "" => "x.matmul(w).g_add_scalar(⟦1e5⟧)";
        "" => "let mut h = x.matmul(w); let _ = h.fill_(⟦1e5_f64⟧); h";
        "" => "let mut h = x.matmul(w); h += ⟦1e5⟧; h";
        "" => "let h = x.matmul(w); Tensor::full([2], ⟦1e5⟧, (h.kind(), h.device()))";
        "" => "Tensor::full([2], ⟦1e5⟧, (Kind::Half, Device::Cpu))";
        "" => "Tensor::where_scalarself(m, ⟦-1e9⟧, &x.matmul(w))";
        "" => "if c { x.matmul(w) } else { w.matmul(x) }.masked_fill(m, ⟦-1e9⟧)";
        "dtype = bf16" => "x.matmul(w).masked_fill(m, ⟦f32::MIN as f64⟧)";
        "dtype = bf16" => "x.matmul(w).masked_fill(m, -1e9)";
        "" => "x.masked_fill(m, -1e9)";
        "" => "x.exp().masked_fill(m, -1e9)";
        "" => "x.matmul(w).masked_fill(m, f64::NEG_INFINITY)";
        "" => "x.matmul(w).masked_fill(m, -65504.)";
        "" => "x.matmul(w).masked_fill(m, -1e4)";
        "" => "x.matmul(w).exp() + 1e5";
        "" => "x.matmul(w) / 1e5";
        "" => "x.matmul(w).gt(1e5)";
        "" => "if c { x.matmul(w) } else { x.shallow_clone() }.masked_fill(m, -1e9)";
        "" => "#[amp(full)] { x.matmul(w).masked_fill(m, -1e9) }";
        "" => "#[amp(skip)] { x.matmul(w).masked_fill(m, -1e9) }";
        "" => "let big = 1.; let big = 1e9; x.matmul(w).masked_fill(m, big)";
        "" => "Tensor::full([2], 1e5, (Kind::Float, Device::Cpu))";
        "allow(huge_literal)" => "x.matmul(w).masked_fill(m, -1e9)";
    }
    tiny_literal {
        "" => "x.matmul(w) + ⟦1e-8⟧";
        "" => "let eps = 1e-8; x / (w.matmul(x) + ⟦eps⟧)";
        "" => "const EPS: f64 = 1e-12; x.matmul(w).clamp_min(⟦EPS⟧)";
        "" => "x.matmul(w).clamp(⟦1e-8⟧, ⟦1. - 1e-8⟧)";
        "dtype = bf16" => "x.matmul(w).clamp(1e-8, ⟦0.999⟧)";
        "" => "x.matmul(w) * ⟦1e-8⟧";
        "" => "x.matmul(w) / ⟦1e-8⟧";
        "" => "x.matmul(w).ge(⟦1e-8⟧)";
        "" => "x.matmul(w).lt(⟦f64::MIN_POSITIVE⟧)";
        "" => "let mut h = x.matmul(w); h -= ⟦1e-8⟧; h";
        "" => "x.matmul(w).fill(⟦1e-8⟧)";
        "" => "x.matmul(w) + 1e-4";
        "" => "x.matmul(w) + 6e-8";
        "" => "x.matmul(w) + 0.";
        "" => "x + 1e-8";
        "" => "x.matmul(w).exp() + 1e-8";
        "" => "x.matmul(w).sum(Kind::Float) + 1e-8";
        "" => "x.matmul(w).gt(1e-8)";
        "" => "x.matmul(w).clamp(0., 1.)";
        "" => "x.matmul(w).pow_tensor_scalar(1e-8)";
        "dtype = bf16" => "x.matmul(w) + 1e-8";
        "" => "#[amp(full)] { x.matmul(w) + 1e-8 }";
        "allow(tiny_literal)" => "x.matmul(w) + 1e-8";
    }
    in_place {
        "" => "let mut h = x.matmul(w); let _ = h.⟦exp_⟧(); h";
        "" => "let mut h = x.exp(); let _ = h.⟦addmm_⟧(x, w); h";
        "" => "let mut h = x.matmul(w); #[amp(full)] { h ⟦+=⟧ m; } h";
        "" => "let h = x.matmul(w); let _ = x.⟦exp_out⟧(&h); h";
        "full(relu_)" => "let mut h = x.matmul(w); let _ = h.⟦relu_⟧(); h";
        "" => "let mut h = x.matmul(w); let _ = h.relu_(); h";
        "" => "let mut h = x.exp(); let _ = h.log_(); h";
        "" => "let mut h = x.shallow_clone(); let _ = h.exp_(); h";
        "" => "let mut h = x.matmul(w); h += m; h";
        "" => "let mut h = x.matmul(w); let _ = h.transpose_(0, 1); h.exp()";
        "" => "let mut h = x.matmul(w); #[amp(skip)] { let _ = h.exp_(); } h";
    }
    backward_inside {
        "" => "let loss = x.mse_loss(w, Reduction::Mean); loss.⟦backward⟧(); loss";
        "" => "let loss = self.net(x).cross_entropy_for_logits(w); loss.⟦backward⟧(); loss";
        "" => "x.⟦f_backward⟧().unwrap()";
        "" => "self.backward(); x.relu()";
        "" => "self.graph.backward(x); x.relu()";
        "" => "#[amp(skip)] { x.backward(); } x.relu()";
        "allow(backward_inside)" => "x.backward(); x.relu()";
    }
    coordinate_product {
        "" => "let b = x.matmul(w); (b.select(1, 2) - b.select(1, 0)) ⟦*⟧ (b.select(1, 3) - b.select(1, 1))";
        "" => "let b = x.matmul(w); let c = w.matmul(x); let h = &b - &c; let v = &c - b.relu(); h ⟦*⟧ v";
        "" => "let (a, b) = (x.matmul(w), w.matmul(x)); (&a - &b).clamp_min(0.) ⟦*⟧ (a - b.relu() + 1.).relu()";
        "dtype = bf16" => "let (a, b) = (x.matmul(w), w.matmul(x)); (&a - &b).⟦multiply⟧(&(a - b.relu()))";
        "" => "let (a, b) = (x.matmul(w), w.matmul(x)); let (h, v) = (&a - &b, &a - b.relu()); h ⟦*⟧ v";
        "" => "let (a, b) = (x.matmul(w), w.matmul(x)); let d = &a - &b; &d * &d";
        "" => "let (a, b) = (x.matmul(w), w.matmul(x)); (&a - &b) * (&a - &b)";
        "" => "let z = x.matmul(w).sigmoid(); let h = w.matmul(x); (1. - &z) * (h - &z)";
        "" => "(x - w) * (w - m)";
        "" => "let b = x.matmul(w); let b = b.to_kind(Kind::Float); (&b - b.relu()) * (b.relu() - &b)";
        "" => "let b = x.matmul(w); #[amp(full)] { (&b - b.relu()) * (b.relu() - b.tr()) }";
    }
    arm_mismatch {
        "" => "let h = x.matmul(w); ⟦if⟧ c { h.softmax(-1, None) } else { h }";
        "" => "let h = x.matmul(w); let y = ⟦match⟧ self.kind { 0 => h.exp(), 1 => h.relu(), _ => h.tr() }; y.relu()";
        "" => "let h = x.matmul(w); let y = ⟦if⟧ c { h.exp() } else if self.kind { h.log() } else { h }; y";
        "" => "let h = x.matmul(w); if c { h.relu() } else { h }";
        "" => "if c { x.matmul(w) } else { x.shallow_clone() }";
        "" => "let h = x.matmul(w); if c { return h.exp(); } h";
        "" => "let h = x.matmul(w); let y = if c { h.exp() } else { panic!(\"no\") }; y";
        "output = full" => "let h = x.matmul(w); if c { h.softmax(-1, None) } else { h }";
        "" => "let h = x.matmul(w); if c { h.exp() } else { h.to_kind(Kind::Float) }";
    }
    unseen_site {
        "" => "twice!(x.⟦matmul⟧(w))";
        "" => "my::either! { c => x.⟦exp⟧(), 1. }";
        "" => "self.heads.iter().map(⟦Tensor::exp⟧).collect()";
        "" => "twice!(self.count)";
        "" => "assert_eq!(x.matmul(w).size(), [1, 2]); x.relu()";
        "" => "#[amp(skip)] { twice!(x.matmul(w)) }";
        "" => "self.heads.iter().map(Tensor::relu).collect()";
    }
    unused_word {
        "full(⟦gelo⟧)" => "x.gelu(\"none\")";
        "low(⟦exp⟧)" => "x.relu()";
        "deny(⟦opaqe⟧)" => "x.relu()";
        "allow(⟦everything⟧)" => "x.relu()";
        "low(⟦matmul⟧)" => "x.matmul(w)";
        "full(⟦exp⟧)" => "x.exp()";
        "" => "#[amp(⟦full⟧)] { let y = x; } x.relu()";
        "" => "#[amp(⟦skip⟧)] let y = 3; x.relu()";
        "" => "#[amp(⟦low⟧)] { self.forward_all(x); } x.relu()";
        "" => "#[amp(skip)] { #[amp(⟦full⟧)] { x.exp(); } } x.relu()";
        "" => "#[amp(full)] { self.forward_all(x); } x.relu()";
        "" => "#[amp(skip)] let y = helper(x); y";
        "" => "#[amp(low)] { x.exp(); } x.relu()";
        "allow(unused_word)" => "#[amp(full)] { let y = x; } x.relu()";
        "full(gelu)" => "x.gelu(\"none\")";
        "full(my_op)" => "x.my_op(w)";
        "low(exp), deny(opaque), allow(tiny_literal)" => "x.exp()";
    }
    host_sync {
        "train_step, deny(host_sync)" => "let l = x.exp(); l.backward(); l.⟦double_value⟧(&[]); optim.step(); l";
        "train_step, deny(host_sync)" => "let l = x.exp(); l.backward(); l.⟦print⟧(); optim.step(); l";
        "train_step, deny(host_sync)" => "let l = x.exp(); l.backward(); let v = ⟦f64::try_from⟧(&l)?; optim.step(); l";
        "train_step, deny(host_sync)" => "let l = x.exp(); l.backward(); optim.step(); l.double_value(&[]); l";
        "train_step, deny(host_sync)" => "let l = x.exp(); l.double_value(&[]); l.backward(); optim.step(); l";
        "train_step, deny(host_sync)" => "let l = x.exp(); l.backward(); self.bar.print(1); optim.step(); l";
        "train_step" => "let l = x.exp(); l.backward(); l.double_value(&[]); optim.step(); l";
    }
}

#[test]
fn all_errors_of_a_function_come_at_once() {
    let item = "fn f(x: &Tensor, w: &Tensor, m: &Tensor) -> Tensor {
        let s = x.matmul(w).masked_fill(m, -1e9);
        s.backward();
        let p = s.softmax(-1, Kind::Half);
        s.matmul(&p) + 1e-8
    }";
    let found = errors("full(gelo)", item);
    let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["Kind::Half", "-1e9", "1e-8", "backward", "gelo"]);
}

#[test]
fn the_words_of_a_block_are_used_by_any_of_its_functions() {
    let block = "impl Net {
        fn one(&self, x: &Tensor) -> Tensor { x.gelu(\"none\") }
        fn other(&self, x: &Tensor) -> Tensor { x.exp() }
    }";
    assert_eq!(errors("full(gelu), low(exp)", block), []);
    let places: Vec<String> = errors("full(gelu, silu)", block).into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["silu"]);
}

/// The rules with their pages, as `amp_runtime::rules` gets them.
fn pages() -> Vec<(String, String)> {
    let file: syn::File = syn::parse2(crate::diagnose::print_rules()).unwrap();
    file.items.into_iter().map(|item| page(&item)).collect()
}

fn page(item: &Item) -> (String, String) {
    let Item::Mod(module) = item else { panic!("a page is a module") };
    let doc = module.attrs.iter().find_map(|attr| match &attr.meta.require_name_value().unwrap().value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(doc), .. }) => Some(doc.value()),
        _ => None,
    });
    (module.ident.to_string(), doc.unwrap())
}

/// The errors of the `#[amp]` items in the code blocks below a heading of a page.
fn below(page: &str, heading: &str) -> (usize, Vec<Found>) {
    let section = page
        .split("### ")
        .find(|section| section.starts_with(heading))
        .unwrap_or_else(|| panic!("no {heading}"));
    let blocks: Vec<&str> =
        section.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap().1).collect();
    let mut found = Vec::new();
    for block in &blocks {
        for item in syn::parse_file(block).unwrap_or_else(|error| panic!("{error}: {block}")).items {
            let attrs = match &item {
                Item::Fn(function) => &function.attrs,
                Item::Impl(block) => &block.attrs,
                _ => continue,
            };
            let Some(amp) = attrs.iter().find(|attr| attr.path().is_ident("amp")) else { continue };
            let args = amp.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default();
            let mut plain = item.clone();
            match &mut plain {
                Item::Fn(function) => function.attrs.clear(),
                Item::Impl(block) => block.attrs.clear(),
                _ => {}
            }
            found.extend(errors(&args, &quote::ToTokens::to_token_stream(&plain).to_string()));
        }
    }
    (blocks.len(), found)
}

#[test]
fn every_page_shows_its_mistake_and_a_way_out() {
    let pages = pages();
    assert!(pages.len() >= 12);
    for (rule, page) in pages {
        assert!(page.contains("### What it does") && page.contains("### Why is this bad"), "{rule}");
        let (blocks, mistakes) = below(&page, "Example");
        assert_eq!(blocks, 1, "{rule}");
        // What the type decides is an error of rustc's own: the page's `compile_fail` shows it.
        if rule != "opaque" {
            assert!(!mistakes.is_empty(), "{rule}");
        }
        for (_, message) in mistakes {
            assert!(message.contains(&format!("[amp::{rule}]")), "{rule}: {message}");
        }
        let (blocks, left) = below(&page, "Use instead");
        assert!(blocks >= 1 && left.is_empty(), "{rule}: {left:?}");
    }
}
