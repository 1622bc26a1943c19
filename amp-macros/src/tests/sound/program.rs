//! Programs over three tensors, a tuple, a list and an option, and how they are written.

/// A tensor's name: 0 to 2.
type Name = usize;

pub(super) fn name(tensor: Name) -> &'static str {
    ["a", "b", "c"][tensor]
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Low,
    Full,
    /// What another one has.
    Like(Name),
    /// The first or the second, by a branch.
    If(Box<[Value; 2]>),
    /// The first by leaving a block early, or the second.
    Early(Box<[Value; 2]>),
    /// By leaving a loop.
    Loop(Box<Value>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Seen {
    Tensor(Name),
    Tuple,
    Item(usize),
    Items,
    Option,
}

/// How something in the list, the option or behind a name is written to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Write {
    Index(usize),
    Push,
    IterMut,
    ForEach,
    Borrowed,
    Field,
    Replace,
    SomeMut,
    AsMut,
    SomeRefMut,
    Through(Name),
    RefMut(Name),
    MatchRefMut(Name),
    Macro(Name),
}

#[derive(Debug, Clone)]
pub(super) enum Stmt {
    Probe(Seen, usize),
    Set(Name, Value),
    Both([Name; 2], [Value; 2]),
    Struct([Name; 2], [Value; 2]),
    Array([Name; 2], [Value; 2]),
    Write(Write, Value),
    Swap(Name, Name),
    Add(Name, Name),
    Extension(Name),
    Shadow(Name, Value, Vec<Stmt>),
    /// A named argument of `println!`, which is no assignment.
    Format(Name),
    Assert(Vec<Stmt>),
    And(Vec<Stmt>),
    Or(Vec<Stmt>),
    /// Its condition's, then either's.
    If(Vec<Stmt>, Vec<Stmt>, Vec<Stmt>),
    /// Each with a guard.
    Match(Vec<(Vec<Stmt>, Vec<Stmt>)>),
    LetElse(Vec<Stmt>),
    Loop(Vec<Stmt>),
    While(Vec<Stmt>, Vec<Stmt>),
    For(Vec<Stmt>),
    Block(Vec<Stmt>),
    Closure(Vec<Stmt>),
    Async(Vec<Stmt>),
    /// Configured away, or not: a block, an assignment, a `let` with what its value does, and then what it shadows for.
    Cfg(Vec<Stmt>),
    CfgSet(Name, Value),
    CfgLet(Name, Value, Vec<Stmt>, Vec<Stmt>),
    Break(usize),
    /// `break`, or not.
    Leave(usize),
    Continue(usize),
    Return,
}

/// A program whose probes are numbered.
#[derive(Debug, Clone)]
pub(super) struct Program(pub(super) Vec<Stmt>);

impl Program {
    pub(super) fn new(mut stmts: Vec<Stmt>) -> Self {
        number(&mut stmts, &mut 0);
        Self(stmts)
    }

    /// One of which everything is known.
    pub(super) fn known() -> Self {
        let both =
            |value: Value| Stmt::If(Vec::new(), vec![Stmt::Set(1, value.clone())], vec![Stmt::Set(1, value)]);
        Self::new(vec![
            Stmt::Probe(Seen::Tensor(0), 0),
            both(Value::Low),
            Stmt::Probe(Seen::Tensor(1), 0),
            Stmt::Set(2, Value::Like(1)),
            Stmt::Probe(Seen::Tensor(2), 0),
            Stmt::Probe(Seen::Tuple, 0),
            Stmt::Probe(Seen::Item(1), 0),
            Stmt::Probe(Seen::Option, 0),
        ])
    }

    pub(super) fn text(&self) -> String {
        let mut writer = Writer { text: START.to_owned(), labels: Vec::new(), next: 0 };
        writer.all(&self.0);
        writer.text
    }
}

const START: &str = "let mut a = xs.exp(); let mut b = xs.matmul(w); let mut c = xs.exp(); let mut t = (xs.exp(), 1); \
                     let mut hs = vec![xs.exp(), w.exp()]; let mut opt = Some(xs.exp()); ";

