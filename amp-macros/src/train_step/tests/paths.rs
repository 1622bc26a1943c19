//! Random programs: a call is accused exactly if every path to it is wrong. The paths are those of a flat program with
//! jumps, followed one by one, by a model of the wrapper that knows nothing of the check.
use super::accusations;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    Backward,
    Clip,
    Step,
    ZeroGrad,
    Update,
    /// Lent to other code.
    Lent,
}

#[derive(Debug, Clone)]
enum Node {
    Call(Call),
    If(Vec<Node>, Vec<Node>),
    Match(Vec<Vec<Node>>),
    /// `a && { .. };`
    Short(Vec<Node>),
    Loop(Vec<Node>),
    While(Vec<Node>, Vec<Node>),
    For(Vec<Node>),
    Labelled(Vec<Node>),
    LetElse(Vec<Node>),
    Break,
    /// Out of the outermost labelled block or loop.
    BreakOut,
    Continue,
    Return,
    Try,
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let call = prop_oneof![
        4 => Just(Call::Backward),
        2 => Just(Call::Clip),
        4 => Just(Call::Step),
        2 => Just(Call::ZeroGrad),
        1 => Just(Call::Update),
        1 => Just(Call::Lent),
    ];
    let leaf = prop_oneof![
        12 => call.prop_map(Node::Call),
        1 => Just(Node::Break),
        1 => Just(Node::BreakOut),
        1 => Just(Node::Continue),
        1 => Just(Node::Return),
        1 => Just(Node::Try),
    ];
    let node = leaf.prop_recursive(4, 24, 4, |inner| {
        let some = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            (some(), some()).prop_map(|(yes, no)| Node::If(yes, no)),
            prop::collection::vec(some(), 1..4).prop_map(Node::Match),
            some().prop_map(Node::Short),
            some().prop_map(Node::Loop),
            (some(), some()).prop_map(|(test, body)| Node::While(test, body)),
            some().prop_map(Node::For),
            some().prop_map(Node::Labelled),
            some().prop_map(Node::LetElse),
        ]
    });
    prop::collection::vec(node, 1..8)
}

/// The program as Rust. A call stands on a line of its own, by which it is known.
#[derive(Default)]
struct Source {
    code: String,
    line: usize,
    /// Labels of the blocks and loops around, and whether each is a loop.
    around: Vec<bool>,
}

impl Source {
    fn put(&mut self, text: &str) -> usize {
        writeln!(self.code, "{text}").unwrap();
        self.line += 1;
        self.line
    }

    fn all(&mut self, nodes: &[Node]) {
        nodes.iter().for_each(|node| self.node(node));
    }

    fn inside(&mut self, is_loop: bool, nodes: &[Node]) {
        self.around.push(is_loop);
        self.all(nodes);
        self.around.pop();
    }

    fn node(&mut self, node: &Node) {
        let label = format!("'l{}", self.around.len());
        match node {
            Node::Call(call) => {
                self.put(match call {
                    Call::Backward => "loss.backward();",
                    Call::Clip => "opt.clip_grad_norm(1.);",
                    Call::Step => "opt.step();",
                    Call::ZeroGrad => "opt.zero_grad();",
                    Call::Update => "opt.backward_step(&loss);",
                    Call::Lent => "lent(&mut opt);",
                });
            }
            Node::If(yes, no) => {
                self.put("if c {");
                self.all(yes);
                self.put("} else {");
                self.all(no);
                self.put("}");
            }
            Node::Match(arms) => {
                self.put("match c {");
                for arm in arms {
                    self.put("_ => {");
                    self.all(arm);
                    self.put("}");
                }
                self.put("}");
            }
            Node::Short(nodes) => {
                self.put("c && {");
                self.all(nodes);
                self.put("c };");
            }
            Node::Loop(nodes) => {
                self.put(&format!("{label}: loop {{"));
                self.inside(true, nodes);
                self.put("}");
            }
            Node::While(test, nodes) => {
                self.put(&format!("{label}: while {{"));
                // `break` and `continue` in a loop's own test belong to the loop around it.
                let calls: Vec<Node> =
                    test.iter().filter(|node| matches!(node, Node::Call(_))).cloned().collect();
                self.all(&calls);
                self.put("c } {");
                self.inside(true, nodes);
                self.put("}");
            }
            Node::For(nodes) => {
                self.put(&format!("{label}: for _ in c {{"));
                self.inside(true, nodes);
                self.put("}");
            }
            Node::Labelled(nodes) => {
                self.put(&format!("{label}: {{"));
                self.inside(false, nodes);
                self.put("}");
            }
            Node::LetElse(nodes) => {
                self.put("let Some(x) = c else {");
                self.all(nodes);
                self.put("return };");
            }
            Node::Break if self.around.contains(&true) => drop(self.put("break;")),
            Node::Continue if self.around.contains(&true) => drop(self.put("continue;")),
            Node::BreakOut if !self.around.is_empty() => drop(self.put("break 'l0;")),
            Node::Break | Node::Continue | Node::BreakOut => {}
            Node::Return => drop(self.put("return;")),
            Node::Try => drop(self.put("c?;")),
        }
    }
}

