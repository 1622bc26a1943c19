//! Models as people write them: layers, attention, recurrence, an autoencoder, a small U-net, normalisations by hand.
use amp_runtime::prelude::amp;
use tch::nn::{self, Module, ModuleT, RNN};
use tch::{Kind, Reduction, Tensor};

#[derive(Debug)]
pub struct ConvNet {
    first: nn::Conv2D,
    norm: nn::BatchNorm,
    second: nn::Conv2D,
    shortcut: Option<nn::Conv2D>,
    head: nn::Linear,
}

#[amp]
impl ConvNet {
    pub fn new(vs: &nn::Path, shortcut: bool) -> Self {
        let padded = nn::ConvConfig { padding: 1, ..Default::default() };
        Self {
            first: nn::conv2d(vs / "first", 3, 4, 3, padded),
            norm: nn::batch_norm2d(vs / "norm", 4, Default::default()),
            second: nn::conv2d(vs / "second", 4, 4, 3, padded),
            shortcut: shortcut.then(|| nn::conv2d(vs / "shortcut", 4, 4, 1, Default::default())),
            head: nn::linear(vs / "head", 4 * 3 * 3, 5, Default::default()),
        }
    }
}

#[amp]
impl ModuleT for ConvNet {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        let h = xs.apply(&self.first).apply_t(&self.norm, train).relu();
        let h = (h.apply(&self.second) + h.apply_opt(&self.shortcut)).relu();
        h.max_pool2d_default(2).flat_view().dropout(0.2, train).apply(&self.head)
    }
}

#[derive(Debug)]
pub struct Attention {
    qkv: nn::Linear,
    out: nn::Linear,
    mask: Tensor,
    heads: i64,
}

impl Attention {
    pub fn new(vs: &nn::Path, dim: i64, heads: i64, length: i64) -> Self {
        let mask = Tensor::ones([length, length], (Kind::Float, tch::Device::Cpu)).tril(0);
        Self {
            qkv: nn::linear(vs / "qkv", dim, 3 * dim, Default::default()),
            out: nn::linear(vs / "out", dim, dim, Default::default()),
            mask: mask.view((1, 1, length, length)),
            heads,
        }
    }
}

#[amp]
impl Module for Attention {
    fn forward(&self, xs: &Tensor) -> Tensor {
        let (batch, length, dim) = xs.size3().unwrap();
        let split = |t: &Tensor| t.view((batch, length, self.heads, dim / self.heads)).transpose(1, 2);
        let qkv = xs.apply(&self.qkv).chunk(3, -1);
        let (q, k, v) = (split(&qkv[0]), split(&qkv[1]), split(&qkv[2]));
        let scores = q.matmul(&k.transpose(-2, -1)) * (1.0 / f64::sqrt((dim / self.heads) as f64));
        let scores = scores.masked_fill(&self.mask.eq(0.), f64::NEG_INFINITY);
        let h = scores.softmax(-1, Kind::Float).matmul(&v);
        h.transpose(1, 2).contiguous().view([batch, length, dim]).apply(&self.out)
    }
}

#[derive(Debug)]
pub struct Block {
    norm: nn::LayerNorm,
    attention: Attention,
    mlp: nn::Sequential,
}

impl Block {
    pub fn new(vs: &nn::Path, dim: i64) -> Self {
        let mlp = nn::seq()
            .add(nn::linear(vs / "up", dim, 2 * dim, Default::default()))
            .add_fn(|xs| xs.gelu("none"))
            .add(nn::linear(vs / "down", 2 * dim, dim, Default::default()));
        Self {
            norm: nn::layer_norm(vs / "norm", vec![dim], Default::default()),
            attention: Attention::new(&(vs / "attention"), dim, 2, 5),
            mlp,
        }
    }
}

impl ModuleT for Block {
    #[amp]
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        let xs = xs + xs.apply(&self.norm).apply(&self.attention).dropout(0.1, train);
        let h = self.mlp.forward(&self.norm.forward(&xs));
        xs + h.dropout(0.1, train)
    }
}

#[amp]
pub fn language_model(vs: &nn::Path, blocks: &[Block], tokens: &Tensor, targets: &Tensor) -> (Tensor, Tensor) {
    let table = nn::embedding(vs / "tokens", 11, 8, Default::default());
    let positions = (vs / "positions").var("positions", &[1, 5, 8], nn::Init::Const(0.1));
    let mut h = tokens.apply(&table) + &positions;
    for block in blocks {
        h = h.apply_t(block, false);
    }
    let logits = h.matmul(&table.ws.tr());
    let loss = logits.view([-1, 11]).cross_entropy_for_logits(&targets.view([-1]));
    (logits, loss)
}

#[amp]
pub fn recurrent(lstm: &nn::LSTM, gru: &nn::GRU, head: &nn::Linear, xs: &Tensor) -> Tensor {
    let (out, state) = lstm.seq(xs);
    let mut hidden = gru.zero_state(xs.size()[0]);
    let mut outputs = vec![];
    for t in 0..xs.size()[1] {
        let input = xs.select(1, t);
        hidden = gru.step(&input, &hidden);
        outputs.push(hidden.value().squeeze_dim(0).apply(head));
    }
    let steps = Tensor::stack(&outputs, 1);
    out.apply(head).log_softmax(-1, Kind::Float) + steps + state.h().sum(Kind::Float)
}

#[derive(Debug)]
pub struct Autoencoder {
    encode: nn::Linear,
    mean: nn::Linear,
    log_var: nn::Linear,
    decode: nn::Linear,
}

