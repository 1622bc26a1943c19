//! Functions of every shape that the grammar allows, more than a compiler would accept.
use proptest::prelude::{BoxedStrategy, Just, Strategy};
use proptest::sample::select;
use proptest::{collection, option};

const LEAVES: &[&str] = &[
    "x",
    "w",
    "h",
    "xs",
    "self",
    "self.w",
    "a.b.c",
    "x[0]",
    "pair.0",
    "1",
    "2.5",
    "-1",
    "1e-8",
    "70000.",
    "-1e9",
    "0u8",
    "\"s\"",
    "b\"s\"",
    "c\"s\"",
    "'c'",
    "true",
    "()",
    "None",
    "Kind::Float",
    "Kind::Half",
    "h.kind()",
    "Self::C",
    "f64::NEG_INFINITY",
    "f32::MIN as f64",
    "r#type",
    "[]",
    "&[]",
    "Tensor::relu",
    "<T as Tr>::f",
    "..",
    "1..2",
    "..=3",
    "S { a, b: 1, ..s }",
    "env!(\"A\")",
    "vec![]",
    "vec![0; 2]",
    "panic!()",
    "m!(x => y ; z)",
    "break",
    "continue",
    "return",
    "'b'.x()",
    "async {}",
    "const { 1 }",
    "|x| x",
    "move || {}",
    "loop {}",
    "_",
    "&raw const x",
    "builtin # x",
    "x?",
];

const METHODS: &[&str] = &[
    "matmul",
    "softmax",
    "log_softmax",
    "exp",
    "log",
    "sum",
    "prod",
    "norm",
    "relu",
    "relu_",
    "add_",
    "g_add",
    "f_exp",
    "f_matmul?",
    "conv2d",
    "cat",
    "stack",
    "einsum",
    "apply",
    "apply_t",
    "apply_opt",
    "forward",
    "forward_t",
    "seq",
    "seq_init",
    "step",
    "backward",
    "zero_grad",
    "backward_step",
    "clip_grad_norm",
    "to_kind",
    "masked_fill",
    "binary_cross_entropy",
    "sigmoid",
    "addcmul",
    "dot",
    "exp_out",
    "view",
    "view_",
    "i",
    "size",
    "tr",
    "kind",
    "unknown",
    "map",
    "iter",
    "unwrap",
    "clone",
    "double_value",
    "sum::<f64>",
    "softmax::<>",
    "cross_entropy_for_logits",
    "layer_norm",
    "fill_",
    "clamp_min",
    "pow",
    "pow_tensor_scalar",
    "square",
    "await",
];

const OPERATORS: &[&str] =
    &["+", "-", "*", "/", "%", "==", "<", "&&", "||", "=", "+=", "*=", "-=", "/=", "..", "..=", "<<", "|"];

const PATTERNS: &[&str] = &[
    "x",
    "_",
    "mut h",
    "ref h",
    "(a, b)",
    "(a, _, ..)",
    "Some(x)",
    "&x",
    "[a, .., b]",
    "[a, rest @ ..]",
    "S { a, b: c, .. }",
    "1..=2",
    "A | B",
    "x @ 1..",
    "None",
    "\"s\"",
    "-1",
    "Self(x)",
    "(x)",
    "Box(&mut y)",
    "m!()",
    "const { 1 }",
    "x::<T>::Y { .. }",
];

const TYPES: &[&str] = &[
    "Tensor",
    "&Tensor",
    "f64",
    "Vec<Tensor>",
    "Option<&Tensor>",
    "_",
    "impl Fn(&T) -> T",
    "[i64; { 1 + 2 }]",
    "!",
    "(A, B)",
];

const MARKS: &[&str] = &[
    "#[amp(full)]",
    "#[amp(low)]",
    "#[amp(skip)]",
    "#[amp]",
    "#[amp(ful)]",
    "#[allow(unused)]",
    "#[cfg(any())]",
    "#[amp(full, skip)]",
];