/// A step of the flat program.
#[derive(Debug, Clone, Copy)]
enum Flat {
    Call(Call, usize),
    /// To any of the two.
    Fork(usize, usize),
    Jump(usize),
    End,
}

/// The same program with jumps. It repeats the line counting of [`Source`], whose lines name the calls.
#[derive(Default)]
struct Flattened {
    steps: Vec<Flat>,
    source: Source,
    /// Of each block or loop around: where `continue` goes, and the jumps that wait for its end.
    around: Vec<(Option<usize>, Vec<usize>)>,
}

const OPEN: usize = usize::MAX;

impl Flattened {
    fn push(&mut self, step: Flat) -> usize {
        self.steps.push(step);
        self.steps.len() - 1
    }

    fn fork(&mut self) -> usize {
        let next = self.steps.len() + 1;
        self.push(Flat::Fork(next, OPEN))
    }

    /// The step's open end is here.
    fn land(&mut self, step: usize) {
        let here = self.steps.len();
        match &mut self.steps[step] {
            Flat::Fork(_, to) | Flat::Jump(to) => *to = here,
            Flat::Call(..) | Flat::End => unreachable!(),
        }
    }

    fn all(&mut self, nodes: &[Node]) {
        nodes.iter().for_each(|node| self.node(node));
    }

    fn enter(&mut self, head: Option<usize>) {
        self.around.push((head, Vec::new()));
    }

    fn leave(&mut self) {
        let (_, waiting) = self.around.pop().unwrap();
        waiting.into_iter().for_each(|step| self.land(step));
    }

    fn skip_lines(&mut self, count: usize) {
        self.source.line += count;
    }

    fn node(&mut self, node: &Node) {
        let looped = self.around.iter().any(|(head, _)| head.is_some());
        match node {
            Node::Call(call) => {
                self.skip_lines(1);
                let line = self.source.line;
                self.push(Flat::Call(*call, line));
            }
            Node::If(yes, no) => {
                self.skip_lines(1);
                let test = self.fork();
                self.all(yes);
                let over = self.push(Flat::Jump(OPEN));
                self.land(test);
                self.skip_lines(1);
                self.all(no);
                self.skip_lines(1);
                self.land(over);
            }
            Node::Match(arms) => {
                self.skip_lines(1);
                let mut overs = Vec::new();
                for (index, arm) in arms.iter().enumerate() {
                    self.skip_lines(1);
                    let test = (index + 1 < arms.len()).then(|| self.fork());
                    self.all(arm);
                    overs.push(self.push(Flat::Jump(OPEN)));
                    if let Some(test) = test {
                        self.land(test);
                    }
                    self.skip_lines(1);
                }
                self.skip_lines(1);
                overs.into_iter().for_each(|over| self.land(over));
            }
            Node::Short(nodes) => {
                self.skip_lines(1);
                let test = self.fork();
                self.all(nodes);
                self.skip_lines(1);
                self.land(test);
            }
            Node::Loop(nodes) => {
                self.skip_lines(1);
                let head = self.steps.len();
                self.enter(Some(head));
                self.all(nodes);
                self.push(Flat::Jump(head));
                self.skip_lines(1);
                self.leave();
            }
            Node::While(test, nodes) => {
                self.skip_lines(1);
                let head = self.steps.len();
                for node in test.iter().filter(|node| matches!(node, Node::Call(_))) {
                    self.node(node);
                }
                self.skip_lines(1);
                let over = self.fork();
                self.enter(Some(head));
                self.all(nodes);
                self.push(Flat::Jump(head));
                self.skip_lines(1);
                self.land(over);
                self.leave();
            }
            Node::For(nodes) => {
                self.skip_lines(1);
                let head = self.steps.len();
                let over = self.fork();
                self.enter(Some(head));
                self.all(nodes);
                self.push(Flat::Jump(head));
                self.skip_lines(1);
                self.land(over);
                self.leave();
            }
            Node::Labelled(nodes) => {
                self.skip_lines(1);
                self.enter(None);
                self.all(nodes);
                self.skip_lines(1);
                self.leave();
            }
            Node::LetElse(nodes) => {
                self.skip_lines(1);
                let test = self.fork();
                self.all(nodes);
                self.push(Flat::End);
                self.skip_lines(1);
                self.land(test);
            }
            Node::Break if looped => {
                self.skip_lines(1);
                let jump = self.push(Flat::Jump(OPEN));
                let innermost = self.around.iter_mut().rev().find(|(head, _)| head.is_some());
                innermost.unwrap().1.push(jump);
            }
            Node::Continue if looped => {
                self.skip_lines(1);
                let head = self.around.iter().rev().find_map(|(head, _)| *head).unwrap();
                self.push(Flat::Jump(head));
            }
            Node::BreakOut if !self.around.is_empty() => {
                self.skip_lines(1);
                let jump = self.push(Flat::Jump(OPEN));
                self.around[0].1.push(jump);
            }
            Node::Break | Node::Continue | Node::BreakOut => {}
            Node::Return => {
                self.skip_lines(1);
                self.push(Flat::End);
            }
            Node::Try => {
                self.skip_lines(1);
                let test = self.fork();
                self.push(Flat::End);
                self.land(test);
            }
        }
    }
}

