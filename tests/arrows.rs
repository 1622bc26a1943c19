//! The rules of the house: arrows only point down, no circles, small files, one caption each, `unsafe` in one room.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::Visit;

const CRATES: [&str; 6] =
    ["amp-macros", "amp-runtime", "examples/detector", "examples/quickstart", "tests/side-by-side", "xtask"];
const LONGEST: usize = 400;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The Rust files below a folder, sorted.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Every source of the workspace; cases that must not compile and expansions that are shown are left out.
fn all_sources() -> Vec<PathBuf> {
    let root = workspace();
    let folders = CRATES.iter().copied().chain(["tests"]);
    let shown = |part: &std::ffi::OsStr| part == "ui" || part == "expansions";
    let files: Vec<PathBuf> = folders
        .flat_map(|folder| sources(&root.join(folder)))
        .filter(|file| !file.iter().any(shown))
        .collect();
    assert!(files.len() > 50, "found only {} files", files.len());
    files
}

fn show(file: &Path) -> String {
    file.strip_prefix(workspace()).unwrap_or(file).display().to_string()
}

type Module = Vec<String>;

/// The module that a file of `src` holds; empty for the root.
fn module(src: &Path, file: &Path) -> Module {
    let path = file.strip_prefix(src).unwrap().with_extension("");
    let mut module: Module = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// The modules of a crate, and for each the ones that it names.
struct Arrows {
    modules: BTreeSet<Module>,
    edges: BTreeMap<Module, BTreeSet<Module>>,
}

impl Arrows {
    fn read(src: &Path) -> Self {
        let files: Vec<PathBuf> =
            sources(src).into_iter().filter(|file| !file.iter().any(|part| part == "expansions")).collect();
        let modules: BTreeSet<Module> = files.iter().map(|file| module(src, file)).collect();
        let mut arrows = Self { modules, edges: BTreeMap::new() };
        for file in &files {
            let syntax = syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap();
            let mut names = Names { here: module(src, file), depth: 0, named: BTreeSet::new() };
            names.visit_file(&syntax);
            let from = names.here.clone();
            let targets = names.named.iter().filter_map(|path| arrows.resolve(path));
            let targets: BTreeSet<Module> = targets.filter(|to| *to != from).collect();
            arrows.edges.insert(from, targets);
        }
        arrows
    }

    /// The innermost module that an absolute path goes through. The root is nobody's target: it only re-exports.
    fn resolve(&self, path: &[String]) -> Option<Module> {
        let lengths = (1..=path.len()).rev();
        lengths.map(|length| path[..length].to_vec()).find(|prefix| self.modules.contains(prefix))
    }

    /// A circle, if there is one, from a module back to itself.
    fn circle(&self) -> Option<Vec<&Module>> {
        fn follow<'a>(
            arrows: &'a Arrows,
            path: &mut Vec<&'a Module>,
            done: &mut BTreeSet<&'a Module>,
        ) -> bool {
            let here = path[path.len() - 1];
            for next in &arrows.edges[here] {
                if let Some(start) = path.iter().position(|module| *module == next) {
                    path.drain(..start);
                    path.push(next);
                    return true;
                }
                if !done.contains(next) {
                    path.push(next);
                    if follow(arrows, path, done) {
                        return true;
                    }
                    path.pop();
                }
            }
            done.insert(here);
            false
        }
        let mut done = BTreeSet::new();
        self.edges.keys().find_map(|module| {
            let mut path = vec![module];
            (!done.contains(module) && follow(self, &mut path, &mut done)).then_some(path)
        })
    }
}

/// Collects the paths within the crate that a file names, absolute.
struct Names {
    here: Module,
    /// How many inline modules deep the visitor is.
    depth: usize,
    named: BTreeSet<Vec<String>>,
}

impl Names {
    fn add(&mut self, path: &[String]) {
        let mut base = match path.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self" | "super") => self.here.clone(),
            // `pub use child::Item` in a parent; anything else is another crate's.
            Some(_) if self.depth == 0 => [self.here.as_slice(), path].concat(),
            _ => return,
        };
        let mut inline = self.depth;
        for part in path.iter().skip_while(|part| *part == "crate") {
            match part.as_str() {
                "super" if inline > 0 => inline -= 1,
                "super" => {
                    base.pop();
                }
                "self" => {}
                _ if matches!(path[0].as_str(), "crate" | "self" | "super") => base.push(part.clone()),
                _ => {}
            }
        }
        self.named.insert(base);
    }

    fn add_tree(&mut self, tree: &syn::UseTree, prefix: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.add_tree(&path.tree, prefix);
                prefix.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(tree, prefix)),
            syn::UseTree::Name(name) => self.add(&[prefix.as_slice(), &[name.ident.to_string()]].concat()),
            syn::UseTree::Rename(name) => self.add(&[prefix.as_slice(), &[name.ident.to_string()]].concat()),
            syn::UseTree::Glob(_) => self.add(prefix),
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&item.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if parts.len() > 1 && matches!(parts[0].as_str(), "crate" | "super") {
            self.add(&parts);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.depth += usize::from(item.content.is_some());
        syn::visit::visit_item_mod(self, item);
        self.depth -= usize::from(item.content.is_some());
    }
}

