//! The loss scaler's rules: what does each call demand, refuse and promise?
use amp_runtime::{
    DynamicLossScale, Floor, GradScaler, LossScale, OptimError, Optimizer, ScalerError, ScalerState, Sgd,
};
use amp_tests::device;
use amp_tests::goldens::same_bits;
use amp_tests::recorded::Recorded;
use tch::{Kind, Tensor};

fn scaler(loss_scale: LossScale) -> GradScaler {
    GradScaler::new(loss_scale).unwrap()
}

fn descent(model: &Recorded) -> Optimizer {
    Optimizer::new(Sgd { lr: 1., ..Sgd::default() }, &model.store).unwrap()
}

/// Scales and differentiates.
fn backward(scaler: &mut GradScaler, loss: &Tensor) {
    scaler.scale(loss).unwrap().backward();
}

/// One training step.
fn train(scaler: &mut GradScaler, optimizer: &mut Optimizer, loss: &Tensor) -> Result<(), ScalerError> {
    backward(scaler, loss);
    scaler.step(optimizer)?;
    scaler.update()
}

fn dynamic(change: impl FnOnce(&mut DynamicLossScale)) -> LossScale {
    let mut by = DynamicLossScale::default();
    change(&mut by);
    LossScale::Dynamic(by)
}

#[test]
fn a_wrong_order_of_calls_is_an_error() {
    let model = Recorded::small();
    let (mut scaler, mut optimizer) = (scaler(LossScale::dynamic()), descent(&model));
    assert!(matches!(scaler.unscale(&mut optimizer), Err(ScalerError::NeverScaled)));
    assert!(matches!(scaler.step(&mut optimizer), Err(ScalerError::NeverScaled)));
    assert!(matches!(scaler.update(), Err(ScalerError::NothingChecked)));

    backward(&mut scaler, &model.uniform_loss(0.5));
    assert!(matches!(scaler.update(), Err(ScalerError::NothingChecked)));
    let early = scaler.clip_grad_norm(&mut optimizer, 1., 2.);
    assert!(matches!(early, Err(ScalerError::ClipBeforeUnscale)));
    assert!(matches!(scaler.clip_grad_value(&mut optimizer, 1.), Err(ScalerError::ClipBeforeUnscale)));

    scaler.unscale(&mut optimizer).unwrap();
    assert!(matches!(scaler.unscale(&mut optimizer), Err(ScalerError::AlreadyUnscaled)));
    scaler.step(&mut optimizer).unwrap();
    assert!(matches!(scaler.step(&mut optimizer), Err(ScalerError::AlreadyStepped)));
    assert!(matches!(scaler.unscale(&mut optimizer), Err(ScalerError::UnscaleAfterStep)));
    assert!(matches!(scaler.clip_grad_norm(&mut optimizer, 1., 2.), Err(ScalerError::AlreadyStepped)));
    assert!(matches!(scaler.clip_grad_value(&mut optimizer, 1.), Err(ScalerError::AlreadyStepped)));

    // None of these errors disturbed the one good step: a gradient of 0.5 at a learning rate of 1.
    let wanted = Recorded::small().values();
    assert!(model.unchanged_since(&wanted.iter().map(|value| value - 0.5).collect::<Vec<_>>()));
    scaler.update().unwrap();
    assert!(matches!(scaler.update(), Err(ScalerError::NothingChecked)));
    // After an update the gradients are gone, and the scale that they carried with them.
    assert!(matches!(scaler.unscale(&mut optimizer), Err(ScalerError::NeverScaled)));
}

#[test]
fn what_changes_between_check_and_update_is_an_error() {
    let model = Recorded::small();
    let (mut scaler, mut optimizer) = (scaler(LossScale::dynamic()), descent(&model));
    let state = optimizer.state().unwrap();
    backward(&mut scaler, &model.uniform_loss(0.5));
    scaler.unscale(&mut optimizer).unwrap();
    optimizer.load_state(&state).unwrap();
    let error = scaler.step(&mut optimizer).unwrap_err();
    assert!(matches!(error, ScalerError::Optim(OptimError::ChangedMidway)), "{error}");
}

#[test]
fn a_backward_without_gradients_names_the_parameters() {
    let model = Recorded::small();
    let (mut scaler, mut optimizer) = (scaler(LossScale::dynamic()), descent(&model));
    let _ = scaler.scale(&model.any_loss()).unwrap();
    let error = scaler.step(&mut optimizer).unwrap_err();
    assert!(matches!(error, ScalerError::Optim(OptimError::NoGradients { count: 3, .. })), "{error}");
    model.names().iter().for_each(|name| assert!(error.to_string().contains(name), "{error}"));
}

