//! What generated code calls, written out by hand: who is cast, who is not, and what is on and off around it.
#![allow(clippy::arc_with_non_send_sync, reason = "users have such")]
#![allow(clippy::unused_self, reason = "only the signature matters")]
use amp_runtime::__private as p;
use amp_runtime::{Precision, with_precision};
use std::cell::RefCell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};
use tch::nn::{self, Module as _, ModuleT as _};
use tch::{Device, Kind, Tensor};

#[path = "amp_dispatch/arguments.rs"]
mod arguments;
#[path = "amp_dispatch/layers.rs"]
mod layers;
#[path = "amp_dispatch/receivers.rs"]
mod receivers;
#[path = "amp_dispatch/regions.rs"]
mod regions;
#[path = "amp_dispatch/widest.rs"]
mod widest;

const F32: (Kind, Device) = (Kind::Float, Device::Cpu);

/// A plan without rows, as a function without sites has it.
macro_rules! plan {
    ($name:ident, $precision:expr) => {
        static $name: p::FunctionPlan = p::FunctionPlan {
            function: concat!(module_path!(), "::", stringify!($name)),
            file: file!(),
            line: line!(),
            precision: $precision,
            headline: "",
            sites: &[],
            layers: &[],
            calls: p::AtomicU64::new(0),
        };
    };
}
pub(crate) use plan;

plan!(BF16, Some(Precision::Bf16));
plan!(F16, Some(Precision::F16));

/// A number of no particular value.
fn x() -> Tensor {
    Tensor::randn([4, 4], F32)
}

/// Whether libtorch's own autocast is on.
fn ambient() -> Kind {
    x().matmul(&x()).kind()
}

/// A newtype, as users write them around parameters.
struct Weight(Tensor);

impl Deref for Weight {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        &self.0
    }
}
