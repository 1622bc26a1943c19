//! `ResNet-18` over images of 224 x 224 pixels, a thousand classes.
use super::{Inputs, Model};
use amp_runtime::prelude::*;
use anyhow::Result;
use detector::config::{Config, Overrides};
use detector::model::ResNet;
use std::path::Path;
use tch::{Device, Kind, Tensor, nn};

pub(super) struct Classifier {
    backbone: ResNet,
    fc: nn::Linear,
}

impl Classifier {
    pub(super) fn new(root: &nn::Path) -> Result<Self> {
        let config = Config::load(Path::new("bench"), Overrides::default())?.sections.model.backbone;
        Ok(Self {
            backbone: ResNet::new(&(root / "backbone"), &config),
            fc: nn::linear(root / "fc", 512, 1000, nn::LinearConfig::default()),
        })
    }
}

#[amp]
impl Model for Classifier {
    fn loss(&self, inputs: &Inputs) -> Tensor {
        let stages = self.backbone.forward(&inputs["images"], true);
        let logits = stages[2].mean_dim([2, 3].as_slice(), false, None).apply(&self.fc);
        logits.cross_entropy_for_logits(&inputs["target"])
    }
}

pub(super) fn inputs(batch: i64) -> [(&'static str, Tensor); 2] {
    let cpu = Device::Cpu;
    [
        ("images", Tensor::randn([batch, 3, 224, 224], (Kind::Float, cpu))),
        ("target", Tensor::randint(1000, [batch], (Kind::Int64, cpu))),
    ]
}
