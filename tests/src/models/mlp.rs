//! Two hidden layers; the last weight is used through a view, as in code from before `nn::linear`.
use super::{Inputs, Model, Outputs, Size, named};
use amp_runtime::prelude::*;
use tch::{Device, Kind, Reduction, Tensor, nn};

pub(super) struct Mlp {
    l1: nn::Linear,
    l2: nn::Linear,
    head: Tensor,
    batch: i64,
}

impl Mlp {
    pub(super) fn new(root: &nn::Path, size: Size) -> Self {
        let (batch, inputs, hidden, outputs) = match size {
            Size::Test => (12, 10, 24, 6),
            Size::Bench => (256, 256, 512, 64),
        };
        Self {
            l1: nn::linear(root / "l1", inputs, hidden, nn::LinearConfig::default()),
            l2: nn::linear(root / "l2", hidden, hidden, nn::LinearConfig::default()),
            head: root.var("head", &[outputs, hidden], nn::init::DEFAULT_KAIMING_UNIFORM),
            batch,
        }
    }

    #[amp]
    fn forward(&self, xs: &Tensor) -> Tensor {
        let h = xs.apply(&self.l1).relu();
        let h = h.apply(&self.l2).relu();
        h.matmul(&self.head.tr())
    }

    #[amp]
    fn forward_and_loss(&self, xs: &Tensor, target: &Tensor) -> (Tensor, Tensor) {
        let ys = self.forward(xs);
        let loss = ys.mse_loss(target, Reduction::Mean);
        (ys, loss)
    }
}

impl Model for Mlp {
    fn run(&self, inputs: &Inputs) -> Outputs {
        let (ys, loss) = self.forward_and_loss(&inputs["xs"], &inputs["target"]);
        [("ys", ys), ("loss", loss)].into()
    }

    fn inputs(&self) -> Inputs {
        let random = |width| Tensor::randn([self.batch, width], (Kind::Float, Device::Cpu));
        named([("xs", random(self.l1.ws.size()[1])), ("target", random(self.head.size()[0]))])
    }
}
