//! Lets the test binaries find libtorch where amp-runtime found it.

fn main() {
    if let Ok(lib) = std::env::var("DEP_AMP_RUNTIME_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
