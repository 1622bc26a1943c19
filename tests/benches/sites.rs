//! What a site costs where nothing has to be cast, what a shared cast costs, and a region: nanoseconds, medians of many rounds.
use amp_runtime::__private as p;
use amp_runtime::Precision;
use std::hint::black_box;
use std::time::Instant;
use tch::nn::{self, Module as _};
use tch::{Device, Kind, Tensor};

static BF16: p::FunctionPlan = p::FunctionPlan {
    function: "sites",
    file: file!(),
    line: 0,
    precision: Some(Precision::Bf16),
    headline: "",
    sites: &[],
    layers: &[],
    calls: p::AtomicU64::new(0),
};

static BY_DEVICE: p::FunctionPlan = p::FunctionPlan {
    function: "sites",
    file: file!(),
    line: 0,
    precision: None,
    headline: "",
    sites: &[],
    layers: &[],
    calls: p::AtomicU64::new(0),
};

static LAYER: p::LayerPlan = p::LayerPlan { call: "apply(&layer)", line: 0, seen: p::LayerSeen::new() };

/// The median over rounds of the time of one call.
fn nanoseconds(mut call: impl FnMut()) -> f64 {
    const ROUNDS: usize = 201;
    const CALLS: u32 = 2000;
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..CALLS {
                call();
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn row(what: &str, call: impl FnMut()) {
    println!("{:>9.1} ns  {what}", nanoseconds(call));
}

#[allow(unused_imports, reason = "as generated code has it")]
fn main() {
    use p::fallback::*;
    let options = (Kind::Float, Device::Cpu);
    let full = Tensor::randn([4, 4], options);
    let low = full.to_kind(Kind::BFloat16);
    let weight = Tensor::randn([4, 4], options).set_requires_grad(true);
    let vs = nn::VarStore::new(Device::Cpu);
    let batch_norm = nn::batch_norm1d(vs.root(), 4, nn::BatchNormConfig::default());
    let identity = nn::func(Tensor::shallow_clone);
    let site = p::Site::<p::IsTensor>::new();

    row("a handle of the tensor, for comparison", || drop(black_box(low.shallow_clone())));
    row("its kind through tch, for comparison", || {
        black_box(low.kind());
    });
    row("a region by device, outermost", || drop(black_box(p::enter(&BY_DEVICE))));
    row("a region in another dtype than libtorch's own, outermost", || drop(black_box(p::enter(&BF16))));
    row("a site outside a region", || {
        black_box(p::Place(black_box(&low)).amp_low(&site, &mut p::Slot::new()));
    });
    let _region = p::enter(&BF16);
    row("a region, nested", || drop(black_box(p::enter(&BF16))));
    row("an island", || drop(black_box(p::island())));
    row("a site of its own", || drop(black_box(p::Site::<p::IsTensor>::new())));
    row("an operand of unknown type, low already", || {
        black_box(p::Place(black_box(&low)).amp_low(&site, &mut p::Slot::new()));
    });
    row("an operand of unknown type, f32 already", || {
        black_box(p::Place(black_box(&full)).amp_full(&site, &mut p::Slot::new()));
    });
    row("an argument of unknown type, low already", || {
        black_box(p::Value(black_box(&low)).amp_low_arg(&site, &mut p::Slot::new()));
    });
    row("a number", || {
        black_box(p::Place(black_box(&2.0_f64)).amp_full(&p::Site::new(), &mut p::Slot::new()));
    });
    row("an output dtype", || {
        black_box(p::Place(black_box(&low)).amp_keep(&site));
        black_box(p::Value(black_box(Kind::Float)).amp_kind(&site));
    });
    let shared = p::Shared::new();
    row("a shared cast, there already", || {
        black_box(p::Place(black_box(&full)).amp_low_shared(&site, &mut p::Slot::new(), &shared));
    });
    row("a weight's cast, there already", || {
        black_box(p::Place(black_box(&weight)).amp_low(&site, &mut p::Slot::new()));
    });
    row("a cast", || {
        black_box(p::Place(black_box(&full)).amp_low(&site, &mut p::Slot::new()));
    });
    row("a cast through tch, for comparison", || drop(black_box(full.to_kind(Kind::BFloat16))));
    let bare = nanoseconds(|| drop(black_box(identity.forward(&low))));
    let called = nanoseconds(|| {
        drop(black_box(p::Place(&low).amp_at(&LAYER, &mut p::Slot::new()).apply(&identity)));
    });
    println!("{:>9.1} ns  an opaque layer call, on top of the layer", called - bare);
    let bare = nanoseconds(|| {
        black_box(batch_norm.ws.as_ref().map(Tensor::kind));
    });
    let call = p::Call::new();
    let looked = nanoseconds(|| {
        let looked = call.look(black_box(&batch_norm), &LAYER);
        let kind = batch_norm.ws.as_ref().map(Tensor::kind);
        black_box(p::called(looked, &call, kind));
    });
    println!("{:>9.1} ns  a layer's own method, on top of it", looked - bare);
}
