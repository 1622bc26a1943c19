//! The same programs with jumps.
use super::program::{Call, Node, Source};

/// A step of the flat program.
#[derive(Debug, Clone, Copy)]
pub(super) enum Flat {
    Call(Call, usize),
    /// To any of the two.
    Fork(usize, usize),
    Jump(usize),
    End,
}

/// The same program with jumps. It repeats the line counting of [`Source`], whose lines name the calls.
#[derive(Default)]
pub(super) struct Flattened {
    pub(super) steps: Vec<Flat>,
    source: Source,
    /// Of each block or loop around: where `continue` goes, and the jumps that wait for its end.
    around: Vec<(Option<usize>, Vec<usize>)>,
}

const OPEN: usize = usize::MAX;

impl Flattened {
    pub(super) fn push(&mut self, step: Flat) -> usize {
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

    pub(super) fn all(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn enter(&mut self, head: Option<usize>) {
        self.around.push((head, Vec::new()));
    }

    fn leave(&mut self) {
        let (_, waiting) = self.around.pop().unwrap();
        for step in waiting {
            self.land(step);
        }
    }

    pub(super) fn skip_lines(&mut self, count: usize) {
        self.source.line += count;
    }

    #[allow(clippy::too_many_lines, reason = "one arm a kind of control flow")]
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
                for over in overs {
                    self.land(over);
                }
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
