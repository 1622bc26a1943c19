//! Every row in a real `#[amp]` function: what comes out is what the class demands, in dtype and to the bit.
//!
//! The reference is the same call without `#[amp]`, on operands that are cast by hand.
use crate::cases::{self, Arg, Case};
use amp_runtime::policy::{OPS, OpInfo};
use amp_runtime::{Precision, with_precision};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use tch::{Device, Kind, Tensor};

/// In which precision the operands come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    Full,
    Low,
    /// Every other one low, beginning with the first.
    LowFirst,
    /// Every other one low, beginning with the second.
    FullFirst,
}

impl Given {
    fn kind(self, place: usize, low: Kind) -> Kind {
        let is_low = match self {
            Self::Full => false,
            Self::Low => true,
            Self::LowFirst => place.is_multiple_of(2),
            Self::FullFirst => !place.is_multiple_of(2),
        };
        if is_low { low } else { Kind::Float }
    }
}

/// What libtorch says where it has no kernel, or refuses the arguments in any precision.
const REFUSED: [&str; 7] = [
    "not implemented for",
    "Could not run",
    "Low precision dtypes not supported",
    "doesn't handle types other than",
    "is only supported on CUDA inputs",
    "should be convertible without narrowing",
    "Expected out tensor to have dtype",
];

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// A call that may panic with libtorch's error.
fn attempt(call: impl FnOnce() -> Vec<Tensor>) -> Result<Vec<Tensor>, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                hook(info);
            }
        }));
    });
    QUIET.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    QUIET.set(false);
    result.map_err(|panic| match panic.downcast::<String>() {
        // libtorch's trace follows its message
        Ok(message) => message.split("\\n").next().unwrap_or_default().to_owned(),
        Err(_) => "a panic without a message".to_owned(),
    })
}

fn operands(case: &Case, given: Given, low: Kind, device: Device) -> Vec<Tensor> {
    tch::manual_seed(7);
    let mut place = 0;
    (case.args)()
        .iter()
        .map(|arg| {
            let tensor = arg.make(device);
            if !arg.is_float() {
                return tensor;
            }
            place += 1;
            tensor.to_kind(given.kind(place - 1, low))
        })
        .collect()
}

fn copies(tensors: &[Tensor]) -> Vec<Tensor> {
    tensors.iter().map(Tensor::copy).collect()
}

/// The operands as the class wants them.
fn cast(op: &OpInfo, args: &[Arg], operands: &[Tensor], low: Kind) -> Vec<Tensor> {
    let floats = || operands.iter().zip(args).filter(|(_, arg)| arg.is_float());
    let to = match op.class {
        _ if op.in_place => None,
        "Low" => Some(low),
        "Full" => Some(Kind::Float),
        "Widest" if floats().any(|(tensor, _)| tensor.kind() == Kind::Float) => Some(Kind::Float),
        _ => None,
    };
    let cast = |(tensor, arg): (&Tensor, &Arg)| match to {
        Some(kind) if arg.is_float() => tensor.to_kind(kind),
        _ => tensor.copy(),
    };
    operands.iter().zip(args).map(cast).collect()
}

/// The output's dtype that the class wants where the user wrote `kind`.
fn output_kind(op: &OpInfo, receiver: Kind, low: Kind, kind: Option<Kind>) -> Option<Kind> {
    let replaced = match kind {
        None => receiver == low,
        Some(kind) => matches!(kind, Kind::Half | Kind::BFloat16),
    };
    if op.class == "FullOutput" && replaced { Some(Kind::Float) } else { kind }
}

fn same(a: &Tensor, b: &Tensor) -> bool {
    a.kind() == b.kind() && a.size() == b.size() && (a.numel() == 0 || a.allclose(b, 0., 0., true))
}

