//! libtorch's autocast lists for CUDA, as its header has them: every operator on them that tch exposes stands in its class.
use crate::registry::{Param, TCH};
use amp_runtime::policy::OPS;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const HEADER: &str = "include/ATen/autocast_mode.h";

/// The header's lists by name, each with its operators, overloads left out.
fn lists() -> BTreeMap<String, BTreeSet<String>> {
    // The workspace's cargo configuration sets it.
    let torch = std::env::var("LIBTORCH").expect("cargo sets LIBTORCH for its tests");
    let path = Path::new(&torch).join(HEADER);
    let header = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lists = BTreeMap::new();
    for definition in header.split("#define AT_FORALL_").skip(1) {
        let (name, rest) = definition.split_once("(_)").unwrap();
        // A definition goes on while its lines end in a backslash.
        let body: String = rest
            .split_inclusive('\n')
            .scan(true, |goes_on, line| {
                std::mem::replace(goes_on, line.trim_end().ends_with('\\')).then_some(line)
            })
            .collect();
        let operators = body.split("_(").skip(1).map(|entry| {
            // `pow, Tensor_Scalar)` in most lists, `ADD_NS(norm), "norm.Scalar", ..` in one
            let operator = entry.strip_prefix("ADD_NS(").unwrap_or(entry);
            operator.split([')', ',']).next().unwrap().trim().to_owned()
        });
        lists.insert(name.to_owned(), operators.collect());
    }
    lists
}

/// The class that the policy gives a list.
fn class(list: &str) -> Option<&'static str> {
    match list {
        "LOWER_PRECISION_FP" => Some("Low"),
        "FP32" => Some("Full"),
        "FP32_SET_OPT_DTYPE" | "DIFFERENT_REDISPATCH_SIGNATURE" => Some("FullOutput"),
        "PROMOTE" => Some("Widest"),
        "DEPRECATED_AUTOCAST_BACKENDS" => None,
        other => panic!("the header has a list that is new: {other}"),
    }
}

#[test]
fn every_operator_of_the_lists_that_tch_exposes_stands_in_its_class() {
    let (mut exposed, mut hidden, mut wrong) = (0, Vec::new(), Vec::new());
    for (list, operators) in lists() {
        let Some(class) = class(&list) else { continue };
        for operator in operators {
            let twins = [operator.clone(), format!("{operator}_"), format!("{operator}_out")];
            let functions: Vec<_> = TCH
                .iter()
                .filter(|(_, function)| function.torch.as_ref().is_some_and(|torch| twins.contains(torch)))
                // A dtype that must be given is the caller's decision, in libtorch's lists too.
                .filter(|(_, function)| function.params.iter().all(|(_, param)| *param != Param::Kind))
                .collect();
            if functions.is_empty() {
                hidden.push(operator);
                continue;
            }
            exposed += 1;
            for (name, function) in functions {
                let chooses = function.params.iter().any(|(_, param)| *param == Param::MaybeKind);
                let wanted =
                    if class == "FullOutput" && (!chooses || function.writes) { "Full" } else { class };
                match OPS.iter().find(|op| op.name == name) {
                    Some(op) if op.class == wanted => {}
                    Some(op) => wrong.push(format!("{name} is {}, and {list} wants {wanted}", op.class)),
                    None => wrong.push(format!("{name} is missing, and {list} wants {wanted}")),
                }
            }
        }
    }
    println!("{exposed} operators of the lists are exposed by tch; these are not: {}", hidden.join(" "));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(exposed > 90, "only {exposed} operators were looked at");
}

#[test]
fn the_lists_are_read_whole() {
    let lists = lists();
    // One from the beginning and one from the end of each.
    for (list, operators) in [
        ("LOWER_PRECISION_FP", ["_convolution", "scaled_dot_product_attention"]),
        ("FP32", ["acos", "_upsample_bicubic2d_aa"]),
        ("FP32_SET_OPT_DTYPE", ["prod", "sum"]),
        ("PROMOTE", ["addcdiv", "scatter_add"]),
        ("DIFFERENT_REDISPATCH_SIGNATURE", ["norm", "norm"]),
    ] {
        for operator in operators {
            assert!(lists[list].contains(operator), "{operator} is not in {list}: {:?}", lists[list]);
        }
    }
}
