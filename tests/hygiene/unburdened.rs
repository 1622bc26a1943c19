//! What closures and functions can do without the attribute, they can with it: no new bound, no lost trait.
use crate::{ones, value};
use amp_runtime::prelude::amp;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use tch::nn::{self, Module};
use tch::{Kind, Tensor};

fn sent<T: Send>(value: T) -> T {
    value
}

fn shared<T: Sync>(value: T) -> T {
    value
}

fn static_<T: 'static>(value: T) -> T {
    value
}

#[amp]
fn closures_keep_their_traits(xs: &Tensor) -> Tensor {
    let by = 2.;
    let scale = sent(shared(static_(move |t: &Tensor| t.exp() * by)));
    let copied = scale;
    let product = |t: &Tensor| t.matmul(&scale(t));
    product(xs) + copied(xs)
}

#[amp]
fn may_hold_what_is_not_send(xs: &Tensor) -> (Tensor, u32) {
    let calls = Rc::new(Cell::new(0));
    let counted = {
        let calls = Rc::clone(&calls);
        move |t: &Tensor| {
            calls.set(calls.get() + 1);
            t.matmul(xs)
        }
    };
    (counted(&counted(xs)), calls.get())
}

#[derive(Debug)]
struct Model {
    body: nn::Sequential,
    head: nn::FuncT<'static>,
}

#[amp]
impl Model {
    fn new(vs: &nn::Path<'_>) -> Self {
        let config = nn::LinearConfig { ws_init: nn::Init::Const(1.), bs_init: None, bias: false };
        let first = nn::linear(vs / "first", 2, 2, config);
        let last = nn::linear(vs / "last", 2, 2, config);
        let body = nn::seq().add(first).add_fn(|xs| xs.relu()).add_fn(move |xs| xs.softmax(-1, Kind::Float));
        let head = nn::func_t(move |xs, train| {
            let h = xs.apply(&last).dropout(0.5, train);
            if train {
                return h;
            }
            h.matmul(xs).exp()
        });
        Self { body, head }
    }
}

#[amp]
fn borrowing<'a>(w: Tensor, scale: &'a f64) -> nn::Func<'a> {
    nn::func(move |xs| xs.matmul(&w) * *scale)
}

#[amp]
fn caught(xs: &Tensor) -> Option<Tensor> {
    let fine = catch_unwind(AssertUnwindSafe(|| xs.matmul(xs))).ok()?;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let h = xs.matmul(xs);
        std::panic::resume_unwind(Box::new(h.dim()));
    }));
    panicked.is_err().then(|| fine.matmul(xs))
}

#[amp]
fn on_another_thread(xs: Tensor) -> Tensor {
    let w = ones();
    std::thread::spawn(move || xs.matmul(&w)).join().expect("no panic").matmul(&ones())
}

#[test]
fn closures() {
    let xs = ones();
    let e = 1f64.exp();
    assert!((value(&closures_keep_their_traits(&xs)) - 6. * e).abs() < 0.1);
    let (twice, calls) = may_hold_what_is_not_send(&xs);
    assert_eq!((value(&twice), calls), (4., 2));
    assert_eq!(value(&caught(&xs).unwrap()), 4.);
    assert_eq!(value(&on_another_thread(ones())), 4.);
    let scale = 0.5;
    assert_eq!(value(&sent(borrowing(ones(), &scale)).forward(&xs)), 1.);
}

#[test]
fn constructors_with_untyped_closures() {
    let vs = nn::VarStore::new(tch::Device::Cpu);
    let model = sent(static_(Model::new(&vs.root())));
    assert!((value(&model.body.forward(&ones())) - 0.5).abs() < 1e-2);
    assert!((value(&ones().apply_t(&model.head, false)) - 4f64.exp()).abs() < 0.5);
}
