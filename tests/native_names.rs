//! What is looked for in libtorch by name, since its header needs CUDA's, is there under that name in the libtorch of this build.
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the process has its libtorch from.
fn libtorch() -> Option<PathBuf> {
    // It is there once something of it was used.
    let _ = tch::Tensor::from(1.);
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().find(|line| line.ends_with("/libtorch_cpu.so"))?.split_whitespace().last()?;
    Some(Path::new(path).parent()?.to_owned())
}

/// The names in `graph.cpp`.
fn wanted() -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../amp-runtime/src/native/graph.cpp");
    let source = std::fs::read_to_string(source).unwrap();
    let calls = source.lines().filter(|line| line.trim_start().starts_with("find(all."));
    calls.map(|line| line.split('"').nth(1).expect("a name in quotes").to_owned()).collect()
}

#[test]
fn cuda_graphs_are_where_they_are_looked_for() {
    let library = libtorch().map(|folder| folder.join("libtorch_cuda.so")).filter(|path| path.exists());
    let Some(library) = library else { return println!("SKIPPED: this libtorch is one without CUDA") };
    let Ok(listed) = Command::new("nm").arg("-D").arg(&library).output() else {
        return println!("SKIPPED: there is no `nm`, which lists a library's names");
    };
    let listed = String::from_utf8(listed.stdout).unwrap();
    let symbols: Vec<(&str, &str)> = listed
        .lines()
        .filter_map(|line| {
            let (rest, name) = line.rsplit_once(' ')?;
            Some((rest.split_whitespace().last()?, name.split('@').next()?))
        })
        .collect();
    let wanted = wanted();
    assert_eq!(wanted.len(), 6, "{wanted:?}");
    for name in wanted {
        // CUDA's own comes from a library that this one loads.
        let kind = if name.starts_with("cuda") { "U" } else { "T" };
        assert!(symbols.contains(&(kind, name.as_str())), "`{name}` is not in {}", library.display());
    }
}
