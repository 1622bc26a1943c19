//! The norm after a convolution, as `norm_cfg` says, and the two in one.
use crate::config::{NormCfg, NormType};
use amp_runtime::amp;
use tch::nn::{self, Init, Path};
use tch::{Tensor, nn::ModuleT};

/// A norm over the channels of `[N, C, H, W]`.
#[derive(Debug)]
pub(super) enum Norm {
    Batch(nn::BatchNorm),
    Group(GroupNorm),
}

/// Group normalization (Wu and He, 2018), which tch has no layer of.
#[derive(Debug)]
pub(super) struct GroupNorm {
    groups: i64,
    weight: Tensor,
    bias: Tensor,
}

impl Norm {
    /// `scale` is the weight that each channel starts with.
    pub(super) fn new(path: &Path, channels: i64, config: NormCfg, scale: f64) -> Self {
        match config.kind {
            NormType::Bn => {
                let config = nn::BatchNormConfig { ws_init: Init::Const(scale), ..Default::default() };
                Self::Batch(nn::batch_norm2d(path, channels, config))
            }
            NormType::Gn => Self::Group(GroupNorm {
                groups: config.num_groups,
                weight: path.var("weight", &[channels], Init::Const(scale)),
                bias: path.var("bias", &[channels], Init::Const(0.)),
            }),
        }
    }
}

#[amp]
impl ModuleT for Norm {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        match self {
            Self::Batch(norm) => xs.apply_t(norm, train),
            Self::Group(GroupNorm { groups, weight, bias }) => {
                xs.group_norm(*groups, Some(weight), Some(bias), 1e-5, true)
            }
        }
    }
}

/// A convolution, its norm if it has one, and a `relu` if `active`.
#[derive(Debug)]
pub(super) struct ConvNorm {
    conv: nn::Conv2D,
    norm: Option<Norm>,
    active: bool,
}

/// What a [`ConvNorm`] is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConvConfig {
    /// Of input and output.
    pub(super) channels: [i64; 2],
    pub(super) kernel: i64,
    pub(super) stride: i64,
    pub(super) norm: Option<NormCfg>,
    pub(super) init: Init,
    pub(super) active: bool,
}

impl ConvNorm {
    /// A square convolution, padded so that its output is `stride` times smaller; without a norm it has a bias.
    pub(super) fn new(path: &Path, config: ConvConfig) -> Self {
        let ConvConfig { channels: [inputs, outputs], kernel, stride, norm, init, active } = config;
        let config = nn::ConvConfig {
            stride,
            padding: kernel / 2,
            bias: norm.is_none(),
            ws_init: init,
            bs_init: Init::Const(0.),
            ..Default::default()
        };
        let conv = nn::conv2d(path / "conv", inputs, outputs, kernel, config);
        let norm = norm.map(|norm| Norm::new(&(path / "norm"), outputs, norm, 1.));
        Self { conv, norm, active }
    }
}

#[amp]
impl ModuleT for ConvNorm {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        let mut ys = xs.apply(&self.conv);
        if let Some(norm) = &self.norm {
            ys = ys.apply_t(norm, train);
        }
        if self.active { ys.relu_() } else { ys }
    }
}
