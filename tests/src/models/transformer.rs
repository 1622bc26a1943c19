//! A causal pre-norm block, run twice with the same weights; embeddings tied to the output through a view.
use super::{Inputs, Model, Outputs, Size, named};
use amp_runtime::prelude::*;
use tch::{Device, Kind, Tensor, nn};

pub(super) struct Transformer {
    words: nn::Embedding,
    places: Tensor,
    norm1: nn::LayerNorm,
    query: nn::Linear,
    key: nn::Linear,
    value: nn::Linear,
    out: nn::Linear,
    norm2: nn::LayerNorm,
    up: Tensor,
    down: Tensor,
    last_norm: nn::LayerNorm,
    batch: i64,
    heads: i64,
    scale: f64,
}

impl Transformer {
    pub(super) fn new(root: &nn::Path, size: Size) -> Self {
        let (batch, length, head, heads, words) = match size {
            Size::Test => (3, 7, 8_i32, 2, 11),
            Size::Bench => (8, 64, 32, 4, 256),
        };
        let width = heads * i64::from(head);
        let linear = |name| nn::linear(root / name, width, width, nn::LinearConfig::default());
        let norm = |name| nn::layer_norm(root / name, vec![width], nn::LayerNormConfig::default());
        let weight = |name, size: [i64; 2]| root.var(name, &size, nn::init::DEFAULT_KAIMING_UNIFORM);
        Self {
            words: nn::embedding(root / "words", words, width, nn::EmbeddingConfig::default()),
            places: weight("places", [length, width]),
            norm1: norm("norm1"),
            query: linear("query"),
            key: linear("key"),
            value: linear("value"),
            out: linear("out"),
            norm2: norm("norm2"),
            up: weight("up", [2 * width, width]),
            down: weight("down", [width, 2 * width]),
            last_norm: norm("last_norm"),
            batch,
            heads,
            scale: 1. / f64::from(head).sqrt(),
        }
    }

    /// `[batch, heads, length, width of a head]`
    fn heads(&self, xs: &Tensor) -> Tensor {
        let (batch, length, width) = xs.size3().expect("three dimensions");
        xs.view([batch, length, self.heads, width / self.heads]).transpose(1, 2)
    }

    #[amp]
    fn attention(&self, xs: &Tensor, future: &Tensor) -> Tensor {
        let (q, k, v) = (xs.apply(&self.query), xs.apply(&self.key), xs.apply(&self.value));
        let (q, k, v) = (self.heads(&q), self.heads(&k), self.heads(&v));
        let scores = q.matmul(&k.transpose(-2, -1)) * self.scale;
        let weights = scores.masked_fill(future, f64::NEG_INFINITY).softmax(-1, None);
        weights.matmul(&v).transpose(1, 2).reshape(xs.size()).apply(&self.out)
    }

    #[amp]
    fn block(&self, xs: &Tensor, future: &Tensor) -> Tensor {
        let xs = xs + self.attention(&xs.apply(&self.norm1), future);
        let h = xs.apply(&self.norm2);
        &xs + h.matmul(&self.up.tr()).gelu("none").matmul(&self.down.tr())
    }

    #[amp]
    fn forward(&self, tokens: &Tensor) -> Tensor {
        let length = tokens.size()[1];
        let future = Tensor::ones([length, length], (Kind::Bool, tokens.device())).triu(1);
        let mut xs = tokens.apply(&self.words) + &self.places;
        for _ in 0..2 {
            xs = self.block(&xs, &future);
        }
        xs.apply(&self.last_norm).matmul(&self.words.ws.tr())
    }

    #[amp]
    fn forward_and_loss(&self, tokens: &Tensor, target: &Tensor) -> (Tensor, Tensor) {
        let ys = self.forward(tokens);
        let loss = ys.flatten(0, 1).cross_entropy_for_logits(&target.flatten(0, 1));
        (ys, loss)
    }
}

impl Model for Transformer {
    fn run(&self, inputs: &Inputs) -> Outputs {
        let (ys, loss) = self.forward_and_loss(&inputs["tokens"], &inputs["target"]);
        [("ys", ys), ("loss", loss)].into()
    }

    fn inputs(&self) -> Inputs {
        let (words, length) = (self.words.ws.size()[0], self.places.size()[0]);
        let random = || Tensor::randint(words, [self.batch, length], (Kind::Int64, Device::Cpu));
        named([("tokens", random()), ("target", random())])
    }
}
