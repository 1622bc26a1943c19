//! What libtorch's own autocast keeps for layers, where it looks at nothing but an address.
use super::*;

/// libtorch's own dtypes: entering then changes none, which alone would empty its cache.
static BY_DEVICE: p::FunctionPlan = p::FunctionPlan {
    function: "never_stale::layers",
    file: file!(),
    line: 0,
    precision: None,
    headline: "",
    sites: &[],
    layers: &[],
    calls: p::AtomicU64::new(0),
};

/// libtorch keeps casts of its own and looks at nothing but the address: what its autocast does within a layer.
#[test]
fn layers_do_not_use_libtorchs_stale_casts() {
    let _alone = alone();
    let vs = nn::VarStore::new(device());
    let linear = nn::linear(vs.root(), 4, 4, nn::LinearConfig::default());
    let xs = x();
    let expected = || {
        let low = |t: &Tensor| t.to_kind(Kind::BFloat16);
        low(&xs).linear(&low(&linear.ws), Some(&low(linear.bs.as_ref().unwrap())))
    };
    // It is so without us: otherwise this whole test is about nothing.
    amp_runtime::autocast(Precision::Bf16, || {
        let before = xs.apply(&linear);
        tch::no_grad(|| drop(linear.ws.shallow_clone().g_mul_scalar_(2.)));
        assert_eq!(xs.apply(&linear), before, "libtorch has learnt to look; the watch is no longer needed");
    });
    for (how, write) in WRITES {
        let _region = p::enter(&BF16);
        assert_eq!(applied(&xs, &linear), expected(), "{how}");
        tch::no_grad(|| write(&linear.ws));
        assert_eq!(applied(&xs, &linear), expected(), "{how}");
        let (_, ops) = count_ops(|| applied(&xs, &linear)).unwrap();
        assert_eq!(ops.get("aten::_to_copy"), Some(&1), "{how}: of the input alone: {ops:?}");
    }
}

/// An autocast around regions keeps libtorch's casts longer than any of them.
#[test]
fn layers_within_somebody_elses_autocast_are_not_stale() {
    let _alone = alone();
    let vs = nn::VarStore::new(device());
    let linear = nn::linear(vs.root(), 4, 4, nn::LinearConfig::default());
    let xs = x();
    let low = |t: &Tensor| t.to_kind(Kind::BFloat16);
    let expected = || low(&xs).linear(&low(&linear.ws), linear.bs.as_ref().map(low));
    let double = || tch::no_grad(|| drop(linear.ws.shallow_clone().g_mul_scalar_(2.)));
    let region = || {
        let _region = p::enter(&BF16);
        applied(&xs, &linear)
    };
    amp_runtime::autocast(Precision::Bf16, || {
        let _ = xs.apply(&linear);
        double();
        assert_eq!(region(), expected());
        double();
        assert_eq!(region(), expected());
        double();
        assert_eq!(xs.apply(&linear), expected());
    });
}

#[test]
fn layers_seen_without_a_graph_first_have_gradients_after() {
    let _alone = alone();
    let vs = nn::VarStore::new(device());
    let linear = nn::linear(vs.root(), 4, 4, nn::LinearConfig::default());
    let _region = p::enter(&BF16);
    tch::no_grad(|| drop(applied(&x(), &linear)));
    applied(&x(), &linear).sum(Kind::Float).backward();
    assert!(linear.ws.grad().defined());
}

