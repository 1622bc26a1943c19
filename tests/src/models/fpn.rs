//! A feature pyramid with one head over its three levels, focal and smooth L1 losses.
use super::{Inputs, Model, Outputs, Size, named};
use amp_runtime::prelude::*;
use tch::{Device, Kind, Reduction, Tensor, nn};

pub(super) struct Fpn {
    stages: [nn::Conv2D; 3],
    laterals: [nn::Conv2D; 3],
    outputs: [nn::Conv2D; 3],
    head: Head,
    shape: [i64; 4],
}

struct Head {
    tower: nn::Conv2D,
    norm: nn::GroupNorm,
    classes: nn::Conv2D,
    boxes: nn::Conv2D,
}

fn conv(path: nn::Path, inputs: i64, outputs: i64, kernel: i64, stride: i64) -> nn::Conv2D {
    let config = nn::ConvConfig { stride, padding: kernel / 2, ..nn::ConvConfig::default() };
    nn::conv2d(path, inputs, outputs, kernel, config)
}

#[amp]
fn upsample(xs: &Tensor) -> Tensor {
    let size = xs.size();
    xs.upsample_nearest2d([2 * size[2], 2 * size[3]], None, None)
}

/// `[batch, places, channels]`
fn flat(xs: &Tensor) -> Tensor {
    xs.flatten(2, -1).transpose(1, 2)
}

impl Head {
    #[amp]
    fn forward(&self, xs: &Tensor) -> (Tensor, Tensor) {
        let h = xs.apply(&self.tower).apply(&self.norm).relu();
        (flat(&h.apply(&self.classes)), flat(&h.apply(&self.boxes)))
    }
}

/// Focal loss of `logits`, where `positive` is 0 or 1 at each.
#[amp]
fn focal(logits: &Tensor, positive: &Tensor) -> Tensor {
    #[amp(full)]
    {
        let none: Option<&Tensor> = None;
        let entropy = logits.binary_cross_entropy_with_logits(positive, none, none, Reduction::None);
        let chance = logits.sigmoid();
        let (negative, failure): (Tensor, Tensor) = (1. - positive, 1. - &chance);
        let missed: Tensor = chance * &negative + failure * positive;
        let weight: Tensor = 0.25 * positive + 0.75 * negative;
        (entropy * missed.pow_tensor_scalar(2.) * weight).mean(None)
    }
}

impl Fpn {
    pub(super) fn new(root: &nn::Path, size: Size) -> Self {
        let (batch, side, width, classes) = match size {
            Size::Test => (2, 16, 8, 3),
            Size::Bench => (4, 64, 32, 8),
        };
        let head = root / "head";
        let stage = |i, inputs| conv(root / format!("stage{i}"), inputs, width, 3, 2);
        let lateral = |i| conv(root / format!("lateral{i}"), width, width, 1, 1);
        let output = |i| conv(root / format!("output{i}"), width, width, 3, 1);
        Self {
            stages: [stage(1, 3), stage(2, width), stage(3, width)],
            laterals: [lateral(1), lateral(2), lateral(3)],
            outputs: [output(1), output(2), output(3)],
            head: Head {
                tower: conv(&head / "tower", width, width, 3, 1),
                norm: nn::group_norm(&head / "norm", 4, width, nn::GroupNormConfig::default()),
                classes: conv(&head / "classes", width, classes, 3, 1),
                boxes: conv(&head / "boxes", width, 4, 3, 1),
            },
            shape: [batch, 3, side, side],
        }
    }

    #[amp]
    fn pyramid(&self, xs: &Tensor) -> [Tensor; 3] {
        let c1 = xs.apply(&self.stages[0]).relu();
        let c2 = c1.apply(&self.stages[1]).relu();
        let c3 = c2.apply(&self.stages[2]).relu();
        let t3 = c3.apply(&self.laterals[2]);
        let t2 = c2.apply(&self.laterals[1]) + upsample(&t3);
        let t1 = c1.apply(&self.laterals[0]) + upsample(&t2);
        [t1.apply(&self.outputs[0]), t2.apply(&self.outputs[1]), t3.apply(&self.outputs[2])]
    }

    #[amp]
    fn forward(&self, xs: &Tensor) -> (Tensor, Tensor) {
        let levels = self.pyramid(xs);
        let (classes, boxes): (Vec<_>, Vec<_>) = levels.iter().map(|level| self.head.forward(level)).unzip();
        (Tensor::cat(&classes, 1), Tensor::cat(&boxes, 1))
    }

    #[amp]
    fn forward_and_loss(&self, xs: &Tensor, positive: &Tensor, wanted: &Tensor) -> (Tensor, Tensor, Tensor) {
        let (classes, boxes) = self.forward(xs);
        let loss = focal(&classes, positive) + boxes.smooth_l1_loss(wanted, Reduction::Mean, 1.);
        (classes, boxes, loss)
    }
}

impl Model for Fpn {
    fn run(&self, inputs: &Inputs) -> Outputs {
        let (classes, boxes, loss) =
            self.forward_and_loss(&inputs["xs"], &inputs["positive"], &inputs["boxes"]);
        [("classes", classes), ("boxes", boxes), ("loss", loss)].into()
    }

    fn inputs(&self) -> Inputs {
        let [batch, _, side, _] = self.shape;
        let places = (1..=3).map(|level| (side >> level) * (side >> level)).sum::<i64>();
        let random = |width| Tensor::rand([batch, places, width], (Kind::Float, Device::Cpu));
        let positive = random(self.head.classes.ws.size()[0]).lt(0.1).to_kind(Kind::Float);
        let xs = Tensor::randn(self.shape, (Kind::Float, Device::Cpu));
        named([("xs", xs), ("positive", positive), ("boxes", random(4))])
    }
}
