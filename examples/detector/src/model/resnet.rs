//! The backbone: `ResNet` (He et al., 2015) with the names of torchvision's weights.
use super::norm::Norm;
use crate::config::{BackboneConfig, NormCfg};
use amp_runtime::amp;
use tch::Tensor;
use tch::nn::init::{FanInOut, NonLinearity, NormalOrUniform};
use tch::nn::{self, Init, ModuleT, Path};

/// `[N, 3, H, W]` to the outputs of the last three stages, 8, 16 and 32 times smaller.
#[derive(Debug)]
pub struct ResNet {
    conv1: nn::Conv2D,
    bn1: Norm,
    stages: Vec<Vec<Block>>,
    frozen: usize,
    norm_eval: bool,
}

/// Two 3x3 convolutions, or in a bottleneck 1x1, 3x3, 1x1, and the way around them.
#[derive(Debug)]
struct Block {
    convs: Vec<(nn::Conv2D, Norm)>,
    downsample: Option<(nn::Conv2D, Norm)>,
}

impl ResNet {
    /// A backbone with random weights.
    ///
    /// Depths other than 34, 50 and 101 are built as 18; the configuration refuses them.
    pub fn new(path: &Path, config: &BackboneConfig) -> Self {
        let (blocks, bottleneck) = match config.depth {
            101 => ([3, 4, 23, 3], true),
            50 => ([3, 4, 6, 3], true),
            34 => ([3, 4, 6, 3], false),
            _ => ([2, 2, 2, 2], false),
        };
        let norm = config.norm_cfg;
        let conv1 = conv(&(path / "conv1"), [3, 64], 7, 2);
        let bn1 = Norm::new(&(path / "bn1"), 64, norm, 1.);
        let mut inputs = 64;
        let stages = (0..4).map(|stage| {
            let path = path / format!("layer{}", stage + 1);
            let width = 64 << stage;
            let block = |index| {
                let stride = if index == 0 && stage > 0 { 2 } else { 1 };
                let block = Block::new(&(&path / index), inputs, width, stride, bottleneck, norm);
                inputs = width * if bottleneck { 4 } else { 1 };
                block
            };
            (0..blocks[stage]).map(block).collect()
        });
        let stages = stages.collect();
        let frozen = usize::try_from(config.frozen_stages + 1).unwrap_or(0);
        Self { conv1, bn1, stages, frozen, norm_eval: config.norm_eval }
    }

    /// Channels of the three outputs.
    pub fn out_channels(config: &BackboneConfig) -> [i64; 3] {
        if config.depth >= 50 { [512, 1024, 2048] } else { [128, 256, 512] }
    }

    /// Whether the variable called `name` below the backbone belongs to the frozen stages.
    pub fn is_frozen(config: &BackboneConfig, name: &str) -> bool {
        let part = name.split('.').next().unwrap_or_default();
        let stage = part.strip_prefix("layer").map_or(Some(0), |stage| stage.parse().ok());
        stage.is_some_and(|stage: i32| stage <= config.frozen_stages)
    }

    /// The outputs of the last three stages; `train` is for the batch norms.
    pub fn forward(&self, images: &Tensor, train: bool) -> Vec<Tensor> {
        let train = train && !self.norm_eval;
        let mut xs = self.stem(images, train && self.frozen < 1);
        let mut outputs = Vec::new();
        for (stage, blocks) in self.stages.iter().enumerate() {
            for block in blocks {
                xs = block.forward_t(&xs, train && stage + 1 >= self.frozen);
            }
            if stage > 0 {
                outputs.push(xs.shallow_clone());
            }
        }
        outputs
    }

    #[amp]
    fn stem(&self, images: &Tensor, train: bool) -> Tensor {
        // In place, as torchvision's: the norm's output is needed by nobody else, and large.
        let mut xs = images.apply(&self.conv1).apply_t(&self.bn1, train);
        let _ = xs.relu_();
        xs.max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)
    }
}

impl Block {
    fn new(path: &Path, inputs: i64, width: i64, stride: i64, bottleneck: bool, norm: NormCfg) -> Self {
        // input, output, kernel, stride
        let shapes: &[(i64, i64, i64, i64)] = if bottleneck {
            &[(inputs, width, 1, 1), (width, width, 3, stride), (width, width * 4, 1, 1)]
        } else {
            &[(inputs, width, 3, stride), (width, width, 3, 1)]
        };
        let last = shapes.len();
        let convs = (1..).zip(shapes).map(|(index, &(from, to, kernel, stride))| {
            // A block starts as the identity (`zero_init_residual` of MMDetection), which training from scratch is better with.
            let scale = if index == last { 0. } else { 1. };
            let norm = Norm::new(&(path / format!("bn{index}")), to, norm, scale);
            (conv(&(path / format!("conv{index}")), [from, to], kernel, stride), norm)
        });
        let convs = convs.collect();
        let outputs = width * if bottleneck { 4 } else { 1 };
        let downsample = (stride != 1 || inputs != outputs).then(|| {
            let path = path / "downsample";
            (conv(&(&path / "0"), [inputs, outputs], 1, stride), Norm::new(&(&path / "1"), outputs, norm, 1.))
        });
        Self { convs, downsample }
    }
}

#[amp]
impl ModuleT for Block {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        let mut ys = xs.shallow_clone();
        for (index, (conv, norm)) in self.convs.iter().enumerate() {
            ys = ys.apply(conv).apply_t(norm, train);
            if index + 1 < self.convs.len() {
                let _ = ys.relu_();
            }
        }
        let around = match &self.downsample {
            Some((conv, norm)) => xs.apply(conv).apply_t(norm, train),
            None => xs.shallow_clone(),
        };
        let _ = ys.g_add_(&around);
        ys.relu_()
    }
}

fn conv(path: &Path, channels: [i64; 2], kernel: i64, stride: i64) -> nn::Conv2D {
    let kaiming = Init::Kaiming {
        dist: NormalOrUniform::Normal,
        fan: FanInOut::FanOut,
        non_linearity: NonLinearity::ReLU,
    };
    let config =
        nn::ConvConfig { stride, padding: kernel / 2, bias: false, ws_init: kaiming, ..Default::default() };
    nn::conv2d(path, channels[0], channels[1], kernel, config)
}
