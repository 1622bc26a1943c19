//! The model against MMDetection's and torchvision's own results (`goldens/model.py`).
use detector::bbox::{BBox, Detection, Object};
use detector::config::{AnchorGenerator, BackboneConfig, NormCfg, NormType};
use detector::model::{
    Assigned, Assigner, Coder, PriorShape, Priors, ResNet, Targets, giou, load_resnet, nms, sigmoid_focal,
    smooth_l1,
};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(file)
}

fn goldens() -> HashMap<String, Tensor> {
    Tensor::read_safetensors(golden("model.safetensors")).unwrap().into_iter().collect()
}

fn anchors(scale: f64) -> Priors {
    let generator = AnchorGenerator { octave_base_scale: scale, ..AnchorGenerator::default() };
    PriorShape::Anchors(generator).priors(100, 70)
}

fn boxes_of(tensor: &Tensor) -> Vec<BBox> {
    let values: Vec<f32> = tensor.reshape([-1]).try_into().unwrap();
    values.chunks_exact(4).map(|corners| BBox::new(corners[0], corners[1], corners[2], corners[3])).collect()
}

fn tensor_of(boxes: &[BBox]) -> Tensor {
    let values: Vec<f32> = boxes.iter().flat_map(|bbox| [bbox.x1, bbox.y1, bbox.x2, bbox.y2]).collect();
    Tensor::from_slice(&values).reshape([-1, 4])
}

/// The largest difference, relative to the numbers where they are large.
fn apart(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    if a.numel() == 0 {
        return 0.;
    }
    f64::try_from(((a - b).abs() / b.abs().clamp_min(1.)).max()).unwrap()
}

#[test]
fn anchors_are_mmdetections() {
    let goldens = goldens();
    for scale in [2, 4] {
        let ours = tensor_of(&anchors(f64::from(scale)).boxes);
        assert!(apart(&ours, &goldens[&format!("anchors/{scale}")]) < 1e-6);
    }
}

#[test]
fn cells_are_where_the_strides_are() {
    let priors = PriorShape::Cells.priors(100, 70);
    assert_eq!(priors.boxes[0], BBox::new(0., 0., 8., 8.));
    assert_eq!(priors.boxes[13], BBox::new(0., 8., 8., 16.), "13 cells fill 100 pixels");
    let counts: Vec<usize> = priors.levels.iter().map(ExactSizeIterator::len).collect();
    assert_eq!(counts, [13 * 9, 7 * 5, 4 * 3, 2 * 2, 1]);
}

#[test]
fn boxes_are_coded_as_mmdetection_codes_them() {
    let g = goldens();
    let (priors, boxes) = (&g["coder/priors"], &g["coder/boxes"]);
    assert!(apart(&Coder::Delta.encode(priors, boxes), &g["coder/encoded"]) < 1e-6);
    assert!(apart(&Coder::Delta.decode(priors, &g["coder/deltas"]), &g["coder/decoded"]) < 1e-5);
    for coder in [Coder::Delta, Coder::Distance] {
        let there_and_back = coder.decode(priors, &coder.encode(priors, boxes));
        assert!(apart(&there_and_back, boxes) < 1e-5, "{coder:?}");
    }
}

#[test]
fn anchors_are_assigned_as_by_max_iou_assigner() {
    let g = goldens();
    let priors = anchors(2.);
    for case in 0..5 {
        let objects = boxes_of(&g[&format!("assign/{case}/boxes")]);
        let wanted: Vec<i64> = g[&format!("assign/{case}/assigned")].shallow_clone().try_into().unwrap();
        let assigned = Assigner::MaxIou { positive: 0.5, negative: 0.4 }.assign(&priors, &objects);
        let ours: Vec<i64> = assigned
            .into_iter()
            .map(|assigned| match assigned {
                Assigned::Background => 0,
                Assigned::Ignored => -1,
                Assigned::Object(index) => i64::try_from(index).unwrap() + 1,
            })
            .collect();
        assert_eq!(ours, wanted, "case {case}");
    }
}

