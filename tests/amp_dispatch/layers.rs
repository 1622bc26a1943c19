//! Layer calls.
use super::*;
use amp_runtime::plan::Seen;
use nn::RNN;

const fn layer(call: &'static str) -> p::LayerPlan {
    p::LayerPlan { call, line: 0, seen: p::LayerSeen::new() }
}

/// What an opaque layer was given, and whether autocast was on.
#[derive(Debug, Default)]
struct Spy {
    seen: Mutex<Vec<(Kind, Kind)>>,
}

impl nn::Module for Spy {
    fn forward(&self, xs: &Tensor) -> Tensor {
        self.seen.lock().unwrap().push((xs.kind(), ambient()));
        xs.shallow_clone()
    }
}

/// A layer with a region of its own.
#[derive(Debug)]
struct Amp;

impl nn::Module for Amp {
    fn forward(&self, xs: &Tensor) -> Tensor {
        let _region = p::enter(&F16);
        xs.matmul(xs)
    }
}

fn seen(plan: &p::LayerPlan) -> [u64; 5] {
    let Seen { low, full, follow, amp, opaque, .. } = plan.seen();
    [low, full, follow, amp, opaque]
}

#[test]
fn the_type_of_a_layer_says_what_it_does() {
    static PLAN: p::LayerPlan = layer("apply(&layer)");
    let vs = nn::VarStore::new(Device::Cpu);
    let root = vs.root();
    let linear = nn::linear(&root / "linear", 4, 4, nn::LinearConfig::default());
    let norm = nn::layer_norm(&root / "norm", vec![4], nn::LayerNormConfig::default());
    let batch = nn::batch_norm1d(&root / "batch", 4, nn::BatchNormConfig::default());
    let xs = x();

    let _region = p::enter(&BF16);
    let h = p::Place(&xs).amp_at(&PLAN, &mut p::Slot::new()).apply(&linear);
    assert_eq!((h.kind(), seen(&PLAN)), (Kind::BFloat16, [1, 0, 0, 0, 0]));
    let h = p::Place(&h).amp_at(&PLAN, &mut p::Slot::new()).apply(&norm);
    assert_eq!((h.kind(), seen(&PLAN)), (Kind::Float, [1, 1, 0, 0, 0]));
    let h = p::Value(h.relu()).amp_at(&PLAN, &mut p::Slot::new()).apply_t(&batch, true);
    assert_eq!((h.kind(), seen(&PLAN)), (Kind::Float, [1, 1, 1, 0, 0]));
    let h = p::Value(h).amp_at(&PLAN, &mut p::Slot::new()).apply(&Amp);
    assert_eq!((h.kind(), seen(&PLAN)), (Kind::Half, [1, 1, 1, 1, 0]));
    let spy = Spy::default();
    let h = p::Value(h).amp_at(&PLAN, &mut p::Slot::new()).apply_opt(&Some(spy));
    assert_eq!((h.kind(), seen(&PLAN)), (Kind::Half, [1, 1, 1, 1, 1]));
    let h = p::Place(&h).amp_at(&PLAN, &mut p::Slot::new()).apply_opt_t(&None::<Amp>, true);
    assert_eq!((h.kind(), seen(&PLAN)), (Kind::Half, [1, 1, 1, 1, 1]));
}

