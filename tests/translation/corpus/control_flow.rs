//! Ways through a function: branches, loops, labels, patterns, early returns, `?`.
use amp_runtime::prelude::amp;
use tch::{Kind, TchError, Tensor};

#[amp]
pub fn if_else_value(xs: &Tensor, w: &Tensor, train: bool) -> Tensor {
    let h = if train { xs.matmul(w).dropout(0.3, true) } else { xs.matmul(w) };
    if h.requires_grad() { h.softmax(-1, Kind::Float) } else { h.log_softmax(-1, Kind::Float) }
}

#[amp]
pub fn else_if_chain(xs: &Tensor, mode: &str) -> Tensor {
    if mode == "exp" {
        xs.exp()
    } else if mode == "log" {
        (xs + 2.).log()
    } else if let Some(rest) = mode.strip_prefix("pow") {
        xs.abs().pow_tensor_scalar(rest.parse::<f64>().unwrap())
    } else {
        xs.shallow_clone()
    }
}

#[amp]
pub fn while_reassigns(xs: &Tensor, w: &Tensor, steps: usize) -> Tensor {
    let mut h = xs.shallow_clone();
    let mut step = 0;
    while step < steps {
        h = h.matmul(w).tanh();
        step += 1;
    }
    h
}

#[amp]
pub fn while_let_pops(mut stack: Vec<Tensor>) -> Tensor {
    let mut sum = Tensor::zeros([1], (Kind::Float, tch::Device::Cpu));
    while let Some(top) = stack.pop() {
        sum = sum + top.exp().sum(Kind::Float);
    }
    sum
}

#[amp]
pub fn loop_breaks_with_a_value(xs: &Tensor, w: &Tensor) -> (Tensor, i64) {
    let mut h = xs.matmul(w);
    let mut rounds = 0;
    let last = loop {
        h = h.matmul(w) * 0.5;
        rounds += 1;
        if rounds == 3 {
            break h.log_softmax(-1, Kind::Float);
        }
    };
    (last, rounds)
}

#[amp]
pub fn labelled_break(xs: &[Tensor], ws: &[Tensor]) -> Option<Tensor> {
    let mut found = None;
    'outer: for x in xs {
        for w in ws {
            if x.size()[1] != w.size()[0] {
                continue 'outer;
            }
            let y = x.matmul(w);
            if y.size() == [2, 5] {
                found = Some(y.softmax(0, None));
                break 'outer;
            }
        }
    }
    found
}

#[amp]
pub fn labelled_loop_value(xs: &Tensor, w: &Tensor) -> Tensor {
    let mut depth = 0;
    'up: loop {
        loop {
            depth += 1;
            if depth > 2 {
                break 'up xs.matmul(w).exp();
            }
            if depth > 1 {
                continue 'up;
            }
        }
    }
}

#[amp]
pub fn labelled_block(xs: &Tensor, w: &Tensor, skip: bool) -> Tensor {
    let h = 'made: {
        if skip {
            break 'made xs.relu();
        }
        let h = xs.matmul(w);
        if h.dim() == 2 {
            break 'made h.log_softmax(1, Kind::Float);
        }
        h.exp()
    };
    h * 2.
}

#[amp]
pub fn for_zip_enumerate(xs: &[Tensor], ws: &[Tensor]) -> Tensor {
    let mut sum: Option<Tensor> = None;
    for (i, (x, w)) in xs.iter().zip(ws).enumerate() {
        let y = x.matmul(w) * (i as f64 + 1.);
        sum = Some(match sum {
            Some(sum) => sum + y.sum(Kind::Float),
            None => y.sum(Kind::Float),
        });
    }
    sum.unwrap()
}

#[amp]
pub fn for_over_chunks(xs: &Tensor) -> Tensor {
    let mut out = vec![];
    for part in xs.chunk(2, 1) {
        out.push(part.softmax(-1, Kind::Float));
    }
    for part in xs.split(2, 1).iter().rev() {
        out.push(part.cumsum(1, Kind::Float));
    }
    Tensor::cat(&out, 1)
}

#[amp]
pub fn match_guards(xs: &Tensor, w: &Tensor, k: Option<i64>) -> Tensor {
    match k {
        Some(0) => xs.shallow_clone(),
        Some(k) if k > 2 && xs.size()[0] > 1 => xs.matmul(w).topk(k, -1, true, true).0,
        Some(k) if xs.exp().sum(Kind::Float).double_value(&[]) > 0. => xs.matmul(w).narrow(1, 0, k),
        Some(_) => unreachable!("an exponential is positive"),
        None => w.exp(),
    }
}

