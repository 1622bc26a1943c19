//! The evaluators against pycocotools' and MMDetection's own numbers (`goldens/evaluate.py`), and against the definition of AP.
use detector::bbox::{BBox, Detection, Object};
use detector::evaluate::{CocoMetrics, EvaluateError, VocMetrics, coco, voc};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;

/// Left, upper, right and lower edge, class, and whether it is ignored or its score.
type Row<Last> = (f32, f32, f32, f32, usize, Last);

/// A scene, and what the references say of it.
#[derive(Deserialize)]
struct Case {
    name: String,
    classes: usize,
    truth: Vec<Vec<Row<bool>>>,
    found: Vec<Vec<Row<f32>>>,
    coco: [Option<f64>; 12],
    coco_classes: Vec<[Option<f64>; 2]>,
    voc: Option<Voc>,
}

/// `eval_map`'s results; objects, detections, recall and AP of each class.
#[derive(Deserialize)]
struct Voc {
    iou: f64,
    mean: f64,
    classes: Vec<(usize, usize, f64, f64)>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("goldens/evaluate.json")).unwrap()
}

impl Case {
    fn truth(&self) -> Vec<Vec<Object>> {
        let object = |&(x1, y1, x2, y2, class, ignored)| object([x1, y1, x2, y2], class, ignored);
        self.truth.iter().map(|objects| objects.iter().map(object).collect()).collect()
    }

    fn found(&self) -> Vec<Vec<Detection>> {
        let detection = |&(x1, y1, x2, y2, class, score)| detection([x1, y1, x2, y2], class, score);
        self.found.iter().map(|found| found.iter().map(detection).collect()).collect()
    }
}

fn object([x1, y1, x2, y2]: [f32; 4], class: usize, ignored: bool) -> Object {
    Object { bbox: BBox::new(x1, y1, x2, y2), class, ignored }
}

fn detection([x1, y1, x2, y2]: [f32; 4], class: usize, score: f32) -> Detection {
    Detection { bbox: BBox::new(x1, y1, x2, y2), class, score }
}

fn names(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("class {class}")).collect()
}

/// Both nothing, or the same but for rounding.
fn same(ours: Option<f64>, wanted: Option<f64>, tolerance: f64) -> bool {
    match (ours, wanted) {
        (Some(ours), Some(wanted)) => (ours - wanted).abs() <= tolerance * wanted.abs(),
        (ours, wanted) => ours == wanted,
    }
}

/// The same sums of doubles, in another order.
const COCO_TOLERANCE: f64 = 1e-14;

/// MMDetection's precision and its AP are `f32`, each half a unit in the last place away.
const VOC_TOLERANCE: f64 = f32::EPSILON as f64;

#[test]
fn the_twelve_numbers_are_pycocotools() {
    for case in cases() {
        let ours = coco(&names(case.classes), &case.truth(), &case.found()).unwrap();
        for (index, (ours, wanted)) in ours.numbers.into_iter().zip(case.coco).enumerate() {
            assert!(
                same(ours, wanted, COCO_TOLERANCE),
                "{}, number {index}: {ours:?}, not {wanted:?}",
                case.name
            );
        }
    }
}

#[test]
fn ap_of_every_class_is_pycocotools() {
    for case in cases() {
        let ours = coco(&names(case.classes), &case.truth(), &case.found()).unwrap();
        let found: Vec<&String> = ours.per_class.iter().map(|class| &class.name).collect();
        assert_eq!(found, names(case.classes).iter().collect::<Vec<_>>());
        for (class, [ap, ap50]) in ours.per_class.iter().zip(case.coco_classes) {
            assert!(same(class.ap, ap, COCO_TOLERANCE), "{}: {class:?}, not {ap:?}", case.name);
            assert!(same(class.ap50, ap50, COCO_TOLERANCE), "{}: {class:?}, not {ap50:?}", case.name);
        }
    }
}

