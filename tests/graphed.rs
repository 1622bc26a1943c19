//! A loss captured in a CUDA graph trains as the same loss without one; on the CPU it is computed as ever, by the same code.
#[path = "graphed/course.rs"]
mod course;
#[path = "graphed/refusals.rs"]
mod refusals;

use amp_runtime::checkpoint::{self, LoadOptions};
use amp_runtime::prelude::*;
use amp_runtime::{channels_last, count_ops, variables_to_channels_last};
use amp_tests::device;
use course::{Net, alone, assert_same, batch, builder, train};
use tch::nn::RNN as _;
use tch::{Device, Kind, Tensor, nn};

const PRECISIONS: [Precision; 3] = [Precision::F16, Precision::Bf16, Precision::Full];

#[test]
fn it_trains_as_without_a_graph() {
    let _alone = alone();
    let batches: Vec<_> = (0..8).map(batch).collect();
    for precision in PRECISIONS {
        let builder = || builder(precision).clip_grad(ClipGrad::norm(0.5));
        assert_same(&train(builder(), &batches, true), &train(builder(), &batches, false));
    }
}

#[test]
fn an_overflow_skips_and_the_next_batch_goes_on() {
    let _alone = alone();
    let mut batches: Vec<_> = (0..6).map(batch).collect();
    batches[2].0 = &batches[2].0 * f64::INFINITY;
    let (graphed, plain) =
        (train(builder(Precision::F16), &batches, true), train(builder(Precision::F16), &batches, false));
    assert_eq!(graphed.0.skipped, [false, false, true, false, false, false]);
    assert_eq!(graphed.0.scales[3], 512.);
    // The running statistics saw the inf, on both sides.
    assert_eq!(graphed.0.scales, plain.0.scales);
    assert_eq!(graphed.0.skipped, plain.0.skipped);
}

#[test]
fn windows_add_up_and_the_last_may_be_short() {
    let _alone = alone();
    let batches: Vec<_> = (0..8).map(batch).collect();
    for precision in PRECISIONS {
        let builder = || builder(precision).accumulate(3).max_counts(8);
        assert_same(&train(builder(), &batches, true), &train(builder(), &batches, false));
        let open = || builder().max_counts(100);
        assert_same(&train(open(), &batches, true), &train(open(), &batches, false));
    }
}

#[test]
fn batches_with_and_without_the_graph_share_a_window() {
    let _alone = alone();
    let net = Net::new(0.);
    let (first, second) = (batch(1), batch(2));
    let gradient = |calls: &mut dyn FnMut(&mut OptimWrapper)| {
        let mut optim = builder(Precision::Full).accumulate(4).build(&net.store).unwrap();
        calls(&mut optim);
        let sum = net.layers.conv.ws.grad().copy();
        optim.drop_window().unwrap();
        sum
    };
    let plain = gradient(&mut |optim| {
        for (images, target) in [&first, &second, &first] {
            let _ = optim.update_params(&net.layers.loss(images, target)).unwrap();
        }
    });
    let mixed = gradient(&mut |optim| {
        let mut graphed = optim.capture(&[&first.0, &first.1], |batch| net.loss(batch)).unwrap();
        let _ = graphed.update_params(optim, &[&first.0, &first.1]).unwrap();
        let _ = optim.update_params(&net.layers.loss(&second.0, &second.1)).unwrap();
        // `accumulate` instead of an update leaves the gradients, which the next replay must not write over.
        let _ = graphed.backward(optim, &[&first.0, &first.1]).unwrap().accumulate();
    });
    assert!(plain.allclose(&mixed, 1e-3, 1e-5, false), "{plain:?} against {mixed:?}");
}

