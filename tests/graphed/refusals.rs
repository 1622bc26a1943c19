//! What cannot be captured, and what a graph was not captured for.
use crate::course::{Net, alone, batch, builder};
use amp_runtime::prelude::*;
use amp_tests::device;
use tch::{Device, Kind, Tensor};

#[test]
fn other_formats_and_other_wrappers_are_refused() {
    let _alone = alone();
    let (net, other) = (Net::new(0.), Net::new(0.));
    let mut optim = builder(Precision::Full).build(&net.store).unwrap();
    let (images, target) = batch(1);
    let mut graphed = optim.capture(&[&images, &target], |batch| net.loss(batch)).unwrap();
    let said = |error: OptimWrapperError| error.to_string().lines().next().unwrap().to_owned();
    let short = graphed.update_params(&mut optim, &[&images.narrow(0, 0, 5), &target]).unwrap_err();
    assert_eq!(
        said(short),
        "input 0 is Float [5, 3, 8, 8], and the loss was captured for Float [6, 3, 8, 8]"
    );
    let narrow = target.to_kind(Kind::Int);
    let narrow = graphed.update_params(&mut optim, &[&images, &narrow]).unwrap_err();
    assert_eq!(said(narrow), "input 1 is Int [6], and the loss was captured for Int64 [6]");
    let lacking = graphed.update_params(&mut optim, &[&images]).unwrap_err();
    assert_eq!(said(lacking), "the loss was captured with 2 inputs, not 1");
    let mut foreign = builder(Precision::Full).build(&other.store).unwrap();
    let foreign = graphed.update_params(&mut foreign, &[&images, &target]).unwrap_err();
    assert_eq!(said(foreign), "the loss was captured for another wrapper");
    // None of that was a batch.
    let _ = graphed.update_params(&mut optim, &[&images, &target]).unwrap();
    assert_eq!(optim.applied_updates().unwrap(), 1);
    let _ = graphed.backward(&mut optim, &[&images, &target]).unwrap();
    let open = optim.capture(&[&images, &target], |batch| net.loss(batch));
    assert!(matches!(open.err(), Some(OptimWrapperError::OpenWindow(1))));
}

#[test]
fn losses_that_cannot_be_trained_on_are_refused_at_once() {
    let _alone = alone();
    let net = Net::new(0.);
    let mut optim = builder(Precision::Full).build(&net.store).unwrap();
    let (images, target) = batch(1);
    let shape = optim.capture(&[&images], |batch| batch[0].apply(&net.layers.conv));
    assert!(matches!(shape.err(), Some(OptimWrapperError::LossShape(_))));
    let constant = optim.capture(&[&images], |batch| batch[0].sum(Kind::Float));
    assert!(matches!(constant.err(), Some(OptimWrapperError::LossWithoutGraph)));
    net.layers.loss(&images, &target).backward();
    let stray = optim.capture(&[&images, &target], |batch| net.loss(batch));
    assert!(matches!(stray.err(), Some(OptimWrapperError::StrayGradient { .. })));
    optim.zero_grad().unwrap();
    let _ = optim.update_params(&net.layers.loss(&images, &target)).unwrap();
}

#[test]
fn what_waits_for_the_device_cannot_be_captured() {
    let _alone = alone();
    if device() == Device::Cpu {
        return println!("SKIPPED: a CPU has no graphs; AMP_TEST_DEVICE=cuda runs this");
    }
    let net = Net::new(0.5);
    let mut optim = builder(Precision::F16).build(&net.store).unwrap();
    let (images, target) = batch(1);
    with_precision(Precision::F16, || {
        let loss = |batch: &[Tensor]| net.loss(batch);
        let mut earlier = optim.capture(&[&images, &target], loss).unwrap();
        let waits = optim.capture(&[&images, &target], |batch| {
            let loss = loss(batch);
            assert!(loss.double_value(&[]).is_finite());
            loss
        });
        let Some(OptimWrapperError::Capture(said)) = waits.err() else { panic!("it was captured") };
        println!("{said}");
        assert!(said.contains("captur"), "{said}");
        // Whatever is random goes on, with and without graphs, and what can be captured still can.
        let _ = optim.update_params(&loss(&[images.shallow_clone(), target.shallow_clone()])).unwrap();
        assert!(Tensor::rand([8], (Kind::Float, device())).mean(Kind::Float).double_value(&[]) > 0.);
        let _ = earlier.update_params(&mut optim, &[&images, &target]).unwrap();
        let mut later = optim.capture(&[&images, &target], loss).unwrap();
        let _ = later.update_params(&mut optim, &[&images, &target]).unwrap();
        let _ = earlier.update_params(&mut optim, &[&images, &target]).unwrap();
        assert_eq!(optim.applied_updates().unwrap(), 4);
    });
}

