//! The whole model: images in, losses or outputs out.
use super::assign::Assigner;
use super::coder::Coder;
use super::fpn::{ExtraFrom, Fpn};
use super::head::{Head, Outputs};
use super::loss::{giou, sigmoid_focal, smooth_l1};
use super::priors::{PriorShape, Priors, STRIDES};
use super::resnet::ResNet;
use super::targets::Targets;
use crate::bbox::Object;
use crate::config::{BoxLoss, DataPreprocessor, ModelConfig, ModelType, TestCfg};
use amp_runtime::amp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tch::nn::{Path, VarStore};
use tch::{Device, Kind, Reduction, Tensor};

/// `RetinaNet` or `FCOS`.
#[derive(Debug)]
pub struct Detector {
    backbone: ResNet,
    neck: Fpn,
    head: Head,
    preprocessor: DataPreprocessor,
    box_loss: BoxLoss,
    box_weight: f64,
    assigner: Assigner,
    shape: PriorShape,
    pub(super) coder: Coder,
    pub(super) test_cfg: TestCfg,
    classes: i64,
    device: Device,
    priors: Mutex<HashMap<[u32; 2], Arc<Priors>>>,
}

/// The losses of a batch, each 0-dim f32.
#[derive(Debug)]
pub struct Losses {
    /// Their sum, to differentiate.
    pub total: Tensor,
    /// `loss_cls`, `loss_bbox` and, of `FCOS`, `loss_centerness`.
    pub parts: Vec<(&'static str, Tensor)>,
}

impl Detector {
    /// A model with random weights below `root`: `backbone`, `neck` and `bbox_head`.
    pub fn new(root: &Path, config: &ModelConfig, classes: usize) -> Self {
        let classes = i64::try_from(classes).unwrap_or(i64::MAX);
        let retina = config.kind == ModelType::RetinaNet;
        let shape = if retina {
            PriorShape::Anchors(config.bbox_head.anchor_generator.clone())
        } else {
            PriorShape::Cells
        };
        let extra = if retina { ExtraFrom::Input } else { ExtraFrom::Output };
        let per_cell = i64::try_from(shape.per_cell()).unwrap_or(i64::MAX);
        let inputs = ResNet::out_channels(&config.backbone);
        Self {
            backbone: ResNet::new(&(root / "backbone"), &config.backbone),
            neck: Fpn::new(&(root / "neck"), inputs, &config.neck, extra),
            head: Head::new(&(root / "bbox_head"), config, classes, per_cell, STRIDES.len()),
            preprocessor: config.data_preprocessor.clone(),
            box_loss: config.bbox_head.loss_bbox.kind,
            box_weight: config.bbox_head.loss_bbox.loss_weight,
            assigner: if retina {
                Assigner::MaxIou { positive: 0.5, negative: 0.4 }
            } else {
                Assigner::Center { radius: 1.5 }
            },
            coder: if retina { Coder::Delta } else { Coder::Distance },
            shape,
            test_cfg: config.test_cfg.clone(),
            classes,
            device: root.device(),
            priors: Mutex::new(HashMap::new()),
        }
    }

    /// Takes the gradients from the backbone's frozen stages, and puts weights into the layout that is configured. To be
    /// called before the optimizer is built.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn prepare(store: &VarStore, config: &ModelConfig) -> Result<(), tch::TchError> {
        for (name, variable) in store.variables() {
            if let Some(own) = name.strip_prefix("backbone.")
                && ResNet::is_frozen(&config.backbone, own)
            {
                let _ = variable.f_set_requires_grad(false)?;
            }
        }
        if config.data_preprocessor.channels_last {
            amp_runtime::variables_to_channels_last(store)?;
        }
        Ok(())
    }

