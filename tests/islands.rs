//! Marks in a body: what runs at which precision inside, around and after them.
use amp_runtime::prelude::*;
use tch::{Device, Kind, Tensor, nn};

const F32: (Kind, Device) = (Kind::Float, Device::Cpu);

fn x() -> Tensor {
    Tensor::ones([4, 4], F32)
}

/// What libtorch's own autocast makes of a product here: code that the macro does not see.
fn unseen(x: &Tensor) -> Kind {
    x.to_kind(Kind::Float).matmul(&x.to_kind(Kind::Float)).kind()
}

fn linear() -> nn::Linear {
    nn::Linear { ws: x(), bs: Some(Tensor::ones([4], F32)) }
}

#[amp(dtype = bf16)]
fn blocks(x: &Tensor) -> Vec<Kind> {
    let low = x.matmul(x);
    let mut kinds = vec![low.kind()];
    #[amp(full)]
    {
        kinds.extend([low.sigmoid().kind(), low.matmul(&low).kind(), (&low + 1.).kind(), unseen(&low)]);
    }
    kinds.extend([low.sigmoid().kind(), unseen(&low)]);
    #[amp(skip)]
    {
        kinds.extend([low.exp().kind(), x.matmul(x).kind(), unseen(&low)]);
    }
    kinds.push(x.matmul(x).kind());
    kinds
}

#[test]
fn an_island_holds_for_what_is_in_it() {
    use Kind::{BFloat16, Float};
    let full = [Float; 4];
    let expected =
        [&[BFloat16][..], &full, &[BFloat16, BFloat16], &[BFloat16, Float, Float], &[BFloat16]].concat();
    assert_eq!(blocks(&x()), expected);
    assert_eq!(with_precision(Precision::Full, || blocks(&x())), [Float; 11]);
}

#[amp(dtype = bf16)]
fn statements(x: &Tensor, text: &mut String) -> Vec<Kind> {
    use std::fmt::Write as _;
    let low = x.matmul(x);
    #[amp(full)]
    let p = low.sigmoid();
    #[amp(full)]
    write!(text, "{:?} {:?}", low.sigmoid().kind(), unseen(&low)).unwrap();
    #[amp(full)]
    if low.sigmoid().kind() == Kind::Float {
        text.push('!');
    }
    #[amp(low)]
    let q = p.exp();
    #[amp(full)]
    assert_eq!(low.relu().kind(), Kind::Float);
    vec![p.kind(), q.kind(), low.relu().kind()]
}

#[test]
fn statements_of_all_kinds_can_be_marked() {
    let mut text = String::new();
    assert_eq!(statements(&x(), &mut text), [Kind::Float, Kind::BFloat16, Kind::BFloat16]);
    assert_eq!(text, "Float Float!");
}

#[amp(dtype = bf16)]
fn nested(x: &Tensor, layer: &nn::Linear) -> Vec<Kind> {
    let mut kinds = Vec::new();
    #[amp(full)]
    {
        kinds.push(x.apply(layer).kind());
        #[amp(low)]
        {
            kinds.extend([x.apply(layer).kind(), x.exp().kind(), unseen(x)]);
            #[amp(full)]
            {
                kinds.push(x.matmul(x).apply(layer).kind());
            }
        }
        kinds.push(x.matmul(x).kind());
    }
    kinds.push(x.apply(layer).kind());
    kinds
}

#[test]
fn islands_nest() {
    use Kind::{BFloat16, Float};
    assert_eq!(nested(&x(), &linear()), [Float, BFloat16, BFloat16, BFloat16, Float, Float, BFloat16]);
}

#[amp(dtype = bf16)]
fn left_early(x: &Tensor, how: usize) -> Option<Tensor> {
    let low = x.matmul(x);
    for _ in 0..1 {
        #[amp(full)]
        {
            match how {
                0 => return Some(low.exp()),
                1 => break,
                2 => None?,
                _ => assert!(how > 3, "in the island {}", low.exp().dim()),
            }
        }
    }
    Some(x.matmul(x))
}