#[test]
fn vocs_ap_is_mmdetections() {
    let mut measured = 0;
    for case in cases() {
        let Some(wanted) = &case.voc else { continue };
        let ours = voc(&names(case.classes), &case.truth(), &case.found(), wanted.iou).unwrap();
        for (class, &(truths, found, recall, ap)) in ours.per_class.iter().zip(&wanted.classes) {
            assert_eq!((class.truths, class.found), (truths, found), "{}: {}", case.name, class.name);
            // where there are no objects MMDetection writes 0, which is not part of its mean either
            let [recall, ap] = [recall, ap].map(|number| (truths > 0).then_some(number));
            assert_eq!(class.recall, recall, "{}: {}", case.name, class.name);
            assert!(same(class.ap, ap, VOC_TOLERANCE), "{}: {class:?}, not {ap:?}", case.name);
        }
        let measurable = wanted.classes.iter().any(|(truths, ..)| *truths > 0);
        let mean = measurable.then_some(wanted.mean);
        // whose sum is of `f32` too, at most three of them here
        assert!(same(ours.mean, mean, 4. * VOC_TOLERANCE), "{}: {:?}, not {mean:?}", case.name, ours.mean);
        measured += 1;
    }
    assert!(measured > 0);
}

#[test]
fn of_equal_scores_the_first_one_counts_first() {
    let truth = [vec![object([0., 0., 10., 10.], 0, false)]];
    let hit = detection([0., 0., 10., 10.], 0, 0.5);
    let miss = detection([50., 50., 60., 60.], 0, 0.5);
    let ap = |found: [Detection; 2]| voc(&names(1), &truth, &[found.to_vec()], 0.5).unwrap().mean.unwrap();
    assert_eq!(ap([hit, miss]), 1.);
    assert_eq!(ap([miss, hit]), 0.5);
}

#[test]
fn nothing_found_is_zero_and_nothing_to_find_is_nothing() {
    let objects = vec![object([0., 0., 10., 10.], 0, false)];
    let numbers = |truth: &[Vec<Object>]| {
        let found = vec![Vec::new(); truth.len()];
        let voc = voc(&names(1), truth, &found, 0.5).unwrap();
        (coco(&names(1), truth, &found).unwrap().numbers[0], voc.mean, voc.per_class[0].recall)
    };
    assert_eq!(numbers(&[objects]), (Some(0.), Some(0.), Some(0.)));
    assert_eq!(numbers(&[Vec::new()]), (None, None, None));
    assert_eq!(numbers(&[]), (None, None, None));
}

/// Both evaluators refuse the same things in the same words.
fn refused(truth: &[Vec<Object>], found: &[Vec<Detection>]) -> String {
    let ours: [Result<(), EvaluateError>; 2] =
        [coco(&names(2), truth, found).map(drop), voc(&names(2), truth, found, 0.5).map(drop)];
    let [coco, voc] = ours.map(|result| result.unwrap_err().to_string());
    assert_eq!(coco, voc);
    coco
}

#[test]
fn what_cannot_be_measured_is_named_with_its_place() {
    let here = [0., 0., 10., 10.];
    let good = || (vec![object(here, 0, false)], vec![detection(here, 1, 0.5)]);
    let with = |objects: Vec<Object>, detections: Vec<Detection>| {
        let (truth, found) = good();
        refused(&[truth, objects], &[found, detections])
    };

    let message = refused(&[good().0], &[]);
    assert!(message.starts_with("there are detections of 0 images, and objects of 1\nhelp: "), "{message}");

    let message = with(vec![object(here, 2, false)], vec![]);
    assert!(
        message
            .starts_with("image 1: an object is of class 2, and there are 2 classes, counted from 0\nhelp: "),
        "{message}"
    );
    let message = with(vec![], vec![detection(here, 7, 0.5)]);
    assert!(message.starts_with("image 1: a detection is of class 7"), "{message}");

    for (place, number) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::NAN].into_iter().enumerate() {
        let mut edges = here;
        edges[place] = number;
        for message in
            [with(vec![object(edges, 0, true)], vec![]), with(vec![], vec![detection(edges, 0, 0.5)])]
        {
            assert!(message.contains("has a box or a score that is no number"), "{message}");
            assert!(message.contains(&format!("{number:?}")), "{message}");
        }
    }
    let message = with(vec![], vec![detection(here, 0, f32::NAN)]);
    assert!(
        message.starts_with(
            "image 1: a detection has a box or a score that is no number: [0.0, 0.0, 10.0, 10.0, NaN]\nhelp: "
        ),
        "{message}"
    );
}