/// The wrapper as far as order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Model {
    /// Somebody else had it: it may be in any state.
    unknown: bool,
    gradients: bool,
    unscaled: bool,
    /// `zero_grad` took the gradients that a call now needs: it alone is to be blamed for that call.
    dropped: bool,
}

impl Model {
    /// Whether the call is refused, and the wrapper after it.
    fn call(self, call: Call) -> (bool, Self) {
        let scaled = Self { gradients: true, ..Self::default() };
        let unscaled = Self { unscaled: true, ..scaled };
        let refused = match call {
            Call::Backward | Call::Update => self.unscaled,
            Call::Clip | Call::Step => !self.gradients,
            Call::ZeroGrad | Call::Lent => false,
        };
        if refused && !self.unknown && !self.dropped {
            return (true, self);
        }
        let after = match call {
            Call::Backward => scaled,
            Call::Clip => unscaled,
            Call::Step | Call::Update => Self::default(),
            Call::ZeroGrad => Self { dropped: self.gradients || self.dropped, ..Self::default() },
            Call::Lent => Self { unknown: true, ..Self::default() },
        };
        (refused && !self.unknown, after)
    }
}

/// The lines of the calls that are refused on every path to them; and of those that are reached at all.
fn refused(nodes: &[Node]) -> BTreeSet<usize> {
    let mut flat = Flattened::default();
    // The line of the function's head.
    flat.skip_lines(1);
    flat.all(nodes);
    flat.push(Flat::End);
    let mut seen = BTreeSet::new();
    let mut open = vec![(0, Model::default())];
    let mut by_line: BTreeMap<usize, bool> = BTreeMap::new();
    while let Some((at, model)) = open.pop() {
        if !seen.insert((at, model)) {
            continue;
        }
        match flat.steps[at] {
            Flat::Call(call, line) => {
                let (refused, after) = model.call(call);
                *by_line.entry(line).or_insert(true) &= refused;
                open.push((at + 1, after));
            }
            Flat::Fork(one, other) => open.extend([(one, model), (other, model)]),
            Flat::Jump(to) => open.push((to, model)),
            Flat::End => {}
        }
    }
    by_line.into_iter().filter_map(|(line, always)| always.then_some(line)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_call_is_accused_if_and_only_if_every_path_to_it_is_wrong(nodes in nodes()) {
        let mut source = Source::default();
        source.put("fn step(opt: &mut OptimWrapper, loss: &Tensor) {");
        source.all(&nodes);
        source.put("}");
        let found = accusations(&source.code, "");
        let order = found.iter().filter(|error| error.text.contains("train_step_order"));
        let accused: BTreeSet<usize> = order.map(|error| error.line).collect();
        prop_assert_eq!(accused, refused(&nodes), "{}", source.code);
    }
}
