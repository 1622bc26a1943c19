//! Every `#[amp]` function of a program is listed, in crates that forbid `unsafe` too, whether it ran or not.
#![forbid(unsafe_code)]
use amp_runtime::plan::{self, FunctionPlan, Seen};
use amp_runtime::{Precision, prelude::autocast};
use serde_json::json;
use std::fmt::Debug;
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};

/// What the macro writes at the head of a function.
macro_rules! registered {
    ($name:literal, $line:literal, $precision:expr, [$($site:expr),*], [$($layer:expr),*]: $count:literal) => {
        static __AMP_LAYERS: [::amp_runtime::__private::LayerPlan; $count] = [$($layer),*];
        static __AMP_PLAN: ::amp_runtime::__private::FunctionPlan = ::amp_runtime::__private::FunctionPlan {
            function: ::core::concat!(::core::module_path!(), "::", $name),
            file: "tests/plan_registry.rs",
            line: $line,
            precision: $precision,
            headline: ::core::concat!($name, ": as the macro has it"),
            sites: &[$($site),*],
            layers: &__AMP_LAYERS,
            calls: ::core::sync::atomic::AtomicU64::new(0),
        };
        #[::amp_runtime::__private::linkme::distributed_slice(::amp_runtime::__private::PLANS)]
        #[linkme(crate = ::amp_runtime::__private::linkme)]
        static __AMP_REGISTERED: &::amp_runtime::__private::FunctionPlan = &__AMP_PLAN;
        let __amp_region = ::amp_runtime::__private::enter(&__AMP_PLAN);
    };
}

const MATMUL: plan::SitePlan = plan::SitePlan {
    op: "matmul",
    line: 3,
    class: "low",
    precision: "low",
    casts: "input to low, if needed",
    reason: "op table",
};

fn apply(xs: &Tensor, layer: &impl Module) -> Tensor {
    registered!(
        "apply",
        30,
        Some(Precision::Bf16),
        [MATMUL],
        [
            plan::LayerPlan {
                call: "apply(layer)",
                line: 31,
                seen: ::amp_runtime::__private::LayerSeen::new()
            },
            plan::LayerPlan {
                call: "apply(&other)",
                line: 32,
                seen: ::amp_runtime::__private::LayerSeen::new()
            }
        ]: 2
    );
    ::amp_runtime::__private::Place(xs)
        .amp_at(&__AMP_LAYERS[0], &mut ::amp_runtime::__private::Slot::new())
        .apply(layer)
}

struct Model<T>(T);

impl<T: Debug> Model<T> {
    #[allow(dead_code, reason = "what never runs is listed as well")]
    fn never(&self, n: usize) -> String {
        registered!("Model::never", 20, None, [], []: 0);
        let in_a_closure = || {
            let __amp_region = ::amp_runtime::__private::enter(&__AMP_PLAN);
            format!("{:?}", self.0)
        };
        in_a_closure().repeat(n)
    }
}

trait Named {
    fn name(&self) -> &'static str;
}

impl<T: Debug, const N: usize> Named for [Model<T>; N] {
    fn name(&self) -> &'static str {
        registered!("name", 10, Some(Precision::F16), [], []: 0);
        __AMP_PLAN.function
    }
}

mod inner {
    /// A plan within a module within a function.
    pub(super) fn outermost() -> u64 {
        mod deeper {
            pub(super) fn plan() -> u64 {
                registered!("plan", 5, None, [], []: 0);
                __AMP_PLAN.calls()
            }
        }
        deeper::plan()
    }
}

fn find(function: &str) -> &'static FunctionPlan {
    let mut found = plan::all().filter(|plan| plan.function == format!("plan_registry::{function}"));
    let plan = found.next().unwrap_or_else(|| panic!("{function} is not listed:\n{}", plan::text()));
    assert!(found.next().is_none(), "{function} is listed once, however many types it is compiled for");
    plan
}

#[test]
fn what_never_ran_is_listed() {
    let plan = find("Model::never");
    assert_eq!((plan.file, plan.line, plan.precision), ("tests/plan_registry.rs", 20, None));
}

#[test]
fn a_generic_function_is_listed_once_and_counts_all_its_types() {
    let before = find("name").calls();
    assert_eq!([Model(1)].name(), [Model("a"), Model("b")].name());
    assert_eq!(find("name").calls(), before + 2);
}

#[test]
fn all_are_sorted_by_file_and_line() {
    assert_eq!(inner::outermost(), 1);
    let all: Vec<_> = plan::all().map(|plan| (plan.file, plan.line)).collect();
    assert!(all.is_sorted(), "{all:?}");
    assert!(all.len() >= 4, "{all:?}");
}

#[test]
fn text_and_json_say_what_layers_turned_out_to_be() {
    let vs = nn::VarStore::new(Device::Cpu);
    let linear = nn::linear(vs.root(), 4, 4, nn::LinearConfig::default());
    let opaque = nn::func(|xs| autocast(Precision::Full, || xs.relu()));
    let xs = Tensor::randn([4, 4], (Kind::Float, Device::Cpu));
    let _ = (apply(&xs, &linear), apply(&xs, &linear), apply(&xs, &opaque));

    let plan = find("apply");
    assert_eq!(plan.calls(), 3);
    assert_eq!(plan.layers[0].seen(), Seen { low: 2, opaque: 1, ..Seen::default() });
    let text = plan::text();
    let at = text.find("plan_registry::apply ").expect("it is in the text");
    let lines: Vec<&str> = text[at..].lines().take(5).collect();
    assert_eq!(
        lines,
        [
            "plan_registry::apply (tests/plan_registry.rs:30), bf16, 3 calls",
            "  apply: as the macro has it",
            "      3  matmul: low (low), casts input to low, if needed: op table",
            "     31  apply(layer): by layer, ran 2 low, 1 opaque",
            "     32  apply(&other): by layer, has not run",
        ]
    );
    let json = plan::json();
    let all = json.as_array().expect("an array");
    assert_eq!(all.len(), plan::all().count());
    let entry =
        all.iter().find(|plan| plan["function"] == "plan_registry::apply").expect("it is in the array");
    assert_eq!(
        *entry,
        json!({
            "function": "plan_registry::apply",
            "file": "tests/plan_registry.rs",
            "line": 30,
            "precision": "bf16",
            "headline": "apply: as the macro has it",
            "calls": 3,
            "sites": [{
                "op": "matmul", "line": 3, "class": "low", "precision": "low",
                "casts": "input to low, if needed", "reason": "op table",
            }],
            "layers": [
                { "call": "apply(layer)", "line": 31,
                  "seen": { "low": 2, "full": 0, "follow": 0, "amp": 0, "opaque": 1 } },
                { "call": "apply(&other)", "line": 32,
                  "seen": { "low": 0, "full": 0, "follow": 0, "amp": 0, "opaque": 0 } },
            ],
        })
    );
}