#[test]
fn recurrent_layers_do_not_use_libtorchs_stale_casts() {
    static SEQ: p::LayerPlan = p::LayerPlan { call: "gru.seq(..)", line: 0, seen: p::LayerSeen::new() };
    static STEP: p::LayerPlan = p::LayerPlan { call: "gru.step(..)", line: 0, seen: p::LayerSeen::new() };
    let _alone = alone();
    let vs = nn::VarStore::new(device());
    let gru = nn::gru(vs.root(), 4, 4, nn::RNNConfig::default());
    // As many sequences as are low on a CPU.
    let xs = Tensor::randn([8, 3, 4], f32());
    let state = gru.zero_state(8);
    let fresh = |f: &dyn Fn() -> Tensor| amp_runtime::autocast(Precision::Bf16, f);
    let c = p::Call::new();
    let seq =
        || p::called(c.look(&gru, &SEQ), &c, gru.seq(p::Value(&xs).amp_input(&c, &mut p::Slot::new()))).0;
    let frame = xs.select(1, 0);
    let step = || {
        let input = &frame;
        p::called(
            c.look(&gru, &STEP),
            &c,
            gru.step(p::Value(input).amp_input(&c, &mut p::Slot::new()), &state),
        )
        .value()
    };
    for (calls, run) in
        [1, 2, 3, 5].into_iter().flat_map(|calls| [(calls, &seq as &dyn Fn() -> Tensor), (calls, &step)])
    {
        let _region = p::enter(&BF16);
        // From the third call on the layer's weights are known, and what libtorch keeps of them is used.
        let before = (0..calls).map(|_| run()).last().unwrap();
        tch::no_grad(|| {
            for mut w in vs.trainable_variables() {
                let _ = w.g_mul_scalar_(0.75);
            }
        });
        let after = run();
        assert_ne!(before, after);
        let _outside = p::outside();
        let expected = if device() == Device::Cpu {
            let low = xs.to_kind(Kind::BFloat16);
            [fresh(&|| gru.seq(&low).0), fresh(&|| gru.step(&low.select(1, 0), &state).value())]
        } else {
            // There libtorch's autocast would compute in f16.
            [gru.seq(&xs).0, gru.step(&frame, &state).value()]
        };
        assert!(expected.contains(&after));
    }
}

/// As many casts of weights as libtorch's own autocast makes in a loop over steps, but for the first two steps'.
#[test]
fn recurrent_layers_in_a_loop_cast_their_weights_twice() {
    #[amp_runtime::amp(dtype = bf16)]
    fn unrolled(gru: &nn::GRU, xs: &Tensor) -> Tensor {
        let mut state = gru.zero_state(2);
        for _ in 0..20 {
            state = gru.step(xs, &state);
        }
        state.value()
    }
    if device() != Device::Cpu {
        println!("SKIPPED: on CUDA the layer is in f32");
        return;
    }
    let _alone = alone();
    let vs = nn::VarStore::new(device());
    let gru = nn::gru(vs.root(), 4, 4, nn::RNNConfig::default());
    let xs = Tensor::randn([2, 4], f32());
    let casts = |(_, ops): (Tensor, std::collections::BTreeMap<String, u64>)| ops["aten::_to_copy"];
    let ours = casts(count_ops(|| unrolled(&gru, &xs)).unwrap());
    let plain = || {
        let low = xs.to_kind(Kind::BFloat16);
        (0..20).fold(gru.zero_state(2), |state, _| gru.step(&low, &state)).value()
    };
    let theirs = casts(count_ops(|| amp_runtime::autocast(Precision::Bf16, plain)).unwrap());
    assert!(ours <= theirs + 24, "{ours} casts, {theirs} by autocast alone");
}

#[test]
fn an_opaque_layer_after_a_write_in_sight_is_not_stale() {
    let _alone = alone();
    let vs = nn::VarStore::new(device());
    let linear = nn::linear(vs.root(), 4, 4, nn::LinearConfig::default());
    let xs = x();
    let opaque = |xs: &Tensor| linear.forward(xs);
    let _region = p::enter(&BF16);
    let before = opaque(&xs);
    p::wrote_anything(tch::no_grad(|| drop(linear.ws.shallow_clone().g_mul_scalar_(2.))));
    let low = |t: &Tensor| t.to_kind(Kind::BFloat16);
    assert_ne!(opaque(&xs), before);
    assert_eq!(opaque(&xs), low(&xs).linear(&low(&linear.ws), linear.bs.as_ref().map(low)));
}

