//! Compiles the native bridge against the libtorch that torch-sys found, and hands its folder on.
use std::path::Path;

fn main() {
    // torch-sys sets this, unless it is built for documentation only and there is no libtorch at all.
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    let include = Path::new(&lib).join("../include");

    cxx_build::bridge("src/native/bridge.rs")
        .files(["src/native/amp.cpp", "src/native/cpu.cpp"])
        .std("c++17")
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
