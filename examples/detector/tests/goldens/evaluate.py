"""Goldens of the evaluators: random scenes measured by pycocotools 2.0.11 and by MMDetection 3.3's `eval_map`.

usage: evaluate.py OUT_DIR
needs: numpy 2.4, pycocotools 2.0.11, mmengine 0.10.7, mmcv 2.1.0 (its compiled operations are not used), mmdet 3.3.0
"""
import contextlib
import io
import json
import sys

import mmdet_stub

mmdet_stub.install()
import numpy as np
from mmdet.evaluation.functional import eval_map
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

rng = np.random.default_rng(0)


def scene(images, classes, crowds, most, clutter=6, worst=120, ties=False):
    """Objects and detections of each image; coordinates are quarters, so that f32 and text keep them.

    `most` objects an image, `crowds` of which are ignored, and `clutter` detections of nothing; `worst` in the first image.
    """
    truth, found = [], []
    # no two scores are the same: the order of ties is nobody's, but for COCO's, which keeps it
    scores = iter((rng.integers(1, 6, 10_000) / 5 if ties else rng.permutation(np.arange(1, 10_000)) / 10_000).tolist())
    for image in range(images):
        objects = []
        for _ in range(0 if image % 7 == 3 else rng.integers(1, most)):
            size = 2.0 ** rng.uniform(2, 7.5, 2)
            corner = rng.uniform(0, 300, 2)
            box = np.round(np.concatenate([corner, corner + size]) * 4) / 4
            # the last of many classes has detections and no objects
            objects.append([*box.tolist(), int(rng.integers(classes - 1 if classes > 2 else classes)), bool(rng.random() < crowds)])
        detections = []
        for *box, label, _ in objects:
            for _ in range(rng.integers(0, 3)):
                sides = np.array([box[2] - box[0], box[3] - box[1]] * 2)
                moved = np.round((np.array(box) + rng.normal(0, rng.uniform(0.02, 0.16), 4) * sides) * 4) / 4
                if moved[2] > moved[0] and moved[3] > moved[1]:
                    detections.append([*moved.tolist(), label if rng.random() < 0.9 else int(rng.integers(classes))])
        for _ in range(worst if image == 0 else rng.integers(0, clutter)):
            corner = np.round(rng.uniform(0, 300, 2))
            size = np.round(2.0 ** rng.uniform(2, 7, 2))
            detections.append([*corner.tolist(), *(corner + size).tolist(), int(rng.integers(classes))])
        truth.append(objects)
        found.append([[*detection, next(scores)] for detection in rng.permutation(np.array(detections).reshape(-1, 5)).tolist()])
    return truth, [[[*box, int(label), score] for *box, label, score in detections] for detections in found]


# what random scenes do not meet
EDGES = (
    # a copy that is ignored, listed first; areas at the edges of small, medium and large; an object that touches another one
    [
        [[0, 0, 10, 10, 0, True], [0, 0, 10, 10, 0, False], [20, 20, 52, 52, 1, False], [100, 100, 196, 196, 1, False]],
        [[0, 0, 10, 10, 0, False], [10, 0, 20, 10, 0, False], [50, 50, 60, 60, 0, False], [5, 5, 5, 9, 1, False]],
        [[0, 0, 40, 40, 0, True], [100, 0, 110, 10, 1, True]],
        [],
    ],
    # 7 of 10 rows, on two objects at once, twice, nowhere, without area; several in a crowd; a class without objects
    [
        [[0, 0, 10, 10, 0, 0.9], [0, 0, 10, 9, 0, 0.8], [20, 20, 52, 52, 1, 0.7], [100, 100, 196, 190, 1, 0.6]],
        [[0, 0, 10, 7, 0, 0.95], [5, 0, 15, 10, 0, 0.5], [50, 50, 60, 60, 0, 0.45], [50, 50, 60, 60, 0, 0.4], [5, 5, 5, 9, 1, 0.3]],
        [[0, 0, 10, 10, 0, 0.85], [20, 20, 40, 40, 0, 0.75], [30, 30, 60, 60, 0, 0.65], [100, 0, 110, 10, 1, 0.55]],
        [[0, 0, 10, 10, 0, 0.25], [0, 0, 10, 10, 2, 0.2]],
    ],
)


