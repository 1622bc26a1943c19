//! The detector's `RetinaNet`: on `ResNet-18` over 320 x 240 pixels, on `ResNet-50` over 1333 x 800, padded.
use super::{Inputs, Model};
use anyhow::Result;
use detector::bbox::{BBox, Object};
use detector::config::{Config, ModelConfig, Overrides};
use detector::model::{Detector, Targets};
use std::path::Path;
use tch::{Device, Kind, Tensor, nn};

const CLASSES: usize = 3;

pub(super) struct RetinaNet {
    detector: Detector,
}

impl RetinaNet {
    pub(super) fn new(root: &nn::Path, name: &str) -> Result<Self> {
        Ok(Self { detector: Detector::new(root, &config(name)?, CLASSES) })
    }
}

impl Model for RetinaNet {
    fn loss(&self, inputs: &Inputs) -> Tensor {
        let tensor = |name: &str| inputs[name].shallow_clone();
        let targets = Targets {
            labels: tensor("labels"),
            positives: tensor("positives"),
            priors: tensor("priors"),
            boxes: tensor("boxes"),
            count: usize::try_from(inputs["positives"].size()[0]).unwrap_or(0),
        };
        self.detector.losses(&inputs["images"], &targets).total
    }
}

fn config(name: &str) -> Result<ModelConfig> {
    let mut config = Config::load(Path::new("bench"), Overrides::default())?.sections.model;
    config.backbone.depth = if name == "retinanet_r50" { 50 } else { 18 };
    Ok(config)
}

/// Twelve objects an image, of 16 pixels up to a third of its height, each at a random place.
pub(super) fn inputs(name: &str, batch: i64) -> Result<Vec<(&'static str, Tensor)>> {
    let (width, height): (u32, u32) = if name == "retinanet_r50" { (1344, 800) } else { (320, 240) };
    let store = nn::VarStore::new(Device::Cpu);
    let detector = Detector::new(&store.root(), &config(name)?, CLASSES);
    let images: Vec<Vec<Object>> =
        (0..batch).map(|_| objects(f64::from(width), f64::from(height))).collect::<Result<_>>()?;
    let objects: Vec<&[Object]> = images.iter().map(Vec::as_slice).collect();
    let Targets { labels, positives, priors, boxes, .. } = detector.targets(&objects, height, width);
    let pixels = Tensor::randn([batch, 3, i64::from(height), i64::from(width)], (Kind::Float, Device::Cpu));
    Ok(vec![
        ("images", pixels),
        ("labels", labels),
        ("positives", positives),
        ("priors", priors),
        ("boxes", boxes),
    ])
}

#[allow(clippy::cast_possible_truncation)] // pixels
fn objects(width: f64, height: f64) -> Result<Vec<Object>> {
    let object = |class| {
        let [x, y, size] =
            <[f64; 3]>::try_from(Vec::<f64>::try_from(Tensor::rand([3], (Kind::Double, Device::Cpu)))?)
                .map_err(|_| anyhow::anyhow!("three numbers are not three"))?;
        let size = 16. + size * (height / 3. - 16.);
        let (x, y) = (x * (width - size), y * (height - size));
        let bbox = BBox::new(x as f32, y as f32, (x + size) as f32, (y + size) as f32);
        Ok(Object { bbox, class, ignored: false })
    };
    (0..12).map(|index| object(index % CLASSES)).collect()
}
