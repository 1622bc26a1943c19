//! Who holds a tensor: shadowing, moves, smart pointers, cells, patterns, collections, temporaries of a tail.
use amp_runtime::prelude::amp;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};
use tch::{Kind, Tensor};

#[amp]
pub fn shadowing(xs: &Tensor, w: &Tensor) -> Tensor {
    let xs = xs.exp();
    let h = {
        let xs = xs.matmul(w);
        let w = &xs.log1p();
        xs + w
    };
    let xs = xs.matmul(w) + h;
    let w = 2.;
    let xs = xs.softmax(-1, Kind::Float) * w;
    xs.sum(Kind::Float)
}

#[amp]
pub fn by_value(xs: Tensor, mut w: Tensor) -> Tensor {
    w = w.exp();
    let h = xs.matmul(&w);
    drop(w);
    xs + h.sum(Kind::Float)
}

#[amp]
fn written_through(xs: &mut Tensor, w: &Tensor) {
    *xs = xs.exp();
    let h = xs.matmul(w);
    *xs = h.softmax(-1, Kind::Float);
}

#[amp]
pub fn by_mutable_reference(xs: &Tensor, w: &Tensor) -> Tensor {
    let mut h = xs.shallow_clone();
    written_through(&mut h, w);
    let r = &mut h;
    *r = r.matmul(w);
    h
}

#[amp]
pub fn smart_pointers(boxed: Box<Tensor>, rc: &Rc<Tensor>, arc: Arc<Tensor>, w: &Tensor) -> Tensor {
    let h = boxed.matmul(w) + rc.exp().sum(Kind::Float) + arc.matmul(&rc.tr()).sum(Kind::Float);
    let moved = boxed;
    h + moved.exp().sum(Kind::Float) + Rc::clone(rc).matmul(&Arc::clone(&arc).tr()).sum(Kind::Float)
}

#[amp]
pub fn cells(cell: &RefCell<Tensor>, w: &Tensor) -> Tensor {
    let h = cell.borrow().matmul(w);
    *cell.borrow_mut() = h.exp();
    let borrowed = cell.borrow();
    let again = borrowed.matmul(w).matmul(&borrowed.tr());
    drop(borrowed);
    let _ = cell.replace(again);
    cell.borrow().softmax(-1, Kind::Float)
}

#[amp]
pub fn locks(mutex: &Mutex<Tensor>, lock: &RwLock<Tensor>, w: &Tensor) -> Tensor {
    let h = mutex.lock().unwrap().matmul(w);
    {
        let mut guard = mutex.lock().unwrap();
        *guard = guard.exp();
    }
    let sum = lock.read().unwrap().log1p() + mutex.lock().unwrap().matmul(w).sum(Kind::Float);
    *lock.write().unwrap() = sum;
    h + lock.read().unwrap().sum(Kind::Float)
}

#[amp]
pub fn options(xs: Option<Tensor>, w: Option<&Tensor>, mut bias: Option<Tensor>) -> Option<Tensor> {
    let e = xs.as_ref().map(|t| t.exp());
    let h = xs.as_ref().unwrap().matmul(w?);
    let h = if let Some(ref b) = bias { h + b } else { h };
    let taken = bias.take().unwrap_or_else(|| h.exp());
    let both = e.zip(xs).map(|(a, b)| a.matmul(&b.tr()));
    let boxed: Option<Box<Tensor>> = both.map(Box::new);
    boxed.as_deref().map(|t| t.softmax(-1, Kind::Float)).map(|t| t.matmul(&h) + taken)
}

#[amp]
pub fn replaced(xs: &Tensor, w: &Tensor) -> Tensor {
    let mut state = xs.exp();
    let old = std::mem::replace(&mut state, xs.matmul(w).exp());
    let older = std::mem::replace(&mut state, old.matmul(w));
    state.matmul(&older.tr())
}

pub struct Pair {
    pub left: Tensor,
    pub right: Tensor,
    pub scale: f64,
}