#[test]
fn a_layer_that_ran_out_of_sight_is_not_stale_where_it_is_seen() {
    #[derive(Debug)]
    struct Opaque(nn::Linear);
    impl nn::Module for Opaque {
        fn forward(&self, xs: &Tensor) -> Tensor {
            xs.apply(&self.0)
        }
    }
    let _alone = alone();
    let vs = nn::VarStore::new(device());
    let opaque = Opaque(nn::linear(vs.root(), 4, 4, nn::LinearConfig::default()));
    let linear = &opaque.0;
    let xs = x();
    let _region = p::enter(&BF16);
    let _ = p::Place(&xs).amp_at(&LAYER, &mut p::Slot::new()).apply(&opaque);
    tch::no_grad(|| drop(linear.ws.shallow_clone().g_mul_scalar_(2.)));
    let low = |t: &Tensor| t.to_kind(Kind::BFloat16);
    assert_eq!(applied(&xs, linear), low(&xs).linear(&low(&linear.ws), linear.bs.as_ref().map(low)));
}

/// For two threads: a layer cannot be shared.
fn one_layer_twice() -> [nn::Linear; 2] {
    let vs = nn::VarStore::new(device());
    let linear = nn::linear(vs.root(), 4, 4, nn::LinearConfig::default());
    let same =
        nn::Linear { ws: linear.ws.shallow_clone(), bs: linear.bs.as_ref().map(Tensor::shallow_clone) };
    [linear, same]
}

#[test]
fn autocast_on_another_thread_leaves_no_casts_of_its_dtype() {
    let _alone = alone();
    let [linear, same] = one_layer_twice();
    let (xs, input) = (x(), x());
    let (here, there) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (arrived, leave) = (Arc::clone(&here), Arc::clone(&there));
    let _region = p::enter(&BF16);
    let thread = std::thread::spawn(move || {
        amp_runtime::autocast(Precision::F16, || {
            assert_eq!(input.apply(&same).kind(), Kind::Half);
            arrived.wait();
            leave.wait();
        });
    });
    here.wait();
    let seen = catch_unwind(AssertUnwindSafe(|| applied(&xs, &linear).kind()));
    there.wait();
    thread.join().unwrap();
    assert_eq!(seen.unwrap(), Kind::BFloat16);
}

/// libtorch's cache is one for all threads: without more ado one would find there what another cast before it wrote.
#[test]
fn threads_do_not_share_libtorchs_casts() {
    fn expected(xs: &Tensor, linear: &nn::Linear) -> Tensor {
        let kind = if xs.device() == Device::Cpu { Kind::BFloat16 } else { Kind::Half };
        let low = |t: &Tensor| t.to_kind(kind);
        low(xs).linear(&low(&linear.ws), linear.bs.as_ref().map(low))
    }
    let _alone = alone();
    let [linear, same] = one_layer_twice();
    let (xs, input) = (x(), x());
    let _region = p::enter(&BY_DEVICE);
    let _ = applied(&xs, &linear);
    tch::no_grad(|| drop(linear.ws.shallow_clone().fill_(3.)));
    std::thread::spawn(move || {
        let _region = p::enter(&BY_DEVICE);
        // The first time that this thread sees it.
        assert_eq!(applied(&input, &same), expected(&input, &same));
        tch::no_grad(|| drop(same.ws.shallow_clone().fill_(5.)));
        assert_eq!(applied(&input, &same), expected(&input, &same));
    })
    .join()
    .unwrap();
    assert_eq!(applied(&xs, &linear), expected(&xs, &linear));
    // The one that it serves still has it.
    let (_, ops) = count_ops(|| applied(&xs, &linear)).unwrap();
    assert_eq!(ops.get("aten::_to_copy"), Some(&1), "{ops:?}");
}