/// AP by its definition, in whole numbers as far as they go: boxes are of whole pixels, scores are all different.
mod definition {
    use super::{BBox, Detection, Object};

    /// What happens to the detections of a class, best first, and how many objects there are to hit: true, false, or neither.
    pub(super) type Judged = (Vec<Option<bool>>, usize);

    /// Pixels of both, and of a box.
    fn areas(a: &BBox, b: &BBox) -> [f64; 3] {
        let area = |x1: f32, y1: f32, x2: f32, y2: f32| f64::from((x2 - x1).max(0.) * (y2 - y1).max(0.));
        let both = area(a.x1.max(b.x1), a.y1.max(b.y1), a.x2.min(b.x2), a.y2.min(b.y2));
        [both, area(a.x1, a.y1, a.x2, a.y2), area(b.x1, b.y1, b.x2, b.y2)]
    }

    fn iou(a: &BBox, b: &BBox) -> f64 {
        let [both, a, b] = areas(a, b);
        both / (a + b - both)
    }

    /// All detections of a class, best first, each judged by `judge(image's objects, which of them are taken, detection)`.
    pub(super) fn judged(
        class: usize,
        truth: &[Vec<Object>],
        found: &[Vec<Detection>],
        judge: impl Fn(&[Object], &mut [bool], &BBox) -> Option<bool>,
    ) -> Judged {
        let truth: Vec<Vec<Object>> = truth
            .iter()
            .map(|objects| objects.iter().copied().filter(|object| object.class == class).collect())
            .collect();
        let mut taken: Vec<Vec<bool>> = truth.iter().map(|objects| vec![false; objects.len()]).collect();
        let mut ranked: Vec<(usize, Detection)> = found
            .iter()
            .enumerate()
            .flat_map(|(image, found)| found.iter().map(move |found| (image, *found)))
            .filter(|(_, found)| found.class == class)
            .collect();
        ranked.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
        let judged =
            ranked.iter().map(|(image, found)| judge(&truth[*image], &mut taken[*image], &found.bbox));
        (judged.collect(), truth.iter().flatten().filter(|object| !object.ignored).count())
    }

    /// VOC: the object that it overlaps most decides, be it taken.
    pub(super) fn voc(objects: &[Object], taken: &mut [bool], found: &BBox) -> Option<bool> {
        let most = objects.iter().map(|object| iou(&object.bbox, found)).fold(0., f64::max);
        let at = |ignored: bool| {
            objects.iter().position(|object| object.ignored == ignored && iou(&object.bbox, found) == most)
        };
        match at(false) {
            _ if most < 0.5 => Some(false),
            None => None,
            Some(index) => Some(!std::mem::replace(&mut taken[index], true)),
        }
    }

    /// COCO: the best object that is still free, else a crowd that has most of it, else a miss.
    pub(super) fn coco(threshold: f64) -> impl Fn(&[Object], &mut [bool], &BBox) -> Option<bool> {
        move |objects, taken, found| {
            let free = (0..objects.len())
                .filter(|&index| !objects[index].ignored && !taken[index])
                .map(|index| (iou(&objects[index].bbox, found), index))
                .filter(|(iou, _)| *iou >= threshold)
                // the last of equals
                .max_by(|a, b| a.partial_cmp(b).unwrap());
            if let Some((_, index)) = free {
                taken[index] = true;
                return Some(true);
            }
            let crowded = objects.iter().filter(|object| object.ignored).any(|object| {
                let [both, _, found] = areas(&object.bbox, found);
                both >= threshold * found
            });
            (!crowded).then_some(false)
        }
    }

    /// The curve: at each object found, how many were found so far, and the precision there.
    fn curve(judged: &[Option<bool>]) -> Vec<(usize, f64)> {
        let (mut hits, mut all) = (0u32, 0u32);
        let mut curve = Vec::new();
        for hit in judged.iter().flatten() {
            all += 1;
            if *hit {
                hits += 1;
                curve.push((hits as usize, f64::from(hits) / f64::from(all)));
            }
        }
        curve
    }

