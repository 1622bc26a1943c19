//! What is built: backbone, neck, head, and how their output becomes boxes.
use serde::{Deserialize, Serialize};

/// `model`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// `RetinaNet` or `FCOS`.
    #[serde(rename = "type")]
    pub kind: ModelType,
    /// How pixels become numbers.
    #[serde(default)]
    pub data_preprocessor: DataPreprocessor,
    /// The network that sees the image.
    #[serde(default)]
    pub backbone: BackboneConfig,
    /// The pyramid on top of it.
    #[serde(default)]
    pub neck: NeckConfig,
    /// What finds objects in the pyramid.
    #[serde(default)]
    pub bbox_head: BboxHead,
    /// How its output becomes boxes.
    #[serde(default)]
    pub test_cfg: TestCfg,
}

/// `model.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelType {
    /// Anchors, focal loss, smooth L1 (Lin et al., 2017).
    RetinaNet,
    /// Points, focal loss, `GIoU`, centerness (Tian et al., 2019).
    #[serde(rename = "FCOS")]
    Fcos,
}

/// `model.data_preprocessor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataPreprocessor {
    /// Mean of red, green and blue, from 0 to 255.
    pub mean: [f32; 3],
    /// Standard deviation of red, green and blue.
    pub std: [f32; 3],
    /// Images of a batch are padded to a multiple of this many pixels.
    pub pad_size_divisor: u32,
    /// Whether tensors and weights are stored channels last (NHWC), which convolutions in low precision are faster with.
    pub channels_last: bool,
}

impl Default for DataPreprocessor {
    fn default() -> Self {
        Self {
            mean: [123.675, 116.28, 103.53],
            std: [58.395, 57.12, 57.375],
            pad_size_divisor: 32,
            channels_last: true,
        }
    }
}

/// `model.backbone`: a `ResNet`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackboneConfig {
    /// 18, 34, 50 or 101.
    pub depth: u32,
    /// Norms after convolutions.
    pub norm_cfg: NormCfg,
    /// How many stages keep their weights: -1 trains all, 0 freezes the stem, 1 the first stage too.
    pub frozen_stages: i32,
    /// Whether batch norms keep their running statistics while training.
    pub norm_eval: bool,
    /// A safetensors file with torchvision's names to start from; random where there is none.
    pub checkpoint: Option<std::path::PathBuf>,
}

impl Default for BackboneConfig {
    fn default() -> Self {
        Self {
            depth: 18,
            norm_cfg: NormCfg { kind: NormType::Bn, num_groups: 32 },
            frozen_stages: -1,
            norm_eval: false,
            checkpoint: None,
        }
    }
}

/// `norm_cfg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormCfg {
    /// `BN` or `GN`.
    #[serde(rename = "type")]
    pub kind: NormType,
    /// Groups of a group norm.
    #[serde(default = "groups")]
    pub num_groups: i64,
}

fn groups() -> i64 {
    32
}

/// `norm_cfg.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NormType {
    /// Batch norm.
    #[serde(rename = "BN")]
    Bn,
    /// Group norm, which does not care for the size of the batch.
    #[serde(rename = "GN")]
    Gn,
}

/// `model.neck`: a feature pyramid (Lin et al., 2017) with two levels on top.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NeckConfig {
    /// Channels of every level.
    pub out_channels: i64,
    /// Norms after its convolutions; none by default, as in the paper.
    pub norm_cfg: Option<NormCfg>,
}

impl Default for NeckConfig {
    fn default() -> Self {
        Self { out_channels: 256, norm_cfg: None }
    }
}

/// `model.bbox_head`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BboxHead {
    /// Convolutions before the last one, in each of the two branches.
    pub stacked_convs: usize,
    /// Their channels.
    pub feat_channels: i64,
    /// Norms after them; none by default for `RetinaNet`.
    pub norm_cfg: Option<NormCfg>,
    /// The anchors of `RetinaNet`; `FCOS` has none.
    pub anchor_generator: AnchorGenerator,
    /// The loss of boxes.
    pub loss_bbox: LossBbox,
}

/// `model.bbox_head.loss_bbox`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossBbox {
    /// `SmoothL1Loss` or `GIoULoss`.
    #[serde(rename = "type")]
    pub kind: BoxLoss,
    /// Its weight beside the loss of classes.
    #[serde(default = "one")]
    pub loss_weight: f64,
}

fn one() -> f64 {
    1.
}

/// `model.bbox_head.loss_bbox.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BoxLoss {
    /// Smooth L1 of the coded box, quadratic below 1/9.
    SmoothL1Loss,
    /// L1 of the coded box.
    L1Loss,
    /// One minus the generalized intersection over union of the decoded box.
    GIoULoss,
}

impl Default for BboxHead {
    fn default() -> Self {
        Self {
            stacked_convs: 4,
            feat_channels: 256,
            norm_cfg: None,
            anchor_generator: AnchorGenerator::default(),
            loss_bbox: LossBbox { kind: BoxLoss::SmoothL1Loss, loss_weight: 1. },
        }
    }
}

/// `model.bbox_head.anchor_generator`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnchorGenerator {
    /// The smallest anchor is this many strides wide.
    pub octave_base_scale: f64,
    /// Sizes within a factor of two.
    pub scales_per_octave: u32,
    /// Heights over widths.
    pub ratios: Vec<f64>,
}

impl Default for AnchorGenerator {
    fn default() -> Self {
        Self { octave_base_scale: 4., scales_per_octave: 3, ratios: vec![0.5, 1., 2.] }
    }
}

/// `model.test_cfg`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TestCfg {
    /// Candidates per level before suppression.
    pub nms_pre: i64,
    /// Candidates below this score are dropped.
    pub score_thr: f64,
    /// Suppression of doubles.
    pub nms: Nms,
    /// Detections per image.
    pub max_per_img: usize,
}

impl Default for TestCfg {
    fn default() -> Self {
        Self { nms_pre: 1000, score_thr: 0.05, nms: Nms { iou_threshold: 0.5 }, max_per_img: 100 }
    }
}

/// `model.test_cfg.nms`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nms {
    /// Of two boxes of a class that overlap more, the one with the lower score is dropped.
    pub iou_threshold: f32,
}
