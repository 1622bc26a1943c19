"""What mmengine's optimizer wrappers do: each case is run and recorded. Part of parity.py.

One parameter of two zeros under SGD with a learning rate of 1: after a step it is the negated gradient.
"""

import contextlib
import copy

import mmengine.optim as mmoptim
import torch
from mmengine.logging import MessageHub
from mmengine.optim.optimizer import amp_optimizer_wrapper, default_constructor, optimizer_wrapper
from mmengine.runner import amp
from parity_misuse import INF, NAN, run
from torch import nn

Plain, Amp, Several = mmoptim.OptimWrapper, mmoptim.AmpOptimWrapper, mmoptim.OptimWrapperDict


@contextlib.contextmanager
def accelerated():
    """As if there were a GPU; its scaler is then the same class for the CPU, which keeps its arguments. Regions are the CPU's."""
    was = amp_optimizer_wrapper.is_cuda_available, amp_optimizer_wrapper.GradScaler, amp.get_device
    amp_optimizer_wrapper.is_cuda_available, amp.get_device = lambda: True, lambda: "cpu"
    amp_optimizer_wrapper.GradScaler = lambda **kwargs: torch.amp.GradScaler("cpu", **kwargs)
    try:
        yield
    finally:
        amp_optimizer_wrapper.is_cuda_available, amp_optimizer_wrapper.GradScaler, amp.get_device = was


class Rig:
    def __init__(self, cls=Plain, groups=1, **kwargs):
        self.weight, self.other = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))
        params = [{"params": [self.weight]}, {"params": [self.other], "lr": 0.5}][:groups]
        self.wrapper = cls(optimizer=torch.optim.SGD(params, lr=1.0), **kwargs)
        self.model = nn.Module()

    def loss(self, grad=(1.0, 2.0)):
        return (self.weight * torch.tensor(grad)).sum()

    def update(self, *grads):
        for grad in grads or ((1.0, 2.0),):
            self.wrapper.update_params(self.loss(grad))
        return self

    def values(self):
        return self.weight.detach().clone()


def logged_norm(rig, grad=(3.0, 4.0)):
    """What is logged of the gradient norm in one update, and the step that was taken."""
    hub = rig.wrapper.message_hub
    hub.log_scalars.clear()
    rig.update(grad)
    names = {name: value.current() for name, value in hub.log_scalars.items()}
    return {"logged": names, "weight": rig.values()}


def plain_cases():
    for count in (0, -1):
        yield f"`accumulative_counts={count}`", lambda count=count: Rig(accumulative_counts=count)
    for clip in ({}, 1.0, {"type": "norm"}, {"type": "median", "max_norm": 1.0}):
        yield f"`clip_grad={clip!r}`", lambda clip=clip: bool(Rig(clip_grad=copy.deepcopy(clip)))
    yield "`clip_grad={'unknown': 3}`, then an update", lambda: Rig(clip_grad={"unknown": 3}).update().values()
    yield "the dict given as `clip_grad`", given_clip
    yield "`clip_grad` by norm", lambda: logged_norm(Rig(clip_grad={"max_norm": 1.0}))
    yield "`clip_grad` by value", lambda: logged_norm(Rig(clip_grad={"type": "value", "clip_value": 3.5}))
    yield "no `clip_grad`", lambda: logged_norm(Rig())
    yield "`clip_grad` with a parameter without gradient", lambda: logged_norm(Rig(groups=2, clip_grad={"max_norm": 1.0}))
    yield "`clip_grad` of a frozen parameter with an old gradient", frozen_clip
    yield "`clip_grad` of an overflow, `error_if_nonfinite`", lambda: Rig(
        clip_grad={"max_norm": 1.0, "error_if_nonfinite": True}).update((INF, 1.0))

    yield "a gradient of NaN", lambda: Rig().update((NAN, 1.0)).values()
    yield "a loss without a graph", lambda: Rig().wrapper.update_params(torch.tensor(1.0))
    yield "a loss of two elements", lambda: Rig().wrapper.update_params(nn.Parameter(torch.ones(2)) * 2)
    yield "a loss of integers", lambda: Rig().wrapper.update_params(torch.tensor(1))
    yield "a loss of other parameters", lambda: other_loss(Rig())
    yield "`step` without `backward`", lambda: Rig().wrapper.step()
    yield "a gradient that is there already", stray
    yield "the gradient after `update_params`", lambda: Rig().update().weight.grad
    yield "the gradient after `step`", after_step
    yield "`zero_grad`, then the gradient", zeroed
    yield "`zero_grad` inside a window", dropped_window

    yield "a window of 2", lambda: steps(Rig(accumulative_counts=2), 4)
    yield "windows of 3 in 4 batches", lambda: steps(Rig(accumulative_counts=3), 4, max_counts=4)
    for count, most in ((1, 3), (3, 9), (3, 10)):
        yield f"more batches than announced, {count} of {most}", lambda c=count, m=most: past_the_end(c, m)
    yield "a resumed count inside a window", resumed_inside
    yield "an announcement inside an open window", announced_inside
    yield "accumulation with batch norm", batch_norm
    yield "`should_update` before the first batch", lambda: Rig(accumulative_counts=3).wrapper.should_update()
    yield "`should_sync` of 3 batches", should_sync

    yield "the keys of `state_dict`", lambda: list(Rig().wrapper.state_dict())
    yield "the keys of `state_dict`, two groups", lambda: list(Rig(groups=2).wrapper.state_dict())
    yield "`inner_count` after loading", count_after_loading
    yield "loading the state of other groups", lambda: Rig().wrapper.load_state_dict(two_groups())
    yield "loading Adam's state into SGD", load_adam
    yield "loading a state with a loss scaler", load_amp_into_plain
    yield "`get_lr`, one group", lambda: Rig().wrapper.get_lr()
    yield "`get_lr`, two groups", lambda: Rig(groups=2).wrapper.get_lr()
    yield "`get_momentum` of SGD and Adam", momenta
    yield "the length of `param_groups`, two groups", lambda: len(Rig(groups=2).wrapper.param_groups)


