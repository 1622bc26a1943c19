//! No cast is used that is not a cast of what its tensor is now, however the tensor was written to.
#![allow(clippy::unit_arg, reason = "generated code cannot know")]
use amp_runtime::__private as p;
use amp_runtime::{Precision, Sgd, count_ops, prelude::OptimWrapper};
use amp_tests::device;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use tch::nn::{self, Module as _, RNN as _};
use tch::{Device, Kind, Tensor};

/// libtorch keeps casts for one thread at a time: a test that is about those must be alone.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[path = "never_stale/functions.rs"]
mod functions;
#[path = "never_stale/layers.rs"]
mod layers;

fn f32() -> (Kind, Device) {
    (Kind::Float, device())
}

static BF16: p::FunctionPlan = p::FunctionPlan {
    function: "never_stale",
    file: file!(),
    line: 0,
    precision: Some(Precision::Bf16),
    headline: "",
    sites: &[],
    layers: &[],
    calls: p::AtomicU64::new(0),
};

static LAYER: p::LayerPlan = p::LayerPlan { call: "apply(&layer)", line: 0, seen: p::LayerSeen::new() };

fn x() -> Tensor {
    Tensor::randn([4, 4], f32())
}

fn weight() -> Tensor {
    x().set_requires_grad(true)
}

/// What a site makes of a tensor in low precision.
fn low(t: &Tensor) -> Tensor {
    let site = p::Site::<p::IsTensor>::new();
    p::Place(t).amp_low(&site, &mut p::Slot::new()).shallow_clone()
}

fn low_shared(t: &Tensor, shared: &p::Shared) -> Tensor {
    let site = p::Site::<p::IsTensor>::new();
    p::Place(t).amp_low_shared(&site, &mut p::Slot::new(), shared).shallow_clone()
}

fn applied(xs: &Tensor, layer: &nn::Linear) -> Tensor {
    p::Place(xs).amp_at(&LAYER, &mut p::Slot::new()).apply(layer)
}

fn is_cast_of(cast: &Tensor, t: &Tensor) -> bool {
    cast.kind() == Kind::BFloat16 && cast.detach() == t.detach().to_kind(Kind::BFloat16)
}

type Write = fn(&Tensor);

/// Every way to write to a tensor that libtorch counts, through itself and through aliases.
const WRITES: [(&str, Write); 8] = [
    ("in place", |t| drop(t.shallow_clone().fill_(1.5))),
    ("part of it", |t| t.narrow(0, 0, 1).copy_(&Tensor::ones([1, 4], f32()))),
    ("a detached alias", |t| drop(t.detach().g_add_(&x()))),
    ("an alias of an alias", |t| t.view([16]).narrow(0, 3, 2).copy_(&Tensor::zeros([2], f32()))),
    ("one element", |t| drop(t.get(1).get(2).fill_(7.))),
    ("copied over", |t| t.shallow_clone().copy_(&x())),
    ("an out argument", |t| drop(x().exp_out(t))),
    ("a random fill", |t| drop(t.shallow_clone().uniform_(-1., 1.))),
];

#[test]
fn a_weight_is_cast_once_per_outermost_region() {
    let _alone = alone();
    let w = weight();
    {
        let _region = p::enter(&BF16);
        let first = low(&w);
        {
            let _inner = p::enter(&BF16);
            assert_eq!(p::identity(&low(&w)), p::identity(&first));
        }
        assert_eq!(p::identity(&low(&w)), p::identity(&first), "an inner region ends");
        let slot = &mut p::Slot::new();
        assert_eq!(p::identity(p::Place(&w).amp_weight(slot)), p::identity(&first), "below a view");
    }
    let (cast, ops) = {
        let _region = p::enter(&BF16);
        count_ops(|| low(&w)).unwrap()
    };
    assert!(is_cast_of(&cast, &w));
    assert_eq!(ops.get("aten::_to_copy"), Some(&1), "the outermost region has ended");
}

