//! Two recurrent layers of width 256 over 64 tokens, and what they predict of each next one.
use super::{Inputs, Model};
use amp_runtime::prelude::*;
use tch::nn::RNN;
use tch::{Device, Kind, Tensor, nn};

pub(super) const LENGTH: i64 = 64;
const WORDS: i64 = 512;
const WIDTH: i64 = 256;

pub(super) struct Lstm {
    words: nn::Embedding,
    recurrent: nn::LSTM,
    head: nn::Linear,
}

impl Lstm {
    pub(super) fn new(root: &nn::Path) -> Self {
        let config = nn::RNNConfig { num_layers: 2, ..nn::RNNConfig::default() };
        Self {
            words: nn::embedding(root / "words", WORDS, WIDTH, nn::EmbeddingConfig::default()),
            recurrent: nn::lstm(root / "lstm", WIDTH, WIDTH, config),
            head: nn::linear(root / "head", WIDTH, WORDS, nn::LinearConfig::default()),
        }
    }
}

#[amp]
impl Model for Lstm {
    fn loss(&self, inputs: &Inputs) -> Tensor {
        let (h, _) = self.recurrent.seq(&inputs["tokens"].apply(&self.words));
        let logits = h.apply(&self.head);
        logits.view([-1, WORDS]).cross_entropy_for_logits(&inputs["target"].view([-1]))
    }
}

pub(super) fn inputs(batch: i64) -> [(&'static str, Tensor); 2] {
    let tokens = || Tensor::randint(WORDS, [batch, LENGTH], (Kind::Int64, Device::Cpu));
    [("tokens", tokens()), ("target", tokens())]
}