#[test]
fn a_capture_leaves_no_trace() {
    let _alone = alone();
    let net = Net::new(0.5);
    let mut optim = builder(Precision::F16).build(&net.store).unwrap();
    let (images, target) = batch(3);
    let before = net.values();
    let draw = || {
        let draw = |device| Vec::<f64>::try_from(Tensor::rand([4], (Kind::Double, device))).unwrap();
        (draw(device()), draw(Device::Cpu))
    };
    tch::manual_seed(7);
    let drawn = draw();
    tch::manual_seed(7);
    let mut graphed = with_precision(Precision::F16, || {
        let capture = optim.capture(&[&images, &target], |batch| {
            let _ = Tensor::rand([4], (Kind::Double, Device::Cpu));
            net.layers.loss(&batch[0], &batch[1])
        });
        capture.unwrap()
    });
    assert_eq!(draw(), drawn);
    assert_eq!(net.values(), before);
    assert!(net.store.trainable_variables().iter().all(|variable| !variable.grad().defined()));
    // Each replay draws anew what it drops.
    let mut losses = Vec::new();
    with_precision(Precision::F16, || {
        for _ in 0..4 {
            let _ = graphed.backward(&mut optim, &[&images, &target]).unwrap();
            losses.push(f64::try_from(graphed.loss().unwrap()).unwrap());
            optim.drop_window().unwrap();
        }
    });
    let mut distinct = losses.clone();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    assert_eq!(distinct.len(), losses.len(), "the same was dropped twice: {losses:?}");
}

#[test]
fn a_loss_that_is_still_alive_is_no_obstacle() {
    let _alone = alone();
    let net = Net::new(0.);
    let mut optim = builder(Precision::Full).build(&net.store).unwrap();
    let (images, target) = batch(1);
    let loss = net.layers.loss(&images, &target);
    let _ = optim.update_params(&loss).unwrap();
    let unused = net.layers.loss(&images, &target);
    let mut graphed = optim.capture(&[&images, &target], |batch| net.loss(batch)).unwrap();
    // Nor is the capture one for losses before it.
    let _ = optim.update_params(&unused).unwrap();
    let _ = graphed.update_params(&mut optim, &[&images, &target]).unwrap();
    assert_eq!(optim.applied_updates().unwrap(), 3);
    drop(loss);
}

#[test]
fn what_another_wrapper_trains_gets_no_gradients() {
    let _alone = alone();
    let (generator, critic) = (nn::VarStore::new(device()), nn::VarStore::new(device()));
    let make = nn::linear(generator.root(), 4, 4, nn::LinearConfig::default());
    let judge = nn::linear(critic.root(), 4, 1, nn::LinearConfig::default());
    let mut optim = builder(Precision::Full).build(&generator).unwrap();
    let noise = Tensor::randn([8, 4], (Kind::Float, device()));
    let loss = |batch: &[Tensor]| batch[0].apply(&make).apply(&judge).mean(Kind::Float);
    let mut graphed = optim.capture(&[&noise], loss).unwrap();
    let before = make.ws.detach().copy();
    for _ in 0..2 {
        let _ = graphed.update_params(&mut optim, &[&noise]).unwrap();
    }
    assert!(!judge.ws.grad().defined() && !judge.bs.as_ref().unwrap().grad().defined());
    assert_ne!(make.ws.detach(), before);
}

#[test]
fn recurrent_layers_with_dropout_can_be_captured() {
    let _alone = alone();
    let store = nn::VarStore::new(device());
    let config = nn::RNNConfig { num_layers: 2, dropout: 0.5, batch_first: true, ..nn::RNNConfig::default() };
    let lstm = nn::lstm(store.root(), 8, 8, config);
    let mut optim = builder(Precision::Full).build(&store).unwrap();
    let xs = Tensor::randn([4, 5, 8], (Kind::Float, device()));
    let mut graphed =
        optim.capture(&[&xs], |batch| lstm.seq(&batch[0]).0.square().mean(Kind::Float)).unwrap();
    let losses: Vec<f64> = (0..3)
        .map(|_| {
            // Not updated: what differs is what is dropped.
            let _ = graphed.backward(&mut optim, &[&xs]).unwrap();
            optim.drop_window().unwrap();
            f64::try_from(graphed.loss().unwrap()).unwrap()
        })
        .collect();
    assert!(losses[0] != losses[1] && losses[1] != losses[2], "{losses:?}");
}

