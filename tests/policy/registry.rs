//! What tch exposes, read from its sources: methods with their parameters, and libtorch's operators behind them.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use syn::visit::Visit;
use syn::{FnArg, GenericArgument, PathArguments, Signature, Type};

/// What stands in a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Param {
    /// A tensor, an option of one, or a list.
    Tensor,
    /// A dtype that may be left out.
    MaybeKind,
    /// A dtype that must be given.
    Kind,
    Other,
}

/// A method or function of `Tensor`.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) takes_self: bool,
    /// The receiver, if there is one, is the first.
    pub(crate) params: Vec<(String, Param)>,
    /// Whether it writes: into a receiver that is borrowed to be written, or into parameters called `out`.
    pub(crate) writes: bool,
    /// libtorch's operator, without its overload; none where tch composes several.
    pub(crate) torch: Option<String>,
}

impl Function {
    /// How many arguments a call has.
    pub(crate) fn arity(&self) -> usize {
        self.params.len() - usize::from(self.takes_self)
    }
}

/// Everything that tch exposes on tensors, by name; `f_` twins left out.
pub(crate) static TCH: LazyLock<BTreeMap<String, Function>> = LazyLock::new(read);

/// Where cargo keeps the sources of a package that this workspace builds.
pub(crate) fn package(name: &str) -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // Only what this machine builds: packages of other systems were never fetched.
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let host = Command::new(rustc).args(["--print", "host-tuple"]).output().unwrap().stdout;
    let host = String::from_utf8(host).unwrap();
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--offline",
            "--locked",
            "--filter-platform",
            host.trim(),
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let found = packages.iter().find(|package| package["name"] == name);
    let manifest =
        found.unwrap_or_else(|| panic!("cargo knows no package `{name}`"))["manifest_path"].as_str();
    Path::new(manifest.unwrap()).parent().unwrap().to_owned()
}

fn read() -> BTreeMap<String, Function> {
    let tch = package("tch").join("src");
    let generated = fs::read_to_string(package("torch-sys").join("libtch/torch_api_generated.cpp")).unwrap();
    let mut reader = Reader { operators: operators(&generated), ..Reader::default() };
    // The fallible half comes first: it knows which function of the C API stands behind a name.
    for file in [
        "wrappers/tensor_fallible_generated.rs",
        "wrappers/tensor_generated.rs",
        "wrappers/tensor.rs",
        "tensor/mod.rs",
        "tensor/index.rs",
        "tensor/ops.rs",
    ] {
        let text = fs::read_to_string(tch.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        reader.generated = file.contains("generated");
        reader.visit_file(&syn::parse_file(&text).unwrap());
    }
    assert!(reader.functions.len() > 2000, "only {} functions of tch were read", reader.functions.len());
    reader.functions
}

/// libtorch's operator per function of tch's C API: `atg_pow_tensor_scalar` calls `torch::pow`.
fn operators(generated: &str) -> BTreeMap<String, String> {
    let mut operators = BTreeMap::new();
    for function in generated.split("\n}").filter(|function| function.contains("atg_")) {
        let Some((head, body)) = function.split_once('{') else { continue };
        let name = head.split("atg_").nth(1).and_then(|rest| rest.split('(').next()).unwrap();
        // The receiver is `*self` or `self`; what is called comes after the first `torch::` or `self->`.
        let called = ["torch::", "self->"].into_iter().filter_map(|mark| body.split_once(mark));
        let called = called.map(|(before, rest)| (before.len(), rest.split('(').next().unwrap()));
        if let Some((_, operator)) = called.min() {
            operators.insert(name.to_owned(), operator.to_owned());
        }
    }
    operators
}

#[derive(Default)]
struct Reader {
    /// Whether the file at hand is tch's generated one.
    generated: bool,
    /// By function of the C API, without `atg_`.
    operators: BTreeMap<String, String>,
    /// By fallible method.
    fallible: BTreeMap<String, String>,
    functions: BTreeMap<String, Function>,
}

impl Reader {
    fn add(&mut self, signature: &Signature, body: Option<&syn::Block>) {
        let name = signature.ident.to_string();
        if let Some(twin) = name.strip_prefix("f_") {
            let mut call = CApi(None);
            if let Some(body) = body {
                call.visit_block(body);
            }
            if let Some(operator) = call.0.and_then(|api| self.operators.get(&api)) {
                self.fallible.insert(twin.to_owned(), operator.clone());
            }
            return;
        }
        let generics: Vec<String> =
            signature.generics.type_params().map(|param| param.ident.to_string()).collect();
        let mut params = Vec::new();
        let (mut takes_self, mut writes) = (false, false);
        for input in &signature.inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    takes_self = true;
                    writes |= matches!(receiver.kind, syn::ReceiverKind::Reference(_, _, Some(_)));
                    params.push(("self".to_owned(), Param::Tensor));
                }
                FnArg::Typed(typed) => {
                    let syn::Pat::Ident(pat) = &*typed.pat else { continue };
                    let (name, param) = (pat.ident.to_string(), param(&typed.ty, &generics));
                    writes |= param == Param::Tensor && name.trim_end_matches(char::is_numeric) == "out";
                    params.push((name, param));
                }
            }
        }
        let twin = name.strip_prefix("g_").filter(|_| self.generated);
        let torch = self.fallible.get(twin.unwrap_or(&name)).filter(|_| self.generated).cloned();
        self.functions.entry(name).or_insert(Function { takes_self, params, writes, torch });
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, Some(&item.block));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.add(&item.sig, None);
    }

    /// `impl_op!(Add, add, g_add)` and `impl_op_assign!(..)`: operators whose right side is a tensor, a number in others.
    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let assigns = item.path.is_ident("impl_op_assign");
        if assigns || item.path.is_ident("impl_op") {
            let tokens = item.tokens.to_string();
            let name = tokens.split(',').nth(1).unwrap().trim().to_owned();
            let params = vec![("self".to_owned(), Param::Tensor), ("rhs".to_owned(), Param::Tensor)];
            let operator = Function { takes_self: true, params, writes: assigns, torch: None };
            self.functions.insert(name, operator);
        }
    }
}

