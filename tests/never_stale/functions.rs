//! The same of whole functions: what `#[amp]` writes gives the values and the gradients of casts that are made anew.
//!
//! Numbers are small integers, exact in bf16, so that sharing a cast may not change a bit.
use super::alone;
use amp_runtime::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tch::{Device, Kind, Tensor};

/// Between two uses: somebody writes.
type Write<'a> = &'a mut dyn FnMut();

#[amp(dtype = bf16)]
fn twice(x: &Tensor, w: &Tensor, write: Write<'_>) -> Tensor {
    let before = x.matmul(&w.tr());
    write();
    before + x.matmul(&w.tr()) + x.matmul(w)
}

/// The function as one writes it by hand, with a cast wherever one is needed.
fn twice_by_hand(x: &Tensor, w: &Tensor, write: Write<'_>) -> Tensor {
    let low = |t: &Tensor| t.to_kind(Kind::BFloat16);
    let before = low(x).matmul(&low(w).tr());
    write();
    before + low(x).matmul(&low(w).tr()) + low(x).matmul(&low(w))
}

#[amp(dtype = bf16)]
fn with_layers(x: &Tensor, layer: &tch::nn::Linear, write: Write<'_>) -> Tensor {
    let before = x.apply(layer);
    write();
    before + x.apply(layer)
}

/// The same with libtorch's cache of casts switched off by leaving the region in between.
fn with_layers_by_hand(x: &Tensor, layer: &tch::nn::Linear, write: Write<'_>) -> Tensor {
    let apply = || autocast(Precision::Bf16, || x.apply(layer));
    let before = apply();
    write();
    before + apply()
}

fn integers(at: i64, requires_grad: bool) -> Tensor {
    let t = (Tensor::arange(16, (Kind::Float, Device::Cpu)) + at).remainder(5.) - 2.;
    // A copy: casts of views are not kept, neither by libtorch nor by us.
    t.view([4, 4]).copy().set_requires_grad(requires_grad)
}

/// Value, and the gradients of both inputs.
fn run(f: impl FnOnce(&Tensor, &Tensor) -> Tensor, x: &Tensor, w: &Tensor) -> [Tensor; 3] {
    let y = f(x, w);
    y.sum(Kind::Float).backward();
    [y.detach(), x.grad().copy(), w.grad().copy()]
}

fn same(name: &str, amped: &[Tensor; 3], by_hand: &[Tensor; 3]) {
    for (what, (amped, by_hand)) in
        ["the value", "the input's gradient", "the weight's gradient"].iter().zip(amped.iter().zip(by_hand))
    {
        assert_eq!(amped.kind(), by_hand.kind(), "{name}: {what}");
        assert!(amped.equal(by_hand), "{name}: {what}\n{amped}\n{by_hand}");
    }
}