#[test]
fn an_island_that_is_left_early_ends() {
    let kind = |how| left_early(&x(), how).map(|t| t.kind());
    assert_eq!([0, 1, 2, 4].map(kind), [Some(Kind::Float), Some(Kind::BFloat16), None, Some(Kind::BFloat16)]);
    assert!(std::panic::catch_unwind(|| left_early(&x(), 3)).is_err());
    assert_eq!(unseen(&x()), Kind::Float, "the region ended with the function");
    assert_eq!(kind(1), Some(Kind::BFloat16));
}

#[amp(dtype = bf16)]
fn closures(xs: &[Tensor], layer: &nn::Linear) -> Vec<Vec<Kind>> {
    let w = &xs[0];
    let outside = |x: &Tensor| vec![x.matmul(w).kind(), x.apply(layer).kind(), unseen(x)];
    let mut kinds = vec![outside(w)];
    #[amp(full)]
    let lazy = xs.iter().map(|x| vec![x.matmul(w).kind(), x.apply(layer).kind(), unseen(x)]);
    #[amp(full)]
    {
        kinds.extend(xs.iter().map(|x| vec![x.matmul(w).kind(), x.apply(layer).kind(), unseen(x)]));
        // What it is was written elsewhere.
        kinds.push(outside(w));
        #[amp(low)]
        kinds.extend(xs.iter().map(|x| vec![x.matmul(w).kind(), x.apply(layer).kind(), unseen(x)]));
    }
    kinds.extend(lazy);
    kinds.extend(xs.iter().map(|x| vec![x.matmul(w).kind(), x.apply(layer).kind(), unseen(x)]));
    kinds
}

#[test]
fn a_closure_is_in_the_island_that_it_is_written_in() {
    use Kind::{BFloat16, Float};
    let [low, full] = [BFloat16, Float].map(|kind| vec![kind; 3]);
    let expected = [&low, &full, &low, &low, &full, &low].map(Clone::clone);
    assert_eq!(closures(&[x()], &linear()), expected);
    assert_eq!(with_precision(Precision::Full, || closures(&[x()], &linear())), vec![full; 6]);
}

#[amp(dtype = bf16)]
fn regions(x: &Tensor, layer: &nn::Linear) -> [Vec<Kind>; 5] {
    let body = |x: &Tensor| vec![x.matmul(x).kind(), x.apply(layer).kind(), unseen(x)];
    let low = x.matmul(x);
    [
        full_precision(|| vec![x.matmul(x).kind(), x.apply(layer).kind(), unseen(x)]),
        full_precision(|| body(x)),
        // Nothing is cast: what is low stays low.
        full_precision(|| vec![low.matmul(&low).kind(), low.exp().kind()]),
        autocast(Precision::F16, || vec![x.matmul(x).kind(), x.apply(layer).kind(), unseen(x)]),
        vec![x.matmul(x).kind(), x.apply(layer).kind(), unseen(x)],
    ]
}

#[test]
fn regions_hold_for_closures_that_are_written_in_them() {
    use Kind::{BFloat16, Float, Half};
    let [low, full, half] = [BFloat16, Float, Half].map(|kind| vec![kind; 3]);
    let expected = [full.clone(), full, vec![BFloat16; 2], half, low];
    assert_eq!(regions(&x(), &linear()), expected);
}

/// A closure that outlives its function brings its region along.
#[amp(dtype = bf16)]
fn outlives() -> impl Fn(&Tensor) -> Kind {
    |x| x.matmul(x).kind()
}

#[test]
fn a_closure_that_outlives_its_function_is_a_region() {
    let product = outlives();
    assert_eq!(product(&x()), Kind::BFloat16);
    assert_eq!(full_precision(|| product(&x())), Kind::BFloat16);
    assert_eq!(with_precision(Precision::Full, || product(&x())), Kind::Float);
}