def given_clip():
    given = {"type": "norm", "max_norm": 1.0}
    Rig(clip_grad=given)
    return given


def frozen_clip():
    rig = Rig(groups=2, clip_grad={"max_norm": 1.0})
    rig.other.grad = torch.full((2,), 100.0)
    rig.other.requires_grad_(False)
    return logged_norm(rig) | {"other": rig.other.detach()}


def other_loss(rig):
    rig.wrapper.update_params(nn.Parameter(torch.ones(1)).sum())
    return rig.values()


def stray():
    rig = Rig()
    rig.loss().backward()
    return rig.update().values()


def after_step():
    rig = Rig()
    rig.wrapper.backward(rig.loss())
    rig.wrapper.step()
    return rig.weight.grad


def zeroed():
    rig = Rig()
    rig.wrapper.backward(rig.loss())
    rig.wrapper.zero_grad()
    return rig.weight.grad


def dropped_window():
    rig = Rig(accumulative_counts=3)
    rig.update((1.0, 2.0), (1.0, 2.0))
    rig.wrapper.zero_grad()
    return rig.update().values()


def steps(rig, batches, max_counts=None):
    if max_counts:
        rig.wrapper.initialize_count_status(rig.model, 0, max_counts)
    return [rig.update().values()[0].item() for _ in range(batches)]


def past_the_end(count, most):
    rig = Rig(accumulative_counts=count)
    steps(rig, most, most)
    return rig.update().wrapper.inner_count


def resumed_inside():
    rig = Rig(accumulative_counts=3)
    rig.wrapper.initialize_count_status(rig.model, 4, 9)
    return steps(rig, 3)


def announced_inside():
    rig = Rig(accumulative_counts=3).update((1.0, 2.0), (1.0, 2.0))
    rig.wrapper.initialize_count_status(rig.model, 0, 9)
    return steps(rig, 3)


def batch_norm():
    rig = Rig(accumulative_counts=2)
    return rig.wrapper.initialize_count_status(nn.BatchNorm1d(2), 0, 4)


def should_sync():
    rig = Rig(accumulative_counts=3)
    return [rig.wrapper.should_sync(), rig.update().wrapper.should_sync(), rig.update().wrapper.should_sync()]


def two_groups():
    return Rig(groups=2).wrapper.state_dict()


def count_after_loading():
    rig, fresh = Rig(accumulative_counts=3).update((1.0, 2.0), (1.0, 2.0)), Rig(accumulative_counts=3)
    fresh.wrapper.load_state_dict(rig.wrapper.state_dict())
    return fresh.wrapper.inner_count


def load_adam():
    adam = Plain(torch.optim.Adam([nn.Parameter(torch.zeros(2))], lr=0.25))
    rig = Rig()
    rig.wrapper.load_state_dict(adam.state_dict())
    return rig.wrapper.get_lr()


def load_amp_into_plain():
    with accelerated():
        state = Rig(Amp).wrapper.state_dict()
    return Rig().wrapper.load_state_dict(state)


def momenta():
    weight = [nn.Parameter(torch.zeros(2))]
    optimizers = torch.optim.SGD(weight, lr=1.0, momentum=0.9), torch.optim.Adam(weight, betas=(0.8, 0.99))
    return [Plain(optimizer).get_momentum()["momentum"][0] for optimizer in optimizers]


