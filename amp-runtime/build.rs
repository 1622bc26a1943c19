//! Compiles the native bridge against the libtorch that torch-sys found, and hands its folder on.
use std::path::Path;

fn main() {
    // torch-sys sets this, unless it is built for documentation only and there is no libtorch at all.
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    let include = Path::new(&lib).join("../include");

    let mut bridge = cxx_build::bridge("src/native/bridge.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        // Without it `at::parallel_for` is a plain loop. torch-sys links libgomp already.
        bridge.flag_if_supported("-fopenmp");
    }
    bridge
        .files(["amp", "casts", "cpu", "gradients", "graph"].map(|name| format!("src/native/{name}.cpp")))
        .std("c++17")
        // a norm is the same to the bit whatever vectors the machine has
        .flag_if_supported("-ffp-contract=off")
        .warnings(false) // libtorch's headers are full of them
        .define("_GLIBCXX_USE_CXX11_ABI", "1")
        .includes([&include, &include.join("torch/csrc/api/include")])
        // libtorch_cuda is loaded from a static initializer, which the linker drops where nothing native is named
        .link_lib_modifier("+whole-archive")
        .compile("amp_native");

    println!("cargo:rerun-if-changed=src/native");
    println!("cargo:libtorch_lib={lib}");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
}
