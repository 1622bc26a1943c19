//! Ways to say it: operators, indexing, chains, calls by path, literals of structs, macros, temporaries.
use amp_runtime::prelude::amp;
use std::cell::RefCell;
use tch::{IndexOp, Kind, NewAxis, Reduction, Tensor};

#[amp]
pub fn operators_with_references(xs: &Tensor, ys: &Tensor, w: &Tensor) -> Tensor {
    let h = xs.matmul(w);
    let owned = h.shallow_clone() + ys;
    let a = &owned + &h;
    let b = &h - ys.shallow_clone();
    let c = h.shallow_clone() * b;
    let d = -&a / (ys.abs() + 2.);
    -(c + d) * &h
}

#[amp]
pub fn operators_with_scalars(xs: &Tensor, w: &Tensor) -> Tensor {
    let h = xs.matmul(w).exp();
    let i = 2. * &h + 1i64 - &h / 3. + 1. / (h.shallow_clone() + 1.);
    let j = 2 - i + 1. / &h;
    (1. - j) * 0.5f64 + 3i64
}

#[amp]
pub fn compound_assignment(xs: &Tensor, w: &Tensor) -> Tensor {
    let mut h = xs.matmul(w) * 1.;
    h += xs.exp().sum(Kind::Float);
    h -= 1.;
    h *= 3;
    let mut sum = Tensor::zeros_like(&h);
    sum += &h;
    sum
}

#[amp]
pub fn indexing(xs: &Tensor, w: &Tensor, rows: &Tensor) -> Tensor {
    let h = xs.matmul(w);
    let first = h.i(0).exp();
    let some = h.i((.., 1..3)).softmax(-1, Kind::Float);
    let one = h.i((0, 1..));
    let new = h.i((.., NewAxis, ..=2)).squeeze_dim(1);
    let picked = xs.i(rows).matmul(w);
    Tensor::cat(&[first.sum(Kind::Float), some.sum(Kind::Float), one.sum(Kind::Float)].map(|t| t.view(1)), 0)
        .sum(Kind::Float)
        + new.sum(Kind::Float)
        + picked.i((.., 0))
}

#[amp]
pub fn a_long_chain(xs: &Tensor, w: &Tensor) -> Tensor {
    xs.view((2, -1))
        .matmul(w)
        .transpose(0, 1)
        .contiguous()
        .softmax(-1, Kind::Float)
        .dropout(0.5, true)
        .matmul(&xs.view((2, -1)))
        .log1p()
        .to_kind(Kind::Float)
        .mean(Kind::Float)
}

#[amp]
pub fn calls_by_path(xs: &Tensor, w: &Tensor) -> Tensor {
    let h = Tensor::matmul(xs, w);
    let e = tch::Tensor::exp(&h);
    let s = Tensor::softmax(&e.log(), -1, Kind::Float);
    let t = <Tensor>::log1p(&s);
    Tensor::addr(&Tensor::g_add(&t, &h), &h.i((.., 0)), &h.i(0)) + Tensor::einsum("ij,jk->ik", &[xs, w], None::<&[i64]>)
}

#[amp]
pub fn lists(xs: &Tensor, ys: &Tensor, w: &Tensor) -> Tensor {
    let h = xs.matmul(w);
    let all = Tensor::cat(&[&h, ys, &ys.exp()], 1);
    let owned = Tensor::stack(&[h.shallow_clone(), ys * 2.], 0);
    let made = Tensor::cat(&[xs, ys].iter().map(|t| t.exp()).collect::<Vec<_>>(), -1);
    let vector = vec![h.exp(), ys.shallow_clone()];
    all.sum(Kind::Float) + owned.sum(Kind::Float) + made.sum(Kind::Float) + Tensor::vstack(&vector)
}

#[amp]
pub fn tuples(xs: &Tensor, w: &Tensor) -> (Tensor, Tensor, (Tensor, i64)) {
    let (values, indices) = xs.matmul(w).max_dim(-1, true);
    let (q, k) = (xs.matmul(w), xs.exp());
    let sorted = q.sort(-1, true).0;
    (values * k.sum(Kind::Float), indices, (sorted.exp(), q.dim() as i64))
}

#[derive(Default)]
pub struct Output {
    pub logits: Option<Tensor>,
    pub loss: Option<Tensor>,
    pub steps: i64,
}

