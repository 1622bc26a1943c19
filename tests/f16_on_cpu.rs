//! Training in f16 on the CPU is said, once, to be no good idea; nothing else is.
use amp_runtime::prelude::*;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tch::{Device, Kind, Tensor};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// What was said, with its level.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<(Level, String)>>>);

impl Subscriber for Heard {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
                let _ = write!(self.0, "{value:?}");
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push((*event.metadata().level(), text.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[amp]
fn product(x: &Tensor, w: &Tensor) -> Tensor {
    x.matmul(w)
}

#[test]
fn it_is_said_once_and_only_of_training() {
    let heard = Heard::default();
    tracing::subscriber::with_default(heard.clone(), || {
        let x = Tensor::ones([2, 2], (Kind::Float, Device::Cpu));
        let in_precision = |precision| with_precision(precision, || product(&x, &x));
        let _ = in_precision(Precision::Bf16);
        let _ = tch::no_grad(|| in_precision(Precision::F16));
        assert!(heard.0.lock().unwrap().is_empty());
        for _ in 0..3 {
            assert_eq!(in_precision(Precision::F16).kind(), Kind::Half);
        }
    });
    let heard = heard.0.lock().unwrap();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0].0, Level::WARN);
    assert!(heard[0].1.contains("f16 on the CPU") && heard[0].1.contains("dtype = bf16"), "{heard:?}");
}