fn show(tensors: &[Tensor]) -> String {
    let show =
        |tensor: &Tensor| format!("{:?}{:?} {:?}", tensor.kind(), tensor.size(), first_numbers(tensor));
    tensors.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn first_numbers(tensor: &Tensor) -> Vec<f64> {
    let flat =
        if tensor.is_complex() { tensor.view_as_real() } else { tensor.shallow_clone() }.flatten(0, -1);
    (0..flat.numel().min(3)).map(|place| flat.double_value(&[i64::try_from(place).unwrap()])).collect()
}

/// What one row did on one device.
#[derive(Default)]
struct Findings {
    calls: usize,
    /// Rows whose plain call libtorch refuses in some dtype, and the `#[amp]` function with it.
    gaps: BTreeSet<String>,
    wrong: Vec<String>,
}

fn check(
    op: &OpInfo,
    case: &Case,
    device: Device,
    low: Kind,
    given: Given,
    kind: Option<Kind>,
    findings: &mut Findings,
) {
    let args = (case.args)();
    let precision = if low == Kind::Half { Precision::F16 } else { Precision::Bf16 };
    let operands = operands(case, given, low, device);
    let wanted_args = cast(op, &args, &operands, low);
    let wanted_kind = output_kind(op, operands[0].kind(), low, kind);
    let amp_args = copies(&operands);
    let wanted = attempt(|| (case.plain)(&wanted_args, wanted_kind));
    let amp = attempt(|| with_precision(precision, || (case.amp)(&amp_args, kind)));
    let what = format!("{} {low:?} {given:?} {kind:?} on {device:?}", op.name);
    findings.calls += 1;
    let (wanted, amp) = match (wanted, amp) {
        (Ok(wanted), Ok(amp)) => (wanted, amp),
        (Err(error), amp) => {
            if !REFUSED.iter().any(|phrase| error.contains(phrase)) {
                findings.wrong.push(format!("{what}: the case is wrong: {error}"));
            } else if amp.is_ok() {
                findings.wrong.push(format!("{what}: ran, although plain libtorch cannot: {error}"));
            } else {
                findings.gaps.insert(format!("{} in {low:?}", op.name));
            }
            return;
        }
        (Ok(_), Err(error)) => {
            findings.wrong.push(format!("{what}: {error}"));
            return;
        }
    };
    // Beside its output attention returns, on CUDA, where its random numbers began: memory that nothing wrote without dropout.
    let numbers = if op.name.contains("attention") && device.is_cuda() { 2 } else { wanted.len() };
    if amp.len() != wanted.len() || !amp.iter().zip(&wanted).take(numbers).all(|(a, b)| same(a, b)) {
        findings.wrong.push(format!("{what}: {} instead of {}", show(&amp), show(&wanted)));
    }
    // The reference itself must show the class: floating outputs are low, or full.
    let of_class = match op.class {
        _ if op.in_place => None,
        "Low" => Some(low),
        "Full" => Some(Kind::Float),
        _ => None,
    };
    // What attention returns beside its output is for its backward, in f32.
    let shown = if op.name.contains("attention") { 1 } else { wanted.len() };
    let is_low_or_full =
        |tensor: &&Tensor| matches!(tensor.kind(), Kind::Float | Kind::Half | Kind::BFloat16);
    if let Some(kind) = of_class
        && wanted.iter().take(shown).filter(is_low_or_full).any(|tensor| tensor.kind() != kind)
    {
        findings.wrong.push(format!("{what}: the reference gives {}", show(&wanted)));
    }
    // What is written, is written where the code says; nothing else is.
    let written = amp_args.iter().zip(&operands).any(|(after, before)| !same(after, before));
    if written != op.in_place {
        findings.wrong.push(format!("{what}: wrote into its operands: {written}"));
    }
    if op.in_place && !amp_args.iter().zip(&wanted_args).all(|(a, b)| same(a, b)) {
        findings.wrong.push(format!("{what}: wrote {} instead of {}", show(&amp_args), show(&wanted_args)));
    }
}

fn check_all(device: Device) {
    let mut findings = Findings::default();
    for case in cases::all() {
        let op =
            OPS.iter().find(|op| op.name == case.name).unwrap_or_else(|| panic!("no row: {}", case.name));
        let floats = (case.args)().iter().filter(|arg| arg.is_float()).count();
        for low in [Kind::BFloat16, Kind::Half] {
            for given in [Given::Full, Given::Low, Given::LowFirst, Given::FullFirst] {
                let is_mixed = matches!(given, Given::LowFirst | Given::FullFirst);
                let takes_mixed = matches!(op.class, "Low" | "Full" | "Widest") && !op.in_place && floats > 1;
                if is_mixed && !takes_mixed {
                    continue;
                }
                let kinds: &[Option<Kind>] = match op.class {
                    "FullOutput" => &[None, Some(Kind::Float), Some(low), Some(Kind::Double)],
                    _ => &[None],
                };
                for kind in kinds {
                    check(op, case, device, low, given, *kind, &mut findings);
                }
            }
        }
    }
    let Findings { calls, gaps, wrong } = findings;
    println!(
        "{calls} calls on {device:?}; libtorch refuses {} as it does without `#[amp]`: {}",
        gaps.len(),
        Vec::from_iter(gaps).join(", ")
    );
    assert!(wrong.is_empty(), "{} of {calls} calls on {device:?}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_row_that_casts_has_one_case() {
    let wanted: BTreeSet<&str> = OPS
        .iter()
        .filter(|op| op.class != "Banned" && (op.class != "Follow" || op.alone))
        .map(|op| op.name)
        .collect();
    let cases: Vec<&str> = cases::all().map(|case| case.name).collect();
    let names: BTreeSet<&str> = cases.iter().copied().collect();
    println!("{} rows, {} cases", wanted.len(), cases.len());
    assert_eq!(names, wanted);
    assert_eq!(cases.len(), names.len(), "a row has two cases");
}

#[test]
fn every_row_does_what_its_class_demands_on_the_cpu() {
    check_all(Device::Cpu);
}

#[test]
fn every_row_does_what_its_class_demands_on_cuda() {
    if tch::Cuda::is_available() {
        check_all(Device::Cuda(0));
    } else {
        println!("SKIPPED: no CUDA device");
    }
}
