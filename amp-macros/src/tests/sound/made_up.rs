//! How programs are made up.
use super::program::{Program, Seen, Stmt, Value, Write};
use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::prop_oneof;

pub(super) fn program() -> impl Strategy<Value = Program> {
    vec(stmt(), 1..7).prop_map(Program::new)
}

fn value() -> BoxedStrategy<Value> {
    let plain = prop_oneof![Just(Value::Low), Just(Value::Full), (0..3usize).prop_map(Value::Like)];
    let two = [plain.clone(), plain.clone()];
    prop_oneof![
        6 => plain.clone(),
        1 => two.clone().prop_map(|arms| Value::If(Box::new(arms))),
        1 => two.prop_map(|arms| Value::Early(Box::new(arms))),
        1 => plain.prop_map(|value| Value::Loop(Box::new(value))),
    ]
    .boxed()
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        (0..2usize).prop_map(Write::Index),
        Just(Write::Push),
        Just(Write::IterMut),
        Just(Write::ForEach),
        Just(Write::Borrowed),
        Just(Write::Field),
        Just(Write::Replace),
        Just(Write::SomeMut),
        Just(Write::AsMut),
        Just(Write::SomeRefMut),
        (0..3usize).prop_map(Write::Through),
        (0..3usize).prop_map(Write::RefMut),
        (0..3usize).prop_map(Write::MatchRefMut),
        (0..3usize).prop_map(Write::Macro),
    ]
}

fn stmt() -> BoxedStrategy<Stmt> {
    let name = || 0..3usize;
    let seen = prop_oneof![
        4 => name().prop_map(Seen::Tensor),
        1 => Just(Seen::Tuple),
        1 => (0..2usize).prop_map(Seen::Item),
        1 => Just(Seen::Items),
        1 => Just(Seen::Option),
    ];
    let two = || ([name(), name()], [value(), value()]);
    let leaf = prop_oneof![
        8 => seen.prop_map(|seen| Stmt::Probe(seen, 0)),
        4 => (name(), value()).prop_map(|(tensor, value)| Stmt::Set(tensor, value)),
        1 => two().prop_map(|(names, values)| Stmt::Both(names, values)),
        1 => two().prop_map(|(names, values)| Stmt::Struct(names, values)),
        1 => two().prop_map(|(names, values)| Stmt::Array(names, values)),
        4 => (write(), value()).prop_map(|(write, value)| Stmt::Write(write, value)),
        1 => (name(), name()).prop_map(|(a, b)| Stmt::Swap(a, b)),
        1 => (name(), name()).prop_map(|(a, b)| Stmt::Add(a, b)),
        1 => name().prop_map(Stmt::Extension),
        1 => name().prop_map(Stmt::Format),
        1 => (name(), value()).prop_map(|(tensor, value)| Stmt::CfgSet(tensor, value)),
        1 => any::<usize>().prop_map(Stmt::Break),
        4 => any::<usize>().prop_map(Stmt::Leave),
        1 => any::<usize>().prop_map(Stmt::Continue),
        1 => Just(Stmt::Return),
    ];
    leaf.prop_recursive(4, 40, 5, move |stmt| {
        let body = || vec(stmt.clone(), 0..4);
        prop_oneof![
            (0..3usize, value(), body()).prop_map(|(tensor, value, body)| Stmt::Shadow(tensor, value, body)),
            body().prop_map(Stmt::Assert),
            body().prop_map(Stmt::And),
            body().prop_map(Stmt::Or),
            (body(), body(), body()).prop_map(|(a, b, c)| Stmt::If(a, b, c)),
            vec((body(), body()), 1..3).prop_map(Stmt::Match),
            body().prop_map(Stmt::LetElse),
            body().prop_map(Stmt::Loop),
            (body(), body()).prop_map(|(a, b)| Stmt::While(a, b)),
            body().prop_map(Stmt::For),
            body().prop_map(Stmt::Block),
            body().prop_map(Stmt::Closure),
            body().prop_map(Stmt::Async),
            body().prop_map(Stmt::Cfg),
            (0..3usize, value(), body(), body()).prop_map(|(a, value, b, c)| Stmt::CfgLet(a, value, b, c)),
        ]
    })
    .boxed()
}
