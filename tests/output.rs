//! What leaves a function: `output = full` at every return, and closures that outlive the function they were written in.
use amp_runtime::prelude::*;
use tch::nn::{self, Module};
use tch::{Device, Kind, TchError, Tensor};

fn x() -> Tensor {
    Tensor::ones([4, 4], (Kind::Float, Device::Cpu))
}

#[amp(dtype = bf16, output = full)]
fn early(x: &Tensor, how: usize) -> Tensor {
    if how == 0 {
        return x.matmul(x);
    }
    let inner = || {
        // A closure's return is its own.
        if x.dim() > 0 {
            return x.matmul(x);
        }
        x.shallow_clone()
    };
    // Nor does an `async` block's.
    drop(async {
        if how > 5 {
            return 5i32;
        }
        6
    });
    for _ in 0..1 {
        if how == 1 {
            let low = inner();
            assert_eq!(low.kind(), Kind::BFloat16);
            return low;
        }
    }
    match how {
        2 => x.matmul(x).relu(),
        _ => inner(),
    }
}

#[amp(dtype = bf16, output = full)]
fn several(x: &Tensor) -> (Tensor, Option<Tensor>, Vec<Tensor>) {
    let low = x.matmul(x);
    (low.relu(), Some(low.tr()), vec![low, Tensor::from(3i64)])
}

#[amp(dtype = bf16, output = full)]
fn fallible(x: &Tensor, y: &Tensor) -> Result<Tensor, TchError> {
    let low = x.f_matmul(y)?;
    Ok(low)
}

#[amp(dtype = bf16, output = full)]
fn with_numbers(x: &Tensor) -> Result<(Tensor, Option<f64>, String), TchError> {
    let low = x.f_matmul(x)?;
    let largest = f64::try_from(low.max())?;
    Ok((low, Some(largest), "a product".to_owned()))
}

#[test]
fn numbers_beside_tensors_stay() {
    let (product, largest, name) = with_numbers(&x()).unwrap();
    assert_eq!((product.kind(), largest, &*name), (Kind::Float, Some(4.), "a product"));
}

#[test]
fn every_return_is_full() {
    assert_eq!([0, 1, 2, 3].map(|how| early(&x(), how).kind()), [Kind::Float; 4]);
    let (one, maybe, list) = several(&x());
    assert_eq!((one.kind(), maybe.map(|t| t.kind())), (Kind::Float, Some(Kind::Float)));
    assert_eq!(list.iter().map(Tensor::kind).collect::<Vec<_>>(), [Kind::Float, Kind::Int64]);
    assert_eq!(fallible(&x(), &x()).unwrap().kind(), Kind::Float);
    assert!(fallible(&x(), &Tensor::ones([3, 3], (Kind::Float, Device::Cpu))).is_err());
}

#[amp(dtype = bf16)]
fn block(w: Tensor) -> nn::Func<'static> {
    nn::func(move |xs| {
        let h = xs.matmul(&w);
        assert_eq!(h.kind(), Kind::BFloat16, "a site");
        let opaque = |t: &Tensor| t.matmul(t).kind();
        assert_eq!(opaque(&xs.to_kind(Kind::Float)), Kind::BFloat16, "a closure within");
        h.softmax(-1, h.kind())
    })
}

#[test]
fn a_closure_that_outlives_its_function_is_a_region() {
    let block = block(x());
    assert_eq!(x().matmul(&x()).kind(), Kind::Float);
    assert_eq!(block.forward(&x()).kind(), Kind::Float);
    assert_eq!(x().matmul(&x()).kind(), Kind::Float);
    // On a thread of its own too.
    let kind = std::thread::spawn(|| self::block(x()).forward(&x()).kind()).join().unwrap();
    assert_eq!(kind, Kind::Float);
}
