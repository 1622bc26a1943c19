//! What is no tensor stays as written: numbers, iterators and other crates' types whose methods bear a tensor operation's name.
#![allow(clippy::pedantic, clippy::too_many_arguments)] // written as its users would write it
use amp_runtime::prelude::amp;
use amp_runtime::{Precision, with_precision};
use std::ops::{Add, Div, Mul};
use tch::{Device, Kind, Tensor};

/// Runs in low precision, so that a cast would show.
fn low<T>(f: impl FnOnce() -> T) -> T {
    with_precision(Precision::Bf16, f)
}

fn ones() -> Tensor {
    Tensor::ones([2, 2], (Kind::Float, Device::Cpu))
}

#[amp]
fn floats(x: f64, y: f64, list: &[f64]) -> Vec<f64> {
    let mut total = x.exp().ln() + y.sqrt() * x.tanh() - x.abs().log10() + x.sin().atan2(y.cos());
    total += (x * 2.).log2() + x.powi(2).exp_m1().ln_1p() + y.recip() + x.max(y).min(3.).ceil();
    let reduced = list.iter().map(|v| v.exp()).fold(0., |a: f64, b| a.max(b.floor()));
    let key = list.iter().copied().map(f64::exp).sum::<f64>() + f64::sqrt(x) + f64::exp(y);
    let clamped = x.clamp(-1., 1.) + 1. / y + 1e-8 + 70000.;
    vec![total, reduced, key, clamped, x.round().sign()]
}

trait Sign {
    fn sign(&self) -> f64;
}

impl Sign for f64 {
    fn sign(&self) -> f64 {
        self.signum()
    }
}

fn floats_by_hand(x: f64, y: f64, list: &[f64]) -> Vec<f64> {
    let mut total = x.exp().ln() + y.sqrt() * x.tanh() - x.abs().log10() + x.sin().atan2(y.cos());
    total += (x * 2.).log2() + x.powi(2).exp_m1().ln_1p() + y.recip() + x.max(y).min(3.).ceil();
    let reduced = list.iter().map(|v| v.exp()).fold(0., |a: f64, b| a.max(b.floor()));
    let key = list.iter().copied().map(f64::exp).sum::<f64>() + f64::sqrt(x) + f64::exp(y);
    let clamped = x.clamp(-1., 1.) + 1. / y + 1e-8 + 70000.;
    vec![total, reduced, key, clamped, x.round().signum()]
}

#[test]
fn floats_keep_their_methods() {
    let list = [0.5, 1.5, 2.5];
    assert_eq!(low(|| floats(1.3, 0.7, &list)), floats_by_hand(1.3, 0.7, &list));
}

#[amp]
fn integers(n: i64, m: u32, list: &[i64]) -> (i64, i64, bool, u32) {
    let total = n.pow(m) + n.abs() - list.iter().sum::<i64>() + list.iter().product::<i64>();
    let most = list.iter().max().unwrap() + list.iter().copied().min().unwrap_or_default();
    let shifted = m.pow(2) + m.trailing_zeros();
    (total, most, list.iter().any(|v| *v > 2) && list.iter().all(|v| v.abs() > 0), shifted)
}

#[test]
fn integers_keep_their_methods() {
    assert_eq!(low(|| integers(3, 4, &[2, 3, 4])), (81 + 3 - 9 + 24, 6, true, 18));
}

#[amp]
fn iterators(list: Vec<f64>, words: &[&str]) -> (f64, f64, usize, String, Vec<(f64, usize)>) {
    let squares = list.iter().map(|v| v * v);
    let total: f64 = squares.sum();
    let product: f64 = list.clone().into_iter().product();
    let longest = words.iter().map(|word| word.len()).max().unwrap();
    let joined = words.iter().rev().flat_map(|word| word.chars()).filter(|c| c.is_alphabetic()).collect();
    let pairs = list.into_iter().zip(0..).map(|(v, i)| (v.exp(), i)).take(2).collect();
    (total, product, longest, joined, pairs)
}

#[test]
fn iterators_are_consumed_as_written() {
    let (total, product, longest, joined, pairs) = low(|| iterators(vec![1., 2., 3.], &["a1", "bcd"]));
    assert_eq!((total, product, longest, joined.as_str()), (14., 6., 3, "bcda"));
    assert_eq!(pairs, [(1f64.exp(), 0), (2f64.exp(), 1)]);
}

