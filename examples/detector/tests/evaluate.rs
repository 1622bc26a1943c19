//! The evaluators against pycocotools and MMDetection (`goldens/evaluate.py`), and against a brute force of our own.
use detector::bbox::{BBox, Detection, Object};
use detector::evaluate::{EvaluateError, coco, voc};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    classes: usize,
    /// Corners, class, whether it is ignored.
    truth: Vec<Vec<(f32, f32, f32, f32, usize, bool)>>,
    /// Corners, class, score.
    found: Vec<Vec<(f32, f32, f32, f32, usize, f32)>>,
    coco: [Option<f64>; 12],
    coco_classes: Vec<(Option<f64>, Option<f64>)>,
    voc: f64,
    /// Objects, detections, recall, AP.
    voc_classes: Vec<(usize, usize, f64, f64)>,
}

impl Case {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("goldens/evaluate.json")).unwrap()
    }

    fn names(&self) -> Vec<String> {
        (0..self.classes).map(|class| class.to_string()).collect()
    }

    fn truth(&self) -> Vec<Vec<Object>> {
        let object =
            |&(x1, y1, x2, y2, class, ignored)| Object { bbox: BBox::new(x1, y1, x2, y2), class, ignored };
        self.truth.iter().map(|objects| objects.iter().map(object).collect()).collect()
    }

    fn found(&self) -> Vec<Vec<Detection>> {
        let detection =
            |&(x1, y1, x2, y2, class, score)| Detection { bbox: BBox::new(x1, y1, x2, y2), class, score };
        self.found.iter().map(|found| found.iter().map(detection).collect()).collect()
    }
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-12,
        (a, b) => a == b,
    }
}

#[test]
fn coco_is_pycocotools() {
    for (index, case) in Case::all().iter().enumerate() {
        let ours = coco(&case.names(), &case.truth(), &case.found()).unwrap();
        for (number, (&ours, &theirs)) in ours.numbers.iter().zip(&case.coco).enumerate() {
            assert!(close(ours, theirs), "case {index}, number {number}: {ours:?} and {theirs:?}");
        }
        for (ours, theirs) in ours.per_class.iter().zip(&case.coco_classes) {
            assert!(
                close(ours.ap, theirs.0) && close(ours.ap50, theirs.1),
                "case {index}: {ours:?} and {theirs:?}"
            );
        }
    }
}

/// Its recalls and precisions are f32 in part, hence the tolerance.
#[test]
fn voc_is_mmdetections() {
    for (index, case) in Case::all().iter().enumerate() {
        let ours = voc(&case.names(), &case.truth(), &case.found(), 0.5).unwrap();
        assert!(
            (ours.mean.unwrap() - case.voc).abs() < 1e-6,
            "case {index}: {:?} and {}",
            ours.mean,
            case.voc
        );
        for (ours, &(truths, found, recall, ap)) in ours.per_class.iter().zip(&case.voc_classes) {
            assert_eq!((ours.truths, ours.found), (truths, found), "case {index}");
            assert!((ours.recall.unwrap_or(0.) - recall).abs() < 1e-6, "case {index}: {ours:?} and {recall}");
            assert!((ours.ap.unwrap_or(0.) - ap).abs() < 1e-6, "case {index}: {ours:?} and {ap}");
        }
    }
}

#[test]
fn what_cannot_be_measured_is_an_error() {
    let classes = ["a".to_owned()];
    let bbox = BBox::new(0., 0., 1., 1.);
    let error = voc(&classes, &[vec![]], &[], 0.5).unwrap_err();
    assert!(matches!(error, EvaluateError::Images { found: 0, truth: 1 }));
    let detection = Detection { bbox, class: 1, score: 0.5 };
    let message = coco(&classes, &[vec![]], &[vec![detection]]).unwrap_err().to_string();
    assert_eq!(message, "image 0: there is no class 1 among 1");
    let detection = Detection { bbox, class: 0, score: f32::NAN };
    assert!(coco(&classes, &[vec![]], &[vec![detection]]).unwrap_err().to_string().contains("NaN"));
}

#[test]
fn nothing_to_find_has_no_ap() {
    let classes = ["a".to_owned()];
    assert_eq!(voc(&classes, &[vec![]], &[vec![]], 0.5).unwrap().mean, None);
    assert_eq!(coco(&classes, &[vec![]], &[vec![]]).unwrap().numbers, [None; 12]);
}

/// AP by its definition: for each way to cut the ranking, match anew, and integrate the best precision from each recall on.
fn brute_force(objects: &[BBox], found: &[(BBox, f32)]) -> f64 {
    let mut ranked = found.to_vec();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let point = |cut: usize| {
        let mut hit = vec![false; objects.len()];
        for (bbox, _) in &ranked[..cut] {
            let best = (0..objects.len())
                .max_by(|&a, &b| objects[a].iou(bbox).total_cmp(&objects[b].iou(bbox)).then(b.cmp(&a)));
            if let Some(best) = best.filter(|&best| objects[best].iou(bbox) >= 0.5) {
                hit[best] = true;
            }
        }
        #[allow(clippy::cast_precision_loss)]
        let hits = hit.iter().filter(|hit| **hit).count() as f64;
        #[allow(clippy::cast_precision_loss)]
        (hits / objects.len() as f64, hits / cut as f64)
    };
    let points: Vec<(f64, f64)> = (1..=ranked.len()).map(point).collect();
    let mut area = 0.;
    let mut before = 0.;
    for (index, (recall, _)) in points.iter().enumerate() {
        let best = points[index..].iter().map(|(_, precision)| *precision).fold(0., f64::max);
        area += (recall - before) * best;
        before = *recall;
    }
    area
}

fn some_box() -> impl Strategy<Value = BBox> {
    (0u8..12, 0u8..12, 1u8..8, 1u8..8).prop_map(|(x, y, width, height)| {
        let [x, y, width, height] = [x, y, width, height].map(f32::from);
        BBox::new(x, y, x + width, y + height)
    })
}

proptest! {
    #[test]
    fn voc_is_the_area_by_definition(
        objects in prop::collection::vec(some_box(), 1..5),
        found in prop::collection::vec(some_box(), 0..8),
    ) {
        // no ties
        #[allow(clippy::cast_precision_loss)]
        let found: Vec<(BBox, f32)> = found.into_iter().enumerate().map(|(i, bbox)| (bbox, (i * 7 % 11) as f32 / 11. + 0.01)).collect();
        let truth = objects.iter().map(|&bbox| Object { bbox, class: 0, ignored: false }).collect();
        let detections = found.iter().map(|&(bbox, score)| Detection { bbox, class: 0, score }).collect();
        let ours = voc(&["a".to_owned()], &[truth], &[detections], 0.5).unwrap();
        prop_assert!((ours.mean.unwrap() - brute_force(&objects, &found)).abs() < 1e-12);
    }
}