/// The first function of the C API that a body calls, in whatever macro.
struct CApi(Option<String>);

impl<'ast> Visit<'ast> for CApi {
    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let tokens = item.tokens.to_string();
        let called = tokens
            .split("atg_")
            .nth(1)
            .and_then(|rest| rest.split(|c: char| c != '_' && !c.is_alphanumeric()).next());
        self.0 = self.0.take().or(called.map(str::to_owned));
    }
}

fn param(ty: &Type, generics: &[String]) -> Param {
    // In generated code the only generic type in options and lists is `T: Borrow<Tensor>`.
    let is_tensor = |ty: &Type| matches!(ty, Type::Path(path) if path.path.is_ident("Tensor") || path.path.is_ident("T") && generics.iter().any(|name| name == "T"));
    match ty {
        Type::Reference(reference) => match &*reference.elem {
            Type::Slice(list) if is_tensor(option(&list.elem).unwrap_or(&list.elem)) => Param::Tensor,
            elem if is_tensor(elem) => Param::Tensor,
            _ => Param::Other,
        },
        Type::ImplTrait(bounds) => {
            // `impl Into<Option<Kind>>`
            let into = bounds.bounds.iter().find_map(|bound| match bound {
                syn::TypeParamBound::Trait(bound) => argument(bound.path.segments.last()?),
                _ => None,
            });
            if into.and_then(option).is_some_and(is_kind) { Param::MaybeKind } else { Param::Other }
        }
        ty if is_kind(ty) => Param::Kind,
        ty if option(ty).is_some_and(is_tensor) => Param::Tensor,
        _ => Param::Other,
    }
}

fn is_kind(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("Kind"))
}

/// What is in an `Option`.
fn option(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Path(path) => argument(path.path.segments.last().filter(|segment| segment.ident == "Option")?),
        _ => None,
    }
}

fn argument(segment: &syn::PathSegment) -> Option<&Type> {
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
        }
        _ => None,
    }
}
