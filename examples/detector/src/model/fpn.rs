//! The neck: a feature pyramid (Lin et al., 2017), of five levels.
use super::norm::{ConvConfig, ConvNorm};
use crate::config::NeckConfig;
use amp_runtime::amp;
use tch::Tensor;
use tch::nn::{Init, ModuleT, Path};

/// Three feature maps, 8, 16 and 32 times smaller than the image, to five of the same channels, 8 to 128 times smaller.
#[derive(Debug)]
pub struct Fpn {
    lateral: Vec<ConvNorm>,
    output: Vec<ConvNorm>,
    extra: [ConvNorm; 2],
    extra_from: ExtraFrom,
}

/// What the two coarsest levels are made from (MMDetection's `add_extra_convs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtraFrom {
    /// The backbone's last output (`on_input`; `RetinaNet`).
    Input,
    /// The pyramid's last level, after a `relu` (`on_output`; `FCOS`).
    Output,
}

impl Fpn {
    /// A pyramid with random weights over feature maps of `inputs` channels.
    pub fn new(path: &Path, inputs: [i64; 3], config: &NeckConfig, extra_from: ExtraFrom) -> Self {
        let channels = config.out_channels;
        let conv = |name: &str, index: usize, inputs, kernel, stride| {
            let config = ConvConfig {
                channels: [inputs, channels],
                kernel,
                stride,
                norm: config.norm_cfg,
                init: xavier_uniform(inputs, channels, kernel),
                active: false,
            };
            ConvNorm::new(&(path / name / index), config)
        };
        let lateral = (0..).zip(inputs).map(|(index, inputs)| conv("lateral_convs", index, inputs, 1, 1));
        let output = (0..inputs.len()).map(|index| conv("fpn_convs", index, channels, 3, 1));
        let first = if extra_from == ExtraFrom::Input { inputs[2] } else { channels };
        let extra = [conv("fpn_convs", 3, first, 3, 2), conv("fpn_convs", 4, channels, 3, 2)];
        Self { lateral: lateral.collect(), output: output.collect(), extra, extra_from }
    }

    /// The five levels, the finest first.
    // The nearest neighbour is a copy, which low precision does exactly.
    #[amp(low(upsample_nearest2d))]
    pub fn forward(&self, features: &[Tensor], train: bool) -> Vec<Tensor> {
        let mut merged: Vec<Tensor> =
            features.iter().zip(&self.lateral).map(|(xs, conv)| conv.forward_t(xs, train)).collect();
        for level in (1..merged.len()).rev() {
            let (_, _, height, width) = merged[level - 1].size4().unwrap_or_default();
            let from_above = merged[level].upsample_nearest2d([height, width], None, None);
            merged[level - 1] = &merged[level - 1] + from_above;
        }
        let mut levels: Vec<Tensor> =
            merged.iter().zip(&self.output).map(|(xs, conv)| conv.forward_t(xs, train)).collect();
        let above = match self.extra_from {
            ExtraFrom::Input => self.extra[0].forward_t(&features[features.len() - 1], train),
            ExtraFrom::Output => self.extra[0].forward_t(&levels[levels.len() - 1].relu(), train),
        };
        let top = match self.extra_from {
            ExtraFrom::Input => self.extra[1].forward_t(&above, train),
            ExtraFrom::Output => self.extra[1].forward_t(&above.relu(), train),
        };
        levels.extend([above, top]);
        levels
    }
}

/// Glorot and Bengio's bounds (`torch.nn.init.xavier_uniform_`).
pub(super) fn xavier_uniform(inputs: i64, outputs: i64, kernel: i64) -> Init {
    #[allow(clippy::cast_precision_loss)] // a few thousand
    let fan = ((inputs + outputs) * kernel * kernel) as f64;
    let bound = (6. / fan).sqrt();
    Init::Uniform { lo: -bound, up: bound }
}