#[amp]
pub fn match_bindings(xs: &Tensor, n: i64) -> Tensor {
    match n {
        small @ 1..=3 => xs.exp() * small as f64,
        5 | 7 | 9 => xs.log1p(),
        other if other < 0 => -xs,
        _ => {
            let h = xs.abs();
            h.sqrt()
        }
    }
}

#[amp]
pub fn match_on_a_tuple(xs: &Tensor, w: Option<&Tensor>, b: Option<&Tensor>) -> Tensor {
    match (w, b) {
        (Some(w), Some(b)) => xs.matmul(w) + b,
        (Some(w), None) => xs.matmul(w),
        (None, Some(b)) => xs + b.exp(),
        (None, None) => xs.copy(),
    }
}

#[amp]
pub fn match_on_a_site(xs: &Tensor, w: &Tensor) -> Tensor {
    match xs.matmul(w).size2() {
        Ok((rows, columns)) if rows < columns => xs.matmul(w).tr(),
        Ok(_) => xs.matmul(w),
        Err(_) => unreachable!(),
    }
}

#[amp]
pub fn let_else(xs: Option<&Tensor>, w: &Tensor) -> Result<Tensor, String> {
    let Some(xs) = xs else { return Err("no input".to_string()) };
    let [rows, columns] = xs.size()[..] else {
        return Err(format!("{} dimensions", xs.matmul(&xs.transpose(-1, -2)).dim()));
    };
    Ok(xs.matmul(w).sum(Kind::Float) * (rows * columns))
}

#[amp]
pub fn early_return(xs: &Tensor, w: &Tensor, early: bool) -> Tensor {
    if early {
        return xs.exp();
    }
    let h = xs.matmul(w);
    if h.size()[0] > 100 {
        return h;
    }
    h.log_softmax(-1, Kind::Float)
}

#[amp]
pub fn return_inside_an_expression(xs: &Tensor, w: &Tensor, early: bool) -> Tensor {
    let h = xs.matmul(if early { return xs.exp() } else { w });
    let k = match h.dim() {
        2 => h.softmax(0, Kind::Float),
        _ => return h,
    };
    return k.sum(Kind::Float);
}

#[amp]
pub fn question_marks(xs: &Tensor, w: &Tensor) -> Result<Tensor, TchError> {
    let h = xs.f_matmul(w)?.f_relu()?;
    let h = h.f_add(&xs.f_exp()?.f_sum(Kind::Float)?)?;
    h.f_softmax(-1, Kind::Float)
}

#[amp]
pub fn question_mark_of_an_option(xs: &[Tensor], w: Option<Tensor>) -> Option<Tensor> {
    let first = xs.first()?.matmul(w.as_ref()?);
    let last = xs.last()?.exp();
    Some(first + last.sum(Kind::Float))
}

#[amp]
pub fn errors_of_two_kinds(xs: &Tensor, factor: &str) -> Result<Tensor, Box<dyn std::error::Error>> {
    let factor: f64 = factor.parse()?;
    let h = xs.f_matmul(&xs.f_tr()?)?;
    if h.size2()?.0 > 100 {
        return Err("too large".into());
    }
    Ok(h.f_exp()? * factor)
}

#[amp]
pub fn swaps_in_a_loop(xs: &Tensor, w: &Tensor) -> Tensor {
    let (mut a, mut b) = (xs.matmul(w), xs.exp());
    for _ in 0..3 {
        std::mem::swap(&mut a, &mut b);
        a = a.matmul(w);
    }
    a.softmax(-1, Kind::Float) + b.exp()
}

#[amp]
pub fn recursive(xs: &Tensor, w: &Tensor, depth: usize) -> Tensor {
    if depth == 0 { xs.log_softmax(-1, Kind::Float) } else { recursive(&xs.matmul(w).tanh(), w, depth - 1) }
}

#[amp]
pub fn one_value_many_times(xs: &Tensor, w: &Tensor) -> Tensor {
    let mut total = xs.matmul(w);
    for i in 0..4 {
        if i % 2 == 0 {
            total = total + xs.matmul(w);
        } else {
            total = total - xs.matmul(&w.exp());
        }
    }
    total + xs.matmul(w).sum(Kind::Float)
}
