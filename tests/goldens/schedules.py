"""schedules.json: learning rate factors of the real torch.optim.lr_scheduler.

Reference: torch.optim.lr_scheduler of torch 2.11.0, stepped over an SGD with lr 1.0 (Python floats, f64).

    python tests/goldens/make.py schedules

    schedules[]: name; scheduler; args (its arguments; of SequentialLR and ChainedScheduler the parts and
    milestones); stepped[n+1]: the lr after 0, 1, .. n calls of step(), so stepped[i] is what optimizer
    step i uses; closed_form[n+1] or null: the same by the scheduler's own _get_closed_form_lr().
torch steps most of these recursively: `stepped` may differ from `closed_form` in the last bits.
"""

import warnings

import torch
from torch.optim import lr_scheduler

CASES = [
    ("linear_500", 600, "LinearLR", dict(start_factor=0.001, total_iters=500)),
    ("linear_10", 15, "LinearLR", dict(start_factor=0.1, end_factor=1.0, total_iters=10)),
    ("linear_down", 15, "LinearLR", dict(start_factor=1.0, end_factor=0.2, total_iters=10)),
    ("constant", 12, "ConstantLR", dict(factor=0.25, total_iters=5)),
    ("multistep_repeated", 15, "MultiStepLR", dict(milestones=[8, 11, 11], gamma=0.1)),
    ("multistep", 15, "MultiStepLR", dict(milestones=[8, 11], gamma=0.1)),
    ("step", 35, "StepLR", dict(step_size=10, gamma=0.3)),
    ("exponential", 40, "ExponentialLR", dict(gamma=0.93)),
    ("cosine", 50, "CosineAnnealingLR", dict(T_max=50, eta_min=0.0)),
    ("cosine_eta_min", 50, "CosineAnnealingLR", dict(T_max=50, eta_min=0.01)),
    ("cosine_past_end", 70, "CosineAnnealingLR", dict(T_max=50, eta_min=0.01)),
    ("polynomial", 25, "PolynomialLR", dict(total_iters=20, power=0.9)),
]
WARMUP = ("LinearLR", dict(start_factor=0.1, end_factor=1.0, total_iters=5))
COMPOSED = [
    (
        "sequential_linear_cosine", 50, "SequentialLR", [5],
        [WARMUP, ("CosineAnnealingLR", dict(T_max=45, eta_min=0.0))],
    ),
    (
        "chained_linear_multistep", 15, "ChainedScheduler", None,
        [WARMUP, ("MultiStepLR", dict(milestones=[8, 11], gamma=0.1))],
    ),
]


def follow(steps, make):
    """The lr before the first and after every scheduler step; and in closed form where there is one."""
    param = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([param], lr=1.0)
    scheduler = make(optimizer)
    closed = [] if hasattr(scheduler, "_get_closed_form_lr") else None
    stepped = []
    for step in range(steps + 1):
        stepped.append(float(optimizer.param_groups[0]["lr"]))
        if closed is not None:
            closed.append(float(scheduler._get_closed_form_lr()[0]))
        optimizer.step()
        scheduler.step()
    return stepped, closed


def goldens():
    schedules = []

    def keep(name, scheduler, args, result):
        stepped, closed = result
        entry = {"name": name, "scheduler": scheduler, "args": args}
        schedules.append(entry | {"stepped": stepped, "closed_form": closed})

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own note on the epoch argument inside SequentialLR
        for name, steps, kind, args in CASES:
            make = lambda optimizer: getattr(lr_scheduler, kind)(optimizer, **args)
            keep(name, kind, args, follow(steps, make))
        for name, steps, kind, milestones, parts in COMPOSED:

            def make(optimizer):
                made = [getattr(lr_scheduler, k)(optimizer, **a) for k, a in parts]
                if milestones:
                    return lr_scheduler.SequentialLR(optimizer, made, milestones=milestones)
                return lr_scheduler.ChainedScheduler(made, optimizer=optimizer)

            args = {"parts": [{"scheduler": k, "args": a} for k, a in parts], "milestones": milestones}
            keep(name, kind, args, follow(steps, make))
    meta = {"torch": torch.__version__, "reference": "torch.optim.lr_scheduler", "base_lr": 1.0}
    return {"schedules.json": {"meta": meta, "schedules": schedules}}