/// An array of another library: by-value, by-reference and by-mutable-reference methods under tensor names.
#[derive(Debug, Clone, PartialEq)]
struct Array(Vec<f64>);

/// What a user's method saw of a tensor that it was given.
type Seen = (Kind, bool);

fn seen(tensor: &Tensor) -> Seen {
    (tensor.kind(), tensor.equal(&ones()))
}

impl Array {
    fn dot(&self, other: &Array) -> f64 {
        self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum()
    }

    fn exp(self) -> Array {
        Array(self.0.iter().map(|v| v.exp()).collect())
    }

    fn sum(&self) -> f64 {
        self.0.iter().sum()
    }

    fn norm(&mut self) -> &mut Self {
        let norm = self.dot(self).sqrt();
        self.0.iter_mut().for_each(|v| *v /= norm);
        self
    }

    fn softmax(&self, axis: usize) -> Result<Array, String> {
        if axis > 0 { Err(format!("no axis {axis}")) } else { Ok(self.clone().exp()) }
    }

    fn matmul(&self, other: &Tensor) -> Seen {
        seen(other)
    }

    fn conv2d(self, other: Tensor, bias: Option<&Tensor>) -> (Seen, Option<Seen>) {
        (seen(&other), bias.map(seen))
    }

    fn apply(&self, f: impl Fn(f64) -> f64) -> Array {
        Array(self.0.iter().map(|v| f(*v)).collect())
    }

    fn apply_t(&self, other: &Tensor, train: bool) -> (Seen, bool) {
        (seen(other), train)
    }

    fn forward(&mut self, other: &Tensor) -> Seen {
        self.0.clear();
        seen(other)
    }

    fn step(&mut self) -> usize {
        self.0.pop();
        self.0.len()
    }

    fn backward(&self) -> bool {
        true
    }

    fn log_softmax<T>(&self, values: &[T], kind: Kind) -> (usize, Kind) {
        (values.len(), kind)
    }
}

impl<'a> Add<&'a Tensor> for &Array {
    type Output = Seen;
    fn add(self, other: &'a Tensor) -> Seen {
        seen(other)
    }
}

impl Mul<f64> for &Array {
    type Output = Array;
    fn mul(self, by: f64) -> Array {
        Array(self.0.iter().map(|v| v * by).collect())
    }
}

impl Div<&Array> for f64 {
    type Output = Array;
    fn div(self, array: &Array) -> Array {
        Array(array.0.iter().map(|v| self / v).collect())
    }
}

#[amp]
fn by_reference(a: &Array, b: &Array) -> (f64, f64, Result<Array, String>, Result<Array, String>) {
    (a.dot(b), a.sum() + b.sum(), a.softmax(0), b.softmax(1))
}

#[amp]
fn by_value(a: Array, b: Array) -> (Array, Array) {
    let moved = (&a * 2.).exp();
    let other = (1. / &b).apply(|v| v.exp());
    (moved, other)
}

/// A place can be looked at before its type is known, not moved or lent out to be written to: there the user says `skip`.
#[amp]
fn consumed(a: Array, list: Vec<Array>) -> Vec<Array> {
    #[amp(skip)]
    let mut out: Vec<Array> = list.into_iter().map(|array| array.exp()).collect();
    #[amp(skip)]
    out.push(a.exp());
    out
}

#[amp]
fn by_mutable_reference(a: &mut Array, mut b: Array) -> (usize, f64, Array, bool) {
    let left = a.step() + b.step();
    #[amp(skip)]
    a.norm().norm();
    #[amp(skip)]
    b.norm();
    let sum = a.sum();
    let kept = b.backward();
    (left, sum, b, kept)
}

#[test]
fn other_types_keep_their_methods() {
    let (a, b) = (Array(vec![1., 2.]), Array(vec![3., 4.]));
    let (dot, sum, fine, wrong) = low(|| by_reference(&a, &b));
    assert_eq!((dot, sum, fine, wrong), (11., 10., Ok(a.clone().exp()), Err("no axis 1".to_owned())));
    let (moved, other) = low(|| by_value(a.clone(), b.clone()));
    assert_eq!(moved.0, [2f64.exp(), 4f64.exp()]);
    assert_eq!(other.0, [(1f64 / 3.).exp(), 0.25f64.exp()]);
    assert_eq!(low(|| consumed(a.clone(), vec![b.clone()])), [b.clone().exp(), a.clone().exp()]);
    let mut c = Array(vec![3., 4., 5.]);
    let (left, sum, d, kept) = low(|| by_mutable_reference(&mut c, Array(vec![8., 6., 1.])));
    assert_eq!((left, sum, d.0, kept), (4, c.0.iter().sum(), vec![0.8, 0.6], true));
    assert_eq!(c.0, [0.6, 0.8]);
}