/// The input is cast by the call, not by libtorch's autocast within the layer, which knows no layer norm on the CPU.
#[test]
fn layer_and_group_norms_run_in_f32_on_the_cpu_too() {
    static PLAN: p::LayerPlan = layer("apply(&layer)");
    let vs = nn::VarStore::new(Device::Cpu);
    let root = vs.root();
    let layer_norm = nn::layer_norm(&root / "layer", vec![4], nn::LayerNormConfig::default());
    let group_norm = nn::group_norm(&root / "group", 2, 4, nn::GroupNormConfig::default());
    let low = x().to_kind(Kind::BFloat16);
    let wide = low.to_kind(Kind::Float);
    let expected = [layer_norm.forward(&wide), group_norm.forward(&wide)];
    let _region = p::enter(&BF16);
    let got = [
        p::Place(&low).amp_at(&PLAN, &mut p::Slot::new()).apply(&layer_norm),
        p::Place(&low).amp_at(&PLAN, &mut p::Slot::new()).apply(&group_norm),
    ];
    assert_eq!(got, expected);
    assert_eq!(ambient(), Kind::BFloat16, "restored");
    // In low precision itself, as after `vs.half()`, it follows its input.
    let mut low_vs = nn::VarStore::new(Device::Cpu);
    let low_norm = nn::layer_norm(low_vs.root(), vec![4], nn::LayerNormConfig::default());
    low_vs.bfloat16();
    let h = p::Place(&low).amp_at(&PLAN, &mut p::Slot::new()).apply(&low_norm);
    assert_eq!((h.kind(), seen(&PLAN)), (Kind::BFloat16, [0, 2, 1, 0, 0]));
}

#[test]
fn layers_are_known_behind_references_and_boxes() {
    static PLAN: p::LayerPlan = layer("forward");
    let vs = nn::VarStore::new(Device::Cpu);
    let linear = || nn::linear(vs.root(), 4, 4, nn::LinearConfig::default());
    let (owned, boxed, rc, arc, mut exclusive) =
        (linear(), Box::new(linear()), Rc::new(linear()), Arc::new(linear()), linear());
    let (by_ref, by_mut) = (&owned, &mut exclusive);
    let call = p::Call::new();
    let _ = p::called(call.look(&owned, &PLAN), &call, 1);
    let _ = p::called(call.look(&by_ref, &PLAN), &call, 1);
    let _ = p::called(call.look(&by_mut, &PLAN), &call, 1);
    let _ = p::called(call.look(&boxed, &PLAN), &call, 1);
    let _ = p::called(call.look(&rc, &PLAN), &call, 1);
    let _ = p::called(call.look(&arc, &PLAN), &call, 1);
    assert_eq!(seen(&PLAN), [6, 0, 0, 0, 0]);
    let dynamic: &dyn nn::Module = &owned;
    let _ = p::called(call.look(dynamic, &PLAN), &call, 1);
    assert_eq!(seen(&PLAN), [6, 0, 0, 0, 1]);
}

#[test]
fn a_layers_own_methods_get_its_input() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    static PLAN: p::LayerPlan = layer("norm.forward(..)");
    let vs = nn::VarStore::new(Device::Cpu);
    let norm = nn::layer_norm(vs.root(), vec![4], nn::LayerNormConfig::default());
    let low = x().to_kind(Kind::BFloat16);
    let _region = p::enter(&BF16);
    let c = p::Call::new();
    let h =
        p::called(c.look(&norm, &PLAN), &c, norm.forward(p::Value(&low).amp_input(&c, &mut p::Slot::new())));
    assert_eq!((h.kind(), ambient()), (Kind::Float, Kind::BFloat16));
    // Deref coercion went on working.
    let (twice, cell) = (&&low, RefCell::new(low.shallow_clone()));
    let h = p::called(
        c.look(&norm, &PLAN),
        &c,
        norm.forward_t(p::Value(twice).amp_input(&c, &mut p::Slot::new()), true),
    );
    assert_eq!(h.kind(), Kind::Float);
    let h = p::called(
        c.look(&norm, &PLAN),
        &c,
        norm.forward(p::Value(&cell.borrow()).amp_input(&c, &mut p::Slot::new())),
    );
    assert_eq!((h.kind(), seen(&PLAN)), (Kind::Float, [0, 3, 0, 0, 0]));

    // A panic within restores.
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let c = p::Call::new();
        let wrong = Tensor::randn([3], F32);
        p::called(c.look(&norm, &PLAN), &c, norm.forward(p::Value(&wrong).amp_input(&c, &mut p::Slot::new())))
    }));
    assert!(caught.is_err());
    assert_eq!(ambient(), Kind::BFloat16);
}