#[test]
fn more_than_the_loss_is_copied_out() {
    let _alone = alone();
    let net = Net::new(0.);
    let mut optim = builder(Precision::Full).build(&net.store).unwrap();
    let (images, target) = batch(1);
    let brightness = Tensor::zeros([], (Kind::Float, device()));
    let mut graphed = optim
        .capture(&[&images, &target], |batch| {
            brightness.shallow_clone().copy_(&batch[0].mean(Kind::Float));
            net.layers.loss(&batch[0], &batch[1])
        })
        .unwrap();
    for factor in [1., 2.] {
        let images = &images * factor;
        let _ = graphed.update_params(&mut optim, &[&images, &target]).unwrap();
        assert!(brightness.allclose(&images.mean(Kind::Float), 1e-4, 1e-6, false));
    }
}

#[test]
fn two_graphs_share_a_window() {
    let _alone = alone();
    let net = Net::new(0.);
    let mut optim = builder(Precision::Full).accumulate(3).build(&net.store).unwrap();
    let (images, target) = batch(1);
    let other = (images.narrow(0, 0, 4), target.narrow(0, 0, 4));
    let loss = |batch: &[Tensor]| net.loss(batch);
    let mut whole = optim.capture(&[&images, &target], loss).unwrap();
    let mut part = optim.capture(&[&other.0, &other.1], loss).unwrap();
    let _ = whole.backward(&mut optim, &[&images, &target]).unwrap().accumulate();
    let _ = part.backward(&mut optim, &[&other.0, &other.1]).unwrap().accumulate();
    // By now the gradients are the first graph's own, with the second's added.
    let _ = whole.backward(&mut optim, &[&images, &target]).unwrap();
    let both = net.layers.conv.ws.grad().copy();
    optim.drop_window().unwrap();
    let sum = (loss(&[images, target]) * 2. + loss(&[other.0, other.1])) / 3.;
    sum.backward();
    assert!(both.allclose(&net.layers.conv.ws.grad(), 1e-3, 1e-5, false));
}

#[test]
fn autocast_around_a_capture_holds_in_it() {
    let _alone = alone();
    let store = nn::VarStore::new(device());
    let linear = nn::linear(store.root(), 64, 64, nn::LinearConfig::default());
    let mut optim = builder(Precision::Bf16).build(&store).unwrap();
    let xs = Tensor::randn([8, 64], (Kind::Float, device()));
    let loss = |batch: &[Tensor]| batch[0].apply(&linear).to_kind(Kind::Float).square().mean(Kind::Float);
    let (full, low) =
        (loss(&[xs.shallow_clone()]), autocast(Precision::Bf16, || loss(&[xs.shallow_clone()])));
    assert_ne!(full, low);
    let mut graphed = autocast(Precision::Bf16, || optim.capture(&[&xs], loss).unwrap());
    let _ = graphed.update_params(&mut optim, &[&xs]).unwrap();
    assert!(low.allclose(graphed.loss().unwrap(), 1e-4, 0., false));
    assert!(!full.allclose(graphed.loss().unwrap(), 1e-6, 0., false));
}

#[test]
fn the_precision_of_a_capture_holds_in_its_replays() {
    let _alone = alone();
    let net = Net::new(0.);
    let (images, target) = batch(1);
    let loss = |batch: &[Tensor]| net.loss(batch);
    let eager = |precision| {
        let loss = with_precision(precision, || loss(&[images.shallow_clone(), target.shallow_clone()]));
        f64::try_from(loss).unwrap()
    };
    let (full, low) = (eager(Precision::Full), eager(Precision::Bf16));
    assert!((full - low).abs() > 1e-5, "bf16 computes what f32 does: this shows nothing");
    for (captured, otherwise, expected) in
        [(Precision::Full, Precision::Bf16, full), (Precision::Bf16, Precision::Full, low)]
    {
        let mut optim = builder(captured).build(&net.store).unwrap();
        let mut graphed = with_precision(captured, || optim.capture(&[&images, &target], loss).unwrap());
        with_precision(otherwise, || drop(graphed.backward(&mut optim, &[&images, &target]).unwrap()));
        optim.drop_window().unwrap();
        let computed = f64::try_from(graphed.loss().unwrap()).unwrap();
        assert!((computed - expected).abs() < 1e-6, "{captured}: {computed}, not {expected}");
    }
}