#[amp]
pub fn destructured(pair: Pair, (a, b): (Tensor, &Tensor)) -> Tensor {
    let Pair { left, ref right, scale } = pair;
    let (ref c, d) = (left.matmul(right), b.exp());
    c.exp() * scale.exp() + d.matmul(right).exp() + a.matmul(right).sum(Kind::Float)
}

#[amp]
pub fn partial_moves(pair: Pair) -> Tensor {
    let left = pair.left;
    let h = left.matmul(&pair.right);
    let right = pair.right;
    (h + right.exp().sum(Kind::Float)) * pair.scale
}

#[amp]
pub fn slices(xs: &[Tensor], ws: Vec<Tensor>) -> Tensor {
    let [first, .., last] = xs else { panic!("too short") };
    let h = first.matmul(&last.tr()) + xs[0].matmul(&xs[1].tr());
    let folded = xs.iter().fold(first.exp(), |sum, x| sum + x.exp());
    let summed: Tensor = xs.iter().map(|x| x.log1p()).sum();
    let last = xs.last().unwrap().exp() + ws[ws.len() - 1].exp().sum(Kind::Float);
    let weights = ws.into_iter().map(|w| w.softmax(-1, None)).collect::<Vec<_>>();
    h.sum(Kind::Float) + folded.matmul(&weights[0]).sum(Kind::Float) + summed + last
}

#[amp]
pub fn references_of_references(xs: &[Tensor], w: &Tensor) -> Tensor {
    let refs: Vec<&Tensor> = xs.iter().collect();
    let longest = refs.iter().max_by_key(|x| x.exp().numel()).unwrap();
    let mut sum = longest.matmul(w);
    for x in refs.iter() {
        sum = sum + x.matmul(w);
    }
    for &x in &refs {
        sum = sum - x.exp().sum(Kind::Float);
    }
    sum
}

pub struct Dropped<'a>(&'a RefCell<Vec<String>>, &'static str, Tensor);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(format!("{} dropped", self.1));
    }
}

impl Dropped<'_> {
    fn tensor(&self) -> &Tensor {
        self.0.borrow_mut().push(format!("{} used", self.1));
        &self.2
    }
}

#[amp]
pub fn order_of_drops(xs: &Tensor, w: &Tensor) -> (Tensor, String) {
    let log = RefCell::new(vec![]);
    let made = |name| Dropped(&log, name, xs.shallow_clone());
    let outer = made("outer");
    let h = made("first").tensor().matmul(&made("second").tensor().tr()) + made("third").tensor().exp().sum(Kind::Float);
    let kept = match made("matched").tensor().matmul(w) {
        product => product.sum(Kind::Float) + made("arm").tensor().exp(),
    };
    let h = h.sum(Kind::Float) + kept + outer.tensor().exp();
    drop(outer);
    (h, log.take().join(", "))
}

#[amp]
pub fn tail_of_a_cell(xs: &Tensor, w: &Tensor) -> Tensor {
    let cell = Rc::new(RefCell::new(xs.exp()));
    let value = cell.borrow().matmul(w);
    value
}

pub struct Held {
    pub cell: RefCell<Tensor>,
    pub lock: Mutex<Tensor>,
}

impl Held {
    #[amp]
    pub fn borrowed_in_the_tail(&self, w: &Tensor) -> Tensor {
        self.cell.borrow().matmul(w).softmax(-1, Kind::Float)
    }

    #[amp]
    pub fn locked_in_the_tail(&self, w: &Tensor) -> Tensor {
        w.matmul(&self.lock.lock().unwrap())
    }
}

pub struct Weight(pub Tensor);

impl Deref for Weight {
    type Target = Tensor;
    fn deref(&self) -> &Tensor {
        &self.0
    }
}

#[amp]
pub fn newtypes(w: &Weight, xs: &Tensor) -> Tensor {
    let h = xs.matmul(w);
    let e = w.exp().sum(Kind::Float);
    let boxed = Box::new(Weight(w.log1p()));
    h + e + boxed.matmul(&w.tr()).sum(Kind::Float) + w.0.exp().sum(Kind::Float)
}

