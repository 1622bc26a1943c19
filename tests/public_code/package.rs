//! The package that holds the copies: its files, how it is built, what the compiler says.
use crate::marked::{Marks, Name, moved};
use crate::sources::{Source, workspace};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use syn::visit_mut::VisitMut;

/// The refused functions of each file.
pub(crate) type Refused = BTreeMap<PathBuf, BTreeSet<Name>>;

pub(crate) struct Package {
    pub(crate) folder: PathBuf,
}

/// Stand-ins for crates that the examples use and this workspace does not.
const STAND_INS: [&str; 3] = ["cpython", "memmap2", "regex"];

impl Package {
    pub(crate) fn new(name: &str) -> Self {
        Self { folder: Path::new(env!("CARGO_TARGET_TMPDIR")).join(name) }
    }

    /// Writes what has changed, so that cargo does not build the rest again.
    pub(crate) fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.folder.join(path);
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return;
        }
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// The manifest, with the workspace's profiles and versions, so that what is built already serves here too.
    pub(crate) fn write_manifest(&self, edition: &str, more: &str) {
        let root = workspace();
        let name = self.folder.file_name().expect("a name").to_string_lossy();
        let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("a manifest");
        let profiles = manifest.split_once("[profile.dev]").map_or("", |(_, profiles)| profiles);
        let runtime = root.join("amp-runtime").display().to_string();
        self.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"{edition}\"\nbuild = \"build.rs\"\n\n\
                 [workspace]\n\n[dependencies]\namp-runtime = {{ path = {runtime:?} }}\ntch = \"0.24\"\n{more}\n\
                 [profile.dev]{profiles}\n[profile.dev.package.amp-runtime]\ndebug = \"line-tables-only\"\n\
                 [profile.dev.package.amp-macros]\ndebug = \"line-tables-only\"\n"
            ),
        );
        self.write(
            "build.rs",
            "fn main() {\n    if let Ok(lib) = std::env::var(\"DEP_AMP_RUNTIME_LIBTORCH_LIB\") {\n        \
             println!(\"cargo:rustc-link-arg=-Wl,-rpath,{lib}\");\n    }\n    println!(\"cargo:rerun-if-changed=build.rs\");\n}\n",
        );
        if !self.folder.join("Cargo.lock").exists() {
            fs::copy(root.join("Cargo.lock"), self.folder.join("Cargo.lock")).expect("a lock file");
        }
    }

    /// The stand-ins as packages, and how the manifest names them.
    pub(crate) fn write_stand_ins(&self) -> String {
        let inside = Path::new(env!("CARGO_MANIFEST_DIR")).join("public_code/inside");
        let mut lines = String::new();
        for name in STAND_INS {
            let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n");
            self.write(format!("{name}/Cargo.toml"), &manifest);
            let text = fs::read_to_string(inside.join(name).with_extension("rs")).expect("a stand-in");
            self.write(format!("{name}/src/lib.rs"), &text);
            writeln!(lines, "{name} = {{ path = {name:?} }}").expect("a string");
        }
        for name in ["root", "run"] {
            let text = fs::read_to_string(inside.join(name).with_extension("rs")).expect("a file");
            self.write(format!("src/{name}.rs"), &text);
        }
        lines
    }

    /// `plain` and `amped`; returns how many functions bear the attribute.
    pub(crate) fn write_copies(&self, sources: &[Source], refused: &Refused) -> usize {
        let mut marked = 0;
        let none = BTreeSet::new();
        let mut folders: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
        for source in sources {
            let text = fs::read_to_string(&source.from).expect("a source");
            let mut file = moved(&text, &source.to);
            self.write(Path::new("src/plain").join(&source.to), &prettyplease::unparse(&file));
            let mut marks = Marks::new(refused.get(&source.to).unwrap_or(&none));
            marks.visit_file_mut(&mut file);
            marked += marks.marked;
            self.write(Path::new("src/amped").join(&source.to), &prettyplease::unparse(&file));
            if let Ok(example) = source.to.strip_prefix("examples") {
                let name = example.iter().next().expect("a name").to_string_lossy().into_owned();
                folders.entry("examples".into()).or_default().insert(name.trim_end_matches(".rs").to_owned());
            }
        }
        for root in ["plain", "amped"] {
            self.write(
                format!("src/{root}/mod.rs"),
                "pub mod data;\npub mod examples;\npub mod nn;\npub mod vision;\n",
            );
            for (folder, names) in &folders {
                let modules: Vec<String> = names.iter().map(|name| format!("pub mod {name};\n")).collect();
                self.write(Path::new("src").join(root).join(folder).join("mod.rs"), &modules.concat());
            }
        }
        marked
    }

    /// cargo in the workspace's folder, with its configuration and its target folder.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Output {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(workspace())
            .env("CARGO_TARGET_DIR", target)
            .env_remove("RUSTFLAGS")
            .args(arguments)
            .arg("--offline")
            .arg("--manifest-path")
            .arg(self.folder.join("Cargo.toml"))
            .output()
            .expect("cargo runs")
    }
}

/// An error of the compiler: where, and what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Report {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) end: (usize, usize),
    /// rustc's own error number; `compile_error!` has none.
    pub(crate) code: Option<String>,
    pub(crate) message: String,
}

/// The errors in what `cargo --message-format=json` printed, by place.
pub(crate) fn reports(output: &Output) -> Vec<Report> {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let messages =
        lines.filter(|line| line["reason"] == "compiler-message" && line["message"]["level"] == "error");
    let mut reports: Vec<Report> = messages
        .filter_map(|line| {
            let message = &line["message"];
            let spans = message["spans"].as_array()?;
            let span = spans.iter().find(|span| span["is_primary"] == true)?;
            let number =
                |name: &str| usize::try_from(span[name].as_u64().unwrap_or_default()).unwrap_or_default();
            Some(Report {
                file: PathBuf::from(span["file_name"].as_str()?),
                line: number("line_start"),
                column: number("column_start"),
                end: (number("line_end"), number("column_end")),
                code: message["code"]["code"].as_str().map(str::to_owned),
                message: message["message"].as_str()?.to_owned(),
            })
        })
        .collect();
    reports.sort();
    reports.dedup();
    reports
}
