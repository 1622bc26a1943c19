//! Which calls and operators are sites, which are layer calls, and what comes out of them.
use super::context::Context;
use super::decide;
use super::share::UseAt;
use super::value::{Value, either, follow};
use crate::plan::{Call, Fact, Held, Island, LayerCall, Spelling, Tensorness};
use crate::policy::{self, Form, Op, Output};
use crate::syntax::shape::Asked;
use crate::syntax::{labels, macros, shape};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{BinOp, Expr, ExprBinary, ExprCall, ExprMethodCall, ExprPath, Macro};

/// `xs.apply(&layer)` and its like, with their number of arguments.
const APPLY: &[(&str, usize)] = &[("apply", 1), ("apply_t", 2), ("apply_opt", 1), ("apply_opt_t", 2)];

/// `layer.forward(&xs)` and its like.
const FORWARD: &[(&str, usize)] =
    &[("forward", 1), ("forward_t", 2), ("seq", 1), ("seq_init", 2), ("step", 2)];

/// Methods of numbers that give numbers.
const ON_NUMBERS: &[&str] = &[
    "abs", "ceil", "clamp", "cos", "exp", "floor", "ln", "log10", "log2", "max", "min", "mul_add", "pow",
    "powf", "powi", "recip", "round", "sin", "sqrt", "tanh",
];

/// The row behind `Tensor::op`; `None` as arity takes any.
pub(super) fn tensor_function(path: &ExprPath, arity: Option<usize>) -> Option<&'static Op> {
    let segments = &path.path.segments;
    let last = segments.len().checked_sub(1)?;
    if last == 0 || segments[last - 1].ident != "Tensor" {
        return None;
    }
    let name = segments[last].ident.to_string();
    match arity {
        Some(arity) => policy::find(Form::Function, &name, arity)
            .or_else(|| policy::find(Form::Method, &name, arity.checked_sub(1)?)),
        None => policy::named(name.strip_prefix("f_").unwrap_or(&name)).next(),
    }
}

impl<'a> Context<'a> {
    /// `xs.op(..)`, its receiver and arguments already looked at.
    pub(super) fn method_call(
        &mut self,
        call: &'a ExprMethodCall,
        receiver: Value,
        arguments: &[Value],
    ) -> Value {
        let name = call.method.to_string();
        let Some(label) = labels::label(&call.attrs) else { return Value::UNKNOWN };
        if matches!(name.as_str(), "unwrap" | "expect") && matches!(receiver, Value::Each(_)) {
            return receiver.inside();
        }
        if receiver.fact().tensor == Tensorness::No && ON_NUMBERS.contains(&name.as_str()) {
            return Value::NOT_TENSOR;
        }
        if let Some(value) = self.layer_call(call, label, &name, &receiver, arguments) {
            return value;
        }
        let mut site = self.call(label, name, call.method.span(), Spelling::Method);
        site.operands = std::iter::once(&*call.receiver).chain(&call.args).collect();
        site.facts = std::iter::once(&receiver).chain(arguments).map(Value::operand).collect();
        site.facts[0] = receiver.fact();
        site.binding = shape::name(&call.receiver);
        if site.facts[0].tensor != Tensorness::No {
            site.op = policy::find(Form::Method, &site.name, call.args.len());
        }
        self.site(site, call.args.first())
    }

    /// Decides about a method or function call and says what comes out.
    fn site(&mut self, mut site: Call<'a>, first: Option<&'a Expr>) -> Value {
        let fallible = site.name.starts_with("f_");
        // A method's receiver tells whether it is one of tensors; `Tensor::pow_scalar(2., &x)` begins with a number.
        let of_tensor = matches!(site.spelling, Spelling::Function);
        if of_tensor || site.facts.first().is_some_and(|fact| fact.tensor != Tensorness::No) {
            decide::decide(self, &mut site);
        }
        site.result = result(&site);
        if matches!(site.name.as_str(), "to_kind" | "totype" | "f_to_kind" | "f_totype") {
            let held = match first.and_then(shape::kind_literal).as_deref() {
                Some("Float") => Held::Full,
                Some("Half" | "BFloat16") => Held::Low,
                _ => Held::Unknown,
            };
            site.result = Fact { held, ..site.facts[0] };
        }
        let own = site.class.is_some() || !matches!(site.result.held, Held::Unknown);
        if own && site.result.since.is_none() {
            site.result.since = Some(self.plan.calls.len());
        }
        let result = site.result;
        let output = site.op.map_or(Output::Tensor, |op| op.output);
        let known = site.op.is_some() || result != Fact::UNKNOWN;
        if site.op.is_some_and(|op| op.in_place)
            && let (Some(name), Held::Unknown) = (site.binding, result.held)
        {
            self.scope.blur(&name.to_string());
        }
        self.keep(site);
        match output {
            Output::Other => Value::NOT_TENSOR,
            _ if !known => Value::UNKNOWN,
            Output::Tensors => Value::Each(result),
            Output::Tensor if fallible => Value::Each(result),
            Output::Tensor => Value::One(result),
        }
    }

