//! Tells the linker where libtorch is when the program runs.
fn main() {
    if let Ok(lib) = std::env::var("DEP_AMP_RUNTIME_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    }
}