#[test]
fn numbers_out_of_range_are_refused_by_name() {
    type Change = fn(&mut DynamicLossScale);
    let changes: [(&str, Change); 18] = [
        ("init_scale", |by| by.init_scale = 0.),
        ("init_scale", |by| by.init_scale = -2.),
        ("init_scale", |by| by.init_scale = f64::NAN),
        ("init_scale", |by| by.init_scale = 1e39),
        ("init_scale", |by| by.init_scale = 1e-39),
        ("growth_factor", |by| by.growth_factor = 1.),
        ("growth_factor", |by| by.growth_factor = f64::NAN),
        ("growth_factor", |by| by.growth_factor = f64::INFINITY),
        ("backoff_factor", |by| by.backoff_factor = 1.),
        ("backoff_factor", |by| by.backoff_factor = 0.),
        ("backoff_factor", |by| by.backoff_factor = f64::NAN),
        ("growth_interval", |by| by.growth_interval = 0),
        ("growth_interval", |by| by.growth_interval = 1 << 31),
        ("min_scale", |by| by.min_scale = 65537.),
        ("min_scale", |by| by.min_scale = f64::NAN),
        ("max_scale", |by| by.max_scale = 65535.),
        ("hysteresis", |by| by.hysteresis = 0),
        ("on_floor.after", |by| by.on_floor = Floor::Error { after: 0 }),
    ];
    for (wanted, change) in changes {
        match GradScaler::new(dynamic(change)) {
            Err(ScalerError::InvalidValue { field, .. }) => assert_eq!(field, wanted),
            Err(other) => panic!("{wanted}: {other}"),
            Ok(_) => panic!("{wanted}: accepted"),
        }
    }
    for scale in [0., -1., f64::NAN, f64::INFINITY, 1e-40] {
        assert!(GradScaler::new(LossScale::Static(scale)).is_err(), "{scale}");
        assert!(scaler(LossScale::dynamic()).set_scale(scale).is_err(), "{scale}");
    }
    let integers = scaler(LossScale::dynamic()).scale(&Tensor::from(1i64)).unwrap_err();
    assert!(matches!(integers, ScalerError::NotFloating(Kind::Int64)), "{integers}");
}

/// Integers and numbers that are no powers of two; gradients such that dividing rounds.
#[test]
fn gradients_are_divided_by_any_scale() {
    for scale in [512., 1000., 3., 0.1, 65536.] {
        let model = Recorded::small();
        let before = model.values();
        let (mut scaler, mut optimizer) = (scaler(LossScale::Static(scale)), descent(&model));
        train(&mut scaler, &mut optimizer, &model.uniform_loss(0.3)).unwrap();
        for (value, before) in model.values().iter().zip(&before) {
            let moved = (before - value).to_kind(Kind::Double) - 0.3;
            let off = moved.abs().max().double_value(&[]);
            // 0.3 in f32, times the scale, times its inverse, off the weight: four roundings of numbers below 1.
            assert!(off <= 4. * f64::from(f32::EPSILON) / 2., "{scale}: off by {off:e}");
        }
    }
}

#[test]
fn a_static_scale_never_moves_but_skips() {
    let model = Recorded::small();
    let (mut scaler, mut optimizer) = (scaler(LossScale::Static(1000.)), descent(&model));
    for _ in 0..3 {
        let before = model.values();
        let spoiled = model.spoiled_loss(&["last.weight"], f64::INFINITY);
        train(&mut scaler, &mut optimizer, &spoiled).unwrap();
        assert!(model.unchanged_since(&before));
        assert_eq!(scaler.get_scale().unwrap(), 1000.);
        train(&mut scaler, &mut optimizer, &model.uniform_loss(0.5)).unwrap();
        assert!(!model.unchanged_since(&before));
        assert_eq!(scaler.get_scale().unwrap(), 1000.);
    }
}

/// `DeepSpeed` and MPX divide by the scale that holds by then.
#[test]
fn a_scale_set_after_backward_does_not_touch_its_gradients() {
    let model = Recorded::small();
    let before = model.values();
    let (mut scaler, mut optimizer) = (scaler(LossScale::dynamic()), descent(&model));
    backward(&mut scaler, &model.uniform_loss(0.5));
    scaler.set_scale(128.).unwrap();
    assert_eq!(scaler.get_scale().unwrap(), 128.);
    // A second backward of the same update adds to gradients that carry the old scale.
    backward(&mut scaler, &model.uniform_loss(0.25));
    scaler.step(&mut optimizer).unwrap();
    scaler.update().unwrap();
    assert!(model.unchanged_since(&before.iter().map(|value| value - 0.75).collect::<Vec<_>>()));
    assert_eq!(scaler.get_scale().unwrap(), 128.);
    let next = scaler.scale(&model.any_loss()).unwrap();
    assert_eq!(next.double_value(&[]), 128.);
}

