//! Learning-rate schedules against the real `torch.optim.lr_scheduler` and `mmengine.optim`.
#![expect(clippy::float_cmp, reason = "numbers that must come out to the bit")]
use amp_runtime::config::TrainingConfig;
use amp_runtime::schedule::{Curve, EtaMin, Piece, Schedule, ScheduleError, Unit};
use serde_json::{Value, json};

/// What the references lose by stepping recursively, relative to the base rate: their own closed forms differ as much.
const DRIFT: f64 = 1e-14;

fn goldens(file: &str) -> Vec<Value> {
    let path = format!("{}/goldens/{file}", env!("CARGO_MANIFEST_DIR"));
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    document["schedules"].as_array().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().into_iter().flatten().map(|number| number.as_f64().unwrap()).collect()
}

/// The largest difference from the reference, relative to the base rate.
fn difference(schedule: &Schedule, base_lr: f64, wanted: &[f64]) -> f64 {
    let differences =
        (0..).zip(wanted).map(|(step, wanted)| (schedule.lr(base_lr, step) - wanted).abs() / base_lr);
    differences.fold(0., f64::max)
}

fn schedule_of(param_scheduler: &Value, updates_per_epoch: Option<u64>) -> Schedule {
    let document =
        json!({"optim_wrapper": {"optimizer": {"type": "SGD"}}, "param_scheduler": param_scheduler});
    TrainingConfig::from_json(&document.to_string()).unwrap().schedule(updates_per_epoch).unwrap()
}

/// torch's scheduler as one of ours: torch counts the steps between the first and the last, we count both.
fn piece(scheduler: &str, args: &Value) -> Piece {
    let number = |key: &str, default: f64| args[key].as_f64().unwrap_or(default);
    let count = |key: &str| args[key].as_u64().unwrap();
    let curve = match scheduler {
        "LinearLR" => Curve::Linear {
            start_factor: number("start_factor", f64::NAN),
            end_factor: number("end_factor", 1.),
        },
        "ConstantLR" => Curve::Constant { factor: number("factor", f64::NAN) },
        "MultiStepLR" => {
            let milestones =
                args["milestones"].as_array().unwrap().iter().map(|step| step.as_u64().unwrap()).collect();
            Curve::MultiStep { milestones, gamma: number("gamma", f64::NAN) }
        }
        "StepLR" => Curve::Step { step_size: count("step_size"), gamma: number("gamma", f64::NAN) },
        "ExponentialLR" => Curve::Exponential { gamma: number("gamma", f64::NAN) },
        "CosineAnnealingLR" => Curve::CosineAnnealing {
            t_max: Some(count("T_max")),
            eta_min: EtaMin::Lr(number("eta_min", f64::NAN)),
        },
        "PolynomialLR" => Curve::Poly { power: number("power", f64::NAN), eta_min: EtaMin::Lr(0.) },
        other => panic!("no piece for {other}"),
    };
    let piece = Piece::new(curve);
    if args["total_iters"].is_null() { piece } else { piece.end(count("total_iters") + 1) }
}

#[test]
fn torch() {
    for golden in goldens("schedules.json") {
        let args = &golden["args"];
        let pieces = match args["parts"].as_array() {
            None => vec![piece(golden["scheduler"].as_str().unwrap(), args)],
            Some(parts) => {
                // a sequence cuts each part off where the next begins; a chain multiplies
                let milestones = numbers(&args["milestones"]);
                assert!(milestones.len() <= 1);
                let start = args["milestones"][0].as_u64().unwrap_or(0);
                let part = |(index, part): (usize, &Value)| {
                    let piece = piece(part["scheduler"].as_str().unwrap(), &part["args"]);
                    if index == 0 { piece } else { piece.begin(start) }
                };
                parts.iter().enumerate().map(part).collect()
            }
        };
        let schedule = Schedule::new(pieces).unwrap();
        for reference in ["stepped", "closed_form"] {
            let wanted = numbers(&golden[reference]);
            let difference = difference(&schedule, 1., &wanted);
            assert!(difference < DRIFT, "{}, {reference}: {difference:e}", golden["name"]);
        }
    }
}

#[test]
fn mmengine() {
    for golden in goldens("schedules_mmengine.json") {
        let parts = golden["parts"].as_array().unwrap().iter().map(|part| {
            let mut args = part["args"].clone();
            args["type"] = part["scheduler"].clone();
            args
        });
        // the reference stepped everything after every update: an epoch is one update
        let schedule = schedule_of(&parts.collect(), Some(1));
        let difference = difference(&schedule, golden["lr"].as_f64().unwrap(), &numbers(&golden["lrs"]));
        assert!(difference < DRIFT, "{}: {difference:e}", golden["name"]);
    }
}

/// MMDetection's 1x schedule: a warm-up in updates, milestones in epochs.
#[test]
fn updates_and_epochs_together() {
    let schedule = schedule_of(
        &json!([
            {"type": "LinearLR", "start_factor": 0.001, "by_epoch": false, "begin": 0, "end": 500},
            {"type": "MultiStepLR", "begin": 0, "end": 12, "by_epoch": true, "milestones": [8, 11], "gamma": 0.1},
        ]),
        Some(1000),
    );
    let lr = |applied_updates| schedule.lr(0.02, applied_updates);
    assert_eq!(lr(0), 0.02 * 0.001);
    assert_eq!(lr(499), 0.02);
    assert_eq!(lr(7999), 0.02);
    assert_eq!(lr(8000), 0.02 * 0.1);
    assert!((lr(11_000) - 0.0002).abs() < 1e-15);
    assert_eq!(lr(u64::MAX), lr(11_000));
}