#[test]
fn only_weights_are_kept() {
    let _alone = alone();
    let _region = p::enter(&BF16);
    let (plain, leaf) = (x(), weight());
    let inner = &leaf * 1.;
    for t in [&plain, &inner] {
        assert_ne!(p::identity(&low(t)), p::identity(&low(t)));
        assert!(std::ptr::eq(p::Place(t).amp_weight(&mut p::Slot::new()), t));
    }
}

#[test]
fn a_weight_that_was_written_to_is_cast_anew() {
    let _alone = alone();
    for (how, write) in WRITES {
        let w = weight();
        let _region = p::enter(&BF16);
        assert!(is_cast_of(&low(&w), &w), "{how}");
        tch::no_grad(|| write(&w));
        assert!(is_cast_of(&low(&w), &w), "{how}");
        tch::no_grad(|| {
            assert!(is_cast_of(&low(&w), &w), "{how}");
            write(&w);
            assert!(is_cast_of(&low(&w), &w), "{how}");
        });
        assert!(is_cast_of(&low(&w), &w), "{how}");
    }
}

#[test]
fn another_part_of_the_same_memory_is_cast_anew() {
    let _alone = alone();
    let memory = Tensor::randn([2, 4, 4], f32());
    let mut w = weight();
    let _region = p::enter(&BF16);
    for part in [memory.get(0), memory.get(1), memory.get(1).tr(), memory.get(1).narrow(0, 0, 2)] {
        tch::no_grad(|| w.set_data(&part));
        assert!(is_cast_of(&low(&w), &w), "{:?}", part.stride());
    }
}

#[test]
fn a_shared_cast_of_what_was_written_to_is_made_anew() {
    let _alone = alone();
    for (how, write) in WRITES {
        for t in [x(), weight()] {
            let _region = p::enter(&BF16);
            let shared = p::Shared::new();
            let first = low_shared(&t, &shared);
            assert_eq!(p::identity(&low_shared(&t, &shared)), p::identity(&first), "{how}: shared");
            tch::no_grad(|| write(&t));
            assert!(is_cast_of(&low_shared(&t, &shared), &t), "{how}");
            assert!(is_cast_of(&low_shared(&t, &shared), &t), "{how}: and again");
        }
    }
}

#[test]
fn an_activation_written_to_with_its_graph_is_cast_anew() {
    let _alone = alone();
    let w = weight();
    let mut h = &w * 2.;
    let (shared, _region) = (p::Shared::new(), p::enter(&BF16));
    let before = low_shared(&h, &shared);
    let _ = h.relu_();
    let after = low_shared(&h, &shared);
    assert!(is_cast_of(&after, &h));
    assert_ne!(before, after);
    (before + after).sum(Kind::Float).backward();
    let expected = w.detach().gt(0.).to_kind(Kind::Float) * 2. + 2.;
    assert_eq!(w.grad(), expected, "each use has the gradient of what it used");
}

#[test]
fn another_tensor_in_the_same_binding_is_no_hit() {
    let _alone = alone();
    let _region = p::enter(&BF16);
    let shared = p::Shared::new();
    let mut reused = false;
    let mut h = x();
    let _ = low_shared(&h, &shared);
    let first = p::identity(&h);
    // Also where the allocator hands out the address again.
    for _ in 0..1000 {
        drop(h);
        h = x();
        reused |= p::identity(&h) == first;
        assert!(is_cast_of(&low_shared(&h, &shared), &h));
    }
    assert!(!reused, "the address of what is remembered is not given away");
}

#[test]
fn a_weight_at_a_dead_weights_address_is_no_hit() {
    let _alone = alone();
    let _region = p::enter(&BF16);
    for _ in 0..1000 {
        let w = weight();
        assert!(is_cast_of(&low(&w), &w));
    }
}

#[test]
fn what_is_cast_without_a_graph_is_not_used_with_one() {
    let _alone = alone();
    let w = weight();
    let shared = p::Shared::new();
    let _region = p::enter(&BF16);
    tch::no_grad(|| assert!(!low(&w).requires_grad() && !low_shared(&w, &shared).requires_grad()));
    assert!(low(&w).requires_grad() && low_shared(&w, &shared).requires_grad());
    tch::no_grad(|| assert!(!low(&w).requires_grad() && !low_shared(&w, &shared).requires_grad()));
    // A tensor that only later asks for a gradient.
    let (t, shared) = (x(), p::Shared::new());
    assert!(!low_shared(&t, &shared).requires_grad());
    let t = t.set_requires_grad(true);
    assert!(low_shared(&t, &shared).requires_grad());
}

