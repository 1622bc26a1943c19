"""What torch.amp does: each case is run, and what it raises, gives and warns of is recorded. Part of parity.py.

One parameter of two zeros, SGD with a learning rate of 1 and no momentum: after a step it is the negated gradient.
"""

import contextlib
import math
import pickle
import threading
import warnings

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

INF, NAN = math.inf, math.nan


def clean(value):
    """As JSON has it: numbers that are not finite, and dtypes, as words."""
    if isinstance(value, dict):
        return {str(k): clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
    if isinstance(value, torch.Tensor):
        return clean(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, torch.dtype):
        return str(value)
    return value


def run(system, case, function):
    record = {"system": system, "case": case}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            record["gives"] = function()
        except Exception as error:
            # libtorch's trace is the machine's, not the message's
            record |= {"raises": type(error).__name__, "says": str(error).split("\nException raised")[0]}
    said = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    return record | ({"warns": said} if said else {})


@contextlib.contextmanager
def fake_cuda():
    """Autocast of CUDA with tensors that only say they are there."""
    was = torch.is_autocast_enabled("cuda")
    torch.set_autocast_enabled("cuda", True)
    try:
        with FakeTensorMode():
            yield lambda *shape: torch.empty(*shape, device="cuda")
    finally:
        torch.set_autocast_enabled("cuda", was)


class Rig:
    """A scaler, an optimizer and a parameter whose gradient the caller chooses."""

    def __init__(self, grad=(1.0, 2.0), **kwargs):
        self.weight = nn.Parameter(torch.zeros(2))
        self.optimizer = torch.optim.SGD([self.weight], lr=1.0)
        self.scaler = torch.amp.GradScaler("cpu", **kwargs)
        self.grad = torch.tensor(grad)

    def backward(self, grad=None):
        grad = self.grad if grad is None else torch.tensor(grad)
        self.scaler.scale((self.weight * grad).sum()).backward()
        return self

    def call(self, *names):
        for name in names:
            getattr(self.scaler, name)(*(() if name == "update" else (self.optimizer,)))
        return self

    def train(self, grad=None):
        self.backward(grad).call("step", "update")
        self.optimizer.zero_grad()
        return self

    def numbers(self):
        return {"weight": self.weight.detach().clone(), "scale": self.scaler.get_scale()}


def scaler_cases():
    f16 = lambda *shape: torch.full(shape, 2.0, dtype=torch.float16)
    tensor = lambda *v, **k: torch.tensor(v, **k)
    state = torch.amp.GradScaler("cpu").state_dict()

    yield "`unscale_` before `scale`", lambda: Rig().call("unscale_")
    yield "`step` before `scale`", lambda: Rig().call("step")
    yield "`update` before `scale`", lambda: Rig().call("update")
    yield "`update` without `unscale_` or `step`", lambda: Rig().backward().call("update")
    yield "`unscale_` twice", lambda: Rig().backward().call("unscale_", "unscale_")
    yield "`unscale_` after `step`", lambda: Rig().backward().call("step", "unscale_")
    yield "`step` twice without `update`", lambda: Rig().backward().call("step", "step")
    yield "`update` twice", lambda: Rig().backward().call("step", "update", "update")
    yield "`step` without gradients", no_gradients
    yield "`unscale_`, then `step`: unscaled once", lambda: Rig().backward().call("unscale_", "step").numbers()
    yield "`step` without `unscale_`", lambda: Rig().backward().call("step").numbers()
    yield "`step` with a closure", closure
    yield "the gradient after `step`", lambda: Rig().backward().call("step").weight.grad

    yield "`scale` of what is no tensor", lambda: Rig().scaler.scale(1.0)
    yield "`scale` of a list", lambda: Rig().scaler.scale([tensor(1.0), tensor(2.0)])
    yield "`scale` of integers", lambda: str(Rig().scaler.scale(torch.tensor(3)).dtype)
    yield "`scale` of one f16 element", lambda: Rig().scaler.scale(f16(1))
    yield "`scale` of an f16 scalar", lambda: Rig().scaler.scale(f16())
    yield "the dtype of a scaled f64 loss", lambda: Rig().scaler.scale(torch.tensor(1.0, dtype=torch.float64)).dtype

    yield "an overflow", lambda: Rig().train((INF, 1.0)).numbers()
    yield "a NaN", lambda: Rig().train((NAN, 1.0)).numbers()
    yield "`growth_interval` clean updates", lambda: Rig(growth_interval=2).train().train().numbers()
    yield "an overflow between clean updates", grown_late
    yield "an overflow in one of two optimizers", two_optimizers
    yield "200 overflows in a row", lambda: overflow(200)
    yield "300 growths in a row", grown
    yield "finite gradients that a scale below 1 makes inf", tiny_scale

    for key, values in {
        "init_scale": (0.0, -2.0, NAN, INF),
        "growth_factor": (1.0, 0.5, NAN, INF),
        "backoff_factor": (1.0, 2.0, 0.0, NAN),
        "growth_interval": (0,),
    }.items():
        for value in values:
            yield f"`{key}={value}`", lambda key=key, value=value: getattr(Rig(**{key: value}).scaler, f"_{key}")
    yield "CUDA is not there", lambda: torch.amp.GradScaler("cuda").is_enabled()
    yield "`set_growth_factor(0.5)`", lambda: setter("growth_factor", 0.5)
    yield "`set_backoff_factor(2.0)`", lambda: setter("backoff_factor", 2.0)
    yield "`set_growth_interval(0)`", lambda: setter("growth_interval", 0)

    yield "`update(128.0)`", lambda: updated(128.0)
    yield "`update(128)`", lambda: updated(128)
    yield "`update` with two numbers", lambda: updated(tensor(1.0, 2.0))
    yield "`update(0.0)`", lambda: updated(0.0)
    yield "the scale set between `scale` and `step`", set_between
    yield "f16 gradients", lambda: odd_dtype(torch.float16)
    yield "bf16 gradients", lambda: odd_dtype(torch.bfloat16)
    yield "sparse gradients", sparse

    yield "the keys of `state_dict`", lambda: list(state)
    yield "`get_scale` before `scale`", lambda: Rig(init_scale=8.0).scaler.get_scale()
    yield "`state_dict` of a disabled one", lambda: Rig(enabled=False).scaler.state_dict()
    yield "loading an empty state", lambda: Rig().scaler.load_state_dict({})
    yield "loading a state into a disabled one", lambda: Rig(enabled=False).scaler.load_state_dict(state)
    yield "loading a state without `scale`", lambda: loaded({k: v for k, v in state.items() if k != "scale"})
    yield "loading `growth_factor=1.0`", lambda: loaded(state | {"growth_factor": 1.0})
    yield "loading `scale=nan`", lambda: loaded(state | {"scale": NAN})
    yield "a loaded state", lambda: loaded({**state, "scale": 8.0, "growth_factor": 3.0, "_growth_tracker": 5})
    yield "pickling between `step` and `update`", lambda: len(pickle.dumps(Rig().backward().call("step").scaler))
    yield "disabled: `get_scale`", lambda: Rig(enabled=False).scaler.get_scale()
    yield "disabled: `scale`", lambda: Rig(enabled=False).scaler.scale(tensor(3.0))
    yield "disabled: an overflow", lambda: Rig(enabled=False).train((INF, 1.0)).numbers()

    yield "`clip_grad_norm_` after `unscale_`", clipped
    yield "`clip_grad_norm_` before `unscale_`", lambda: clipped(unscale=False)
    yield "`clip_grad_norm_` of an overflow, `error_if_nonfinite`", lambda: clipped((INF, 1.0), error_if_nonfinite=True)
    yield "`clip_grad_norm_` of finite gradients whose norm overflows", lambda: clipped((3e38, 3e38))
    yield "`clip_grad_norm_(-1.0)`", lambda: clipped(max_norm=-1.0)
    yield "`clip_grad_norm_` without gradients", lambda: nn.utils.clip_grad_norm_([Rig().weight], 1.0)
    yield "`clip_grad_norm_` with a parameter that has none", one_without


def overflow(count):
    rig = Rig()
    for _ in range(count):
        rig.train((INF, 1.0))
    return rig.numbers()


def no_gradients():
    rig = Rig()
    rig.scaler.scale(torch.tensor(1.0))
    rig.call("step")


def closure():
    rig = Rig().backward()
    rig.scaler.step(rig.optimizer, closure=lambda: None)


def grown_late():
    rig = Rig(growth_interval=2).train().train((INF, 1.0)).train()
    return {"scale": rig.scaler.get_scale(), "_growth_tracker": rig.scaler.state_dict()["_growth_tracker"]}


def grown():
    rig = Rig(growth_interval=1)
    for _ in range(300):
        rig.train()
    return rig.scaler.get_scale()


def two_optimizers():
    rig, other = Rig(), nn.Parameter(torch.zeros(2))
    second = torch.optim.SGD([other], lr=1.0)
    rig.backward((INF, 1.0))
    rig.scaler.scale((other * rig.grad).sum()).backward()
    rig.scaler.step(rig.optimizer)
    rig.scaler.step(second)
    rig.scaler.update()
    return rig.numbers() | {"other": other.detach()}


def tiny_scale():
    rig = Rig(init_scale=1e-3)
    rig.scaler.scale(torch.tensor(1.0))
    (rig.weight * 3e37).sum().backward()
    return rig.call("step", "update").weight.detach()


def setter(name, value):
    scaler = Rig().scaler
    getattr(scaler, f"set_{name}")(value)
    return getattr(scaler, f"get_{name}")()


def updated(value):
    rig = Rig().backward().call("step")
    rig.scaler.update(value)
    return rig.scaler.get_scale()


def set_between():
    rig = Rig().backward()
    rig.scaler.update(32768.0)
    return rig.call("step").weight.detach()


def odd_dtype(dtype):
    weight = nn.Parameter(torch.zeros(2, dtype=dtype))
    optimizer, scaler = torch.optim.SGD([weight], lr=1.0), torch.amp.GradScaler("cpu", init_scale=8.0)
    scaler.scale((weight * torch.tensor([1.0, 2.0], dtype=dtype)).sum()).backward()
    scaler.step(optimizer)
    return weight.detach().float()


def sparse():
    weight = nn.Parameter(torch.zeros(3, 2))
    optimizer, scaler = torch.optim.SGD([weight], lr=1.0), torch.amp.GradScaler("cpu", init_scale=8.0)
    row = nn.functional.embedding(torch.tensor([1]), weight, sparse=True)
    # not the row's sum: libtorch adds nothing for a sparse gradient whose values are expanded
    scaler.scale((row * torch.tensor([[1.0, 2.0]])).sum()).backward()
    scaler.step(optimizer)
    return weight.detach()


def loaded(state):
    scaler = Rig().scaler
    scaler.load_state_dict(state)
    return scaler.state_dict()


def clipped(grad=(3.0, 4.0), unscale=True, max_norm=1.0, **kwargs):
    rig = Rig(grad, init_scale=8.0 if max(grad) < 1e30 else 1.0).backward()
    if unscale:
        rig.call("unscale_")
    norm = nn.utils.clip_grad_norm_([rig.weight], max_norm, **kwargs)
    return {"norm": norm, "weight": rig.call("step").weight.detach()}


def one_without():
    rig = Rig((3.0, 4.0), init_scale=8.0).backward().call("unscale_")
    return nn.utils.clip_grad_norm_([rig.weight, nn.Parameter(torch.ones(2))], 1.0)


def autocast_cases():
    ones = lambda *shape, **kwargs: torch.ones(*shape, **kwargs)
    square = ones(2, 2)
    region = lambda dtype=torch.bfloat16, **kwargs: torch.autocast("cpu", dtype=dtype, **kwargs)
    kind = lambda: str((square @ square).dtype)

    yield "`device_type` is no string", lambda: torch.autocast(3)
    yield "`device_type` is unknown", lambda: torch.autocast("abacus")
    for dtype in (torch.float32, torch.float64):
        yield f"`dtype={dtype}`", lambda dtype=dtype: within(region(dtype), kind)
    yield "CUDA is not there", lambda: torch.autocast("cuda")._enabled
    yield "the default dtypes", lambda: {d: torch.get_autocast_dtype(d) for d in ("cpu", "cuda", "mps")}
    yield "a region", lambda: within(region(), kind)
    yield "`enabled=False`", lambda: within(region(enabled=False), kind)
    yield "regions of two dtypes, nested", lambda: nested(region, kind)
    yield "`enabled=False` inside a region", lambda: within(region(), lambda: [within(region(enabled=False), kind), kind()])
    yield "after an exception in a region", lambda: after_exception(region, kind)
    yield "another thread inside a region", lambda: within(region(), lambda: elsewhere(kind))
    yield "as a decorator", lambda: region()(kind)()

    yield "f64 operands", lambda: within(region(), lambda: str((square.double() @ square.double()).dtype))
    yield "f64 and f32 operands", lambda: within(region(), lambda: square.double() @ square)
    yield "`cat` of f16 and bf16", lambda: within(region(), lambda: torch.cat([square.half(), square.bfloat16()]))
    yield "a product written to `out`", lambda: within(region(), lambda: out_of(square))
    yield "`softmax` of bf16 on the CPU", lambda: within(region(), lambda: (square @ square).softmax(-1).dtype)
    yield "`binary_cross_entropy` on CUDA", banned
    yield "a weight written to inside a region", lambda: within(region(), written_to)
    yield "a weight used twice: its casts", lambda: casts(region)
    yield "a use without a graph before one with it", lambda: within(region(), without_graph_first)
    yield "the dtype of a weight's gradient", lambda: gradient_of(region)


def within(region, function):
    with region:
        return function()


def nested(region, kind):
    with region():
        before = kind()
        with region(torch.float16):
            inside = kind()
        return [before, inside, kind()]


def after_exception(region, kind):
    with contextlib.suppress(KeyError), region():
        raise KeyError
    return kind()


def elsewhere(kind):
    found = []
    thread = threading.Thread(target=lambda: found.append(kind()))
    thread.start()
    thread.join()
    return found[0]


def out_of(square):
    out = torch.empty(2, 2)
    torch.mm(square, square, out=out)
    return out.dtype


def banned():
    with fake_cuda() as zeros:
        nn.functional.binary_cross_entropy(zeros(2), zeros(2))


def written_to():
    weight = nn.Parameter(torch.ones(2, 2))
    product = lambda: (torch.ones(1, 2) @ weight).sum().item()
    before = product()
    with torch.no_grad():
        weight.zero_()
    return [before, product()]


class Casts(TorchDispatchMode):
    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.ops.aten._to_copy.default
        return function(*args, **(kwargs or {}))


def casts(region):
    weight, xs = nn.Parameter(torch.ones(2, 2)), torch.ones(1, 2, dtype=torch.bfloat16)
    with Casts() as counted, region():
        xs @ weight + xs @ weight
    return counted.count


def without_graph_first():
    weight = nn.Parameter(torch.ones(2, 2))
    with torch.no_grad():
        torch.ones(1, 2) @ weight
    (torch.ones(1, 2) @ weight).float().sum().backward()
    return weight.grad


def gradient_of(region):
    weight = nn.Parameter(torch.ones(2, 2))
    with region():
        loss = (torch.ones(1, 2) @ weight).float().sum()
    loss.backward()
    return weight.grad.dtype


def behaviours():
    for system, cases in (("torch.autocast", autocast_cases), ("torch.amp.GradScaler", scaler_cases)):
        for case, function in cases():
            yield run(system, case, function)
