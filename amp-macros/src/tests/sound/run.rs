//! Runs a program along one way: what every probe sees.
use super::program::{Label, Program, Seen, Stmt, Value, Write, named};
use crate::plan::Held;

/// Every probe that is reached on this way, with what its receiver holds there.
pub(super) fn run(program: &Program, way: u64) -> Vec<(usize, Held)> {
    let full = Held::Full;
    let mut machine = Machine {
        tensors: [full, Held::Low, full],
        tuple: full,
        items: vec![full, full],
        option: full,
        way,
        fuel: 300,
        labels: Vec::new(),
        next: 0,
        seen: Vec::new(),
    };
    machine.all(&program.0);
    machine.seen
}

/// Where it goes on.
#[derive(PartialEq)]
enum Flow {
    Next,
    Break(usize),
    Continue(usize),
    Return,
}

struct Machine {
    tensors: [Held; 3],
    tuple: Held,
    items: Vec<Held>,
    option: Held,
    /// What has not been decided yet.
    way: u64,
    fuel: usize,
    labels: Vec<Label>,
    next: usize,
    seen: Vec<(usize, Held)>,
}

impl Machine {
    /// `c()`.
    fn choose(&mut self) -> bool {
        // xorshift64
        self.way = self.way.max(1);
        self.way ^= self.way << 13;
        self.way ^= self.way >> 7;
        self.way ^= self.way << 17;
        self.way & 0x10 != 0
    }

    fn value(&mut self, value: &Value) -> Held {
        match value {
            Value::Low => Held::Low,
            Value::Full => Held::Full,
            Value::Like(tensor) => self.tensors[*tensor],
            Value::If(arms) | Value::Early(arms) => {
                let arm = usize::from(!self.choose());
                self.value(&arms[arm])
            }
            Value::Loop(value) => self.value(value),
        }
    }

    fn all(&mut self, stmts: &[Stmt]) -> Flow {
        for stmt in stmts {
            // Labels are counted as they are written, also those that are not reached.
            let flow = self.stmt(stmt);
            if flow != Flow::Next {
                return flow;
            }
        }
        Flow::Next
    }

    fn stmt(&mut self, stmt: &Stmt) -> Flow {
        self.fuel = self.fuel.saturating_sub(1);
        if self.fuel == 0 {
            return Flow::Return;
        }
        match stmt {
            Stmt::Probe(seen, probe) => self.probe(*seen, *probe),
            Stmt::Set(tensor, value) => self.tensors[*tensor] = self.value(value),
            Stmt::Both(names, values) | Stmt::Struct(names, values) | Stmt::Array(names, values) => {
                let values = values.each_ref().map(|value| self.value(value));
                for (tensor, held) in names.iter().zip(values) {
                    self.tensors[*tensor] = held;
                }
            }
            Stmt::Write(write, value) => self.write(*write, value),
            Stmt::Swap(a, b) => self.tensors.swap(*a, *b),
            // In place: the left one stays what it is.
            Stmt::Add(..) | Stmt::Format(_) => {}
            Stmt::Extension(tensor) => {
                self.tensors[*tensor] = if self.choose() { Held::Full } else { Held::Low };
            }
            Stmt::Shadow(tensor, value, body) => {
                let held = self.value(value);
                return self.shadowed(*tensor, held, body);
            }
            Stmt::CfgSet(tensor, value) => {
                if self.choose() {
                    self.tensors[*tensor] = self.value(value);
                }
            }
            Stmt::CfgLet(tensor, value, body, rest) => {
                if !self.choose() {
                    return self.all(rest);
                }
                let flow = self.all(body);
                if flow != Flow::Next {
                    return flow;
                }
                let held = self.value(value);
                return self.shadowed(*tensor, held, rest);
            }
            Stmt::Assert(body) | Stmt::And(body) | Stmt::Or(body) | Stmt::Cfg(body) => {
                if self.choose() {
                    return self.all(body);
                }
            }
            Stmt::If(condition, then, otherwise) => {
                let flow = self.all(condition);
                if flow != Flow::Next {
                    return flow;
                }
                let arm = if self.choose() { then } else { otherwise };
                return self.all(arm);
            }
            Stmt::Match(arms) => {
                for (guard, body) in arms {
                    let flow = self.all(guard);
                    if flow != Flow::Next {
                        return flow;
                    }
                    if self.choose() {
                        return self.all(body);
                    }
                }
            }
            Stmt::LetElse(body) => {
                if self.choose() {
                    let flow = self.all(body);
                    return if flow == Flow::Next { Flow::Return } else { flow };
                }
            }
            Stmt::Loop(body) => return self.repeat(true, |_| Flow::Next, body, Machine::choose),
            Stmt::While(condition, body) => {
                return self.repeat(false, |machine| machine.all(condition), body, |_| false);
            }
            Stmt::For(body) => return self.repeat(false, |_| Flow::Next, body, |_| false),
            Stmt::Block(body) => {
                let label = self.enter(false);
                let flow = self.all(body);
                self.labels.pop();
                return if flow == Flow::Break(label) { Flow::Next } else { flow };
            }
            Stmt::Closure(body) | Stmt::Async(body) => {
                if self.choose() {
                    let labels = std::mem::take(&mut self.labels);
                    self.all(body);
                    self.labels = labels;
                }
            }
            Stmt::Break(which) => return named(&self.labels, *which, false).map_or(Flow::Next, Flow::Break),
            Stmt::Leave(which) => {
                let label = named(&self.labels, *which, false);
                if let Some(label) = label.filter(|_| self.choose()) {
                    return Flow::Break(label);
                }
            }
            Stmt::Continue(which) => {
                return named(&self.labels, *which, true).map_or(Flow::Next, Flow::Continue);
            }
            Stmt::Return => return Flow::Return,
        }
        Flow::Next
    }