#[test]
fn gradients_are_those_of_casts_made_anew() {
    let _alone = alone();
    let (w, xs) = (weight(), x());
    let loss = |low: &dyn Fn(&Tensor) -> Tensor| {
        let h = xs.to_kind(Kind::BFloat16).matmul(&low(&w));
        h.to_kind(Kind::Float).square().sum(Kind::Float).backward();
        let grad = w.grad().copy();
        let _ = w.grad().zero_().detach_();
        grad
    };
    let expected = loss(&|w| w.to_kind(Kind::BFloat16));
    let _region = p::enter(&BF16);
    assert_eq!(loss(&low), expected);
    assert_eq!(loss(&low), expected, "the second backward through a kept cast");
    let shared = p::Shared::new();
    assert_eq!(loss(&|w| low_shared(w, &shared)), expected);
    assert_eq!(loss(&|w| low_shared(w, &shared)), expected);
}

/// What nobody counts: `data` shares the memory and not the count. Such writes stand in `no_grad` or in sight.
#[test]
fn wrote_voids_what_nobody_counts() {
    let _alone = alone();
    let (w, t) = (weight(), x());
    let shared = p::Shared::new();
    let _region = p::enter(&BF16);
    let _ = (low(&w), low_shared(&t, &shared));
    p::wrote_anything(tch::no_grad(|| {
        let _ = w.data().fill_(3.);
        let _ = t.data().fill_(4.);
    }));
    assert!(is_cast_of(&low(&w), &w));
    assert!(is_cast_of(&low_shared(&t, &shared), &t));
    let _ = p::wrote(w.data().fill_(5.));
    assert!(is_cast_of(&low(&w), &w));
    // An activation that was written to is no weight: what is kept stays.
    let kept = low(&w);
    let mut h = &w * 2.;
    let _ = p::wrote(h.relu_());
    assert_eq!(p::identity(&low(&w)), p::identity(&kept));
    let _ = p::wrote(h.f_relu_());
    assert_ne!(p::identity(&low(&w)), p::identity(&kept), "a result of whatever kind voids");
}

#[test]
fn an_optimizer_step_within_a_region_voids() {
    let _alone = alone();
    let vs = nn::VarStore::new(device());
    let linear = nn::linear(vs.root(), 4, 4, nn::LinearConfig::default());
    let mut optimizer = OptimWrapper::builder(Sgd { lr: 0.5, ..Sgd::default() }).build(&vs).unwrap();
    let xs = x();
    let _region = p::enter(&BF16);
    for _ in 0..3 {
        let loss = applied(&xs, &linear).to_kind(Kind::Float).square().mean(Kind::Float);
        let kept = low(&linear.ws);
        let _ = optimizer.update_params(&loss).unwrap();
        assert!(!is_cast_of(&kept, &linear.ws), "it has moved");
        assert!(is_cast_of(&low(&linear.ws), &linear.ws));
    }
}

#[test]
fn a_write_on_another_thread_is_seen() {
    let _alone = alone();
    let w = weight();
    let alias = w.detach();
    let _region = p::enter(&BF16);
    let _ = low(&w);
    std::thread::spawn(move || drop(alias.shallow_clone().fill_(9.))).join().unwrap();
    assert!(is_cast_of(&low(&w), &w));
}

#[test]
fn nothing_is_left_after_a_panic() {
    let _alone = alone();
    let w = weight();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _region = p::enter(&BF16);
        let _ = low(&w);
        panic!("in a region");
    }));
    assert!(caught.is_err());
    // Unseen by any count: only what was dropped cannot be stale.
    tch::no_grad(|| drop(w.data().fill_(2.)));
    let _region = p::enter(&BF16);
    assert!(is_cast_of(&low(&w), &w));
}