#[amp]
impl Autoencoder {
    pub fn new(vs: &nn::Path) -> Self {
        Self {
            encode: nn::linear(vs / "encode", 6, 8, Default::default()),
            mean: nn::linear(vs / "mean", 8, 2, Default::default()),
            log_var: nn::linear(vs / "log_var", 8, 2, Default::default()),
            decode: nn::linear(vs / "decode", 2, 6, Default::default()),
        }
    }

    fn encoded(&self, xs: &Tensor) -> (Tensor, Tensor) {
        let h = xs.apply(&self.encode).relu();
        (h.apply(&self.mean), self.log_var.forward(&h))
    }

    pub fn forward(&self, xs: &Tensor) -> (Tensor, Tensor) {
        let (mean, log_var) = self.encoded(xs);
        let std = (&log_var * 0.5).exp();
        let z = &mean + std.randn_like() * &std;
        let reconstructed = z.apply(&self.decode);
        let target = xs.sigmoid();
        let error = reconstructed.binary_cross_entropy_with_logits::<Tensor>(&target, None, None, Reduction::Sum);
        let divergence = -0.5 * (1i64 + &log_var - mean.pow_tensor_scalar(2) - log_var.exp()).sum(Kind::Float);
        (reconstructed.sigmoid(), error + divergence)
    }
}

#[amp]
pub fn u_net(vs: &nn::Path, xs: &Tensor) -> Tensor {
    let padded = nn::ConvConfig { padding: 1, ..Default::default() };
    let down = nn::conv2d(vs / "down", 3, 4, 3, padded);
    let middle = nn::conv2d(vs / "middle", 4, 4, 3, padded);
    let up = nn::conv_transpose2d(vs / "up", 4, 4, 2, nn::ConvTransposeConfig { stride: 2, ..Default::default() });
    let norm = nn::group_norm(vs / "norm", 2, 4, Default::default());
    let last = nn::conv2d(vs / "last", 8, 1, 1, Default::default());
    let skip = down.forward(xs).apply(&norm).silu();
    let deep = skip.avg_pool2d_default(2).apply(&middle).relu();
    let back = up.forward(&deep);
    let resized = deep.upsample_nearest2d([6, 6], None, None);
    Tensor::cat(&[&skip, &(back + resized)], 1).apply(&last).sigmoid()
}

#[amp]
pub fn norms_by_hand(xs: &Tensor, w: &Tensor, gain: &Tensor) -> Tensor {
    let h = xs.matmul(w);
    let mean = h.mean_dim([-1i64].as_slice(), true, Kind::Float);
    let variance = (&h - &mean).square().mean_dim([-1i64].as_slice(), true, Kind::Float);
    let layer = (&h - mean) / (variance + 1e-5).sqrt() * gain;
    let rms = (h.square().mean_dim([-1i64].as_slice(), true, Kind::Float) + 1e-5).rsqrt();
    let unit = &h / h.norm_scalaropt_dim(2, [-1], true);
    layer + &h * rms + unit
}

#[amp]
pub fn rotary(xs: &Tensor, w: &Tensor) -> Tensor {
    let q = xs.matmul(w);
    let (length, dim) = q.size2().unwrap();
    let options = (Kind::Float, q.device());
    let frequencies = (Tensor::arange(dim / 2, options) * (-(10000f64.ln()) * 2. / dim as f64)).exp();
    let angles = Tensor::arange(length, options).outer(&frequencies);
    let (cos, sin) = (angles.cos(), angles.sin());
    let halves = q.chunk(2, -1);
    let [a, b] = halves.as_slice() else { unreachable!() };
    Tensor::cat(&[a * &cos - b * &sin, a * &sin + b * &cos], -1)
}

#[amp]
pub fn focal_loss(xs: &Tensor, w: &Tensor, targets: &Tensor) -> Tensor {
    let logits = xs.matmul(w);
    let p = logits.sigmoid();
    let target = targets.onehot(4);
    let cross = logits.binary_cross_entropy_with_logits::<Tensor>(&target, None, None, Reduction::None);
    let p_t = &p * &target + (1. - &p) * (1. - &target);
    let alpha_t: Tensor = 0.25 * &target + 0.75 * (1. - target);
    let focus: Tensor = 1. - p_t;
    (alpha_t * focus.pow_tensor_scalar(2.) * cross).sum(Kind::Float) / logits.size()[0] as f64
}

#[amp]
pub fn contrastive(images: &Tensor, texts: &Tensor, temperature: &Tensor) -> Tensor {
    let images = images / images.norm_scalaropt_dim(2, [1], true);
    let texts = texts / texts.norm_scalaropt_dim(2, [1], true);
    let logits = images.matmul(&texts.tr()) * temperature.exp();
    let labels = Tensor::arange(logits.size()[0], (Kind::Int64, logits.device()));
    let both = logits.cross_entropy_for_logits(&labels) + logits.tr().cross_entropy_for_logits(&labels);
    both / 2. + logits.logsumexp([1], false).mean(Kind::Float)
}

#[amp]
pub fn squeeze_and_excite(vs: &nn::Path, xs: &Tensor) -> Tensor {
    let reduce = nn::conv2d(vs / "reduce", 4, 2, 1, Default::default());
    let expand = nn::conv2d(vs / "expand", 2, 4, 1, Default::default());
    let depth = nn::ConvConfig { groups: 4, padding: 1, bias: false, ..Default::default() };
    let depth_wise = nn::conv2d(vs / "depth", 4, 4, 3, depth);
    let scale = xs.adaptive_avg_pool2d([1, 1]).apply(&reduce).silu().apply(&expand).sigmoid();
    xs.apply(&depth_wise) * scale
}
