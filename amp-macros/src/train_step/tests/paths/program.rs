//! Programs of calls and control flow, and how they read as Rust.
use proptest::prelude::*;
use std::fmt::Write;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Call {
    Backward,
    Clip,
    Step,
    ZeroGrad,
    Update,
    /// Lent to other code.
    Lent,
}

#[derive(Debug, Clone)]
pub(super) enum Node {
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

pub(super) fn nodes() -> impl Strategy<Value = Vec<Node>> {
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
pub(super) struct Source {
    pub(super) code: String,
    pub(super) line: usize,
    /// Labels of the blocks and loops around, and whether each is a loop.
    around: Vec<bool>,
}

impl Source {
    pub(super) fn put(&mut self, text: &str) -> usize {
        writeln!(self.code, "{text}").unwrap();
        self.line += 1;
        self.line
    }

    pub(super) fn all(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
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