#[test]
fn points_are_assigned_as_by_fcos_head() {
    let g = goldens();
    let priors = PriorShape::Cells.priors(100, 70);
    for (kind, radius) in [("center", 1.5), ("inside", f32::INFINITY)] {
        for case in 0..3 {
            let part = |part: &str| &g[&format!("fcos/{kind}/{case}/{part}")];
            let boxes = boxes_of(part("boxes"));
            let classes: Vec<i64> = part("classes").shallow_clone().try_into().unwrap();
            let objects = boxes.iter().zip(&classes).map(|(&bbox, &class)| Object {
                bbox,
                class: usize::try_from(class).unwrap(),
                ignored: false,
            });
            let objects: Vec<Object> = objects.collect();
            let targets = Targets::new(Assigner::Center { radius }, &priors, &[&objects], 3, Device::Cpu);
            assert_eq!(targets.labels.reshape([-1]), *part("labels"), "{kind} {case}");
            let wanted = part("targets").index_select(0, &targets.positives);
            assert!(targets.count > 0, "{kind} {case} finds nothing");
            assert!(
                apart(&Coder::Distance.encode(&targets.priors, &targets.boxes), &wanted) < 1e-5,
                "{kind} {case}"
            );
            assert!(apart(&targets.centerness(), part("centerness")) < 1e-5, "{kind} {case}");
        }
    }
}

#[test]
fn ignored_objects_are_nobodys_target() {
    let priors = anchors(2.);
    let object = Object { bbox: BBox::new(10., 10., 60., 60.), class: 1, ignored: true };
    let assigner = Assigner::MaxIou { positive: 0.5, negative: 0.4 };
    let targets = Targets::new(assigner, &priors, &[&[object]], 3, Device::Cpu);
    assert_eq!(targets.count, 0);
    assert_eq!(targets.labels.unique_consecutive(false, false, None).0, Tensor::from_slice(&[3i64]));
}

/// Losses and their gradients.
#[test]
fn losses_are_mmdetections() {
    let g = goldens();
    let check = |name: &str, input: &str, loss: &dyn Fn(&Tensor) -> Tensor| {
        let input = g[&format!("{name}/{input}")].copy().set_requires_grad(true);
        let loss = loss(&input);
        loss.sum(Kind::Float).backward();
        assert!(apart(&loss.detach(), &g[&format!("{name}/loss")]) < 1e-5, "{name}");
        assert!(apart(&input.grad(), &g[&format!("{name}/grad")]) < 1e-5, "{name}'s gradient");
    };
    check("focal", "logits", &|logits| sigmoid_focal(logits, &g["focal/labels"]));
    check("giou", "found", &|found| giou(found, &g["giou/wanted"]));
    check("l1", "found", &|found| smooth_l1(found, &g["l1/wanted"], 1. / 9.));
}

#[test]
fn what_does_not_matter_has_no_loss() {
    let logits = Tensor::from_slice(&[5f32, -5., 0.]).reshape([1, 3]);
    let labels = Tensor::from_slice(&[-1i64]);
    assert_eq!(f64::try_from(sigmoid_focal(&logits, &labels).sum(Kind::Float)).unwrap(), 0.);
}

#[test]
fn doubles_are_dropped_as_by_torchvision() {
    let g = goldens();
    let scores: Vec<f32> = g["nms/scores"].shallow_clone().try_into().unwrap();
    let classes: Vec<i64> = g["nms/classes"].shallow_clone().try_into().unwrap();
    let boxes = boxes_of(&g["nms/boxes"]);
    let detections = boxes.iter().zip(&scores).zip(&classes).map(|((&bbox, &score), &class)| Detection {
        bbox,
        score,
        class: usize::try_from(class).unwrap(),
    });
    let kept: Vec<i64> = g["nms/kept"].shallow_clone().try_into().unwrap();
    let wanted: Vec<f32> = kept.iter().map(|&index| scores[usize::try_from(index).unwrap()]).collect();
    let ours: Vec<f32> = nms(detections.collect(), 0.5).iter().map(|found| found.score).collect();
    assert!(ours.len() < 300, "something has to be dropped");
    assert_eq!(ours, wanted);
}

/// `filled` of `goldens/model.py`.
fn filled(name: &str, shape: &[i64]) -> Tensor {
    let size: i64 = shape.iter().product();
    let phase = i64::from(crc32fast::hash(name.as_bytes()) % 1009);
    let wave = ((Tensor::arange(size, (Kind::Int64, Device::Cpu)) * 7919 + phase * 104_729).remainder(2003))
        .to_kind(Kind::Double)
        / 2002.
        - 0.5;
    let wave = if name.ends_with("running_var") || (shape.len() == 1 && name.ends_with("weight")) {
        wave * 0.5 + 1.
    } else if shape.len() == 4 {
        #[allow(clippy::cast_precision_loss)]
        let fan = (shape[1] * shape[2] * shape[3]) as f64;
        wave * (6. / fan).sqrt()
    } else {
        wave * 0.2
    };
    wave.to_kind(Kind::Float).reshape(shape)
}