#[test]
fn batches_from_the_cpu_are_copied_there() {
    let _alone = alone();
    let net = Net::new(0.);
    let mut optim = builder(Precision::Bf16).build(&net.store).unwrap();
    let (images, target) = batch(1);
    let (images, target) = (images.to_device(Device::Cpu), target.to_device(Device::Cpu));
    with_precision(Precision::Bf16, || {
        let mut graphed = optim.capture(&[&images, &target], |batch| net.loss(batch)).unwrap();
        let expected = net.layers.loss(&images.to_device(device()), &target.to_device(device()));
        let _ = graphed.update_params(&mut optim, &[&images, &target]).unwrap();
        assert!(expected.allclose(graphed.loss().unwrap(), 1e-2, 1e-3, false));
    });
}

#[test]
fn a_checkpoint_resumes_into_a_graph() {
    let _alone = alone();
    let batches: Vec<_> = (0..6).map(batch).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("half.safetensors");
    let half = |first: bool| {
        let Net { mut store, layers } = Net::new(0.5);
        let mut optim = builder(Precision::F16).build(&store).unwrap();
        let mut losses = Vec::new();
        with_precision(Precision::F16, || {
            let (images, target) = &batches[0];
            let mut graphed =
                optim.capture(&[images, target], |batch| layers.loss(&batch[0], &batch[1])).unwrap();
            if !first {
                checkpoint::load(&file, &mut store, &mut optim, LoadOptions::default()).unwrap();
            }
            for (at, (images, target)) in batches.iter().enumerate().skip(if first { 0 } else { 3 }) {
                let _ = graphed.update_params(&mut optim, &[images, target]).unwrap();
                losses.push(f64::try_from(graphed.loss().unwrap()).unwrap());
                if first && at == 2 {
                    checkpoint::save(&file, &store, &mut optim, &serde_json::Value::Null).unwrap();
                }
            }
        });
        losses
    };
    let (whole, resumed) = (half(true), half(false));
    println!("{whole:?}, resumed {resumed:?}");
    for (resumed, whole) in resumed.iter().zip(&whole[3..]) {
        let same = if device() == Device::Cpu { resumed == whole } else { (resumed - whole).abs() < 1e-2 };
        assert!(same, "{resumed} against {whole}");
    }
    assert_eq!(resumed.len(), 3);
}

#[test]
fn channels_last_stays_channels_last() {
    let _alone = alone();
    let net = Net::new(0.);
    variables_to_channels_last(&net.store).unwrap();
    let mut optim = builder(Precision::F16).build(&net.store).unwrap();
    let (images, target) = batch(1);
    let images = channels_last(&images).unwrap();
    with_precision(Precision::F16, || {
        let kept = std::cell::Cell::new(true);
        let mut graphed = optim
            .capture(&[&images, &target], |batch| {
                kept.set(kept.get() && batch[0].stride() == images.stride());
                net.layers.loss(&batch[0], &batch[1])
            })
            .unwrap();
        let _ = graphed.update_params(&mut optim, &[&images, &target]).unwrap();
        assert!(kept.get(), "the graph reads its images in another layout");
    });
}

#[test]
fn a_replay_runs_no_operator_of_the_forward() {
    let _alone = alone();
    if device() == Device::Cpu {
        return println!("SKIPPED: a CPU has no graphs; AMP_TEST_DEVICE=cuda runs this");
    }
    let net = Net::new(0.);
    let mut optim = builder(Precision::F16).build(&net.store).unwrap();
    let (images, target) = batch(1);
    with_precision(Precision::F16, || {
        let mut graphed = optim.capture(&[&images, &target], |batch| net.loss(batch)).unwrap();
        let (outcome, ops) =
            count_ops(|| graphed.update_params(&mut optim, &[&images, &target]).map(drop)).unwrap();
        outcome.unwrap();
        println!("{ops:?}");
        assert!(!ops.keys().any(|op| op.contains("conv") || op.contains("batch_norm")), "{ops:?}");
    });
}
