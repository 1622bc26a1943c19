"""mmengine.json: gradient accumulation, parameter groups and argument checks of mmengine.

Reference: OptimWrapper, AmpOptimWrapper and DefaultOptimWrapperConstructor of mmengine 0.10.7 on
torch 2.11.0, on the CPU.

    python tests/goldens/make.py mmengine

    accumulation[]: accumulative_counts k, max_counts M (-1: not initialized, 20 batches), init_counts, and
        for each batch i: factors[i] = scale_loss(1.0), updates[i] = whether update_params stepped the
        optimizer (seen on a parameter), steps[i] = the gradient it stepped with, else 0 (each batch's
        unscaled gradient is 1). error: the exception's type and text, with the batch it came at.
    params[]: the model's parameters in order: name, shape, module kind (conv, dwconv, norm, linear,
        embedding, other) and whether it is a bias.
    paramwise[]: name, optimizer (its arguments), paramwise_cfg; groups[]: per parameter the name, lr and
        weight_decay of its group; one_group: without options mmengine makes a single group;
        get_lr, get_momentum: what the wrapper returns. Or error.
    arguments[]: wrapper, the argument as written, result: "ok" or the exception's type and text.
        AmpOptimWrapper needs an accelerator: no_accelerator is its error without one, the others were
        driven with mmengine's is_cuda_available() replaced by one that says yes. loss_scale results give the
        GradScaler's arguments and scale_update, the value update() is called with (static scales).
"""

import copy
import logging
import warnings

import mmengine
import mmengine.optim as mmoptim
import torch
from mmengine.logging import MMLogger
from mmengine.optim.optimizer import amp_optimizer_wrapper
from torch import nn

META = {"torch": torch.__version__, "mmengine": mmengine.__version__, "reference": "mmengine.optim"}


def failure(error):
    return {"type": type(error).__name__, "text": str(error)}


def accumulate(k, max_counts, init_counts=0):
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    wrapper = mmoptim.OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.0), accumulative_counts=k)
    if max_counts != -1:
        wrapper.initialize_count_status(model, init_counts, max_counts)
    out = {"accumulative_counts": k, "max_counts": max_counts, "init_counts": init_counts}
    out |= {"factors": [], "updates": [], "steps": [], "error": None}
    for batch in range(20 if max_counts == -1 else max_counts - init_counts):
        before = model.weight.item()
        try:
            factor = wrapper.scale_loss(torch.tensor(1.0, dtype=torch.float64)).item()
            wrapper.update_params(model.weight.sum())
        except AssertionError as error:
            out["error"] = failure(error) | {"batch": batch}
            break
        out["factors"].append(factor)
        out["updates"].append(wrapper.should_update())
        out["steps"].append(before - model.weight.item())
        assert out["updates"][-1] == (out["steps"][-1] != 0)
    return out


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3)
        self.dw = nn.Conv2d(4, 4, 3, groups=4)
        self.bn = nn.BatchNorm2d(4)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(4))
        self.stem = nn.Conv2d(3, 4, 3, bias=False)
        self.single = nn.Conv2d(1, 2, 3)  # one input channel: groups == in_channels, so "depthwise"
        self.grouped = nn.Conv2d(4, 4, 1, groups=2)
        self.dw1d = nn.Conv1d(4, 4, 3, groups=4)  # not a Conv2d: never "depthwise"
        self.backbone = nn.Module()
        self.backbone.layer1 = Block()
        self.backbone.layer2 = Block()
        self.neck = nn.Module()
        self.neck.gn = nn.GroupNorm(2, 4)
        self.neck.ln = nn.LayerNorm(4)
        self.neck.bias = nn.Parameter(torch.zeros(3))
        self.head = nn.Module()
        self.head.embed = nn.Embedding(5, 4)
        self.head.fc = nn.Linear(4, 2)


def kind(module):
    if isinstance(module, nn.modules.batchnorm._BatchNorm | nn.GroupNorm | nn.LayerNorm):
        return "norm"
    if isinstance(module, nn.Conv2d) and module.groups == module.in_channels:
        return "dwconv"
    names = {nn.Conv1d: "conv", nn.Conv2d: "conv", nn.Linear: "linear", nn.Embedding: "embedding"}
    return names.get(type(module), "other")


