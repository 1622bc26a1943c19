//! A source with `#[amp]` in front of every function, and which function a line lies in.
use std::collections::BTreeSet;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, File, ImplItemFn, Item, ItemFn, ItemImpl, Signature, TraitItemFn, Type, parse_quote,
};

/// The copies stand in another crate: what was tch's root is `crate::root`, and what was private is looked into.
struct Moved {
    example: bool,
}

impl VisitMut for Moved {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        if path.segments.first().is_some_and(|first| first.ident == "crate") {
            path.segments.insert(1, parse_quote!(root));
        }
        visit_mut::visit_path_mut(self, path);
    }

    fn visit_use_path_mut(&mut self, path: &mut syn::UsePath) {
        if path.ident == "crate" {
            let rest = &path.tree;
            *path.tree = syn::UseTree::Path(syn::UsePath {
                ident: parse_quote!(root),
                colon2_token: path.colon2_token,
                tree: rest.clone(),
            });
        }
    }

    fn visit_visibility_mut(&mut self, visibility: &mut syn::Visibility) {
        if self.example {
            *visibility = parse_quote!(pub);
        }
    }

    fn visit_item_impl_mut(&mut self, item: &mut ItemImpl) {
        if item.trait_.is_none() {
            visit_mut::visit_item_impl_mut(self, item);
            return;
        }
        // A trait's items have no visibility of their own.
        let example = std::mem::replace(&mut self.example, false);
        visit_mut::visit_item_impl_mut(self, item);
        self.example = example;
    }

    fn visit_item_enum_mut(&mut self, item: &mut syn::ItemEnum) {
        let example = std::mem::replace(&mut self.example, false);
        visit_mut::visit_item_enum_mut(self, item);
        self.example = example;
    }
}

fn is_tchs(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| {
        ["Tensor", "CModule", "TrainableCModule"].contains(&last.ident.to_string().as_str())
    })
}

/// Whether the item can stand outside tch: methods of tch's own types and its two traits cannot.
fn movable(item: &Item) -> bool {
    match item {
        Item::Impl(item) => {
            let blanket = matches!(&*item.self_ty, Type::Path(path) if path.path.is_ident("T"));
            !(is_tchs(&item.self_ty) || blanket && item.trait_.is_some())
        }
        _ => true,
    }
}

/// The source as a module of another crate.
pub(crate) fn moved(text: &str, to: &std::path::Path) -> File {
    let mut file = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    file.items.retain(movable);
    if to.ends_with("nn/module.rs") {
        let traits = |item: &Item| matches!(item, Item::Trait(_));
        file.items.retain(|item| !traits(item));
        file.items.push(parse_quote!(
            pub use tch::nn::{Module, ModuleT};
        ));
    }
    if to.ends_with("vision/mod.rs") {
        file.items.retain(|item| !matches!(item, Item::Mod(module) if module.ident == "rust_image"));
    }
    if to.ends_with("vision/efficientnet.rs") {
        file.items.push(parse_quote!(
            use crate::Swish as _;
        ));
    }
    if to.ends_with("vision/imagenet.rs") {
        file.items.push(parse_quote!(
            use lazy_static::lazy_static;
        ));
    }
    Moved { example: to.starts_with("examples") }.visit_file_mut(&mut file);
    file
}

/// A function of a file, by name and by how many of that name come before it.
pub(crate) type Name = (String, usize);

/// Puts the attribute in front of each function, but those that are refused.
pub(crate) struct Marks<'a> {
    pub(crate) refused: &'a BTreeSet<Name>,
    seen: Vec<String>,
    pub(crate) marked: usize,
}

impl<'a> Marks<'a> {
    pub(crate) fn new(refused: &'a BTreeSet<Name>) -> Self {
        Self { refused, seen: Vec::new(), marked: 0 }
    }

    fn mark(&mut self, attrs: &mut Vec<Attribute>, sig: &Signature) {
        let name = name_of(&mut self.seen, sig);
        if !self.refused.contains(&name) && sig.constness.is_none() {
            attrs.push(parse_quote!(#[::amp_runtime::amp]));
            self.marked += 1;
        }
    }
}

fn name_of(seen: &mut Vec<String>, sig: &Signature) -> Name {
    let name = sig.ident.to_string();
    let before = seen.iter().filter(|other| **other == name).count();
    seen.push(name.clone());
    (name, before)
}

impl VisitMut for Marks<'_> {
    fn visit_item_fn_mut(&mut self, function: &mut ItemFn) {
        self.mark(&mut function.attrs, &function.sig);
        visit_mut::visit_item_fn_mut(self, function);
    }

    fn visit_impl_item_fn_mut(&mut self, method: &mut ImplItemFn) {
        self.mark(&mut method.attrs, &method.sig);
        visit_mut::visit_impl_item_fn_mut(self, method);
    }

    fn visit_trait_item_fn_mut(&mut self, method: &mut TraitItemFn) {
        if method.default.is_some() {
            self.mark(&mut method.attrs, &method.sig);
        }
        visit_mut::visit_trait_item_fn_mut(self, method);
    }
}

/// Finds the innermost function around a line.
struct Around {
    line: usize,
    seen: Vec<String>,
    found: Option<Name>,
}

impl Around {
    fn look(&mut self, attrs: &[Attribute], sig: &Signature, block: &Block) {
        let name = name_of(&mut self.seen, sig);
        let first = attrs.first().map_or(sig.span(), Spanned::span).start().line;
        if (first..=block.span().end().line).contains(&self.line) {
            self.found = Some(name);
        }
    }
}

impl<'ast> Visit<'ast> for Around {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.look(&function.attrs, &function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, method: &'ast ImplItemFn) {
        self.look(&method.attrs, &method.sig, &method.block);
        visit::visit_impl_item_fn(self, method);
    }

    fn visit_trait_item_fn(&mut self, method: &'ast TraitItemFn) {
        if let Some(block) = &method.default {
            self.look(&method.attrs, &method.sig, block);
        }
        visit::visit_trait_item_fn(self, method);
    }
}

/// The function that `line` of `text` lies in.
pub(crate) fn function_at(text: &str, line: usize) -> Option<Name> {
    let file = syn::parse_file(text).ok()?;
    let mut around = Around { line, seen: Vec::new(), found: None };
    around.visit_file(&file);
    around.found
}