    fn shadowed(&mut self, tensor: usize, held: Held, body: &[Stmt]) -> Flow {
        let outer = std::mem::replace(&mut self.tensors[tensor], held);
        let flow = self.all(body);
        self.tensors[tensor] = outer;
        flow
    }

    /// Labels have numbers of their own here: `named` takes the same one of those around.
    fn enter(&mut self, is_loop: bool) -> usize {
        let label = self.next;
        self.next += 1;
        self.labels.push((label, is_loop));
        label
    }

    fn repeat(
        &mut self,
        at_least_once: bool,
        mut head: impl FnMut(&mut Self) -> Flow,
        body: &[Stmt],
        mut ends: impl FnMut(&mut Self) -> bool,
    ) -> Flow {
        let label = self.enter(true);
        let mut flow = Flow::Next;
        for turn in 0.. {
            flow = head(self);
            if flow == Flow::Next {
                if !(at_least_once || turn < 3 && self.choose()) {
                    break;
                }
                flow = self.all(body);
            }
            if flow == Flow::Continue(label) {
                flow = Flow::Next;
            } else if flow != Flow::Next || ends(self) {
                break;
            }
        }
        self.labels.pop();
        if flow == Flow::Break(label) { Flow::Next } else { flow }
    }

    fn probe(&mut self, seen: Seen, probe: usize) {
        let held = match seen {
            Seen::Tensor(tensor) => self.tensors[tensor],
            Seen::Tuple => self.tuple,
            Seen::Item(index) => self.items[index],
            Seen::Items => return self.seen.extend(self.items.iter().map(|held| (probe, *held))),
            Seen::Option => self.option,
        };
        self.seen.push((probe, held));
    }

    fn write(&mut self, write: Write, value: &Value) {
        let held = self.value(value);
        match write {
            Write::Index(index) => self.items[index] = held,
            Write::Push => self.items.push(held),
            // A value that is computed anew for each may differ; the same for all is one of the ways.
            Write::IterMut | Write::ForEach | Write::Borrowed => self.items.fill(held),
            Write::Field => self.tuple = held,
            Write::Replace | Write::SomeMut | Write::AsMut | Write::SomeRefMut => self.option = held,
            Write::Through(tensor)
            | Write::RefMut(tensor)
            | Write::MatchRefMut(tensor)
            | Write::Macro(tensor) => {
                self.tensors[tensor] = held;
            }
        }
    }
}