    /// `Tensor::op(..)`, its arguments already looked at.
    pub(super) fn function_call(&mut self, call: &'a ExprCall, arguments: &[Value]) -> Value {
        let Expr::Path(path) = &*call.func else { return Value::UNKNOWN };
        let last = path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        let Some(label) = labels::label(&call.attrs) else { return Value::UNKNOWN };
        if matches!(last.as_str(), "Some" | "Ok") && arguments.len() == 1 {
            return Value::Each(arguments[0].fact());
        }
        let of_tensor =
            path.path.segments.iter().rev().nth(1).is_some_and(|segment| segment.ident == "Tensor");
        let mut site = self.call(label, last, path.span(), Spelling::Function);
        site.operands = call.args.iter().collect();
        site.facts = arguments.iter().map(Value::operand).collect();
        if !of_tensor {
            // Rules ask for these two: a block that may write to weights, and a value that is read back.
            if matches!(site.name.as_str(), "no_grad" | "try_from") {
                self.keep(site);
            }
            return Value::UNKNOWN;
        }
        site.op = tensor_function(path, Some(call.args.len()));
        if site.op.is_none() {
            let fact = Fact::tensor(Held::Unknown, None);
            site.result = fact;
            let fallible = site.name.starts_with("f_");
            self.keep(site);
            return if fallible { Value::Each(fact) } else { Value::One(fact) };
        }
        let value = self.site(site, call.args.first());
        match value {
            Value::One(fact) => Value::One(Fact { tensor: Tensorness::Yes, ..fact }),
            other => other,
        }
    }

    /// `xs.apply(&layer)` or `layer.forward(&xs)`.
    fn layer_call(
        &mut self,
        call: &'a ExprMethodCall,
        label: usize,
        name: &str,
        receiver: &Value,
        arguments: &[Value],
    ) -> Option<Value> {
        let is = |calls: &[(&str, usize)]| calls.contains(&(name, call.args.len()));
        let (layer, input, fact) = if is(APPLY) && receiver.fact().tensor != Tensorness::No {
            (&call.args[0], &*call.receiver, receiver.fact())
        } else if is(FORWARD)
            && shape::is_pure_place(&call.receiver)
            && receiver.fact().tensor == Tensorness::Unknown
            && arguments[0].operand().tensor != Tensorness::No
        {
            (&*call.receiver, &call.args[0], arguments[0].operand())
        } else {
            return None;
        };
        let tensor = if is(APPLY) { fact.tensor } else { Tensorness::Unknown };
        let value = Value::One(Fact { tensor, ..Fact::UNKNOWN });
        if self.island() == Island::Skip {
            return Some(value);
        }
        let index = self.plan.layers.len();
        let to = if self.island() == Island::Full { Held::Full } else { Held::Low };
        if let Some(binding) = shape::name(input).and_then(|name| self.scope.binding(&name.to_string()))
            && fact.held != to
        {
            let life = self.scope.life(binding);
            self.uses.add((binding, life), to, &self.path, UseAt::Layer(index));
        }
        self.plan.bodies[self.body].used = true;
        self.plan.layers.push(LayerCall {
            label,
            name: name.to_owned(),
            span: call.method.span(),
            layer: layer.to_token_stream().to_string().replace(" . ", ".").replace("& ", "&"),
            island: self.island(),
            slot: None,
            borrowed: self.is_borrowed(input),
            body: self.body,
        });
        Some(value)
    }