    /// Pixels to a normalized batch: `pixels` are `N * height * width` red, green and blue values; `[N, 3, H, W]` f32 on
    /// the model's device.
    pub fn images(&self, pixels: &[u8], height: u32, width: u32) -> Tensor {
        let DataPreprocessor { mean, std, channels_last, .. } = &self.preprocessor;
        let constants = |values: &[f32; 3]| Tensor::from_slice(values).to_device(self.device);
        let pixels = Tensor::from_slice(pixels)
            .reshape([-1, i64::from(height), i64::from(width), 3])
            .to_device(self.device)
            .to_kind(Kind::Float);
        let images = ((pixels - constants(mean)) / constants(std)).permute([0, 3, 1, 2]);
        if *channels_last { images } else { images.contiguous() }
    }

    /// What the objects of a batch of images of `height` x `width` pixels are to the model's priors.
    pub fn targets(&self, objects: &[&[Object]], height: u32, width: u32) -> Targets {
        Targets::new(self.assigner, &self.priors(height, width), objects, self.classes, self.device)
    }

    /// The head's outputs for images `[N, 3, H, W]`, in f32; `train` is for the batch norms.
    // One region around all parts: the head's weights are cast once, not once for each level.
    #[amp]
    pub fn forward(&self, images: &Tensor, train: bool) -> Outputs {
        let features = self.backbone.forward(images, train);
        let levels = self.neck.forward(&features, train);
        self.head.forward(&levels, train)
    }

    /// The losses of a batch, each summed and divided by the number of positive priors, as MMDetection's.
    pub fn losses(&self, images: &Tensor, targets: &Targets) -> Losses {
        let Outputs { logits, codes, centerness } = self.forward(images, true);
        #[allow(clippy::cast_precision_loss)] // thousands
        let count = targets.count.max(1) as f64;
        let loss_cls = sigmoid_focal(&logits.reshape([-1, self.classes]), &targets.labels.reshape([-1]))
            .sum(Kind::Float)
            / count;
        let found = codes.reshape([-1, 4]).index_select(0, &targets.positives);
        let per_box = |found: &Tensor| match self.box_loss {
            BoxLoss::SmoothL1Loss | BoxLoss::L1Loss => {
                let beta = if self.box_loss == BoxLoss::L1Loss { 0. } else { 1. / 9. };
                let wanted = self.coder.encode(&targets.priors, &targets.boxes);
                smooth_l1(found, &wanted, beta).sum_dim_intlist(1, false, Kind::Float)
            }
            BoxLoss::GIoULoss => giou(&self.coder.decode(&targets.priors, found), &targets.boxes),
        };
        let mut parts = vec![("loss_cls", loss_cls)];
        match centerness {
            None => parts.push(("loss_bbox", per_box(&found).sum(Kind::Float) / count)),
            Some(centerness) => {
                let wanted = targets.centerness();
                let found_centerness = centerness.reshape([-1]).index_select(0, &targets.positives);
                let weighted = (per_box(&found) * &wanted).sum(Kind::Float);
                parts.push(("loss_bbox", weighted / wanted.sum(Kind::Float).clamp_min(1e-6)));
                parts.push(("loss_centerness", bce(&found_centerness, &wanted) / count));
            }
        }
        if let Some((_, loss)) = parts.iter_mut().find(|(name, _)| *name == "loss_bbox") {
            *loss = &*loss * self.box_weight;
        }
        let total = parts.iter().map(|(_, loss)| loss).sum();
        Losses { total, parts }
    }

    /// The priors of an image size, made once.
    pub(super) fn priors(&self, height: u32, width: u32) -> Arc<Priors> {
        let mut priors = self.priors.lock().unwrap_or_else(PoisonError::into_inner);
        priors.entry([height, width]).or_insert_with(|| Arc::new(self.shape.priors(width, height))).clone()
    }
}

fn bce(logits: &Tensor, wanted: &Tensor) -> Tensor {
    let no: Option<Tensor> = None;
    logits.binary_cross_entropy_with_logits(wanted, no.as_ref(), no.as_ref(), Reduction::Sum)
}