#[amp]
pub fn struct_literals(xs: &Tensor, w: &Tensor) -> (Tensor, Option<Tensor>, i64) {
    let logits = Some(xs.matmul(w));
    let out = Output { logits, ..Default::default() };
    let out = Output { steps: out.steps + 2, loss: out.logits.as_ref().map(|l| l.exp().mean(Kind::Float)), ..out };
    let Output { logits, loss, steps } = out;
    (logits.unwrap().softmax(-1, Kind::Float), loss, steps)
}

#[amp]
pub fn arrays(xs: &Tensor, w: &Tensor) -> [Tensor; 3] {
    const SIZES: [i64; 1 + 1] = [2, -1];
    let zeros = [0i64; 1 + 2];
    let sum: i64 = zeros.iter().sum();
    let h = [xs.matmul(w), xs.exp().view(SIZES)];
    let [a, b] = h;
    [a.softmax(-1, Kind::Float), b, xs.log1p() + sum + const { 2 + 1 }]
}

fn scaled(xs: Tensor, by: &Tensor, shift: f64) -> Tensor {
    xs * by + shift
}

#[amp]
pub fn nested_calls(xs: &Tensor, w: &Tensor) -> Tensor {
    scaled(scaled(xs.matmul(&w.matmul(&w.tr())), &xs.exp(), 0.5), &scaled(xs.log1p(), xs, 1.), f64::from(2).sqrt())
}

#[amp]
pub fn inside_macros(xs: &Tensor, w: &Tensor) -> Vec<Tensor> {
    assert!(xs.exp().sum(Kind::Float).double_value(&[]) > 0., "not positive: {:?}", xs.exp().size());
    assert_eq!(xs.matmul(w).size(), [2, 4]);
    debug_assert_ne!(xs.matmul(w).dim(), 3);
    let text = format!("{:?} {}", xs.matmul(w).size(), xs.log1p().dim());
    let wide = matches!(xs.matmul(w).size().as_slice(), [_, n] if *n > 3);
    let mut out = vec![xs.matmul(w), xs.exp(), Tensor::from(text.len() as i64)];
    out.extend(vec![Some(w.exp()), None].into_iter().flatten());
    if wide { out } else { unreachable!("four columns are wide") }
}

#[amp]
pub fn blocks(xs: &Tensor, w: &Tensor) -> Tensor {
    let h = {
        let h = xs.matmul(w);
        let e = { h.exp() };
        e.log() + { xs.sum(Kind::Float) }
    };
    {
        h.softmax(-1, Kind::Float)
    }
}

#[amp]
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor) -> Tensor {
    let d = q.size()[q.dim() - 1];
    let scores = q.matmul(&k.transpose(-2, -1)) / (d as f64).sqrt();
    let mask = scores.ones_like().tril(0).to_kind(Kind::Bool).logical_not();
    scores.masked_fill(&mask, f64::NEG_INFINITY).softmax(-1, scores.kind()).matmul(v)
}

fn noted<'a>(log: &RefCell<Vec<i64>>, number: i64, tensor: &'a Tensor) -> &'a Tensor {
    log.borrow_mut().push(number);
    tensor
}

#[amp]
pub fn order_of_evaluation(xs: &Tensor, w: &Tensor) -> (Tensor, Vec<i64>) {
    let log = RefCell::new(vec![]);
    let note = |number, tensor| noted(&log, number, tensor);
    let h = noted(&log, 1, xs).matmul(noted(&log, 2, w));
    let h = note(3, &h).shallow_clone() + note(4, &h).exp() * noted(&log, 5, &h);
    let c = Tensor::cat(&[noted(&log, 6, &h), noted(&log, 7, xs)], noted(&log, 8, w).dim() as i64 - 1);
    let s = note(9, &c).softmax({ log.borrow_mut().push(10); -1 }, { log.borrow_mut().push(11); Kind::Float });
    (s, log.into_inner())
}

#[amp]
pub fn references_to_temporaries(xs: &Tensor, w: &Tensor) -> Tensor {
    let product = &xs.matmul(w);
    let shifted: &Tensor = &(product + 1.);
    let (a, b) = (&shifted.exp(), &shifted.abs());
    let list = [&a.log(), b];
    let ref c = w.exp();
    match xs.matmul(c) {
        ref d if d.dim() == 2 => list[0].matmul(&d.tr()).matmul(&xs.matmul(&w.tr().tr())) + list[1],
        d => d,
    }
}

