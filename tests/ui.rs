//! A training step in a wrong order does not compile: in rustc's own words.

#[test]
fn a_wrong_order_does_not_compile() {
    trybuild::TestCases::new().compile_fail("typestate/*.rs");
}

#[test]
fn a_wrong_training_step_does_not_compile() {
    trybuild::TestCases::new().compile_fail("ui/train_step*/*.rs");
}