def parameters(model):
    owners = dict(model.named_modules())
    for name, param in model.named_parameters():
        owner, _, last = name.rpartition(".")
        yield {"name": name, "shape": list(param.shape), "kind": kind(owners[owner]), "bias": last == "bias"}


SGD = dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=1e-4)
ADAMW = dict(type="AdamW", lr=2e-3, betas=(0.8, 0.99), weight_decay=0.05)
NO_DECAY = dict(type="SGD", lr=0.01, momentum=0.9)
lr, decay = lambda m: dict(lr_mult=m), lambda m: dict(decay_mult=m)
PARAMWISE = [
    ("none", SGD, {}),
    ("none_adamw", ADAMW, {}),
    ("bias_lr", SGD, dict(bias_lr_mult=2.0)),
    ("bias_decay", SGD, dict(bias_decay_mult=0.0)),
    ("norm_decay", SGD, dict(norm_decay_mult=0.0)),
    ("dwconv_decay", SGD, dict(dwconv_decay_mult=0.25)),
    ("flat_decay", ADAMW, dict(flat_decay_mult=0.5)),
    ("bias_lr_bias_decay", SGD, dict(bias_lr_mult=2.0, bias_decay_mult=0.0)),
    ("norm_and_flat", ADAMW, dict(norm_decay_mult=0.0, flat_decay_mult=0.5)),
    ("bias_and_dwconv", SGD, dict(bias_decay_mult=0.5, dwconv_decay_mult=0.25)),
    ("dwconv_and_flat", SGD, dict(dwconv_decay_mult=0.25, flat_decay_mult=0.5)),
    ("all", SGD, dict(bias_lr_mult=2.0, bias_decay_mult=0.5, norm_decay_mult=0.1,
                      dwconv_decay_mult=0.25, flat_decay_mult=0.75)),
    ("custom_lr_decay", ADAMW, dict(custom_keys={"backbone": dict(lr_mult=0.1, decay_mult=0.9)})),
    ("custom_overlap", SGD, dict(custom_keys={
        "backbone": lr(0.1), "backbone.layer1": lr(0.5), "layer1.conv": decay(0.0), "conv": lr(3.0)})),
    ("custom_ties", SGD, dict(custom_keys={"layer1": lr(0.5), "conv.w": lr(0.25), "dw.wei": lr(0.125),
                                           ".layer": lr(0.2), "weight": lr(0.75)})),
    ("custom_leading_dot", SGD, dict(custom_keys={".gamma": lr(0.5), ".head": lr(0.3), "stem.": lr(0.2)})),
    ("custom_empty_entry", SGD, dict(bias_lr_mult=2.0, custom_keys={"head": {}})),
    ("custom_and_rules", ADAMW, dict(bias_lr_mult=2.0, norm_decay_mult=0.0, flat_decay_mult=0.0,
                                     custom_keys={"neck": decay(2.0), "bn": lr(0.5), "gamma": decay(0.0)})),
    ("no_base_decay", NO_DECAY, dict(bias_lr_mult=2.0, custom_keys={"head": lr(0.5)})),
    ("no_base_decay_flat", NO_DECAY, dict(flat_decay_mult=0.5)),
    ("no_base_decay_refused", NO_DECAY, dict(norm_decay_mult=0.0)),
    ("no_base_decay_custom_refused", NO_DECAY, dict(custom_keys={"head": decay(0.0)})),
    ("custom_keys_type_refused", SGD, dict(custom_keys=["head"])),
]