fn number(stmts: &mut [Stmt], next: &mut usize) {
    for stmt in stmts {
        match stmt {
            Stmt::Probe(_, probe) => {
                *probe = *next;
                *next += 1;
            }
            Stmt::If(a, b, c) => [a, b, c].into_iter().for_each(|stmts| number(stmts, next)),
            Stmt::While(a, b) | Stmt::CfgLet(_, _, a, b) => {
                number(a, next);
                number(b, next);
            }
            Stmt::Match(arms) => arms.iter_mut().for_each(|(guard, body)| {
                number(guard, next);
                number(body, next);
            }),
            Stmt::Shadow(_, _, body)
            | Stmt::Assert(body)
            | Stmt::And(body)
            | Stmt::Or(body)
            | Stmt::LetElse(body)
            | Stmt::Loop(body)
            | Stmt::For(body)
            | Stmt::Block(body)
            | Stmt::Closure(body)
            | Stmt::Cfg(body)
            | Stmt::Async(body) => number(body, next),
            _ => {}
        }
    }
}

/// What `break` and `continue` can name: its number, and whether it is a loop.
pub(super) type Label = (usize, bool);

/// The label that the n-th `break`, or `continue`, of a program means.
pub(super) fn named(labels: &[Label], which: usize, loops: bool) -> Option<usize> {
    let fit: Vec<usize> = labels.iter().filter(|label| label.1 || !loops).map(|label| label.0).collect();
    (!fit.is_empty()).then(|| fit[which % fit.len()])
}