def coco(truth, found, classes):
    with contextlib.redirect_stdout(io.StringIO()):
        annotations = []
        for image, objects in enumerate(truth):
            for x1, y1, x2, y2, label, crowd in objects:
                annotations.append(
                    dict(id=len(annotations) + 1, image_id=image + 1, category_id=label + 1, iscrowd=int(crowd),
                         bbox=[x1, y1, x2 - x1, y2 - y1], area=(x2 - x1) * (y2 - y1))
                )
        gt = COCO()
        gt.dataset = dict(
            images=[dict(id=i + 1) for i in range(len(truth))], annotations=annotations,
            categories=[dict(id=c + 1, name=str(c)) for c in range(classes)],
        )
        gt.createIndex()
        results = [
            dict(image_id=i + 1, category_id=c + 1, bbox=[x1, y1, x2 - x1, y2 - y1], score=float(np.float32(s)))
            for i, detections in enumerate(found) for x1, y1, x2, y2, c, s in detections
        ]
        evaluation = COCOeval(gt, gt.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    per_class = []
    for c in range(classes):
        precision = evaluation.eval["precision"][:, :, c, 0, -1]
        mean = lambda p: float(p[p > -1].mean()) if (p > -1).any() else None
        per_class.append([mean(precision), mean(precision[0])])
    return [None if s < 0 else float(s) for s in evaluation.stats], per_class


def voc(truth, found, classes, iou):
    detections = [
        [np.array([d[:4] + [d[5]] for d in image if d[4] == c], dtype=np.float32).reshape(-1, 5) for c in range(classes)]
        for image in found
    ]
    annotations = []
    for objects in truth:
        part = lambda ignored: [o for o in objects if o[5] == ignored]
        boxes = lambda objects: np.array([o[:4] for o in objects], dtype=np.float32).reshape(-1, 4)
        labels = lambda objects: np.array([o[4] for o in objects], dtype=np.int64)
        annotations.append(dict(bboxes=boxes(part(False)), labels=labels(part(False)),
                                bboxes_ignore=boxes(part(True)), labels_ignore=labels(part(True))))
    mean, per_class = eval_map(detections, annotations, iou_thr=iou, logger="silent", nproc=1)
    rows = [
        [int(r["num_gts"]), int(r["num_dets"]), float(r["recall"][-1]) if len(r["recall"]) else 0.0, float(r["ap"])]
        for r in per_class
    ]
    return float(mean), rows


many = dict(images=6, classes=1, crowds=0.1, most=8, worst=160)
mixed = dict(images=25, classes=4, crowds=0.15, most=14)
scenes = [
    ("one image", scene(1, 1, 0.0, 3), 1, 0.5),
    ("a class without objects", scene(12, 3, 0.0, 12), 3, 0.5),
    ("crowds", scene(**mixed), 4, 0.5),
    ("more than a hundred detections", scene(**many), 1, 0.5),
    ("another threshold", scene(8, 2, 0.5, 6, worst=20), 2, 0.65),
    ("ties", scene(10, 2, 0.1, 8, worst=30, ties=True), 2, None),
    ("edges", EDGES, 3, 0.7),
    ("nothing to find", ([[], []], [[[0, 0, 10, 10, 0, 0.5]], []]), 2, 0.5),
]
cases = []
for name, (truth, found), classes, iou in scenes:
    stats, coco_classes = coco(truth, found, classes)
    case = dict(name=name, classes=classes, truth=truth, found=found, coco=stats, coco_classes=coco_classes)
    if iou is not None:
        mean, rows = voc(truth, found, classes, iou)
        case |= dict(voc=dict(iou=iou, mean=mean, classes=rows))
    cases.append(case)
with open(f"{sys.argv[1]}/evaluate.json", "w") as file:
    json.dump(cases, file, separators=(",", ":"))
