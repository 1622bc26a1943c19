"""Goldens of the evaluators: random scenes measured by pycocotools 2.0.11 and by MMDetection 3.3's `eval_map`.

usage: evaluate.py OUT_DIR
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


def scene(images, classes, crowds, most):
    """Objects and detections of each image; coordinates are quarters, so that f32 and text keep them."""
    truth, found = [], []
    scores = rng.permutation(np.arange(1, 200_000))
    for image in range(images):
        objects = []
        for _ in range(0 if image % 7 == 3 else rng.integers(1, most)):
            size = 2.0 ** rng.uniform(2, 7.5, 2)
            corner = rng.uniform(0, 300, 2)
            box = np.round(np.concatenate([corner, corner + size]) * 4) / 4
            objects.append([*box.tolist(), int(rng.integers(classes - 1 if classes > 2 else classes)), bool(rng.random() < crowds)])
        detections = []
        for *box, label, _ in objects:
            for _ in range(rng.integers(0, 3)):
                side = max(box[2] - box[0], box[3] - box[1])
                moved = np.round((np.array(box) + rng.normal(0, 0.07 * side, 4)) * 4) / 4
                if moved[2] > moved[0] and moved[3] > moved[1]:
                    detections.append([*moved.tolist(), label if rng.random() < 0.9 else int(rng.integers(classes))])
        for _ in range(rng.integers(0, 120 if image == 0 else 6)):
            corner = np.round(rng.uniform(0, 300, 2))
            size = np.round(2.0 ** rng.uniform(2, 7, 2))
            detections.append([*corner.tolist(), *(corner + size).tolist(), int(rng.integers(classes))])
        # no two scores are the same: the order of ties is nobody's
        detections = [[*d[:4], d[4], float(np.float32(scores[len(found) * 400 + i] / 200_000))] for i, d in enumerate(detections)]
        truth.append(objects)
        found.append(detections)
    return truth, found


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
            dict(image_id=i + 1, category_id=c + 1, bbox=[x1, y1, x2 - x1, y2 - y1], score=s)
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


def voc(truth, found, classes):
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
    mean, per_class = eval_map(detections, annotations, iou_thr=0.5, logger="silent", nproc=1)
    rows = [
        [int(r["num_gts"]), int(r["num_dets"]), float(r["recall"][-1]) if len(r["recall"]) else 0.0, float(r["ap"])]
        for r in per_class
    ]
    return float(mean), rows


cases = []
for images, classes, crowds, most in [(1, 1, 0.0, 3), (12, 3, 0.0, 12), (25, 4, 0.15, 14), (8, 2, 0.5, 6)]:
    truth, found = scene(images, classes, crowds, most)
    stats, coco_classes = coco(truth, found, classes)
    mean, voc_classes = voc(truth, found, classes)
    cases.append(dict(classes=classes, truth=truth, found=found, coco=stats, coco_classes=coco_classes, voc=mean, voc_classes=voc_classes))
with open(f"{sys.argv[1]}/evaluate.json", "w") as file:
    json.dump(cases, file, separators=(",", ":"))