const HEADS: &[&str] = &[
    "fn f(x: &Tensor, w: &Tensor) -> Tensor",
    "fn f(&self, x: &Tensor) -> Tensor",
    "pub(crate) fn f(mut self, h: Tensor)",
    "fn f(self: Box<Self>, (a, b): (Tensor, &Tensor)) -> (Tensor, f64)",
    "unsafe fn f<'a, T: Tr<'a>>(x: &'a T) -> &'a T where T: ?Sized",
    "async fn f(x: &Tensor) -> Tensor",
    "const fn f(x: f64) -> f64",
    "extern \"C\" fn f(x: i64)",
    "fn f<const N: usize>([a, ..]: [Tensor; N]) -> impl Tr + use<N>",
    "fn f(&mut self, opt: &mut OptimWrapper, a: &mut OptimWrapper) -> Result<Tensor, E>",
    "fn f() -> !",
    "fn r#fn(_: impl Module, x: &dyn Module)",
];

/// What the attribute says.
pub(super) const WORDS: &[&str] = &[
    "",
    "",
    "",
    "",
    "dtype = bf16",
    "dtype = f16, output = full",
    "low(exp), full(square, my_op)",
    "deny(opaque), allow(tiny_literal)",
    "train_step",
    "train_step, optimizer = self.opt",
    "crate = ::other::path",
    "outptu = full",
    "dtype = full",
    "low(exp), full(exp)",
    "deny(nothing)",
    "full(",
    "=",
    "dtype",
    "dtype = bf16 dtype = f16",
    "\"words\"",
    "output = full, output = full",
];

fn list(item: impl Strategy<Value = String>, most: usize) -> impl Strategy<Value = Vec<String>> {
    collection::vec(item, 0..=most)
}

fn pattern() -> impl Strategy<Value = &'static str> {
    select(PATTERNS)
}

fn statement(expr: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let mark = || option::weighted(0.2, select(MARKS)).prop_map(Option::unwrap_or_default);
    let value = expr.clone();
    let kinds = [
        (pattern(), option::of(select(TYPES)), expr.clone(), mark())
            .prop_map(|(pattern, ty, value, mark)| {
                let ty = ty.map(|ty| format!(": {ty}")).unwrap_or_default();
                format!("{mark} let {pattern}{ty} = ({value});")
            })
            .boxed(),
        (pattern(), expr.clone(), expr.clone())
            .prop_map(|(pattern, value, other)| {
                format!("let {pattern} = ({value}) else {{ return {other} }};")
            })
            .boxed(),
        pattern().prop_map(|pattern| format!("let {pattern};")).boxed(),
        (expr.clone(), mark()).prop_map(|(value, mark)| format!("{mark} {{ {value} }}")).boxed(),
        (expr.clone(), mark()).prop_map(|(value, mark)| format!("{mark} m!{{ {value} }}")).boxed(),
        (expr, mark()).prop_map(|(value, mark)| format!("{mark} ({value});")).boxed(),
        select(
            &[
                ";",
                "use a::b as c;",
                "const N: usize = { x.exp() };",
                "struct S;",
                "macro_rules! m { () => { x.exp() } }",
                "static A: T = a.b();",
            ][..],
        )
        .prop_map(str::to_owned)
        .boxed(),
        value.prop_map(|value| format!("fn inner(x: &Tensor) -> Tensor {{ {value} }}")).boxed(),
    ];
    proptest::strategy::Union::new(kinds).boxed()
}

fn block(expr: &BoxedStrategy<String>) -> impl Strategy<Value = String> + use<> {
    let statements = list(statement(expr.clone()), 3);
    (statements, option::of(expr.clone()))
        .prop_map(|(statements, tail)| format!("{{ {} {} }}", statements.join(" "), tail.unwrap_or_default()))
}

fn call(expr: &BoxedStrategy<String>) -> BoxedStrategy<String> {
    let arguments = list(expr.clone(), 3).prop_map(|list| list.join(", "));
    (expr.clone(), select(METHODS), arguments, 0..5u8)
        .prop_map(|(receiver, method, arguments, form)| {
            let (name, after) = method.split_once('?').map_or((method, ""), |(name, _)| (name, "?"));
            match (form, name) {
                (_, "await") => format!("({receiver}).await"),
                (0, name) => format!("Tensor::{name}({receiver}, {arguments}){after}"),
                (1, name) => format!("&({receiver}).{name}({arguments}){after}"),
                (2, name) => format!("{name}!({receiver}, {arguments})"),
                (_, name) => format!("({receiver}).{name}({arguments}){after}"),
            }
        })
        .boxed()
}