    /// The best precision with at least so many objects found.
    fn best(curve: &[(usize, f64)], wanted: impl Fn(usize) -> bool) -> f64 {
        curve.iter().filter(|(hits, _)| wanted(*hits)).map(|(_, precision)| *precision).fold(0., f64::max)
    }

    /// The area: each object adds its share.
    #[allow(clippy::cast_precision_loss)] // a handful
    pub(super) fn area((judged, truths): &Judged) -> Option<f64> {
        let curve = curve(judged);
        let sum: f64 = (1..=*truths).map(|object| best(&curve, |hits| hits >= object)).sum();
        (*truths > 0).then(|| sum / *truths as f64)
    }

    /// COCO's mean over the recalls 0.00, 0.01 ... 1.00.
    pub(super) fn at_recalls((judged, truths): &Judged) -> Option<f64> {
        let curve = curve(judged);
        let sum: f64 = (0..=100).map(|recall| best(&curve, |hits| 100 * hits >= recall * truths)).sum();
        (*truths > 0).then(|| sum / 101.)
    }
}

/// Boxes of few whole pixels in a small image, so that they often meet.
fn bbox() -> impl Strategy<Value = BBox> {
    (0u8..5, 0u8..3, 1u8..6, 1u8..4).prop_map(|(x, y, width, height)| {
        BBox::new(x.into(), y.into(), (x + width).into(), (y + height).into())
    })
}

/// Objects and detections of a few images with two classes; scores are all different.
fn scene() -> impl Strategy<Value = (Vec<Vec<Object>>, Vec<Vec<Detection>>)> {
    let object = (bbox(), 0usize..2, proptest::bool::weighted(0.3))
        .prop_map(|(bbox, class, ignored)| Object { bbox, class, ignored });
    let found = (bbox(), 0usize..2);
    let image = (vec(object, 0..4), vec(found, 0..5));
    let ranks = Just((1u16..=16).collect::<Vec<_>>()).prop_shuffle();
    (vec(image, 1..4), ranks).prop_map(|(images, ranks)| {
        let mut scores = ranks.into_iter().map(|rank| f32::from(rank) / 16.);
        images
            .into_iter()
            .map(|(objects, found)| {
                let found = found.into_iter().zip(&mut scores).map(|((bbox, class), score)| Detection {
                    bbox,
                    class,
                    score,
                });
                (objects, found.collect())
            })
            .unzip()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn vocs_ap_is_the_area_by_definition((truth, found) in scene()) {
        let VocMetrics { per_class, .. } = voc(&names(2), &truth, &found, 0.5).unwrap();
        for (class, ours) in per_class.iter().enumerate() {
            let wanted = definition::area(&definition::judged(class, &truth, &found, definition::voc));
            prop_assert!(same(ours.ap, wanted, 1e-12), "class {class}: {:?}, not {wanted:?}", ours.ap);
        }
    }

    /// At IoU 0.50 and 0.75, which are the same in whole numbers and in floats.
    #[test]
    fn cocos_ap_is_the_mean_by_definition((truth, found) in scene()) {
        let CocoMetrics { numbers, per_class } = coco(&names(2), &truth, &found).unwrap();
        for (threshold, number) in [(0.5, numbers[1]), (0.75, numbers[2])] {
            let wanted = [0, 1].map(|class| {
                definition::at_recalls(&definition::judged(class, &truth, &found, definition::coco(threshold)))
            });
            if threshold == 0.5 {
                for (ours, wanted) in per_class.iter().zip(wanted) {
                    prop_assert!(same(ours.ap50, wanted, 1e-12), "{}: {:?}, not {wanted:?}", ours.name, ours.ap50);
                }
            }
            let measured: Vec<f64> = wanted.into_iter().flatten().collect();
            #[allow(clippy::cast_precision_loss)] // two
            let mean = (!measured.is_empty()).then(|| measured.iter().sum::<f64>() / measured.len() as f64);
            prop_assert!(same(number, mean, 1e-12), "at {threshold}: {number:?}, not {mean:?}");
        }
    }
}