/// Methods of the same name on types that are no layers take and return whatever they like.
#[test]
fn strangers_are_not_disturbed() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    static FORWARD: p::LayerPlan = layer("forward");
    static STEP: p::LayerPlan = layer("env.step(..)");
    struct Env(u32);
    impl Env {
        fn step(&mut self, action: &[i64]) -> usize {
            self.0 += 1;
            action.len()
        }
        fn forward(&self, handle: &Rc<Tensor>, weight: &Weight) -> (usize, Kind) {
            (Rc::strong_count(handle), weight.kind())
        }
    }
    let _region = p::enter(&BF16);
    let (mut env, c) = (Env(0), p::Call::new());
    let actions = vec![1, 2];
    let n =
        p::called(c.look(&env, &STEP), &c, env.step(p::Value(&actions).amp_input(&c, &mut p::Slot::new())));
    assert_eq!((n, env.0, seen(&STEP)), (2, 1, [0; 5]));
    let (handle, weight) = (Rc::new(x()), Weight(x()));
    let (count, kind) = p::called(
        c.look(&env, &FORWARD),
        &c,
        env.forward(
            p::Value(&handle).amp_input(&c, &mut p::Slot::new()),
            p::Value(&weight).amp_input(&c, &mut p::Slot::new()),
        ),
    );
    assert_eq!((count, kind, seen(&FORWARD)), (1, Kind::Float, [0, 0, 0, 0, 1]));
}

/// They compute what libtorch's autocast makes of them, whatever it keeps.
#[test]
fn recurrent_layers_are_low() {
    static SEQ: p::LayerPlan = layer("gru.seq(..)");
    static STEP: p::LayerPlan = layer("gru.step(..)");
    let vs = nn::VarStore::new(Device::Cpu);
    let gru = nn::gru(vs.root(), 4, 4, nn::RNNConfig::default());
    let xs = Tensor::randn([8, 3, 4], F32);
    let frame = xs.select(1, 0);
    let run = |low: &dyn Fn(&Tensor) -> Tensor| {
        let (out, state) = gru.seq(&low(&xs));
        (out, gru.step(&low(&frame), &state).value())
    };
    let full = run(&Tensor::shallow_clone);
    let expected = amp_runtime::autocast(Precision::Bf16, || run(&|xs| xs.to_kind(Kind::BFloat16)));
    assert_ne!(full, expected);
    let _region = p::enter(&BF16);
    let c = p::Call::new();
    let (out, state) =
        p::called(c.look(&gru, &SEQ), &c, gru.seq(p::Value(&xs).amp_input(&c, &mut p::Slot::new())));
    let state = p::called(
        c.look(&gru, &STEP),
        &c,
        gru.step(p::Value(&frame).amp_input(&c, &mut p::Slot::new()), &state),
    );
    assert_eq!((out, state.value()), expected);
    assert_eq!((seen(&SEQ), seen(&STEP)), ([1, 0, 0, 0, 0], [1, 0, 0, 0, 0]));
}