def amp_cases():
    yield "no accelerator", lambda: without(lambda: Rig(Amp))
    for scale in ("dynamic", 512.0, 512, "static", None, {}, {"init_scale": 0.0}, {"unknown": 3}):
        yield f"`loss_scale={scale!r}`", lambda scale=scale: begun(Rig(Amp, loss_scale=scale).wrapper)
    for dtype in ("float16", "bfloat16", "float32", "float64", "half", torch.int8, 16):
        yield f"`dtype={dtype!r}`", lambda dtype=dtype: Rig(Amp, dtype=dtype).wrapper.cast_dtype
    yield "`dtype='bfloat16'`: its scaler", lambda: begun(Rig(Amp, dtype="bfloat16").wrapper)
    yield "an overflow", lambda: overflowed(Rig(Amp))
    yield "an overflow, `loss_scale=512.0`", lambda: overflowed(Rig(Amp, loss_scale=512.0))
    yield "an overflow in a window of 3", lambda: overflowed(Rig(Amp, accumulative_counts=3), 1)
    yield "`clip_grad` by norm", lambda: logged_norm(Rig(Amp, clip_grad={"max_norm": 1.0}))
    yield "`clip_grad` of an overflow", lambda: logged_norm(Rig(Amp, clip_grad={"max_norm": 1.0}), (INF, 1.0))
    yield "a loss of other parameters", lambda: other_loss(Rig(Amp))
    yield "`step` without `backward`", lambda: Rig(Amp).wrapper.step()
    yield "the keys of `state_dict`", lambda: list(Rig(Amp).wrapper.state_dict())
    yield "loading a state without a loss scaler", lambda: load_plain(Rig(Amp, loss_scale={"init_scale": 8.0}))
    yield "the dict given to `load_state_dict`", given_state
    yield "`optim_context`", lambda: in_context(Rig(Amp))
    yield "`optim_context` of f16 on the CPU", lambda: in_context(Rig(Amp, dtype="float16"))
    yield "`use_fsdp=True`", lambda: type(Rig(Amp, use_fsdp=True).wrapper.loss_scaler).__name__


def without(function):
    faked, amp_optimizer_wrapper.is_cuda_available = amp_optimizer_wrapper.is_cuda_available, lambda: False
    try:
        return function()
    finally:
        amp_optimizer_wrapper.is_cuda_available = faked


def begun(wrapper):
    scaler = wrapper.loss_scaler
    return {"enabled": scaler.is_enabled(), "scale": scaler.get_scale(), "fixed": wrapper._scale_update_param}


def overflowed(rig, at=0):
    count = rig.wrapper._accumulative_counts
    rig.update(*((INF, 1.0) if batch == at else (1.0, 2.0) for batch in range(count)))
    return {"weight": rig.values(), "scale": rig.wrapper.loss_scaler.get_scale(), "inner_count": rig.wrapper.inner_count}


def load_plain(rig):
    rig.wrapper.load_state_dict(Rig().wrapper.state_dict())
    return rig.wrapper.loss_scaler.get_scale()


def given_state():
    given = Rig(Amp).wrapper.state_dict()
    Rig(Amp).wrapper.load_state_dict(given)
    return list(given)


def in_context(rig):
    square = torch.ones(2, 2)
    with rig.wrapper.optim_context(rig.model):
        return (square @ square).dtype


def several(**kwargs):
    made = Several(a=Rig(**kwargs).wrapper, b=Rig(groups=2, **kwargs).wrapper)
    return made


def dict_cases():
    loss = torch.tensor(1.0)
    yield "`update_params`", lambda: several().update_params(loss)
    yield "`backward`", lambda: several().backward(loss)
    yield "`step`", lambda: several().step()
    yield "`optim_context`", lambda: in_context(type("R", (), {"wrapper": several(), "model": nn.Module()}))
    for name in ("should_update", "should_sync"):
        yield f"`{name}`", lambda name=name: getattr(several(), name)()
    yield "`scale_loss`", lambda: several().scale_loss(loss)
    yield "`inner_count`", lambda: several().inner_count
    yield "`initialize_count_status`", counted
    yield "`zero_grad`", dict_zeroed
    yield "a value that is no wrapper", lambda: Several(a=3)
    yield "`[]` of an unknown name", lambda: several()["c"]
    yield "no wrappers", lambda: [len(Several()), "a" in Several()]
    yield "the names, in order", lambda: list(Several(b=Rig().wrapper, a=Rig().wrapper).keys())
    yield "`get_lr`", lambda: several().get_lr()
    yield "`get_momentum`", lambda: several().get_momentum()
    yield "the keys of `state_dict`", lambda: list(several().state_dict())
    yield "loading a state with an unknown name", lambda: several().load_state_dict({"c": {}})
    yield "loading a state without a name", lambda: several().load_state_dict({"a": Rig().wrapper.state_dict()})


