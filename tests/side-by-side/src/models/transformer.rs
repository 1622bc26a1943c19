//! A causal language model: four pre-norm blocks of width 256 over 128 tokens, their embeddings tied to the output.
use super::{Inputs, Model};
use amp_runtime::prelude::*;
use tch::{Device, Kind, Tensor, nn};

pub(super) const LENGTH: i64 = 128;
const WIDTH: i64 = 256;
const HEADS: i64 = 4;
const WORDS: i64 = 1024;

pub(super) struct Transformer {
    words: nn::Embedding,
    places: Tensor,
    blocks: Vec<Block>,
    norm: nn::LayerNorm,
}

struct Block {
    norm1: nn::LayerNorm,
    qkv: nn::Linear,
    out: nn::Linear,
    norm2: nn::LayerNorm,
    up: nn::Linear,
    down: nn::Linear,
}

impl Transformer {
    pub(super) fn new(root: &nn::Path) -> Self {
        let small = nn::Init::Randn { mean: 0., stdev: 0.02 };
        let embedding = nn::EmbeddingConfig { ws_init: small, ..Default::default() };
        Self {
            words: nn::embedding(root / "words", WORDS, WIDTH, embedding),
            places: root.var("places", &[LENGTH, WIDTH], small),
            blocks: (0..4).map(|index| Block::new(&(root / "blocks" / index))).collect(),
            norm: norm(root / "norm"),
        }
    }
}

fn norm(path: nn::Path) -> nn::LayerNorm {
    nn::layer_norm(path, vec![WIDTH], nn::LayerNormConfig::default())
}

#[amp]
impl Block {
    fn new(path: &nn::Path) -> Self {
        let linear = |name, from, to| nn::linear(path / name, from, to, nn::LinearConfig::default());
        Self {
            norm1: norm(path / "norm1"),
            qkv: linear("qkv", WIDTH, 3 * WIDTH),
            out: linear("out", WIDTH, WIDTH),
            norm2: norm(path / "norm2"),
            up: linear("up", WIDTH, 4 * WIDTH),
            down: linear("down", 4 * WIDTH, WIDTH),
        }
    }

    fn attention(&self, xs: &Tensor) -> Tensor {
        let batch = xs.size()[0];
        let heads = [batch, LENGTH, 3, HEADS, WIDTH / HEADS];
        let qkv = xs.apply(&self.qkv).view(heads).permute([2, 0, 3, 1, 4]).unbind(0);
        let (q, k, v) = (&qkv[0], &qkv[1], &qkv[2]);
        let mask: Option<&Tensor> = None;
        let mixed = Tensor::scaled_dot_product_attention(q, k, v, mask, 0., true, None, false);
        mixed.transpose(1, 2).reshape([batch, LENGTH, WIDTH]).apply(&self.out)
    }

    fn forward(&self, xs: &Tensor) -> Tensor {
        let xs = xs + self.attention(&xs.apply(&self.norm1));
        let h = xs.apply(&self.norm2).apply(&self.up).gelu("none").apply(&self.down);
        xs + h
    }
}

#[amp]
impl Model for Transformer {
    fn loss(&self, inputs: &Inputs) -> Tensor {
        let mut xs = inputs["tokens"].apply(&self.words) + &self.places;
        for block in &self.blocks {
            xs = block.forward(&xs);
        }
        let logits = xs.apply(&self.norm).matmul(&self.words.ws.tr());
        logits.view([-1, WORDS]).cross_entropy_for_logits(&inputs["target"].view([-1]))
    }
}

pub(super) fn inputs(batch: i64) -> [(&'static str, Tensor); 2] {
    let tokens = || Tensor::randint(WORDS, [batch, LENGTH], (Kind::Int64, Device::Cpu));
    [("tokens", tokens()), ("target", tokens())]
}
