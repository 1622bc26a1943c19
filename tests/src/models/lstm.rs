//! Two recurrent layers; the input feeds them and a linear shortcut.
use super::{Inputs, Model, Outputs, Size, named};
use amp_runtime::prelude::*;
use tch::nn::RNN;
use tch::{Device, Kind, Reduction, Tensor, nn};

pub(super) struct Lstm {
    recurrent: nn::LSTM,
    head: nn::Linear,
    shortcut: nn::Linear,
    batch: i64,
    length: i64,
}

impl Lstm {
    pub(super) fn new(root: &nn::Path, size: Size) -> Self {
        let (batch, length, inputs, hidden, outputs) = match size {
            Size::Test => (8, 6, 5, 12, 3),
            Size::Bench => (32, 32, 64, 128, 16),
        };
        let config = nn::RNNConfig { num_layers: 2, ..nn::RNNConfig::default() };
        Self {
            recurrent: nn::lstm(root / "lstm", inputs, hidden, config),
            head: nn::linear(root / "head", hidden, outputs, nn::LinearConfig::default()),
            shortcut: nn::linear(root / "shortcut", inputs, outputs, nn::LinearConfig::default()),
            batch,
            length,
        }
    }

    #[amp]
    fn forward(&self, xs: &Tensor) -> Tensor {
        let (h, _) = self.recurrent.seq(xs);
        h.apply(&self.head) + xs.apply(&self.shortcut)
    }

    #[amp]
    fn forward_and_loss(&self, xs: &Tensor, target: &Tensor) -> (Tensor, Tensor) {
        let ys = self.forward(xs);
        let loss = ys.smooth_l1_loss(target, Reduction::Mean, 1.);
        (ys, loss)
    }
}

impl Model for Lstm {
    fn run(&self, inputs: &Inputs) -> Outputs {
        let (ys, loss) = self.forward_and_loss(&inputs["xs"], &inputs["target"]);
        [("ys", ys), ("loss", loss)].into()
    }

    fn inputs(&self) -> Inputs {
        let random = |width| Tensor::randn([self.batch, self.length, width], (Kind::Float, Device::Cpu));
        let size = self.shortcut.ws.size();
        named([("xs", random(size[1])), ("target", random(size[0]))])
    }
}