#[test]
fn losses_are_scaled_in_f32_or_wider() {
    let mut scaler = scaler(LossScale::dynamic());
    for (kind, wanted) in [
        (Kind::Half, Kind::Float),
        (Kind::BFloat16, Kind::Float),
        (Kind::Float, Kind::Float),
        (Kind::Double, Kind::Double),
    ] {
        for shape in [vec![], vec![1], vec![2, 3]] {
            let loss = Tensor::full(&shape, 2., (kind, device()));
            let product = scaler.scale(&loss).unwrap();
            assert_eq!((product.kind(), product.size()), (wanted, shape));
            assert_eq!(product.max().double_value(&[]), 131_072., "{kind:?}");
        }
    }
    // Not only f64 in name: 1 + 2^-40 survives.
    let fine = Tensor::from(1. + 2f64.powi(-40));
    assert_eq!(scaler.scale(&fine).unwrap().double_value(&[]), 65536. * (1. + 2f64.powi(-40)));
}

/// A floor that f32 cannot hold is one as well.
#[test]
fn overflows_at_the_floor_end_in_an_error_that_names_the_parameters() {
    for floor in [1., 3., 0.1, 0.3, 1e-3] {
        let model = Recorded::small();
        let on_floor = Floor::Error { after: 3 };
        let loss_scale = dynamic(|by| {
            *by = DynamicLossScale { init_scale: 2. * floor, min_scale: floor, on_floor, ..*by }
        });
        let (mut scaler, mut optimizer) = (scaler(loss_scale), descent(&model));
        let spoiled = || model.spoiled_loss(&["first.weight", "last.weight"], f64::NAN);
        // The first reaches the floor, three happen at it; the next one is told.
        for overflow in 0..4 {
            train(&mut scaler, &mut optimizer, &spoiled())
                .unwrap_or_else(|error| panic!("{overflow}: {error}"));
        }
        let before = model.values();
        let error = train(&mut scaler, &mut optimizer, &spoiled()).unwrap_err();
        let ScalerError::Collapsed { in_a_row, parameters, .. } = &error else { panic!("{floor}: {error}") };
        assert_eq!(*in_a_row, 3, "{floor}");
        assert_eq!(parameters, "first.weight, last.weight");
        assert!(model.unchanged_since(&before));
    }
}

#[test]
fn a_clean_update_at_the_floor_starts_the_count_anew() {
    let model = Recorded::small();
    let on_floor = Floor::Error { after: 2 };
    let by = dynamic(|by| *by = DynamicLossScale { init_scale: 1., on_floor, ..*by });
    let (mut scaler, mut optimizer) = (scaler(by), descent(&model));
    for _ in 0..4 {
        train(&mut scaler, &mut optimizer, &model.spoiled_loss(&["last.weight"], f64::NAN)).unwrap();
        train(&mut scaler, &mut optimizer, &model.uniform_loss(0.)).unwrap();
    }
    let state = scaler.state().unwrap().unwrap();
    assert_eq!(state.floor_tracker, 0);
}

#[test]
fn the_other_floors_go_on_forever() {
    for on_floor in [Floor::Warn, Floor::Clamp] {
        let model = Recorded::small();
        let by = dynamic(|by| *by = DynamicLossScale { init_scale: 4., min_scale: 2., on_floor, ..*by });
        let (mut scaler, mut optimizer) = (scaler(by), descent(&model));
        let before = model.values();
        for _ in 0..30 {
            train(&mut scaler, &mut optimizer, &model.spoiled_loss(&["last.weight"], f64::NAN)).unwrap();
        }
        assert_eq!(scaler.get_scale().unwrap(), 2.);
        assert!(model.unchanged_since(&before));
    }
}

/// The scale follows both, each optimizer skips for itself; PyTorch adds the two flags up to 2.
#[test]
fn two_optimizers_share_a_scaler() {
    for (bad_first, bad_second) in [(false, false), (true, false), (false, true), (true, true)] {
        let models = [Recorded::small(), Recorded::small()];
        let mut optimizers = [descent(&models[0]), descent(&models[1])];
        let mut scaler = scaler(LossScale::dynamic());
        let before = models[0].values();
        for (model, bad) in models.iter().zip([bad_first, bad_second]) {
            let value = if bad { f64::INFINITY } else { 0.5 };
            backward(&mut scaler, &model.spoiled_loss(&["last.weight"], value));
        }
        for optimizer in &mut optimizers {
            scaler.unscale(optimizer).unwrap();
        }
        for optimizer in &mut optimizers {
            scaler.step(optimizer).unwrap();
        }
        scaler.update().unwrap();
        assert_eq!(models[0].unchanged_since(&before), bad_first);
        assert_eq!(models[1].unchanged_since(&before), bad_second);
        let halved = bad_first || bad_second;
        assert_eq!(scaler.get_scale().unwrap(), if halved { 32768. } else { 65536. });
        let state = scaler.state().unwrap().unwrap();
        assert_eq!(state.growth_tracker, i64::from(!halved));
    }
}

