//! A plan in words: a table in the function's documentation, text while compiling, a constant for the registry.
use crate::args::{Args, Low};
use crate::names::Names;
use crate::plan::{Call, Held, Island, LayerCall, Plan, Reason};
use crate::policy::Class;
use crate::syntax::shape::is_none;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use syn::{AttrStyle, Attribute, Expr, ExprLit, Lit, LitStr, Meta, MetaNameValue, Token, token};

/// A plan that can be shown.
pub(crate) struct Explanation {
    /// With the type in front, where the function stands in an `impl` block.
    name: String,
    headline: String,
    sites: Vec<Row>,
    /// In the order in which the generated code counts them.
    layers: Vec<Row>,
    line: usize,
}

/// One line of the table.
struct Row {
    line: usize,
    op: String,
    class: &'static str,
    precision: &'static str,
    casts: String,
    reason: String,
}

/// Puts a plan into words; `owner` is the type whose method it is.
pub(crate) fn explain(ident: &proc_macro2::Ident, owner: Option<&str>, plan: &Plan<'_>) -> Explanation {
    let name = owner.map_or_else(|| ident.to_string(), |owner| format!("{owner}::{ident}"));
    let sites = || plan.calls.iter().filter(|call| call.is_site());
    let low = sites().filter(|call| call.result.held == Held::Low).count();
    // A shared one is made once.
    let casts = || sites().flat_map(|call| &call.casts);
    let shared: BTreeSet<usize> = casts().filter_map(|cast| cast.slot).collect();
    let casts = casts().filter(|cast| cast.slot.is_none()).count() + shared.len();
    let (sites_count, layers) = (sites().count(), plan.layers.len());
    let headline = format!(
        "{name}: {low} of {} low, {}, {}",
        count(sites_count, "site"),
        count(casts, "cast"),
        count(layers, "layer call")
    );
    let (sites, layers) = (sites().map(row).collect(), plan.layers.iter().map(layer_row).collect());
    Explanation { name, headline, sites, layers, line: line(ident.span()) }
}

fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

fn row(call: &Call<'_>) -> Row {
    Row {
        line: line(call.span),
        op: call.name.clone(),
        class: call.class.map_or("", class),
        precision: held(call.result.held),
        casts: casts(call),
        reason: reason(call),
    }
}

fn layer_row(layer: &LayerCall) -> Row {
    Row {
        line: line(layer.span),
        op: written(layer),
        class: "by layer",
        precision: if layer.island == Island::Full { "full" } else { "by layer" },
        casts: layer.slot.map_or_else(String::new, |_| "input, shared".to_owned()),
        reason: "the layer's type decides".to_owned(),
    }
}

/// `apply(&self.conv)`, `self.lstm.seq(..)`
fn written(layer: &LayerCall) -> String {
    let of = &layer.layer;
    if layer.name.starts_with("apply") {
        format!("{}({of})", layer.name)
    } else {
        format!("{of}.{}(..)", layer.name)
    }
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Low => "low",
        Class::Full => "full",
        Class::FullOutput => "full output",
        Class::Widest => "widest",
        Class::Follow => "follow",
        Class::Banned => "banned",
    }
}

fn held(held: Held) -> &'static str {
    match held {
        Held::Low => "low",
        Held::Full => "full",
        Held::Unknown => "as its input",
    }
}

fn casts(call: &Call<'_>) -> String {
    let mut words: Vec<String> = call
        .casts
        .iter()
        .map(|cast| {
            let what = match cast.operand {
                0 => "input".to_owned(),
                position => format!("argument {position}"),
            };
            let how = match (cast.known, cast.slot) {
                (_, Some(_)) => ", shared",
                (true, None) => "",
                (false, None) => ", if needed",
            };
            format!("{what} to {}{how}", held(cast.to))
        })
        .collect();
    if let Some(kind) = call.kind {
        let asked = call.operands.get(kind).is_some_and(|kind| !is_none(kind));
        let when = match call.class {
            Some(Class::Follow) => "a low one is asked for and the input is not low",
            _ if asked => "a low one is asked for",
            _ => "the input is low",
        };
        words.push(format!("output dtype f32, if {when}"));
    }
    if call.widest {
        words.push("all to the widest, if they differ".to_owned());
    }
    if words.is_empty() { "none".to_owned() } else { words.join("; ") }
}

fn reason(call: &Call<'_>) -> String {
    let listed = call.op.map_or("", |op| op.reason);
    match call.reason {
        Reason::Listed if listed.is_empty() => "it follows its operands".to_owned(),
        Reason::Listed => listed.to_owned(),
        Reason::Override => "override in the attribute".to_owned(),
        Reason::Island => {
            format!("inside `#[amp({})]`", if call.island == Island::Low { "low" } else { "full" })
        }
        Reason::Reciprocal => "`number / tensor` is a reciprocal".to_owned(),
        Reason::Square => "a tensor times itself is its square, which outgrows f16 from 256 on".to_owned(),
        Reason::Unlisted => "not listed".to_owned(),
    }
}