    /// `left + right`, both already looked at.
    pub(super) fn binary(&mut self, binary: &'a ExprBinary, left: &Value, right: &Value) -> Value {
        let name = match binary.op {
            BinOp::Add(_) => "add",
            BinOp::Sub(_) => "sub",
            BinOp::Mul(_) => "mul",
            BinOp::Div(_) => "div",
            BinOp::AddAssign(_) => "add_assign",
            BinOp::SubAssign(_) => "sub_assign",
            BinOp::MulAssign(_) => "mul_assign",
            BinOp::DivAssign(_) => "div_assign",
            _ => return Value::NOT_TENSOR,
        };
        let assigns = name.ends_with("_assign");
        let (left, right) = (left.fact(), right.fact());
        let Some(label) = labels::label(&binary.attrs) else { return Value::UNKNOWN };
        let mut site = self.call(label, name.to_owned(), binary.op.span(), Spelling::Binary(&binary.op));
        site.operands = vec![&binary.left, &binary.right];
        site.facts = vec![left, right];
        site.binding = shape::name(&binary.left);
        decide::operator(&mut site);
        let fact = match site.class {
            Some(policy::Class::Full) => Fact::tensor(Held::Full, None),
            _ => follow([left, right]),
        };
        site.result = Fact { tensor: either(left.tensor, right.tensor), ..fact };
        if site.class.is_some() && site.result.since.is_none() {
            site.result.since = Some(self.plan.calls.len());
        }
        let result = site.result;
        if assigns {
            self.assign(&binary.left, &Value::One(Fact { tensor: left.tensor, ..result }));
            self.keep(site);
            return Value::NOT_TENSOR;
        }
        self.keep(site);
        Value::One(result)
    }

    /// Notes operations of the table in tokens that cannot be read.
    pub(super) fn unseen(&mut self, mac: &Macro) {
        use crate::policy::Class;
        for (name, arity) in macros::calls(&mac.tokens) {
            let word = name.to_string();
            let op = policy::find(Form::Method, &word, arity)
                .or_else(|| policy::find(Form::Function, &word, arity));
            if op.is_some_and(|op| !matches!(op.class, Class::Follow) && !op.is_unlisted()) {
                self.plan.unseen.push((name.span(), word));
            }
        }
    }
}

/// What comes out of a decided call.
fn result(site: &Call<'_>) -> Fact {
    use crate::policy::Class;
    let tensor = match site.spelling {
        Spelling::Function => Tensorness::Yes,
        _ => site.facts[0].tensor,
    };
    let operands = || -> Vec<Fact> {
        match site.op {
            Some(op) => {
                op.operands.iter().filter_map(|position| site.facts.get(*position)).copied().collect()
            }
            None => Vec::new(),
        }
    };
    let asked = || {
        site.op
            .and_then(|op| op.kind)
            .and_then(|position| site.operands.get(position))
            .map(|kind| Asked::of(kind))
    };
    let followed = match site.class {
        _ if site.op.is_some_and(|op| op.in_place) => site.facts[0],
        None if site.op.is_some() => Fact { held: Held::Unknown, ..follow(operands()) },
        None => Fact::UNKNOWN,
        Some(Class::Low) => Fact::tensor(in_kind(asked()).unwrap_or(Held::Low), None),
        Some(Class::Banned) => Fact::tensor(Held::Full, None),
        Some(class @ (Class::Full | Class::FullOutput)) => {
            let input =
                || site.facts[0].held == Held::Full || site.casts.iter().any(|cast| cast.operand == 0);
            let held = match in_kind(asked()) {
                _ if site.kind.is_some() => Held::Full,
                Some(held) => held,
                None if class == Class::Full || input() => Held::Full,
                None => Held::Unknown,
            };
            Fact::tensor(held, None)
        }
        Some(Class::Widest) => {
            let operands = operands();
            let full = operands.iter().find(|fact| fact.held == Held::Full);
            full.copied().unwrap_or_else(|| follow(operands))
        }
        Some(Class::Follow) => match in_kind(asked()) {
            None => return Fact { tensor, ..follow(operands()) },
            // A low dtype is not followed where the input is full.
            Some(Held::Unknown) if site.kind.is_some() && site.facts[0].held == Held::Full => {
                Fact::tensor(Held::Full, None)
            }
            Some(held) => Fact::tensor(held, None),
        },
    };
    if site.op.is_none() && site.class.is_none() {
        return Fact::UNKNOWN;
    }
    Fact { tensor, ..followed }
}

/// What an output is in that was asked for; none where nothing was.
fn in_kind(asked: Option<Asked>) -> Option<Held> {
    match asked? {
        Asked::Nothing => None,
        Asked::Literal(kind) if kind == "Float" => Some(Held::Full),
        asked if asked.is_low() => Some(Held::Low),
        Asked::Literal(_) | Asked::AtRunTime => Some(Held::Unknown),
    }
}