/// On the CPU, where low precision only costs them time.
#[test]
fn a_few_sequences_are_computed_in_f32() {
    static FEW: [p::LayerPlan; 2] = [layer("lstm.seq(..)"), layer("gru.seq(..)")];
    static MANY: [p::LayerPlan; 2] = [layer("lstm.seq(..)"), layer("gru.seq(..)")];
    let vs = nn::VarStore::new(Device::Cpu);
    let lstm = nn::lstm(&vs.root() / "lstm", 4, 4, nn::RNNConfig::default());
    let gru = nn::gru(&vs.root() / "gru", 4, 4, nn::RNNConfig::default());
    let computed = |xs: &Tensor, plans: [&'static p::LayerPlan; 2]| {
        let c = p::Call::new();
        let slot = &mut p::Slot::new();
        let long = p::called(c.look(&lstm, plans[0]), &c, lstm.seq(p::Value(xs).amp_input(&c, slot))).0;
        let slot = &mut p::Slot::new();
        let gated = p::called(c.look(&gru, plans[1]), &c, gru.seq(p::Value(xs).amp_input(&c, slot))).0;
        [long, gated]
    };
    let xs = Tensor::randn([8, 3, 4], F32);
    let few = xs.narrow(0, 0, 7);
    let full = |xs: &Tensor| [lstm.seq(xs).0, gru.seq(xs).0];
    let (full_of_few, full_of_many) = (full(&few), full(&xs));
    {
        let _region = p::enter(&BF16);
        assert_eq!(computed(&few, [&FEW[0], &FEW[1]]), full_of_few);
        // What comes from a low layer is widened first.
        let wide = computed(&few.to_kind(Kind::BFloat16), [&FEW[0], &FEW[1]]);
        assert!(wide.iter().all(|out| out.kind() == Kind::Float));
        let [long, gated] = computed(&xs, [&MANY[0], &MANY[1]]);
        assert_eq!(long.kind(), Kind::BFloat16);
        // The state that a GRU begins with is in f32, and widens what comes out.
        assert_ne!(gated, full_of_many[1]);
    }
    assert_eq!((seen(&FEW[0]), seen(&MANY[0])), ([0, 2, 0, 0, 0], [1, 0, 0, 0, 0]));
    // Weights in bf16 leave no choice.
    vs.variables().values_mut().for_each(|weight| weight.set_data(&weight.to_kind(Kind::BFloat16)));
    let _region = p::enter(&BF16);
    assert!(computed(&few, [&MANY[0], &MANY[1]]).iter().all(|out| out.kind() == Kind::BFloat16));
}

#[test]
fn in_a_full_island_every_layer_gets_f32() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    static PLAN: p::LayerPlan = layer("apply(&layer)");
    let vs = nn::VarStore::new(Device::Cpu);
    let linear = nn::linear(vs.root(), 4, 4, nn::LinearConfig::default());
    let low = x().to_kind(Kind::BFloat16);
    let spy = Spy::default();
    let _region = p::enter(&BF16);
    let _island = p::island();
    assert_eq!(p::Place(&low).amp_at_full(&PLAN, &mut p::Slot::new()).apply(&linear).kind(), Kind::Float);
    let _ = p::Place(&low).amp_at_full(&PLAN, &mut p::Slot::new()).apply(&spy);
    let c = p::Call::new();
    let _ = p::called(
        c.look_full(&spy, &PLAN),
        &c,
        spy.forward(p::Value(&low).amp_input(&c, &mut p::Slot::new())),
    );
    assert_eq!(*spy.seen.lock().unwrap(), [(Kind::Float, Kind::Float); 2]);
}

/// Other types' `apply` stays theirs, and so do their arguments.
#[test]
fn another_types_apply_is_its_own() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    static PLAN: p::LayerPlan = layer("apply(&f)");
    struct Pipe(u32);
    impl Pipe {
        fn apply(&self, f: &dyn Fn(u32) -> u32) -> u32 {
            f(self.0)
        }
    }
    let pipe = Pipe(2);
    assert_eq!(p::Place(&pipe).amp_at(&PLAN, &mut p::Slot::new()).apply(&|n| n + 1), 3);
    assert_eq!(p::Value(Pipe(3)).amp_at(&PLAN, &mut p::Slot::new()).apply(&|n| n + 1), 4);
    assert_eq!(seen(&PLAN), [0; 5]);
}

/// What `deny(opaque)` asks for is there for tch's layers, also where they are wrapped.
#[test]
fn tchs_layers_are_known() {
    let vs = nn::VarStore::new(Device::Cpu);
    let linear = Some(Box::new(nn::linear(vs.root(), 4, 4, nn::LinearConfig::default())));
    assert!(p::known(&linear).is_some());
}
