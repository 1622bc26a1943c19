"""schedules_mmengine.json: learning rates of mmengine's schedulers.

Reference: mmengine.optim's LinearLR, MultiStepLR, CosineAnnealingLR and others, mmengine 0.10.7 on
torch 2.11.0, stepped over an SGD (Python floats, f64).

    python tests/goldens/make.py mmengine_schedules

    schedules[]: name, lr (base), parts: scheduler and arguments each, lrs[i]: the lr of step i, i = 0..n;
        by_epoch only says what a step is. All parts are stepped after every optimizer step.
"""

import copy

import mmengine
import mmengine.optim as mmoptim
import torch
from torch import nn

CASES = [  # name, base lr, steps, parts
    ("linear_500", 0.02, 600, [("LinearLR", dict(start_factor=0.001, by_epoch=False, begin=0, end=500))]),
    ("linear_5", 1.0, 12, [("LinearLR", dict(start_factor=0.1, by_epoch=False, begin=0, end=5))]),
    ("linear_begin_3", 1.0, 12, [("LinearLR", dict(start_factor=0.1, by_epoch=False, begin=3, end=8))]),
    ("linear_down", 1.0, 12, [("LinearLR", dict(start_factor=1.0, end_factor=0.2, by_epoch=False, begin=0, end=6))]),
    ("multistep", 0.1, 14, [("MultiStepLR", dict(milestones=[8, 11], gamma=0.1, by_epoch=True, begin=0, end=12))]),
    ("multistep_begin_2", 0.1, 14, [("MultiStepLR", dict(milestones=[4, 8], gamma=0.1, by_epoch=True, begin=2, end=12))]),
    ("multistep_past_end", 0.1, 14, [("MultiStepLR", dict(milestones=[4, 11], gamma=0.1, by_epoch=True, begin=0, end=10))]),
    ("cosine", 0.1, 60, [("CosineAnnealingLR", dict(T_max=50, eta_min=0.0, by_epoch=False, begin=0, end=50))]),
    ("cosine_eta_min", 0.1, 60, [("CosineAnnealingLR", dict(T_max=50, eta_min=0.01, by_epoch=False, begin=0, end=50))]),
    ("cosine_default_t_max", 0.1, 60, [("CosineAnnealingLR", dict(eta_min=0.0, by_epoch=False, begin=10, end=50))]),
    ("step", 0.1, 35, [("StepLR", dict(step_size=10, gamma=0.3, by_epoch=True))]),
    ("exponential", 0.1, 20, [("ExponentialLR", dict(gamma=0.9, by_epoch=True, begin=0, end=15))]),
    ("poly", 0.1, 25, [("PolyLR", dict(power=0.9, eta_min=0.001, by_epoch=False, begin=0, end=20))]),
    ("constant", 0.1, 12, [("ConstantLR", dict(factor=0.25, by_epoch=False, begin=0, end=5))]),
    ("warmup_cosine", 0.1, 700, [
        ("LinearLR", dict(start_factor=0.001, by_epoch=False, begin=0, end=500)),
        ("CosineAnnealingLR", dict(T_max=200, eta_min=0.001, by_epoch=False, begin=500, end=700))]),
    ("warmup_multistep", 0.1, 40, [
        ("LinearLR", dict(start_factor=0.1, by_epoch=False, begin=0, end=10)),
        ("MultiStepLR", dict(milestones=[20, 30], gamma=0.1, by_epoch=False, begin=0, end=40))]),
]


def schedule(name, base, steps, parts):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=base)
    made = [getattr(mmoptim, kind)(optimizer, **copy.deepcopy(args)) for kind, args in parts]
    lrs = []
    for _ in range(steps + 1):
        lrs.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        for scheduler in made:
            scheduler.step()
    parts = [{"scheduler": kind, "args": args} for kind, args in parts]
    return {"name": name, "lr": base, "parts": parts, "lrs": lrs}


def goldens():
    meta = {"torch": torch.__version__, "mmengine": mmengine.__version__, "reference": "mmengine.optim"}
    return {"schedules_mmengine.json": {"meta": meta, "schedules": [schedule(*case) for case in CASES]}}