#[test]
fn casts_of_a_failed_capture_are_gone() {
    let _alone = alone();
    if device() == Device::Cpu {
        return println!("SKIPPED: a CPU has no graphs; AMP_TEST_DEVICE=cuda runs this");
    }
    let net = Net::new(0.);
    let mut optim = builder(Precision::F16).build(&net.store).unwrap();
    let (images, target) = batch(1);
    with_precision(Precision::F16, || {
        let expected = net.layers.loss(&images, &target);
        autocast(Precision::F16, || {
            let waits = optim.capture(&[&images, &target], |batch| {
                let hidden = batch[0].apply(&net.layers.conv);
                assert!(hidden.mean(Kind::Float).double_value(&[]).is_finite());
                hidden.mean(Kind::Float)
            });
            assert!(matches!(waits.err(), Some(OptimWrapperError::Capture(_))));
            assert!(expected.allclose(&net.layers.loss(&images, &target), 1e-2, 1e-3, false));
        });
    });
}

#[test]
fn what_was_computed_before_is_refused() {
    let _alone = alone();
    let net = Net::new(0.);
    let mut optim = builder(Precision::Full).build(&net.store).unwrap();
    let (images, _) = batch(1);
    let transposed = net.layers.linear.ws.tr();
    let loss = |batch: &[Tensor]| {
        let features = batch[0].apply(&net.layers.conv).mean_dim([2, 3].as_slice(), false, Kind::Float);
        features.matmul(&transposed).mean(Kind::Float)
    };
    let half = optim.capture(&[&images], loss);
    assert!(matches!(half.err(), Some(OptimWrapperError::ComputedBeforeCapture)));
    let _ = optim.update_params(&loss(&[images])).unwrap();
}

#[test]
fn a_panic_is_an_error_and_leaves_no_trace() {
    let _alone = alone();
    let net = Net::new(0.5);
    let mut optim = builder(Precision::Full).build(&net.store).unwrap();
    let (images, target) = batch(1);
    let before = net.values();
    let panics = optim.capture(&[&images, &target], |batch| {
        let _ = net.layers.loss(&batch[0], &batch[1]);
        batch[0].matmul(&batch[1])
    });
    let Some(OptimWrapperError::LossPanicked(said)) = panics.err() else { panic!("it was captured") };
    assert!(!said.contains("Exception raised"), "{said}");
    assert_eq!(net.values(), before);
}

#[test]
fn variables_that_moved_were_frozen_or_came_are_refused() {
    let _alone = alone();
    let (images, target) = batch(1);
    let changes: [fn(&Net); 3] = [
        |net| {
            let mut weight = net.layers.linear.ws.shallow_clone();
            weight.set_data(&weight.detach().copy());
        },
        |net| drop(net.layers.conv.ws.set_requires_grad(false)),
        |net| drop(net.store.root().zeros("another", &[1])),
    ];
    for change in changes {
        let net = Net::new(0.);
        let mut optim = builder(Precision::Full).build(&net.store).unwrap();
        let loss = |batch: &[Tensor]| net.loss(batch);
        let mut graphed = optim.capture(&[&images, &target], loss).unwrap();
        let _ = graphed.update_params(&mut optim, &[&images, &target]).unwrap();
        change(&net);
        let other = graphed.update_params(&mut optim, &[&images, &target]).unwrap_err();
        assert!(matches!(other, OptimWrapperError::GraphedOtherVariables), "{other}");
        // The same loss without the graph can still be trained on.
        let _ = optim.update_params(&net.layers.loss(&images, &target)).unwrap();
    }
}

#[test]
fn what_a_loss_is_refused_for_a_graphed_one_is_too() {
    let _alone = alone();
    let net = Net::new(0.);
    let (images, target) = batch(1);
    let loss = |batch: &[Tensor]| net.loss(batch);
    let mut optim = builder(Precision::Full).max_counts(2).build(&net.store).unwrap();
    let mut graphed = optim.capture(&[&images, &target], loss).unwrap();
    let inputs = [&images, &target];
    let _ = graphed.backward(&mut optim, &inputs).unwrap().unscale().unwrap();
    let twice = graphed.backward(&mut optim, &inputs).err();
    assert!(matches!(twice, Some(OptimWrapperError::BackwardAfterUnscale)));
    let clipped = graphed.backward(&mut optim, &inputs).err();
    assert!(matches!(clipped, Some(OptimWrapperError::BackwardAfterUnscale)));
    optim.drop_window().unwrap();
    loss(&[images.shallow_clone(), target.shallow_clone()]).backward();
    let stray = graphed.update_params(&mut optim, &inputs).unwrap_err();
    assert!(matches!(stray, OptimWrapperError::StrayGradient { .. }));
    optim.zero_grad().unwrap();
    let clip = ClipGrad::value(1e-3);
    let _ = graphed
        .backward(&mut optim, &inputs)
        .unwrap()
        .unscale()
        .unwrap()
        .clip_grad(clip)
        .unwrap()
        .step()
        .unwrap();
    let past = graphed.update_params(&mut optim, &inputs).unwrap_err();
    assert!(matches!(past, OptimWrapperError::PastTheEnd { inner_count: 2, max_counts: 2 }), "{past}");
    let f16 = with_precision(Precision::F16, || optim.capture(&inputs, loss)).unwrap_err();
    assert!(matches!(f16, OptimWrapperError::F16Loss { .. }), "{f16}");
}
