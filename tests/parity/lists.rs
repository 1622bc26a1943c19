//! The operators that autocast wraps for CUDA, as its dispatcher registers them: each that tch has stands in a class.
use super::Recording;
use amp_runtime::policy::OPS;
use std::collections::BTreeSet;

/// The classes that a list's operators may stand in.
fn classes(list: &str) -> &'static [&'static str] {
    match list {
        "lower_precision_fp" => &["Low"],
        "fp32" => &["Full"],
        "fp32_set_opt_dtype" | "different_redispatch_signature" => &["FullOutput", "Full"],
        "promote" => &["Widest"],
        "banned" => &["Banned"],
        "registered" => &["Low", "Full", "FullOutput", "Widest", "Banned"],
        other => panic!("a list that is new: {other}"),
    }
}

#[test]
fn every_operator_that_autocast_wraps_stands_in_its_class() {
    let recording = Recording::read();
    let mut seen = BTreeSet::new();
    for (list, operators) in recording.0["lists"].as_object().unwrap() {
        let mut known = 0;
        for operator in operators.as_array().unwrap() {
            let operator = operator.as_str().unwrap();
            // An overload whose dtype must be given is the caller's decision.
            let rows = OPS.iter().filter(|op| !op.torch.ends_with("_dtype"));
            for op in rows.filter(|op| op.torch.split('.').next() == Some(operator)) {
                assert!(classes(list).contains(&op.class), "{} is {}, and is on {list}", op.name, op.class);
                seen.insert(operator.to_owned());
                known += 1;
            }
        }
        assert!(known > 0, "tch has nothing of {list}");
    }
    println!("{} operators were found in the table", seen.len());
    assert!(seen.len() > 95, "only {} operators were found in the table", seen.len());
}