def counted():
    wrappers = several(accumulative_counts=3)
    wrappers.initialize_count_status(nn.Module(), 3, 10)
    return [wrapper.inner_count for wrapper in wrappers.values()]


def dict_zeroed():
    rig = Rig()
    rig.wrapper.backward(rig.loss())
    Several(a=rig.wrapper).zero_grad(set_to_none=False)
    return rig.weight.grad


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.PReLU(2))
        self.head = nn.Linear(2, 2)


def groups(cfg, model=None, **optimizer):
    """lr and weight_decay of each parameter's group, by name."""
    model = model or Net()
    optimizer = {"type": "SGD", "lr": 1.0, "weight_decay": 1.0} | optimizer
    optimizer = {key: value for key, value in optimizer.items() if value is not None}
    wrapper = mmoptim.DefaultOptimWrapperConstructor({"optimizer": optimizer}, cfg)(model)
    names = {id(p): n for n, p in model.named_parameters()}
    found = [(names[id(p)], g) for g in wrapper.optimizer.param_groups for p in g["params"]]
    return {name: [g["lr"], g["weight_decay"]] for name, g in found}


def tied():
    model = Net()
    model.head.weight = model.body[0].weight
    return model


def frozen():
    model = Net()
    model.head.requires_grad_(False)
    return model


def paramwise_cases():
    keys = lambda **entries: {"custom_keys": {k.replace("__", "."): v for k, v in entries.items()}}
    for key in ("bias_decay_mult", "norm_decay_mult", "dwconv_decay_mult", "flat_decay_mult"):
        yield f"`{key}` without a weight decay", lambda key=key: len(groups({key: 0.0}, weight_decay=None))
    yield "`decay_mult` without a weight decay", lambda: groups(keys(head={"decay_mult": 0.0}), weight_decay=None)
    yield "`bias_lr_mult` without a learning rate", lambda: groups({"bias_lr_mult": 2.0}, lr=None)
    yield "`paramwise_cfg` is a list", lambda: groups(["head"])
    yield "`custom_keys` is a list", lambda: groups({"custom_keys": ["head"]})
    yield "no `optimizer`", lambda: mmoptim.DefaultOptimWrapperConstructor({})
    yield "`optim_wrapper_cfg` is a list", lambda: mmoptim.DefaultOptimWrapperConstructor(["optimizer"])
    yield "an unknown key", lambda: len(groups({"bias_lr_mul": 2.0}))
    yield "an unknown key of a custom key", lambda: len(groups(keys(head={"lr": 2.0})))
    yield "a custom key with the optimizer's own option", own_option
    yield "a negative multiplier", lambda: groups({"bias_lr_mult": -1.0})
    yield "a custom key that matches nothing", lambda: len(groups(keys(neck={"lr_mult": 2.0})))
    yield "custom keys: the longest, then the first", lambda: groups(
        keys(head={"lr_mult": 2.0}, head__weight={"lr_mult": 3.0}, head__bia={"lr_mult": 4.0}, ead__bias={"lr_mult": 5.0}))
    yield "`bias_lr_mult` and `norm_decay_mult`", lambda: groups({"bias_lr_mult": 2.0, "norm_decay_mult": 0.0})
    yield "`norm_decay_mult` and a `PReLU`", lambda: groups({"norm_decay_mult": 0.0})["body.2.weight"]
    yield "`flat_decay_mult`", lambda: groups({"flat_decay_mult": 0.0})
    yield "a parameter registered twice", lambda: len(groups({"bias_lr_mult": 2.0}, tied()))
    yield "a parameter registered twice, `bypass_duplicate`", lambda: len(groups({"bypass_duplicate": True}, tied()))
    yield "frozen parameters", lambda: list(groups({"bias_lr_mult": 2.0}, frozen()))


def own_option():
    cfg = {"optimizer": {"type": "SGD", "lr": 1.0}}
    wrapper = mmoptim.DefaultOptimWrapperConstructor(cfg, {"custom_keys": {"head": {"momentum": 0.5}}})(Net())
    return wrapper.get_momentum()["momentum"]


def behaviours():
    MessageHub.get_instance("parity")
    said = []

    def note(message, logger=None, level=20):
        if level >= 30:
            said.append(str(message))

    was = optimizer_wrapper.print_log, default_constructor.print_log
    optimizer_wrapper.print_log = default_constructor.print_log = note
    for system, cases in (
        ("OptimWrapper", plain_cases),
        ("AmpOptimWrapper", amp_cases),
        ("OptimWrapperDict", dict_cases),
        ("DefaultOptimWrapperConstructor", paramwise_cases),
    ):
        for case, function in cases():
            said.clear()
            with accelerated():
                record = run(system, case, function)
            yield record | ({"warns": record.get("warns", []) + said[:]} if said else {})
    optimizer_wrapper.print_log, default_constructor.print_log = was