#[test]
fn epochs_as_updates() {
    let cosine = json!({"type": "CosineAnnealingLR", "begin": 1, "end": 3, "T_max": 2, "by_epoch": true});
    let mut converted = cosine.clone();
    converted["convert_to_iter_based"] = json!(true);
    let by_update =
        json!({"type": "CosineAnnealingLR", "begin": 10, "end": 30, "T_max": 20, "by_epoch": false});
    let (epochs, converted) = (schedule_of(&cosine, Some(10)), schedule_of(&converted, Some(10)));
    let updates = schedule_of(&by_update, None);
    for applied in 0..40 {
        assert_eq!(converted.lr(0.1, applied), updates.lr(0.1, applied));
        assert_eq!(epochs.lr(0.1, applied), epochs.lr(0.1, applied / 10 * 10));
    }
    assert!((epochs.lr(0.1, 20) - 0.05).abs() < 1e-15);
}

#[test]
fn each_group_has_its_own_base_rate() {
    let to = |eta_min| Schedule::new([Piece::new(Curve::Poly { power: 1., eta_min }).end(11)]).unwrap();
    assert_eq!(to(EtaMin::Lr(0.001)).lr(0.1, 10), 0.001);
    assert_eq!(to(EtaMin::Lr(0.001)).lr(0.2, 10), 0.001);
    assert_eq!(to(EtaMin::Ratio(0.01)).lr(0.1, 10), 0.001);
    assert_eq!(to(EtaMin::Ratio(0.01)).lr(0.2, 10), 0.002);
}

#[test]
fn pieces_in_any_order() {
    let warm_up = Piece::new(Curve::Linear { start_factor: 0.1, end_factor: 0.5 }).end(10);
    let cosine =
        Piece::new(Curve::CosineAnnealing { t_max: None, eta_min: EtaMin::Lr(0.01) }).begin(10).end(30);
    let sorted = Schedule::new([warm_up.clone(), cosine.clone()]).unwrap();
    assert_eq!(sorted, Schedule::new([cosine, warm_up]).unwrap());
}

#[test]
fn nothing_is_constant() {
    assert_eq!(Schedule::default().lr(0.3, 1_000_000), 0.3);
}

/// One step is its first step, as in MMEngine; a constant factor over it is none.
#[test]
fn a_piece_of_one_step() {
    let lr = |curve| Schedule::new([Piece::new(curve).end(1)]).unwrap().lr(1., 5);
    assert_eq!(lr(Curve::Linear { start_factor: 0.5, end_factor: 1. }), 0.5);
    assert_eq!(lr(Curve::Constant { factor: 0.5 }), 1.);
    assert_eq!(lr(Curve::Poly { power: 2., eta_min: EtaMin::Lr(0.) }), 1.);
}

#[test]
fn bad_pieces() {
    let error = |piece: Piece| Schedule::new([piece]).unwrap_err();
    let field = |curve: Curve| match error(Piece::new(curve).end(10)) {
        ScheduleError::InvalidValue { field, .. } => field,
        other => panic!("{other:?}"),
    };
    let linear = |start_factor, end_factor| Curve::Linear { start_factor, end_factor };
    assert_eq!(field(linear(-0.1, 1.)), "start_factor");
    assert_eq!(field(linear(f64::NAN, 1.)), "start_factor");
    assert_eq!(field(linear(0.1, 1.1)), "end_factor");
    assert_eq!(field(Curve::Constant { factor: 2. }), "factor");
    assert_eq!(field(Curve::MultiStep { milestones: vec![], gamma: 0. }), "gamma");
    assert_eq!(field(Curve::Step { step_size: 0, gamma: 0.1 }), "step_size");
    assert_eq!(field(Curve::Step { step_size: 1, gamma: f64::INFINITY }), "gamma");
    assert_eq!(field(Curve::Exponential { gamma: -1. }), "gamma");
    assert_eq!(field(Curve::CosineAnnealing { t_max: Some(0), eta_min: EtaMin::Lr(0.) }), "T_max");
    assert_eq!(field(Curve::CosineAnnealing { t_max: None, eta_min: EtaMin::Lr(-1.) }), "eta_min");
    assert_eq!(field(Curve::Poly { power: 1., eta_min: EtaMin::Ratio(-1.) }), "eta_min_ratio");
    assert_eq!(field(Curve::Poly { power: 0., eta_min: EtaMin::Lr(0.) }), "power");

    let constant = Piece::new(Curve::Constant { factor: 0.5 });
    assert!(matches!(
        error(constant.clone().begin(5).end(5)),
        ScheduleError::EmptyRange { begin: 5, end: 5, .. }
    ));
    assert!(matches!(error(Piece::new(linear(0.1, 1.))), ScheduleError::NoEnd { curve: "LinearLR" }));
    for unit in [Unit::Epochs, Unit::EpochsAsUpdates] {
        for updates_per_epoch in [None, Some(0)] {
            let schedule = Schedule::from_config([constant.clone().unit(unit)], updates_per_epoch);
            assert_eq!(schedule.unwrap_err(), ScheduleError::NoEpochLength { curve: "ConstantLR" });
        }
    }
}
