//! Gradient accumulation: which batches share an update, and is it the update of one large batch?
use amp_runtime::{ClipGrad, OptimWrapper, OptimWrapperError, Precision, Sgd, StepOutcome};
use amp_tests::device;
use amp_tests::goldens;
use amp_tests::recorded::Recorded;
use tch::nn::{self, Module};
use tch::{Kind, Tensor};

fn descent() -> Sgd {
    Sgd { lr: 1., ..Sgd::default() }
}

/// One weight, 0 at first.
fn one_weight() -> Recorded {
    Recorded::new([("weight", Tensor::from_slice(&[0f32]))])
}

fn weight(model: &Recorded) -> f64 {
    model.variable("weight").double_value(&[0])
}

#[test]
#[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
fn factors_and_updates_are_those_of_mmengine() {
    let document = goldens::json("mmengine.json");
    let cases = document["accumulation"].as_array().unwrap();
    assert!(cases.len() > 60);
    for case in cases {
        let count = |key: &str| case[key].as_i64().unwrap();
        let (k, init) = (u32::try_from(count("accumulative_counts")).unwrap(), count("init_counts"));
        let (init, max) = (u64::try_from(init).unwrap(), u64::try_from(count("max_counts")).ok());
        let what = format!("k {k}, max {max:?}, from {init}");
        assert!(case["error"].is_null(), "{what}: the reference refused");
        let model = one_weight();
        let mut wrapper = OptimWrapper::builder(descent())
            .precision(Precision::Full)
            .accumulate(k)
            .build(&model.store)
            .unwrap();
        wrapper.initialize_count_status(init, max).unwrap();
        let numbers = |key: &str| case[key].as_array().unwrap().clone();
        let (factors, updates, steps) = (numbers("factors"), numbers("updates"), numbers("steps"));
        let mut gradient = 0.;
        for (batch, factor) in factors.iter().enumerate() {
            let before = weight(&model);
            let scaled = wrapper.backward(&model.uniform_loss(1.)).unwrap();
            let so_far = model.variable("weight").grad().double_value(&[0]);
            // The recorded factor is 1 / length; the sum of a window's is taken in f32, by both.
            gradient = f64::from(gradient as f32 + factor.as_f64().unwrap() as f32);
            assert_eq!(so_far, gradient, "{what}, batch {batch}: factor");
            assert_eq!(scaled.should_update(), updates[batch].as_bool().unwrap(), "{what}, batch {batch}");
            if scaled.should_update() {
                let outcome = scaled.unscale().unwrap().step().unwrap();
                assert!(outcome.stats().is_some());
                gradient = 0.;
            } else {
                let _ = scaled.accumulate();
            }
            let moved = before - weight(&model);
            assert_eq!(moved, steps[batch].as_f64().unwrap(), "{what}, batch {batch}: step");
        }
        assert_eq!(wrapper.inner_count(), init + factors.len() as u64, "{what}");
    }
}

#[test]
fn more_batches_than_announced_are_an_error() {
    for (k, max) in [(1, 3), (3, 9), (3, 10)] {
        let model = one_weight();
        let mut wrapper = OptimWrapper::builder(descent())
            .precision(Precision::Full)
            .accumulate(k)
            .max_counts(max)
            .build(&model.store)
            .unwrap();
        let updates = (0..max)
            .map(|_| wrapper.update_params(&model.uniform_loss(1.)).unwrap())
            .filter(|outcome| outcome.stats().is_some());
        assert_eq!(updates.count() as u64, max.div_ceil(u64::from(k)));
        let before = weight(&model);
        let error = wrapper.update_params(&model.uniform_loss(1.)).unwrap_err();
        let past = matches!(error, OptimWrapperError::PastTheEnd { inner_count, max_counts } if inner_count == max && max_counts == max);
        assert!(past, "{error}");
        assert_eq!(weight(&model), before);
        assert!(!model.variable("weight").grad().defined(), "the refused batch left a gradient");
        // A new announcement is the way on.
        wrapper.initialize_count_status(0, None).unwrap();
        let _ = wrapper.update_params(&model.uniform_loss(1.)).unwrap();
    }
}

/// A small network, the same every time.
fn network() -> (nn::VarStore, nn::Sequential) {
    tch::manual_seed(7);
    let store = nn::VarStore::new(device());
    let layers = nn::seq()
        .add(nn::linear(store.root() / "first", 6, 16, nn::LinearConfig::default()))
        .add_fn(Tensor::tanh)
        .add(nn::linear(store.root() / "second", 16, 1, nn::LinearConfig::default()));
    (store, layers)
}

fn mean_square(layers: &nn::Sequential, xs: &Tensor) -> Tensor {
    (layers.forward(xs) - xs.sum_dim_intlist([-1].as_slice(), true, Kind::Float)).square().mean(Kind::Float)
}

