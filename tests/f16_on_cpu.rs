//! Training in f16 on the CPU is said, once, to be no good idea; nothing else is.
use amp_runtime::prelude::*;
use amp_tests::heard::Heard;
use tch::{Device, Kind, Tensor};
use tracing::Level;

#[amp]
fn product(x: &Tensor, w: &Tensor) -> Tensor {
    x.matmul(w)
}

#[test]
fn it_is_said_once_and_only_of_training() {
    let heard = Heard::of(|heard| {
        let x = Tensor::ones([2, 2], (Kind::Float, Device::Cpu));
        let in_precision = |precision| with_precision(precision, || product(&x, &x));
        let _ = in_precision(Precision::Bf16);
        let _ = tch::no_grad(|| in_precision(Precision::F16));
        assert!(heard.so_far().is_empty());
        for _ in 0..3 {
            assert_eq!(in_precision(Precision::F16).kind(), Kind::Half);
        }
    });
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0].0, Level::WARN);
    assert!(heard[0].1.contains("f16 on the CPU") && heard[0].1.contains("dtype = bf16"), "{heard:?}");
}