impl Explanation {
    /// Sites and layer calls, from top to bottom.
    fn rows(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.sites.iter().chain(&self.layers).collect();
        rows.sort_by_key(|row| row.line);
        rows
    }

    /// The table, as documentation of the function.
    pub(crate) fn documentation(&self) -> Option<Attribute> {
        let rows = self.rows();
        if rows.is_empty() {
            return None;
        }
        let mut lines = vec![
            String::new(),
            "# Precision".to_owned(),
            String::new(),
            format!("`{}`", self.headline),
            String::new(),
            "| line | operation | class | result | casts | why |".to_owned(),
            "|--:|---|---|---|---|---|".to_owned(),
        ];
        lines.extend(rows.into_iter().map(|row| {
            let Row { line, op, class, precision, casts, reason, .. } = row;
            let op = op.replace('|', "\\|");
            format!("| {line} | `{op}` | {class} | {precision} | {casts} | {reason} |")
        }));
        let table = lines.join("\n");
        let value = Lit::Str(LitStr::new(&table, Span::call_site()));
        Some(Attribute {
            pound_token: Token![#](Span::call_site()),
            style: AttrStyle::Outer,
            bracket_token: token::Bracket::default(),
            meta: Meta::NameValue(MetaNameValue {
                path: proc_macro2::Ident::new("doc", Span::call_site()).into(),
                eq_token: Token![=](Span::call_site()),
                value: Expr::Lit(ExprLit { attrs: Vec::new(), lit: value }),
            }),
        })
    }

    /// The table as text.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n", self.headline);
        let rows = self.rows();
        let widest = rows.iter().map(|row| row.op.len()).max().unwrap_or(0);
        for row in rows {
            let Row { line, op, class, precision, casts, reason, .. } = row;
            let _ =
                writeln!(text, "{line:>6}  {op:widest$}  {class:<11}  {precision:<12}  {casts}  ({reason})");
        }
        text
    }

    /// Whether somebody asked to see it while compiling: `AMP_EXPLAIN=<function>` or `*`.
    pub(crate) fn print_if_asked(&self, args: &Args) {
        // `Block<T>::forward` is asked for as `Block::forward`.
        let plain = self
            .name
            .split_once('<')
            .and_then(|(ty, rest)| Some(format!("{ty}{}", rest.rsplit_once('>')?.1)));
        let is = |own: &str, name: &str| own == name || own.ends_with(&format!("::{name}"));
        let own = |name: &str| {
            name == "*" || is(&self.name, name) || plain.as_deref().is_some_and(|plain| is(plain, name))
        };
        let asked =
            std::env::var("AMP_EXPLAIN").is_ok_and(|names| names.split(',').any(|name| own(name.trim())));
        if asked || args.explain {
            eprint!("{}", self.text());
        }
    }

    /// The plan as constants: `__AMP_LAYERS`, which layer calls write to, and `__AMP_PLAN`, which the linker gathers.
    pub(crate) fn registered(&self, args: &Args, names: &Names) -> TokenStream {
        let span = Span::call_site();
        let [layer_plan, site_plan, function_plan, precision] =
            ["LayerPlan", "SitePlan", "FunctionPlan", "Precision"].map(|name| names.path(name, span));
        let room = names.room();
        let layers = self.layers.iter().map(|row| {
            let (call, line) = (&row.op, number(row.line));
            quote!(#layer_plan::new(#call, #line))
        });
        let sites = self.sites.iter().map(|row| {
            let Row { op, class, precision, casts, reason, .. } = row;
            let line = number(row.line);
            quote!(#site_plan::new(#op, #line, #class, #precision, #casts, #reason))
        });
        let precision = match args.precision {
            None => quote!(::core::option::Option::None),
            Some(Low::F16) => quote!(::core::option::Option::Some(#precision::F16)),
            Some(Low::Bf16) => quote!(::core::option::Option::Some(#precision::Bf16)),
        };
        let (headline, count, line) = (&self.headline, self.layers.len(), number(self.line));
        let name = format!("::{}", self.name);
        quote! {
            static __AMP_LAYERS: [#layer_plan; #count] = [#(#layers),*];
            static __AMP_PLAN: #function_plan = #function_plan {
                function: ::core::concat!(::core::module_path!(), #name),
                file: ::core::file!(),
                line: #line,
                precision: #precision,
                headline: #headline,
                sites: &[#(#sites),*],
                layers: &__AMP_LAYERS,
                calls: ::core::sync::atomic::AtomicU64::new(0),
            };
            #[#room::linkme::distributed_slice(#room::PLANS)]
            #[linkme(crate = #room::linkme)]
            static __AMP_REGISTERED: &#function_plan = &__AMP_PLAN;
        }
    }
}

fn number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

/// The source line of a token, where a compiler knows it.
fn line(span: Span) -> usize {
    #[cfg(test)]
    return span.start().line;
    #[cfg(not(test))]
    if proc_macro::is_available() { span.unwrap().line() } else { 0 }
}