/// Parameters after training on `batches` windows of `k` micro-batches, or of one batch of the same rows.
fn trained(data: &Tensor, k: i64, whole: bool, precision: Precision) -> Vec<Tensor> {
    let (store, layers) = network();
    let mut wrapper = OptimWrapper::builder(Sgd { lr: 0.02, momentum: 0.9, ..Sgd::default() })
        .precision(precision)
        .clip_grad(ClipGrad::norm(1.))
        .accumulate(if whole { 1 } else { u32::try_from(k).unwrap() })
        .build(&store)
        .unwrap();
    for window in 0..4 {
        let rows = data.narrow(0, window * 12, 12);
        if whole {
            let _ = wrapper.update_params(&mean_square(&layers, &rows)).unwrap();
        } else {
            for micro in rows.split(12 / k, 0) {
                let _ = wrapper.update_params(&mean_square(&layers, &micro)).unwrap();
            }
        }
    }
    assert_eq!(wrapper.applied_updates().unwrap(), 4);
    let mut named: Vec<_> = store.variables().into_iter().collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    named.into_iter().map(|(_, tensor)| tensor.detach()).collect()
}

#[test]
fn k_micro_batches_equal_one_batch() {
    tch::manual_seed(3);
    let data = Tensor::randn([48, 6], (Kind::Float, device()));
    for precision in [Precision::Full, Precision::F16] {
        for k in [2, 3, 4, 12] {
            let (parts, whole) = (trained(&data, k, false, precision), trained(&data, k, true, precision));
            for (part, whole) in parts.iter().zip(&whole) {
                let off = (part - whole).abs().max().double_value(&[]);
                // A mean of 12 rows summed in another order, four times, under a momentum of 0.9: some tens of roundings of
                // updates below 0.1, and a rounding of weights below 1 each time.
                let allowed = 16. * f64::from(f32::EPSILON);
                assert!(off <= allowed, "k {k}, {precision}: off by {off:e}");
            }
        }
    }
    // The comparison can fail: leaving out one row is seen.
    let (shorter, whole) =
        (trained(&data.roll([1], [0]), 1, true, Precision::Full), trained(&data, 1, true, Precision::Full));
    let off = (&shorter[0] - &whole[0]).abs().max().double_value(&[]);
    assert!(off > 1e-4, "other rows give the same weights");
}

fn epoch(k: u32, max: Option<u64>, batches: u64, finish: bool) -> (Vec<f64>, OptimWrapper, Recorded) {
    let model = one_weight();
    let mut builder = OptimWrapper::builder(descent()).precision(Precision::F16).accumulate(k);
    if let Some(max) = max {
        builder = builder.max_counts(max);
    }
    let mut wrapper = builder.build(&model.store).unwrap();
    let mut moves = Vec::new();
    let mut before = 0.;
    let mut note = |model: &Recorded| {
        moves.push(before - weight(model));
        before = weight(model);
    };
    for _ in 0..batches {
        if wrapper.update_params(&model.uniform_loss(1.)).unwrap().stats().is_some() {
            note(&model);
        }
    }
    if finish && wrapper.finish_window().unwrap().is_some() {
        note(&model);
    }
    (moves, wrapper, model)
}

/// Every batch's gradient is 1, so every update moves the weight by 1, whatever the length of its window.
#[test]
fn an_epoch_of_unknown_length_ends_with_its_own_scale() {
    for k in 1..5 {
        for batches in 1..12 {
            let (moves, mut wrapper, model) = epoch(k, None, batches, true);
            assert_eq!(moves.len() as u64, batches.div_ceil(u64::from(k)), "k {k}, {batches} batches");
            for moved in moves {
                // Up to k thirds in f32, times 3 / length.
                assert!((moved - 1.).abs() <= 4. * f64::from(f32::EPSILON), "k {k}, {batches}: {moved}");
            }
            // The next epoch's windows begin at its first batch.
            let updates: Vec<bool> = (0..k)
                .map(|_| wrapper.update_params(&model.uniform_loss(1.)).unwrap().stats().is_some())
                .collect();
            let wanted: Vec<bool> = (1..=k).map(|batch| batch == k).collect();
            assert_eq!(updates, wanted, "k {k}, after {batches}");
        }
    }
}

/// The last window of a known length is scaled by that length, and may end early all the same.
#[test]
fn a_shortened_last_window_has_its_own_scale() {
    for (k, max, batches) in [(4, 10, 9), (4, 11, 9), (4, 11, 10), (5, 8, 6), (4, 10, 6)] {
        let (moves, ..) = epoch(k, Some(max), batches, true);
        let last = moves.last().unwrap();
        assert!((last - 1.).abs() <= 4. * f64::from(f32::EPSILON), "{batches} of {max} by {k}: {last}");
    }
}