#[amp]
fn given_tensors(a: &Array, xs: &Tensor, b: &mut Array) -> Vec<Seen> {
    let (first, train) = a.apply_t(xs, true);
    assert!(train);
    let (second, third) = a.clone().conv2d(xs.shallow_clone(), Some(xs));
    let made = &Array(vec![]) + xs;
    vec![
        a.matmul(xs),
        first,
        second,
        third.unwrap(),
        b.forward(&xs),
        a + xs,
        made,
        b.matmul(&xs.contiguous()),
    ]
}

#[amp]
fn given_lists(a: &Array, xs: &Tensor) -> (usize, Kind) {
    a.log_softmax(&[xs, xs], xs.kind())
}

#[test]
fn tensors_given_to_other_types_arrive_as_they_are() {
    let seen = low(|| given_tensors(&Array(vec![1.]), &ones(), &mut Array(vec![])));
    assert_eq!(seen, vec![(Kind::Float, true); 8]);
    assert_eq!(low(|| given_lists(&Array(vec![]), &ones())), (2, Kind::Float));
}

/// Layers that are none of tch's: what they take and return is theirs.
mod layers {
    use super::{Seen, Tensor, seen};

    pub(crate) struct Counter {
        pub(crate) calls: usize,
    }

    impl Counter {
        pub(crate) fn forward(&mut self, xs: &Tensor, by: usize) -> (Seen, usize) {
            self.calls += by;
            (seen(xs), self.calls)
        }

        pub(crate) fn seq(self, name: &str) -> String {
            format!("{name} {}", self.calls)
        }

        pub(crate) fn forward_t<T: ToString>(&self, value: T) -> String {
            value.to_string()
        }
    }

    pub(crate) trait Step {
        fn step(&self, xs: &Tensor, actions: Vec<f64>) -> Option<Seen>;
    }

    pub(crate) struct Env;

    impl Step for Env {
        fn step(&self, xs: &Tensor, actions: Vec<f64>) -> Option<Seen> {
            (actions.len() == 2).then(|| seen(xs))
        }
    }
}

#[amp]
fn own_layers(
    mut counter: layers::Counter,
    env: &dyn layers::Step,
    xs: &Tensor,
) -> (Seen, usize, String, Option<Seen>) {
    let (first, _) = counter.forward(xs, 2);
    let (_, calls) = counter.forward(&xs.exp(), 3);
    let text = counter.forward_t(4) + &counter.forward_t("x");
    let stepped = env.step(xs, vec![1f64.exp(), 2.]);
    (first, calls, counter.seq(&text), stepped)
}

#[test]
fn own_layers_see_what_they_are_given() {
    let (first, calls, text, stepped) =
        low(|| own_layers(layers::Counter { calls: 1 }, &layers::Env, &ones()));
    assert_eq!((first, calls, text.as_str()), ((Kind::Float, true), 6, "4x 6"));
    assert_eq!(stepped, Some((Kind::Float, true)));
}

#[amp]
fn generic<T: Clone + Into<f64>, I: Iterator<Item = T>>(values: I, f: impl Fn(f64) -> f64) -> f64 {
    let list: Vec<T> = values.collect();
    let total: f64 = list.iter().cloned().map(Into::into).sum();
    f(total.exp()) + list.iter().map(|v| v.clone().into().abs()).product::<f64>()
}

#[test]
fn generic_code_is_left_alone() {
    assert_eq!(low(|| generic([1f32, 2.].into_iter(), f64::ln)), 3f64.exp().ln() + 2.);
}

#[amp]
fn other_dtypes(xs: &Tensor) -> (Tensor, Tensor) {
    (xs.matmul(xs) + xs, xs * 2i64)
}

#[test]
fn doubles_and_integers_are_never_cast() {
    for kind in [Kind::Double, Kind::Int64] {
        let xs = Tensor::from_slice(&[1i64, 2, 3, 70_001]).view((2, 2)).to_kind(kind);
        let (product, twice) = low(|| other_dtypes(&xs));
        assert!(product.equal(&(xs.matmul(&xs) + &xs)) && product.kind() == kind);
        assert!(twice.equal(&(&xs * 2i64)) && twice.kind() == kind);
    }
}
