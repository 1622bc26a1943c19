//! The head: two branches over every level of the pyramid, for classes and for boxes.
use super::norm::{ConvConfig, ConvNorm};
use crate::config::{ModelConfig, ModelType};
use amp_runtime::amp;
use tch::Tensor;
use tch::nn::{self, Init, ModuleT, Path};

/// The head of `RetinaNet` (nine anchors a cell), or of `FCOS` (one point a cell, and its centerness beside the box).
#[derive(Debug)]
pub struct Head {
    cls_convs: Vec<ConvNorm>,
    reg_convs: Vec<ConvNorm>,
    cls: nn::Conv2D,
    reg: nn::Conv2D,
    centerness: Option<Centerness>,
    classes: i64,
}

/// What `FCOS` has more: how far a point is from the middle of its object, and a factor per level of the logarithm of distances,
/// which start at the width of a cell.
#[derive(Debug)]
struct Centerness {
    conv: nn::Conv2D,
    scales: Vec<Tensor>,
}

/// What a head says of `P` priors in each of `N` images, in f32.
#[derive(Debug)]
pub struct Outputs {
    /// `[N, P, classes]`, before the sigmoid.
    pub logits: Tensor,
    /// `[N, P, 4]`, as [`Coder`](super::coder::Coder) codes boxes.
    pub codes: Tensor,
    /// `[N, P]`, before the sigmoid; `FCOS` only.
    pub centerness: Option<Tensor>,
}

impl Head {
    /// A head with random weights; `priors` per cell.
    pub fn new(path: &Path, config: &ModelConfig, classes: i64, priors: i64, levels: usize) -> Self {
        let head = &config.bbox_head;
        let (inputs, width) = (config.neck.out_channels, head.feat_channels);
        // MMDetection's, for heads: `Normal` with a standard deviation of 0.01.
        let init = Init::Randn { mean: 0., stdev: 0.01 };
        let branch = |name: &str| -> Vec<ConvNorm> {
            let conv = |index: usize| {
                let channels = [if index == 0 { inputs } else { width }, width];
                let config =
                    ConvConfig { channels, kernel: 3, stride: 1, norm: head.norm_cfg, init, active: true };
                ConvNorm::new(&(path / name / index), config)
            };
            (0..head.stacked_convs).map(conv).collect()
        };
        let last = |name: &str, outputs, bias| {
            let config = nn::ConvConfig {
                padding: 1,
                ws_init: init,
                bs_init: Init::Const(bias),
                ..nn::ConvConfig::default()
            };
            nn::conv2d(path / name, if head.stacked_convs == 0 { inputs } else { width }, outputs, 3, config)
        };
        // Every prior starts as background with a probability of 0.99 (Lin et al., 2017, section 4.1).
        let background = -f64::ln((1. - 0.01) / 0.01);
        Self {
            cls_convs: branch("cls_convs"),
            reg_convs: branch("reg_convs"),
            cls: last("cls", priors * classes, background),
            reg: last("reg", priors * 4, 0.),
            centerness: (config.kind == ModelType::Fcos).then(|| Centerness {
                conv: last("centerness", 1, 0.),
                scales: (0..levels)
                    .map(|level| (path / "scales" / level).var("scale", &[], Init::Const(1.)))
                    .collect(),
            }),
            classes,
        }
    }

    /// What the head says of every level, one after the other.
    pub fn forward(&self, levels: &[Tensor], train: bool) -> Outputs {
        let mut logits = Vec::new();
        let mut codes = Vec::new();
        let mut centerness = Vec::new();
        for (level, xs) in levels.iter().enumerate() {
            let said = self.level(xs, level, train);
            logits.push(said.0);
            codes.push(said.1);
            centerness.extend(said.2);
        }
        let centerness = (!centerness.is_empty()).then(|| joined(&centerness));
        Outputs { logits: joined(&logits), codes: joined(&codes), centerness }
    }

    #[amp]
    fn level(&self, xs: &Tensor, level: usize, train: bool) -> (Tensor, Tensor, Option<Tensor>) {
        let mut cls = xs.shallow_clone();
        for conv in &self.cls_convs {
            cls = conv.forward_t(&cls, train);
        }
        let mut reg = xs.shallow_clone();
        for conv in &self.reg_convs {
            reg = conv.forward_t(&reg, train);
        }
        let logits = per_prior(&cls.apply(&self.cls), self.classes);
        let codes = per_prior(&reg.apply(&self.reg), 4);
        match &self.centerness {
            None => (logits, codes, None),
            Some(Centerness { conv, scales }) => {
                let centerness = per_prior(&reg.apply(conv), 1).squeeze_dim(-1);
                (logits, (codes * &scales[level]).exp(), Some(centerness))
            }
        }
    }
}

/// What is said of all levels. Sigmoids and losses want f32: one cast, of all levels together.
#[amp(output = full)]
fn joined(levels: &[Tensor]) -> Tensor {
    Tensor::cat(levels, 1)
}

/// `[N, priors * n, H, W]` to `[N, H * W * priors, n]`: without a copy where channels are last in memory.
fn per_prior(xs: &Tensor, n: i64) -> Tensor {
    xs.permute([0, 2, 3, 1]).reshape([xs.size()[0], -1, n])
}