struct Writer {
    text: String,
    labels: Vec<Label>,
    next: usize,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push(' ');
    }

    fn all(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            self.stmt(stmt);
        }
    }

    fn around(&mut self, before: &str, stmts: &[Stmt], after: &str) {
        self.put(before);
        self.all(stmts);
        self.put(after);
    }

    fn labelled(&mut self, is_loop: bool, inside: impl FnOnce(&mut Self, usize)) {
        let label = self.next;
        self.next += 1;
        self.labels.push((label, is_loop));
        inside(self, label);
        self.labels.pop();
    }

    /// A body that no `break` leaves.
    fn closed(&mut self, before: &str, stmts: &[Stmt], after: &str) {
        let labels = std::mem::take(&mut self.labels);
        self.around(before, stmts, after);
        self.labels = labels;
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Probe(seen, probe) => self.put(&match seen {
                Seen::Tensor(tensor) => format!("Tensor::probe{probe}(&{});", name(*tensor)),
                Seen::Tuple => format!("Tensor::probe{probe}(&t.0);"),
                Seen::Item(index) => format!("Tensor::probe{probe}(&hs[{index}]);"),
                Seen::Items => format!("for h in &hs {{ Tensor::probe{probe}(h); }}"),
                Seen::Option => format!("if let Some(o) = &opt {{ Tensor::probe{probe}(o); }}"),
            }),
            Stmt::Set(tensor, value) => self.put(&format!("{} = {};", name(*tensor), written(value))),
            Stmt::Both([a, b], [x, y]) => {
                self.put(&format!("({}, {}) = ({}, {});", name(*a), name(*b), written(x), written(y)));
            }
            Stmt::Struct([a, b], [x, y]) => {
                let (a, b, x, y) = (name(*a), name(*b), written(x), written(y));
                self.put(&format!("S {{ x: {a}, y: {b} }} = S {{ x: {x}, y: {y} }};"));
            }
            Stmt::Array([a, b], [x, y]) => {
                self.put(&format!("[{}, {}] = [{}, {}];", name(*a), name(*b), written(x), written(y)));
            }
            Stmt::Write(write, value) => self.write(*write, &written(value)),
            Stmt::Swap(a, b) => self.put(&format!("std::mem::swap(&mut {}, &mut {});", name(*a), name(*b))),
            Stmt::Add(a, b) => self.put(&format!("{} += {};", name(*a), name(*b))),
            Stmt::Extension(tensor) => self.put(&format!("{}.widen();", name(*tensor))),
            Stmt::Shadow(tensor, value, body) => {
                self.around(&format!("{{ let mut {} = {};", name(*tensor), written(value)), body, "}");
            }
            Stmt::Format(tensor) => {
                let tensor = name(*tensor);
                self.put(&format!("println!(\"{{{tensor}}}\", {tensor} = xs.exp());"));
            }
            Stmt::Assert(body) => self.around("debug_assert!({", body, "c() });"),
            Stmt::And(body) => self.around("let _ = c() && {", body, "c() };"),
            Stmt::Or(body) => self.around("let _ = c() || {", body, "c() };"),
            Stmt::If(condition, then, otherwise) => {
                self.around("if {", condition, "c() } {");
                self.around("", then, "} else {");
                self.around("", otherwise, "}");
            }
            Stmt::Match(arms) => {
                self.put("match n() {");
                for (guard, body) in arms {
                    self.around("_ if {", guard, "c() } => {");
                    self.around("", body, "}");
                }
                self.put("_ => {} }");
            }
            Stmt::LetElse(body) => self.around("let Some(_) = o() else {", body, "return; };"),
            Stmt::Loop(body) => self.labelled(true, |writer, label| {
                let end = format!("if c() {{ break 'l{label}; }} }}");
                writer.around(&format!("'l{label}: loop {{"), body, &end);
            }),
            Stmt::While(condition, body) => self.labelled(true, |writer, label| {
                writer.around(&format!("'l{label}: while {{"), condition, "c() } {");
                writer.around("", body, "}");
            }),
            Stmt::For(body) => self.labelled(true, |writer, label| {
                writer.around(&format!("'l{label}: for _ in 0..n() {{"), body, "}");
            }),
            Stmt::Block(body) => self.labelled(false, |writer, label| {
                writer.around(&format!("'l{label}: {{"), body, "}");
            }),
            Stmt::Closure(body) => self.closed("{ let mut f = || {", body, "}; if c() { f(); } }"),
            Stmt::Async(body) => self.closed("run(async {", body, "});"),
            Stmt::Cfg(body) => self.around("#[cfg(a)] {", body, "}"),
            Stmt::CfgSet(tensor, value) => {
                self.put(&format!("#[cfg(a)] {} = {};", name(*tensor), written(value)));
            }
            Stmt::CfgLet(tensor, value, body, rest) => {
                let end = format!("{} }};", written(value));
                self.around(&format!("{{ #[cfg(a)] let mut {} = {{", name(*tensor)), body, &end);
                self.around("", rest, "}");
            }
            Stmt::Break(which) => {
                if let Some(label) = named(&self.labels, *which, false) {
                    self.put(&format!("break 'l{label};"));
                }
            }
            Stmt::Leave(which) => {
                if let Some(label) = named(&self.labels, *which, false) {
                    self.put(&format!("if c() {{ break 'l{label}; }}"));
                }
            }
            Stmt::Continue(which) => {
                if let Some(label) = named(&self.labels, *which, true) {
                    self.put(&format!("continue 'l{label};"));
                }
            }
            Stmt::Return => self.put("return;"),
        }
    }

    fn write(&mut self, write: Write, value: &str) {
        self.put(&match write {
            Write::Index(index) => format!("hs[{index}] = {value};"),
            Write::Push => format!("hs.push({value});"),
            Write::IterMut => format!("for h in hs.iter_mut() {{ *h = {value}; }}"),
            Write::ForEach => format!("hs.iter_mut().for_each(|h| *h = {value});"),
            Write::Borrowed => format!("for h in &mut hs {{ *h = {value}; }}"),
            Write::Field => format!("t.0 = {value};"),
            Write::Replace => format!("opt.replace({value});"),
            Write::SomeMut => format!("if let Some(o) = &mut opt {{ *o = {value}; }}"),
            Write::AsMut => format!("if let Some(o) = opt.as_mut() {{ *o = {value}; }}"),
            Write::SomeRefMut => format!("if let Some(ref mut o) = opt {{ *o = {value}; }}"),
            Write::Through(tensor) => format!("{{ let r = &mut {}; *r = {value}; }}", name(tensor)),
            Write::RefMut(tensor) => format!("{{ let ref mut r = {}; *r = {value}; }}", name(tensor)),
            Write::MatchRefMut(tensor) => format!("match {} {{ ref mut r => *r = {value} }}", name(tensor)),
            Write::Macro(tensor) => format!("put!({} => {value});", name(tensor)),
        });
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Low => "xs.matmul(w)".to_owned(),
        Value::Full => "xs.exp()".to_owned(),
        Value::Like(tensor) => format!("{}.relu()", name(*tensor)),
        Value::If(arms) => format!("if c() {{ {} }} else {{ {} }}", written(&arms[0]), written(&arms[1])),
        Value::Early(arms) => {
            format!("'v: {{ if c() {{ break 'v {}; }} {} }}", written(&arms[0]), written(&arms[1]))
        }
        Value::Loop(value) => format!("loop {{ break {}; }}", written(value)),
    }
}