#[amp]
pub fn maps(named: &HashMap<String, Tensor>) -> Tensor {
    let mut cache: HashMap<i64, Tensor> = HashMap::new();
    let h = named["x"].matmul(&named["w"]) + named.get("x").unwrap().exp().sum(Kind::Float);
    for step in 0..3 {
        let entry = cache.entry(step % 2).or_insert_with(|| h.tanh());
        *entry = entry.matmul(&named["w"].matmul(&named["w"].tr()).tr().narrow(1, 0, 4).tr().narrow(1, 0, 4));
    }
    cache[&0].log_softmax(-1, Kind::Float) + cache[&1].tanh()
}

pub struct Layer {
    pub w: Tensor,
    pub bias: Option<Tensor>,
}

pub struct Stack {
    pub layers: Vec<Layer>,
    pub pair: (Tensor, f64),
}

#[amp]
pub fn fields(stack: &Stack, xs: &Tensor) -> Tensor {
    let mut h = xs.matmul(&stack.layers[0].w);
    for layer in &stack.layers {
        h = h.matmul(&layer.w).relu();
        if let Some(bias) = &layer.bias {
            h = h + bias.exp();
        }
    }
    let Layer { w, .. } = &stack.layers[1];
    h.matmul(w) * stack.pair.1.exp() + stack.pair.0.exp().sum(Kind::Float)
}

thread_local! {
    static CACHED: RefCell<Option<Tensor>> = const { RefCell::new(None) };
}

#[amp]
pub fn kept_elsewhere(xs: &Tensor, w: &Tensor) -> Tensor {
    let once = OnceCell::new();
    let e = once.get_or_init(|| xs.detach().exp());
    CACHED.with_borrow_mut(|cached| *cached = Some(e.matmul(&w.detach())));
    CACHED.with(|cached| cached.borrow().as_ref().unwrap().matmul(&w.tr())) + once.get().unwrap().log()
}

#[amp]
pub fn changed_between_uses(xs: &Tensor, w: &Tensor) -> Tensor {
    let buffer = xs.exp().detach();
    let w = &w.detach();
    let before = buffer.matmul(w);
    buffer.narrow(0, 0, 1).copy_(&xs.detach().narrow(0, 1, 1));
    let after = buffer.matmul(w);
    let mut alias = buffer.shallow_clone();
    let _ = alias.zero_();
    before - after + buffer.matmul(w)
}

pub struct Moments {
    pub first: Tensor,
    pub second: Vec<Tensor>,
}

#[amp]
pub fn written_in_place(moments: &mut Moments, mut sum: Tensor, grad: &Tensor, out: &mut Tensor) -> Tensor {
    moments.first *= 0.9;
    moments.first += grad * 0.1;
    let _ = moments.second[0].addcmul_(grad, grad);
    let _ = sum.addcdiv_(&moments.first, &(moments.second[0].sqrt() + 0.5));
    let _ = sum.exp_();
    let _ = out.pow_(2.).log_();
    let _ = moments.second[0].exp_().sqrt_();
    for moment in &mut moments.second {
        let _ = moment.reciprocal_();
    }
    sum + &*out
}

#[amp]
pub fn chosen<'a>(a: &'a Tensor, b: &'a Tensor) -> &'a Tensor {
    if a.exp().sum(Kind::Float).double_value(&[]) > b.exp().sum(Kind::Float).double_value(&[]) { a } else { b }
}

#[amp]
pub fn set_later(xs: &Tensor, w: &Tensor, early: bool) -> Tensor {
    let h;
    let mut out = Vec::with_capacity(2);
    if early {
        h = xs.exp();
    } else {
        h = xs.log1p();
    }
    out.push(h.matmul(w));
    out.extend([h.matmul(w).exp()]);
    Tensor::stack(&out, 0)
}
