//! The names that `amp-runtime` has in public, read from its sources.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use syn::visit::{self, Visit};

#[derive(Default)]
pub(crate) struct PublicNames {
    /// Modules, functions and types as they are; variants, methods and fields after their type: `Precision::current`.
    pub(crate) names: BTreeSet<String>,
    /// Methods without their type.
    pub(crate) methods: BTreeSet<String>,
    implementor: String,
}

impl PublicNames {
    pub(crate) fn read() -> Self {
        let mut all = Self::default();
        all.read_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../amp-runtime/src"));
        assert!(all.names.contains("OptimWrapper::update_params") && all.names.contains("autocast"));
        all
    }

    fn read_below(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.read_below(&path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                self.visit_file(&syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap());
            }
        }
    }

    fn add(&mut self, visibility: &syn::Visibility, name: &syn::Ident) {
        if is_public(visibility) {
            self.names.insert(name.to_string());
        }
    }

    fn add_use(&mut self, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => self.add_use(&path.tree),
            syn::UseTree::Name(name) => {
                self.names.insert(name.ident.to_string());
            }
            _ => {}
        }
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

impl<'ast> Visit<'ast> for PublicNames {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.vis, &item.sig.ident);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.add(&item.vis, &item.ident);
        let fields = item.fields.iter().filter(|field| is_public(&field.vis));
        let fields = fields.filter_map(|field| field.ident.as_ref());
        self.names.extend(fields.map(|name| format!("{}::{name}", item.ident)));
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.add(&item.vis, &item.ident);
        if is_public(&item.vis) {
            let variants = item.variants.iter();
            self.names.extend(variants.map(|variant| format!("{}::{}", item.ident, variant.ident)));
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.add(&item.vis, &item.ident);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if is_public(&item.vis) {
            self.add_use(&item.tree);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let syn::Type::Path(path) = &*item.self_ty {
            self.implementor = path.path.segments.last().unwrap().ident.to_string();
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if is_public(&item.vis) {
            self.names.insert(format!("{}::{}", self.implementor, item.sig.ident));
            self.methods.insert(item.sig.ident.to_string());
        }
    }
}