/// A window that ends early shifts those after it, and an announced number of batches stays what it is.
#[test]
fn a_window_finished_early_shifts_the_next() {
    for (k, max, early) in [(3_u32, 10_u64, 4_u64), (3, 10, 5), (4, 9, 1), (2, 7, 3)] {
        let (moves, mut wrapper, model) = epoch(k, Some(max), early, true);
        assert_eq!((moves.len() as u64, wrapper.inner_count()), (early.div_ceil(u64::from(k)), early));
        let mut before = weight(&model);
        for batch in early + 1..=max {
            let updated = wrapper.update_params(&model.uniform_loss(1.)).unwrap().stats().is_some();
            let complete = (batch - early).is_multiple_of(u64::from(k)) || batch == max;
            assert_eq!(updated, complete, "k {k}, {batch} of {max} after {early}");
            if updated {
                let moved = before - weight(&model);
                assert!((moved - 1.).abs() <= 4. * f64::from(f32::EPSILON), "k {k}, {batch}: {moved}");
                before = weight(&model);
            }
        }
        let past = wrapper.update_params(&model.uniform_loss(1.));
        assert!(matches!(past, Err(OptimWrapperError::PastTheEnd { .. })));
    }
}

#[test]
fn finishing_no_window_does_nothing() {
    let (_, mut wrapper, model) = epoch(3, None, 6, false);
    let before = weight(&model);
    assert!(wrapper.finish_window().unwrap().is_none());
    assert_eq!((weight(&model), wrapper.inner_count()), (before, 6));
}

#[test]
fn an_open_window_guards_its_counts() {
    let (_, mut wrapper, model) = epoch(3, None, 2, false);
    assert!(matches!(wrapper.initialize_count_status(0, Some(5)), Err(OptimWrapperError::OpenWindow(2))));
    assert_eq!(wrapper.inner_count(), 2);
    wrapper.zero_grad().unwrap();
    assert!(model.variable("weight").grad().defined(), "the window goes on");
    wrapper.drop_window().unwrap();
    assert!(!model.variable("weight").grad().defined());
    wrapper.initialize_count_status(0, Some(5)).unwrap();
    assert_eq!(wrapper.inner_count(), 0);
}

/// tch's names inside a window wait for its last batch.
#[test]
fn existing_loops_accumulate_too() {
    let model = one_weight();
    let mut wrapper =
        OptimWrapper::builder(descent()).precision(Precision::F16).accumulate(2).build(&model.store).unwrap();
    for batch in 0..6 {
        drop(wrapper.backward(&model.uniform_loss(1.)).unwrap().accumulate());
        wrapper.clip_grad_norm(0.25).unwrap();
        wrapper.clip_grad_value(0.125).unwrap();
        let outcome = wrapper.step().unwrap();
        assert_eq!(matches!(outcome, StepOutcome::Stepped(_)), batch % 2 == 1);
        // clip_grad_norm(0.25) gives a little less than 0.25, then 0.125.
        assert_eq!(weight(&model), -0.125 * f64::from((batch + 1) / 2));
    }
}

/// Every update is by the mean of its window, also of one that was saved open by a training of another length.
#[test]
fn an_open_window_goes_on_in_a_training_of_another_length() {
    let build = |model: &Recorded, max: Option<u64>| {
        let mut builder = OptimWrapper::builder(descent()).precision(Precision::Full).accumulate(4);
        if let Some(max) = max {
            builder = builder.max_counts(max);
        }
        builder.build(&model.store).unwrap()
    };
    for (before, cut, after) in [
        (None, 5, 6),
        (None, 5, 12),
        (Some(6), 5, 6),
        (Some(6), 5, 12),
        (Some(7), 6, 7),
        (Some(7), 5, 8),
        (Some(12), 5, 7),
        (Some(12), 9, 11),
        (Some(8), 4, 6),
    ] {
        let model = one_weight();
        let mut wrapper = build(&model, before);
        for _ in 0..cut {
            let _ = wrapper.update_params(&model.uniform_loss(1.)).unwrap();
        }
        let state = wrapper.state().unwrap();
        let resumed = Recorded::new([("weight", model.variable("weight").detach().copy())]);
        let mut wrapper = build(&resumed, Some(after));
        wrapper.load_state(&state).unwrap();
        for _ in cut..after {
            let _ = wrapper.update_params(&resumed.uniform_loss(1.)).unwrap();
        }
        let updates = after.div_ceil(4);
        let moved = -weight(&resumed);
        assert!(
            (moved - f64::from(u32::try_from(updates).unwrap())).abs() < 1e-6,
            "{before:?} saved at {cut}, then {after}: moved by {moved}"
        );
    }
}

#[test]
fn a_window_open_past_the_end_of_a_shorter_training_can_be_finished() {
    let model = one_weight();
    let build = || OptimWrapper::builder(descent()).precision(Precision::Full).accumulate(4);
    let mut wrapper = build().build(&model.store).unwrap();
    for _ in 0..9 {
        let _ = wrapper.update_params(&model.uniform_loss(1.)).unwrap();
    }
    let state = wrapper.state().unwrap();
    for shorter in [8, 7] {
        let resumed = Recorded::new([("weight", model.variable("weight").detach().copy())]);
        let mut wrapper = build().max_counts(shorter).build(&resumed.store).unwrap();
        wrapper.load_state(&state).unwrap();
        let finished = wrapper.finish_window().unwrap().unwrap();
        assert!(!finished.stats().unwrap().skipped().unwrap());
        assert_eq!(weight(&resumed), -3., "of {shorter}");
    }
}