#[test]
fn a_state_put_back_continues_to_the_bit() {
    let by = dynamic(|by| {
        let on_floor = Floor::Error { after: 100 };
        *by = DynamicLossScale {
            growth_factor: 1.7,
            growth_interval: 3,
            hysteresis: 3,
            min_scale: 0.3,
            on_floor,
            ..*by
        };
    });
    let found = |step: usize| step % 7 == 2 || step % 5 == 1 || (40..80).contains(&step);
    let run = |scaler: &mut GradScaler, steps: std::ops::Range<usize>| -> Vec<ScalerState> {
        let model = Recorded::small();
        let mut optimizer = descent(&model);
        steps
            .map(|step| {
                let value = if found(step) { f64::NAN } else { 0. };
                train(scaler, &mut optimizer, &model.spoiled_loss(&["last.weight"], value)).unwrap();
                scaler.state().unwrap().unwrap()
            })
            .collect()
    };
    let straight = run(&mut scaler(by), 0..100);
    for stop in [1, 4, 33, 50, 70] {
        let mut first = scaler(by);
        run(&mut first, 0..stop);
        let mut second = scaler(by);
        // Through text, as a checkpoint's header has it.
        let text = serde_json::to_string(&first.state().unwrap().unwrap()).unwrap();
        second.load_state(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(run(&mut second, stop..100), straight[stop..], "stopped after {stop}");
    }
    assert!(straight.iter().any(|state| state.floor_tracker > 5), "the floor was never reached");
}

#[test]
fn a_state_that_does_not_fit_changes_nothing() {
    let mut full = scaler(LossScale::dynamic());
    let state = full.state().unwrap().unwrap();
    let spoiled = [
        ScalerState { scale: f64::NAN, ..state },
        ScalerState { scale: -1., ..state },
        ScalerState { growth_tracker: -1, ..state },
        ScalerState { growth_tracker: 1 << 32, ..state },
        ScalerState { growth_factor: 1., ..state },
        ScalerState { backoff_factor: 1.5, ..state },
        ScalerState { growth_interval: 0, ..state },
    ];
    for bad in spoiled {
        assert!(full.load_state(&bad).is_err(), "{bad:?}");
        assert_eq!(full.state().unwrap().unwrap(), state);
    }
    let mut off = scaler(LossScale::Off);
    assert!(off.state().unwrap().is_none());
    assert!(matches!(off.load_state(&state), Err(ScalerError::State(_))));
}

#[test]
fn without_scaling_the_check_remains() {
    let model = Recorded::small();
    let (mut scaler, mut optimizer) = (scaler(LossScale::Off), descent(&model));
    let before = model.values();
    assert!(!scaler.is_enabled());
    assert!(scaler.set_scale(2.).is_err());
    train(&mut scaler, &mut optimizer, &model.spoiled_loss(&["last.weight"], f64::NAN)).unwrap();
    assert!(model.unchanged_since(&before));
    assert!(!model.variable("last.weight").grad().defined());
    train(&mut scaler, &mut optimizer, &model.uniform_loss(0.5)).unwrap();
    for (value, before) in model.values().iter().zip(&before) {
        assert!(same_bits(value, &(before - 0.5)));
    }
    assert_eq!(scaler.get_scale().unwrap(), 1.);
}

/// Finite when they were checked, inf once they are divided by a scale below 1.
#[test]
fn gradients_that_overflow_while_they_are_unscaled_skip_the_update() {
    let model = Recorded::small();
    let before = model.values();
    for loss_scale in [LossScale::Static(1e-3), dynamic(|by| by.min_scale = 0.), LossScale::dynamic()] {
        let (mut scaler, mut optimizer) = (scaler(loss_scale), descent(&model));
        if matches!(loss_scale, LossScale::Dynamic(_)) {
            scaler.set_scale(1e-3).unwrap();
        }
        let _ = scaler.scale(&model.any_loss()).unwrap();
        model.uniform_loss(3e37).backward();
        scaler.step(&mut optimizer).unwrap();
        scaler.update().unwrap();
        assert!(model.unchanged_since(&before), "{loss_scale:?}");
    }
}