def paramwise(name, optimizer, cfg):
    out = {"name": name, "optimizer": optimizer, "paramwise_cfg": cfg}
    model = Model()
    try:
        build = mmoptim.DefaultOptimWrapperConstructor(
            dict(optimizer=copy.deepcopy(optimizer)), copy.deepcopy(cfg)
        )
        wrapper = build(model)
    except (TypeError, ValueError) as error:
        return out | {"error": failure(error)}
    names = {id(p): n for n, p in model.named_parameters()}
    param_groups = wrapper.optimizer.param_groups
    groups = [
        {"name": names[id(p)], "lr": g["lr"], "weight_decay": g["weight_decay"]}
        for g in param_groups
        for p in g["params"]
    ]
    out |= {"one_group": len(param_groups) == 1, "groups": groups, "error": None}
    return out | {"get_lr": wrapper.get_lr(), "get_momentum": wrapper.get_momentum()}


def arguments():
    def optimizer():
        return torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)

    def attempt(cls, describe, **kwargs):
        out = {"wrapper": cls.__name__, "argument": describe}
        try:
            wrapper = cls(optimizer=optimizer(), **kwargs)
        except Exception as error:
            return out | {"result": failure(error)}
        out |= {"result": "ok"}
        if "loss_scale" in kwargs:
            out["scale_update"] = wrapper._scale_update_param
            scaler = wrapper.loss_scaler
            out["scaler"] = {
                "init_scale": scaler._init_scale if scaler._enabled else None,
                "growth_factor": scaler._growth_factor if scaler._enabled else None,
                "backoff_factor": scaler._backoff_factor if scaler._enabled else None,
                "growth_interval": scaler._growth_interval if scaler._enabled else None,
            }
        return out

    plain, amp = mmoptim.OptimWrapper, mmoptim.AmpOptimWrapper
    clip = [None, {}, {"max_norm": 1.0}, {"type": "norm", "max_norm": 1.0, "norm_type": 2},
            {"type": "value", "clip_value": 0.5}, {"type": "norm"}, {"type": "value"},
            {"type": "median", "max_norm": 1.0}, {"unknown": 3}, 1.0, [1.0]]
    for value in clip:
        yield attempt(plain, f"clip_grad={value!r}", clip_grad=copy.deepcopy(value))
    for value in (1, 4, 0, -1):
        yield attempt(plain, f"accumulative_counts={value!r}", accumulative_counts=value)
    was = amp_optimizer_wrapper.is_cuda_available, amp_optimizer_wrapper.GradScaler
    amp_optimizer_wrapper.is_cuda_available = lambda: False
    yield attempt(amp, "no_accelerator")
    amp_optimizer_wrapper.is_cuda_available = lambda: True
    # torch.cuda.amp.GradScaler disables itself without CUDA; the same class for the CPU keeps its arguments
    amp_optimizer_wrapper.GradScaler = lambda **kwargs: torch.amp.GradScaler("cpu", **kwargs)
    try:
        scales = ["dynamic", 512.0, 512, "static", None, True, {}, {"init_scale": 1024.0, "growth_interval": 100},
                  {"growth_factor": 1.0}, {"growth_factor": 0.5}, {"backoff_factor": 1.0},
                  {"backoff_factor": 2.0}, {"init_scale": 0.0}, {"init_scale": -2.0}, {"unknown": 3}]
        for value in scales:
            yield attempt(amp, f"loss_scale={value!r}", loss_scale=copy.deepcopy(value))
        for value in ("float16", "bfloat16", "float32", "float64", "int8", "half", torch.bfloat16, torch.int8, 16):
            yield attempt(amp, f"dtype={value!r}", dtype=value)
    finally:
        amp_optimizer_wrapper.is_cuda_available, amp_optimizer_wrapper.GradScaler = was


def goldens():
    MMLogger.get_instance("goldens", log_level="ERROR")
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts = [(k, m, 0) for k in range(1, 6) for m in (-1, *range(1, 13))]
        counts += [(3, 10, 3), (3, 10, 4), (4, 10, 9), (2, 6, 5), (5, 12, 7)]
        document = {
            "meta": META,
            "accumulation": [accumulate(*c) for c in counts],
            "params": list(parameters(Model())),
            "paramwise": [paramwise(*case) for case in PARAMWISE],
            "arguments": list(arguments()),
        }
    logging.disable(logging.NOTSET)
    return {"mmengine.json": document}