type NamedWrite = (&'static str, fn(&Tensor));

/// Every way to write to a weight that leaves its graph alone: it is a leaf, so they all go around the graph.
fn writes() -> [NamedWrite; 5] {
    [
        ("nothing", |_| ()),
        ("in place, without a graph", |w| {
            tch::no_grad(|| {
                let _ = w.shallow_clone().multiply_scalar_(2.);
            });
        }),
        ("through a view", |w| {
            tch::no_grad(|| w.narrow(0, 1, 2).copy_(&Tensor::ones([2, 4], (Kind::Float, Device::Cpu))));
        }),
        ("through a detached alias", |w| {
            let _ = w.detach().fill_(3.);
        }),
        ("on another thread", |w| {
            let mut w = w.shallow_clone();
            std::thread::spawn(move || {
                tch::no_grad(|| {
                    let _ = w.zero_();
                });
            })
            .join()
            .unwrap();
        }),
    ]
}

/// Its weights are out of sight: libtorch's cache is all that casts them, and the write stands in the function.
#[test]
fn a_weight_out_of_sight_written_to_without_a_graph_in_sight() {
    #[amp(dtype = bf16)]
    fn updated(x: &Tensor, net: &tch::nn::Sequential, w: &Tensor) -> (Tensor, Tensor) {
        let before = x.apply(net);
        tch::no_grad(|| double(w));
        (before, x.apply(net))
    }
    fn double(w: &Tensor) {
        let _ = w.shallow_clone().multiply_scalar_(2.);
    }
    let _turn = alone();
    let w = integers(3, true);
    let net = tch::nn::seq().add(tch::nn::Linear { ws: w.shallow_clone(), bs: None });
    let (before, after) = updated(&integers(0, false), &net, &w);
    assert!(after.equal(&(before * 2.)), "{after}");
}

#[test]
fn a_weight_written_to_between_two_uses() {
    let _turn = alone();
    for (name, write) in writes() {
        let results = [twice, twice_by_hand].map(|f| {
            let (x, w) = (integers(0, true), integers(3, true));
            run(|x, w| f(x, w, &mut || write(w)), &x, &w)
        });
        same(name, &results[0], &results[1]);
        let untouched = run(|x, w| twice_by_hand(x, w, &mut || ()), &integers(0, true), &integers(3, true));
        assert_eq!(
            results[0][0].equal(&untouched[0]),
            name == "nothing",
            "{name}: the write changes the value"
        );
    }
}

#[test]
fn a_layers_weight_written_to_between_two_uses() {
    let _turn = alone();
    for (name, write) in writes() {
        let results = [with_layers, with_layers_by_hand].map(|f| {
            let (x, ws) = (integers(0, true), integers(3, true));
            let layer = tch::nn::Linear { ws: ws.shallow_clone(), bs: None };
            run(|x, w| f(x, &layer, &mut || write(w)), &x, &ws)
        });
        same(name, &results[0], &results[1]);
    }
}

#[amp(dtype = bf16)]
fn activation(x: &Tensor, w: &Tensor) -> Tensor {
    let mut h = x * 1.;
    let before = h.matmul(w);
    let _ = h.narrow(0, 0, 2).multiply_scalar_(2.);
    let between = h.matmul(w);
    h += 1.;
    before + between + h.matmul(w)
}

fn activation_by_hand(x: &Tensor, w: &Tensor) -> Tensor {
    let low = |t: &Tensor| t.to_kind(Kind::BFloat16);
    let mut h = x * 1.;
    let before = low(&h).matmul(&low(w));
    let _ = h.narrow(0, 0, 2).multiply_scalar_(2.);
    let between = low(&h).matmul(&low(w));
    h += 1.;
    before + between + low(&h).matmul(&low(w))
}

#[test]
fn an_activation_written_to_between_uses_of_one_slot() {
    let _turn = alone();
    let results = [activation, activation_by_hand].map(|f| run(f, &integers(0, true), &integers(3, true)));
    same("activation", &results[0], &results[1]);
}

#[test]
fn a_use_without_a_graph_before_one_with_it() {
    #[amp(dtype = bf16)]
    fn looked_at_first(x: &Tensor, w: &Tensor) -> Tensor {
        let scale = tch::no_grad(|| x.matmul(w).sum(Kind::Float));
        x.matmul(w) * scale.gt(1e9).to_kind(Kind::Float).double_value(&[]) + x.matmul(w)
    }
    fn by_hand(x: &Tensor, w: &Tensor) -> Tensor {
        let low = |t: &Tensor| t.to_kind(Kind::BFloat16);
        low(x).matmul(&low(w)) * 0. + low(x).matmul(&low(w))
    }
    let _turn = alone();
    let results = [looked_at_first, by_hand].map(|f| run(f, &integers(0, true), &integers(3, true)));
    same("no_grad first", &results[0], &results[1]);
}

/// Activation checkpointing: a forward without a graph, and the same once more with one, within one region.
#[test]
fn recomputation() {
    #[amp(dtype = bf16)]
    fn segment(x: &Tensor, w: &Tensor) -> Tensor {
        x.matmul(&w.tr()).relu().matmul(w)
    }
    #[amp(dtype = bf16)]
    fn checkpointed(x: &Tensor, w: &Tensor) -> Tensor {
        let first = tch::no_grad(|| segment(x, w));
        let again = segment(x, w);
        assert!(again.detach().equal(&first), "recomputed otherwise");
        again
    }
    let _turn = alone();
    let results = [segment, checkpointed].map(|f| run(f, &integers(0, true), &integers(3, true)));
    same("recomputed", &results[1], &results[0]);
}

#[test]
fn after_a_panic_between_two_uses() {
    let _turn = alone();
    let (x, mut w) = (integers(0, true), integers(3, true));
    let panicked = catch_unwind(AssertUnwindSafe(|| twice(&x, &w, &mut || panic!("between"))));
    assert!(panicked.is_err());
    tch::no_grad(|| {
        let _ = w.multiply_scalar_(2.);
    });
    let amped = run(|x, w| twice(x, w, &mut || ()), &x, &w);
    let other = tch::no_grad(|| integers(3, false) * 2.).set_requires_grad(true);
    let by_hand = run(|x, w| twice_by_hand(x, w, &mut || ()), &integers(0, true), &other);
    same("after a panic", &amped, &by_hand);
}