fn deeper(expr: &BoxedStrategy<String>) -> BoxedStrategy<String> {
    let e = || expr.clone();
    let body = || block(expr);
    let kinds = [
        call(expr),
        call(expr),
        call(expr),
        (e(), select(OPERATORS), e()).prop_map(|(a, op, b)| format!("(({a}) {op} ({b}))")).boxed(),
        (select(&["-", "!", "*", "&", "&mut ", "&&"][..]), e())
            .prop_map(|(op, a)| format!("{op}({a})"))
            .boxed(),
        (e(), e(), e()).prop_map(|(a, b, c)| format!("(({a}), [{b}, {c}], (({a})[{c}])?).0")).boxed(),
        (e(), body(), body()).prop_map(|(a, b, c)| format!("if ({a}) {b} else {c}")).boxed(),
        (pattern(), e(), e(), body())
            .prop_map(|(p, a, b, c)| format!("if let {p} = ({a}) && ({b}) {c}"))
            .boxed(),
        (e(), pattern(), e(), e(), pattern())
            .prop_map(|(a, p, b, c, q)| {
                format!("match ({a}) {{ {p} if ({b}) => {{ {c} }} {q} => ({b}), _ => {{}} }}")
            })
            .boxed(),
        (pattern(), e(), body()).prop_map(|(p, a, b)| format!("'a: for {p} in ({a}) {b}")).boxed(),
        (pattern(), e(), body()).prop_map(|(p, a, b)| format!("while let {p} = ({a}) {b}")).boxed(),
        (body(), e()).prop_map(|(a, b)| format!("'a: loop {{ {a}; break 'a ({b}) }}")).boxed(),
        (body(), e()).prop_map(|(a, b)| format!("'b: {{ {a}; break 'b {b} }}")).boxed(),
        (pattern(), pattern(), e()).prop_map(|(p, q, a)| format!("|{q}, ({p})| ({a})")).boxed(),
        (pattern(), select(TYPES), body())
            .prop_map(|(p, t, b)| format!("move |({p}): {t}| -> {t} {b}"))
            .boxed(),
        (e(), select(TYPES)).prop_map(|(a, t)| format!("(({a}) as {t})")).boxed(),
        list(e(), 3).prop_map(|list| format!("vec![{}]", list.join(", "))).boxed(),
        (e(), e()).prop_map(|(a, b)| format!("assert!({a}, \"{{}}\", {b})")).boxed(),
        (e(), pattern(), e()).prop_map(|(a, p, b)| format!("matches!({a}, {p} if {b})")).boxed(),
        (e(), e()).prop_map(|(a, b)| format!("S {{ a: {a}, b: {b}, ..({a}) }}")).boxed(),
        (e(), e()).prop_map(|(a, b)| format!("[({a}); {b}]")).boxed(),
        (select(&["unsafe", "async move", "const", ""][..]), body())
            .prop_map(|(word, b)| format!("{word} {b}"))
            .boxed(),
        (select(MARKS), body()).prop_map(|(mark, b)| format!("f({mark} {b})")).boxed(),
        e().prop_map(|a| format!("(return {a})")).boxed(),
    ];
    proptest::strategy::Union::new(kinds).boxed()
}

/// The text of a function that parses.
pub(super) fn function() -> BoxedStrategy<String> {
    let leaf = select(LEAVES).prop_map(str::to_owned);
    let expr = leaf.prop_recursive(4, 24, 3, |inner| deeper(&inner.boxed())).boxed();
    (select(HEADS), block(&expr), Just(()))
        .prop_map(|(head, body, ())| format!("{head} {body}"))
        .prop_filter("the grammar is wider than syn's", |text| syn::parse_str::<syn::ItemFn>(text).is_ok())
        .boxed()
}
