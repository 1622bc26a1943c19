//! A program that knows the crate by another name only, and is `unsafe` where it wants to be.
#![deny(warnings)]
use renamed::prelude::amp;
use renamed::{Precision, with_precision};
use tch::nn::{self, Module};
use tch::{Device, Kind, Tensor};

/// # Safety
/// `xs` points to a tensor.
#[amp(crate = ::renamed)]
unsafe fn raw(xs: *const Tensor, w: *mut Tensor) -> Tensor {
    // SAFETY: the caller's word.
    let h = unsafe { (*xs).matmul(&*w) };
    let f = |t: &Tensor| unsafe { t.matmul(&*xs) };
    // SAFETY: as above.
    unsafe { *w = (*w).exp() };
    f(&h).softmax(-1, Kind::Float)
}

#[derive(Debug)]
struct Model(nn::Linear);

#[amp(crate = ::renamed, dtype = bf16)]
impl Module for Model {
    fn forward(&self, xs: &Tensor) -> Tensor {
        xs.apply(&self.0).matmul(xs).log_softmax(-1, Kind::Float)
    }
}

#[amp(crate = ::renamed, output = full)]
fn full(xs: &Tensor) -> Option<Tensor> {
    Some(xs.matmul(xs))
}

fn main() {
    with_precision(Precision::Bf16, || {
        let xs = Tensor::ones([2, 2], (Kind::Float, Device::Cpu));
        let mut w = xs.copy();
        // SAFETY: both point to tensors that live.
        let out = unsafe { raw(&raw const xs, &raw mut w) };
        assert_eq!(Vec::<f64>::try_from(out.view(-1)).unwrap(), [0.5; 4]);
        let vs = nn::VarStore::new(Device::Cpu);
        let model = Model(nn::linear(vs.root(), 2, 2, Default::default()));
        assert_eq!(xs.apply(&model).kind(), Kind::Float);
        assert_eq!(full(&xs).unwrap().kind(), Kind::Float);
        assert!(renamed::plan::all().count() >= 3);
    });
}
