"""Goldens of the report room: lines and scalars of MMEngine's `LogProcessor`, the summary that pycocotools prints.

usage: report.py OUT_DIR
needs: numpy, pycocotools 2.0.11, mmengine 0.10.7 (its files alone: what its log processor imports is stood in for)
"""
import contextlib
import importlib.util
import io
import json
import math
import sys
import types
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from pycocotools.cocoeval import COCOeval


def log_processor(memory):
    """MMEngine's class without torch, on a device whose peak is `memory` MB."""
    nothing = lambda *_: None
    registry = SimpleNamespace(register_module=lambda: lambda it: it)
    device = {name: nothing for name in ("get_max_cuda_memory", "get_max_musa_memory", "is_musa_available")}
    for name, content in {
        "torch": {"Tensor": type("Tensor", (), {})},
        "mmengine": {},
        "mmengine.device": {**device, "is_cuda_available": lambda: memory is not None},
        "mmengine.registry": {"LOG_PROCESSORS": registry},
    }.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(content)
    found = next(Path(place) for place in sys.path if (Path(place) / "mmengine/runner/log_processor.py").exists())
    spec = importlib.util.spec_from_file_location("log_processor", found / "mmengine/runner/log_processor.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    processor = module.LogProcessor()
    processor._get_max_memory = lambda runner: memory
    processor._parse_windows_size = lambda *_: []
    return processor


def runner(epoch, step, batches, eta):
    loop = SimpleNamespace(dataloader=range(batches))
    hub = SimpleNamespace(runtime_info={"eta": eta}, get_info=lambda key: eta)
    return SimpleNamespace(
        _train_loop=loop, train_loop=loop, val_loop=loop, max_epochs=12, epoch=epoch, iter=step - 1, message_hub=hub
    )


def train(epoch, iteration, batches, eta, memory, numbers):
    step = (epoch - 1) * batches + iteration
    processor = log_processor(memory)
    processor._collect_scalars = lambda *_: dict(numbers)
    tag, line = processor.get_log_after_iter(runner(epoch - 1, step, batches, eta), iteration - 1, "train")
    tag["step"] = step  # `LocalVisBackend.add_scalars`
    finite = {key: value if math.isfinite(value) else None for key, value in tag.items()}
    spelled = {key: value if math.isfinite(value) else str(value) for key, value in numbers.items()}
    given = {"epoch": epoch, "iter": iteration, "iters_per_epoch": batches, "step": step, "eta": eta, "memory": memory}
    return {"given": {**given, "numbers": spelled}, "line": line, "json": finite}


def val(epoch, batches, numbers):
    processor = log_processor(None)
    processor._collect_scalars = lambda *_: dict(numbers)
    processor._collect_non_scalars = lambda *_: {}
    _, line = processor.get_log_after_epoch(runner(epoch, 1, batches, 0), batches - 1, "val")
    return {"given": {"epoch": epoch, "batches": batches, "numbers": numbers}, "line": line}


def coco(numbers):
    """The summary of an evaluation whose every number is one of `numbers`, -1 for nothing to measure."""
    measured = COCOeval(iouType="bbox")
    thresholds, areas = len(measured.params.iouThrs), len(measured.params.areaRng)
    precision, recall = np.zeros((thresholds, 101, 1, areas, 3)), np.zeros((thresholds, 1, areas, 3))
    # AP at 0.5 and 0.75 are numbers of their own; the other thresholds make up for them in the mean
    rest = (numbers[0] * thresholds - numbers[1] - numbers[2]) / (thresholds - 2)
    precision[:, :, :, 0, 2] = rest
    precision[0, :, :, 0, 2], precision[5, :, :, 0, 2] = numbers[1], numbers[2]
    for area in (1, 2, 3):
        precision[:, :, :, area, 2], recall[:, :, area, 2] = numbers[2 + area], numbers[8 + area]
    for most in range(3):
        recall[:, :, 0, most] = numbers[6 + most]
    measured.eval = {"precision": precision, "recall": recall}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        measured.summarize()
    return {"numbers": [None if number == -1 else number for number in numbers], "lines": printed.getvalue()}


losses = {"loss": 1.2571234, "loss_cls": 0.8, "loss_bbox": 0.44567}
times = {"time": 0.67412, "data_time": 0.018349}
goldens = {
    "train": [
        train(1, 50, 205, 746.9, 1182, {"lr": 0.01, **times, "grad_norm": 3.2571, **losses}),
        train(9, 7, 1250, 93784.2, None, {"lr": 1.25e-7, **times, "grad_norm": 120.0, **losses}),
        train(3, 29572, 29572, 239188.0, 0, {"lr": 12.5, **times, "grad_norm": math.inf, **losses}),
        train(3, 1, 8, 59.99, 3, {"lr": 0.0, **times, "grad_norm": math.nan, "loss": math.nan, "loss_cls": -math.inf}),
    ],
    "val": [val(9, 87, {"pascal_voc/mAP": 0.84215, "pascal_voc/AP50_RBC": 1.0, "data_time": 0.018349, "time": 0.67412})],
    "coco": [
        coco([0.374, 0.581, 0.401, 0.21, 0.4105, 0.499, 0.31, 0.49, 0.52, 0.33, 0.56, 0.66]),
        coco([0.5, 1.0, 0.25, -1, 0.0625, 0.9996, 0.0004, 1.0, 1.0, -1, 0.125, 0.75]),
    ],
}
(Path(sys.argv[1]) / "report.json").write_text(json.dumps(goldens, indent=1, allow_nan=False) + "\n")
