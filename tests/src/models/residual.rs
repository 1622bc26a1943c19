//! A convolutional residual net: a block with batch norm, one with group norm.
use super::{Inputs, Model, Outputs, Size, named};
use amp_runtime::prelude::*;
use tch::{Device, Kind, Tensor, nn};

pub(super) struct Residual {
    stem: nn::Conv2D,
    stem_norm: nn::BatchNorm,
    batch: BatchBlock,
    group: GroupBlock,
    head: nn::Linear,
    shape: [i64; 4],
}

#[derive(Debug)]
struct BatchBlock {
    conv1: nn::Conv2D,
    norm1: nn::BatchNorm,
    conv2: nn::Conv2D,
    norm2: nn::BatchNorm,
}

#[derive(Debug)]
struct GroupBlock {
    conv1: nn::Conv2D,
    norm1: nn::GroupNorm,
    conv2: nn::Conv2D,
    norm2: nn::GroupNorm,
}

fn conv3x3(path: nn::Path, inputs: i64, outputs: i64) -> nn::Conv2D {
    nn::conv2d(path, inputs, outputs, 3, nn::ConvConfig { padding: 1, ..nn::ConvConfig::default() })
}

impl nn::ModuleT for BatchBlock {
    #[amp]
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        let inner = xs.apply(&self.conv1).apply_t(&self.norm1, train).relu();
        (inner.apply(&self.conv2).apply_t(&self.norm2, train) + xs).relu()
    }
}

impl nn::Module for GroupBlock {
    #[amp]
    fn forward(&self, xs: &Tensor) -> Tensor {
        let inner = xs.apply(&self.conv1).apply(&self.norm1).relu();
        (inner.apply(&self.conv2).apply(&self.norm2) + xs).relu()
    }
}

impl Residual {
    pub(super) fn new(root: &nn::Path, size: Size) -> Self {
        let (batch, side, width, classes) = match size {
            Size::Test => (4, 8, 8, 5),
            Size::Bench => (16, 32, 64, 10),
        };
        let batch_norm = |path| nn::batch_norm2d(path, width, nn::BatchNormConfig::default());
        let group_norm = |path| nn::group_norm(path, 4, width, nn::GroupNormConfig::default());
        let (b, g) = (root / "batch", root / "group");
        Self {
            stem: conv3x3(root / "stem", 3, width),
            stem_norm: batch_norm(root / "stem_norm"),
            batch: BatchBlock {
                conv1: conv3x3(&b / "conv1", width, width),
                norm1: batch_norm(&b / "norm1"),
                conv2: conv3x3(&b / "conv2", width, width),
                norm2: batch_norm(&b / "norm2"),
            },
            group: GroupBlock {
                conv1: conv3x3(&g / "conv1", width, width),
                norm1: group_norm(&g / "norm1"),
                conv2: conv3x3(&g / "conv2", width, width),
                norm2: group_norm(&g / "norm2"),
            },
            head: nn::linear(root / "head", width, classes, nn::LinearConfig::default()),
            shape: [batch, 3, side, side],
        }
    }

    #[amp]
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        let h = xs.apply(&self.stem).apply_t(&self.stem_norm, train).relu();
        let h = h.apply_t(&self.batch, train).apply(&self.group);
        h.mean_dim([2, 3].as_slice(), false, None).apply(&self.head)
    }

    #[amp]
    fn forward_and_loss(&self, xs: &Tensor, target: &Tensor) -> (Tensor, Tensor) {
        let ys = self.forward_t(xs, true);
        let loss = ys.cross_entropy_for_logits(target);
        (ys, loss)
    }
}

impl Model for Residual {
    fn run(&self, inputs: &Inputs) -> Outputs {
        let (ys, loss) = self.forward_and_loss(&inputs["xs"], &inputs["target"]);
        [("ys", ys), ("loss", loss)].into()
    }

    fn inputs(&self) -> Inputs {
        let target = Tensor::randint(self.head.ws.size()[0], [self.shape[0]], (Kind::Int64, Device::Cpu));
        named([("xs", Tensor::randn(self.shape, (Kind::Float, Device::Cpu))), ("target", target)])
    }
}
