//! Mistakes that do not compile, each at the tokens that make it: a folder a rule, a mistake a file.

#[test]
fn a_wrong_order_does_not_compile() {
    trybuild::TestCases::new().compile_fail("typestate/*.rs");
}

#[test]
fn mistakes_in_precision_and_in_training_steps_do_not_compile() {
    trybuild::TestCases::new().compile_fail("ui/*/*.rs");
}