fn names(path: &[&Module]) -> String {
    path.iter().map(|module| module.join("::")).collect::<Vec<_>>().join(" -> ")
}

#[test]
fn no_circles() {
    for krate in CRATES {
        let arrows = Arrows::read(&workspace().join(krate).join("src"));
        if let Some(circle) = arrows.circle() {
            panic!("{krate}: {}", names(&circle));
        }
    }
}

#[test]
fn a_circle_would_be_found() {
    let module = |name: &str| vec![name.to_owned()];
    let edge = |from: &str, to: &[&str]| (module(from), to.iter().map(|to| module(to)).collect());
    let arrows = |edges: [(Module, BTreeSet<Module>); 3]| {
        let edges = BTreeMap::from(edges);
        Arrows { modules: edges.keys().cloned().collect(), edges }
    };
    let round = arrows([edge("a", &["b"]), edge("b", &["c"]), edge("c", &["b"])]);
    assert_eq!(names(&round.circle().unwrap()), "b -> c -> b");
    assert!(arrows([edge("a", &["b", "c"]), edge("b", &["c"]), edge("c", &[])]).circle().is_none());
}

#[test]
fn the_arrows_that_are_known_to_be_there_are_seen() {
    let arrows = Arrows::read(&workspace().join("amp-runtime/src"));
    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
    for (from, to) in [
        ("scaler::grad_scaler", "optim"),
        ("optim", "optim::optimizer"),
        ("optim::optimizer", "optim::lists"),
        ("optim_wrapper::wrapper", "native"),
    ] {
        assert!(arrows.edges[&module(from)].contains(&module(to)), "{from} -> {to} not seen");
    }
}

#[test]
fn passes_do_not_import_one_another() {
    const PASSES: [&str; 5] = ["analyse", "diagnose", "train_step", "rewrite", "explain"];
    let arrows = Arrows::read(&workspace().join("amp-macros/src"));
    let pass =
        |module: &Module| PASSES.iter().find(|pass| module.first().is_some_and(|first| first == *pass));
    let mut seen = BTreeSet::new();
    for (from, targets) in &arrows.edges {
        let Some(own) = pass(from) else { continue };
        seen.insert(own);
        let other = targets.iter().find(|to| pass(to).is_some_and(|pass| pass != own));
        assert!(other.is_none(), "{} imports {}", from.join("::"), other.unwrap().join("::"));
    }
    assert_eq!(seen.len(), PASSES.len(), "a pass has another name now");
}

#[test]
fn the_native_room_imports_nobody() {
    let arrows = Arrows::read(&workspace().join("amp-runtime/src"));
    for (from, targets) in
        arrows.edges.iter().filter(|(from, _)| from.first().is_some_and(|name| name == "native"))
    {
        let outside: Vec<_> = targets.iter().filter(|to| to[0] != "native").collect();
        assert!(outside.is_empty(), "{} imports {outside:?}", from.join("::"));
    }
}

#[test]
fn files_are_short_captioned_and_named_for_what_they_know() {
    for file in all_sources() {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        assert!(
            lines <= LONGEST,
            "{} has {lines} lines: split it where it answers a second question",
            show(&file)
        );
        assert!(text.starts_with("//! "), "{} has no caption in its first line", show(&file));
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!["utils", "util", "helpers", "common", "misc"].contains(&name.as_str()), "{}", show(&file));
    }
}

#[test]
fn unsafe_is_lifted_in_one_room() {
    let lifted = |text: &str| text.contains("allow(unsafe_code") || text.contains("expect(unsafe_code");
    let rooms: Vec<String> = all_sources()
        .iter()
        .filter(|file| !file.ends_with("arrows.rs") && lifted(&fs::read_to_string(file).unwrap()))
        .map(|file| show(file))
        .collect();
    assert_eq!(rooms, ["amp-runtime/src/native/mod.rs"]);
}