/// A file as torchvision's checkpoints are: all names of `state_dict()`.
fn torchvision_file(folder: &Path, depth: u32) -> PathBuf {
    let text = std::fs::read_to_string(golden("torchvision_names.json")).unwrap();
    let names: BTreeMap<String, BTreeMap<String, Vec<i64>>> = serde_json::from_str(&text).unwrap();
    let tensors: Vec<(String, Tensor)> = names[&depth.to_string()]
        .iter()
        .map(|(name, shape)| {
            let counter = name.ends_with("num_batches_tracked");
            let tensor =
                if counter { Tensor::zeros(shape, (Kind::Int64, Device::Cpu)) } else { filled(name, shape) };
            (name.clone(), tensor)
        })
        .collect();
    let file = folder.join(format!("resnet{depth}.safetensors"));
    Tensor::write_safetensors(&tensors, &file).unwrap();
    file
}

#[test]
fn resnets_with_torchvisions_weights_are_torchvisions() {
    let g = goldens();
    let folder = tempfile::tempdir().unwrap();
    for depth in [18, 50] {
        let mut store = VarStore::new(Device::Cpu);
        let config = BackboneConfig { depth, ..BackboneConfig::default() };
        let net = ResNet::new(&(store.root() / "backbone"), &config);
        let unused = load_resnet(&torchvision_file(folder.path(), depth), &store).unwrap();
        assert!(unused.contains(&"fc.weight".to_owned()));
        assert!(
            unused.iter().all(|name| name.starts_with("fc.") || name.ends_with("num_batches_tracked")),
            "{unused:?}"
        );
        amp_runtime::variables_to_channels_last(&store).unwrap();
        // In f64, so that statistics of a few pixels do not blow rounding up.
        store.double();
        for mode in ["eval", "train"] {
            let outputs = tch::no_grad(|| {
                amp_runtime::with_precision(amp_runtime::Precision::Full, || {
                    net.forward(&g["resnet/image"].to_kind(Kind::Double), mode == "train")
                })
            });
            for (stage, output) in (1..).zip(outputs) {
                let wanted = &g[&format!("resnet/{depth}/{mode}/{stage}")];
                let ours = output.slice(1, 0, None, 31);
                let scale = f64::try_from(wanted.abs().max()).unwrap();
                let most = f64::try_from((ours - wanted).abs().max()).unwrap();
                assert!(most < 1e-9 * scale, "ResNet-{depth}, {mode}, stage {stage}: {most} of {scale}");
            }
        }
    }
}

#[test]
fn weights_that_do_not_fit_change_nothing_and_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = torchvision_file(folder.path(), 18);
    let store = VarStore::new(Device::Cpu);
    let group = NormCfg { kind: NormType::Gn, num_groups: 32 };
    let cases = [
        (BackboneConfig { depth: 34, ..BackboneConfig::default() }, "has no `layer1.2.bn1.bias`"),
        (BackboneConfig { depth: 50, ..BackboneConfig::default() }, "in the model"),
    ];
    for (index, (config, wanted)) in cases.iter().enumerate() {
        let store = VarStore::new(Device::Cpu);
        let _net = ResNet::new(&(store.root() / "backbone"), config);
        let before = store.variables()["backbone.conv1.weight"].copy();
        let message = load_resnet(&file, &store).unwrap_err().to_string();
        assert!(message.contains(wanted), "case {index}: {message}");
        assert_eq!(store.variables()["backbone.conv1.weight"], before);
    }
    // Group norms have no statistics: the file has more than they need, and its batch norms' weights would be wrong for them.
    let config = BackboneConfig { norm_cfg: group, ..BackboneConfig::default() };
    let _net = ResNet::new(&(store.root() / "backbone"), &config);
    let message = load_resnet(&file, &store).unwrap_err().to_string();
    assert!(message.contains("group norm"), "{message}");

    std::fs::write(&file, "no safetensors").unwrap();
    let message = load_resnet(&file, &store).unwrap_err().to_string();
    assert!(message.contains("cannot read weights") && message.contains("help:"), "{message}");
}

#[test]
fn frozen_stages_are_those_of_mmdetection() {
    let frozen = |stages, name| {
        ResNet::is_frozen(&BackboneConfig { frozen_stages: stages, ..BackboneConfig::default() }, name)
    };
    assert!(!frozen(-1, "conv1.weight") && frozen(0, "conv1.weight") && frozen(0, "bn1.bias"));
    assert!(!frozen(0, "layer1.0.conv1.weight") && frozen(1, "layer1.0.conv1.weight"));
    assert!(!frozen(1, "layer2.0.downsample.0.weight") && frozen(4, "layer4.1.bn2.weight"));
}
