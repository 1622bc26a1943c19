//! Three linear layers over rows of 784 numbers, ten classes.
use super::{Inputs, Model};
use amp_runtime::prelude::*;
use tch::{Device, Kind, Tensor, nn};

pub(super) struct Mlp {
    layers: [nn::Linear; 3],
}

impl Mlp {
    pub(super) fn new(root: &nn::Path) -> Self {
        let linear = |name, from, to| nn::linear(root / name, from, to, nn::LinearConfig::default());
        Self { layers: [linear("l1", 784, 1024), linear("l2", 1024, 1024), linear("l3", 1024, 10)] }
    }
}

#[amp]
impl Model for Mlp {
    fn loss(&self, inputs: &Inputs) -> Tensor {
        let [l1, l2, l3] = &self.layers;
        let logits = inputs["xs"].apply(l1).relu().apply(l2).relu().apply(l3);
        logits.cross_entropy_for_logits(&inputs["target"])
    }
}

pub(super) fn inputs(batch: i64) -> [(&'static str, Tensor); 2] {
    let cpu = Device::Cpu;
    [
        ("xs", Tensor::randn([batch, 784], (Kind::Float, cpu))),
        ("target", Tensor::randint(10, [batch], (Kind::Int64, cpu))),
    ]
}
