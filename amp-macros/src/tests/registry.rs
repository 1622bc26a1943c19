//! Every function in the crates that lie in the local cargo registry goes through the pipeline.
use super::no_panic::reads_back;
use crate::pipeline::expand;
use proc_macro2::TokenStream;
use quote::ToTokens;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::{env, fs};
use syn::visit::{self, Visit};

fn registry() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    Some(home?.join("registry/src")).filter(|folder| folder.is_dir())
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Sends each function through, and each `impl` block as a whole.
#[derive(Default)]
struct Functions {
    seen: usize,
    wrong: Vec<String>,
}

impl Functions {
    fn expand(&mut self, name: &syn::Ident, item: &dyn ToTokens) {
        self.seen += 1;
        let output = catch_unwind(AssertUnwindSafe(|| expand(TokenStream::new(), item.to_token_stream())));
        match output {
            Ok(output) if reads_back(&output) => {}
            // `default fn` and its like stand in a trait's `impl` only: an item that does not parse comes back as it came.
            Ok(output) if syn::parse2::<syn::Item>(item.to_token_stream()).is_err() => {
                let written = item.to_token_stream().to_string();
                if !output.to_string().starts_with(&written) {
                    self.wrong.push(format!("`{name}` comes out as {output}"));
                }
            }
            Ok(output) => self.wrong.push(format!("`{name}` comes out as {output}")),
            Err(_) => self.wrong.push(format!("`{name}` panics: {}", item.to_token_stream())),
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.expand(&function.sig.ident, function);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        self.expand(&method.sig.ident, method);
        visit::visit_impl_item_fn(self, method);
    }

    fn visit_trait_item_fn(&mut self, method: &'ast syn::TraitItemFn) {
        if method.default.is_some() {
            self.expand(&method.sig.ident, method);
        }
        visit::visit_trait_item_fn(self, method);
    }
}

/// As much stack as rustc gives a macro: some generated sources nest types a thousand deep.
const STACK: usize = 8 << 20;

fn read(files: &[PathBuf]) -> Functions {
    let mut functions = Functions::default();
    for file in files {
        let Some(syntax) = fs::read_to_string(file).ok().and_then(|text| syn::parse_file(&text).ok()) else {
            continue;
        };
        let wrong = functions.wrong.len();
        functions.visit_file(&syntax);
        for report in &mut functions.wrong[wrong..] {
            *report = format!("{}: {report}", file.display());
        }
        drop(syntax);
        proc_macro2::extra::invalidate_current_thread_spans();
    }
    functions
}

#[test]
fn functions_of_the_registry() {
    let Some(registry) = registry() else {
        eprintln!("SKIPPED: no cargo registry on this machine, so no function of other crates was read");
        return;
    };
    let mut files = Vec::new();
    sources(&registry, &mut files);
    files.sort();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let running: Vec<_> = (0..workers)
        .map(|worker| {
            let share: Vec<PathBuf> = files.iter().skip(worker).step_by(workers).cloned().collect();
            std::thread::Builder::new().stack_size(STACK).spawn(move || read(&share)).expect("a thread")
        })
        .collect();
    let read: Vec<Functions> = running.into_iter().map(|worker| worker.join().expect("no panic")).collect();
    let seen: usize = read.iter().map(|functions| functions.seen).sum();
    let wrong: Vec<&String> = read.iter().flat_map(|functions| &functions.wrong).collect();
    println!("{seen} functions in {} files", files.len());
    assert!(seen > files.len(), "only {seen} functions in {} files", files.len());
    let shown: Vec<String> = wrong.iter().take(20).map(|text| text.chars().take(600).collect()).collect();
    assert!(wrong.is_empty(), "{} of {seen}:\n{}", wrong.len(), shown.join("\n"));
}