#[amp]
pub fn parentheses_and_stars(xs: &Tensor, w: &Tensor) -> Tensor {
    let boxed = Box::new(xs.shallow_clone());
    let twice = &&w;
    let h = (*xs).matmul(*twice) + (xs).exp().sum(Kind::Float) + (&xs).exp().sum(Kind::Float);
    let i = (&*xs).matmul(&**twice) + (*boxed).matmul(&(*w)) + (((boxed))).matmul(w);
    ((h)) - (&(i))
}

#[amp]
pub fn comparisons(xs: &Tensor, ys: &Tensor, w: &Tensor) -> Tensor {
    let h = xs.matmul(w);
    let positive = h.gt(0.) .logical_and(&ys.le(0.5)).logical_or(&h.ge_tensor(ys));
    h.where_self(&positive, &ys.exp()) + h.masked_fill(&positive, -1.)
}

#[amp]
pub fn in_place_on_what_is_ours(xs: &Tensor, w: &Tensor) -> Tensor {
    let mut h = xs.matmul(w);
    let _ = h.relu_();
    let mut out = h.zeros_like();
    let _ = out.fill_(2.);
    out.narrow(0, 0, 1).copy_(&h.narrow(0, 1, 1));
    &out + h
}

#[amp]
pub fn closures_called_at_once(xs: &Tensor, w: &Tensor) -> Tensor {
    (|t: &Tensor| t.exp())(xs) + (move |a: &Tensor, b: &Tensor| a.matmul(b))(xs, w).sum(Kind::Float)
}

#[amp]
pub fn conversions(xs: &Tensor, w: &Tensor) -> (f64, Vec<f64>, i64) {
    let h = xs.matmul(w).sum(Kind::Float);
    let total = f64::try_from(&h).unwrap() + f64::try_from(xs.exp().mean(Kind::Float)).unwrap().ln();
    let row = Vec::<f64>::try_from(xs.matmul(w).to_kind(Kind::Double).i(0).exp()).unwrap();
    let arg = i64::try_from(w.sum(Kind::Float).argmax(None, false)).unwrap();
    (total, row.iter().map(|v| v.sqrt().exp()).collect(), arg)
}

#[amp]
pub fn losses(xs: &Tensor, w: &Tensor, targets: &Tensor, ys: &Tensor) -> Tensor {
    let logits = xs.matmul(w);
    let cross = logits.cross_entropy_for_logits(targets);
    let picked = logits.log_softmax(-1, Kind::Float).nll_loss(targets);
    let square = logits.mse_loss(ys, Reduction::Mean);
    let huber = logits.huber_loss(ys, Reduction::Sum, 1.);
    let binary =
        logits.binary_cross_entropy_with_logits(&ys.sigmoid(), None::<Tensor>, None::<Tensor>, Reduction::Mean);
    let smoothed = logits.cross_entropy_loss(targets, None::<&Tensor>, Reduction::None, -100, 0.1).mean(Kind::Float);
    cross + picked * 0.5 + square - huber / 10. + binary + smoothed
}

#[amp]
pub fn optional_operands(xs: &Tensor, w: &Tensor, gain: &Tensor, kernel: &Tensor) -> Tensor {
    let bias = Some(gain.exp());
    let h = xs.matmul(w).layer_norm([4], Some(gain), bias.as_ref(), 1e-5, false);
    let n = h.layer_norm([4], None::<Tensor>, None, 1e-5, false);
    let image = n.view((1, 1, 2, 4));
    let c = image.conv2d(kernel, None::<Tensor>, [1, 1], [1, 1], [1, 1], 1);
    let d = image.conv2d(kernel, Some(&gain.sum(Kind::Float).view(1)), 1, 1, 1, 1);
    h + (c - d).view((2, 4))
}

#[amp]
pub fn types_written_out(xs: &Tensor, w: &Tensor) -> f64 {
    let h: Tensor = xs.matmul(w);
    let list: Vec<Tensor> = vec![h.exp(), h.log_softmax(-1, Kind::Float)];
    let sums = list.iter().map(|t| t.sum(Kind::Double).double_value(&[])).collect::<Vec<f64>>();
    let total: f64 = sums.iter().sum::<f64>() + sums.iter().copied().product::<f64>();
    let by_dim: Tensor = h.sum_dim_intlist([1i64].as_slice(), false, Kind::Float).mean_dim([0i64].as_slice(), false, None);
    total.exp().ln() + by_dim.double_value(&[])
}
