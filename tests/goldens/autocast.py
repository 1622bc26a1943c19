"""autocast.safetensors, autocast.json: five models in mixed precision, by the real torch.autocast.

    python tests/goldens/make.py autocast

<model>: mlp residual transformer lstm fpn (`autocast_models.py`). <dtype>: bf16 f16. <mode>:
    cpu     torch.autocast("cpu", dtype), nothing else
    cuda    PyTorch's CUDA lists, on the CPU (`autocast_policy.py`); forward casts of the real CUDA autocast are
            counted on fake tensors and its dtypes compared operation by operation (all models but lstm, which
            would ask for the cuDNN of a real device)
    shared  the CUDA lists with one cast per value
Tensors:
    <model>/weights/<name>, <model>/inputs/<name>
    <model>/f32/out/<name>, <model>/f32/grad/<name>
    <model>/<dtype>/<mode>/out/<name>, .../grad/<name>     f16 gradients of the loss times 1024, divided by it again
    <model>/<dtype>/<mode>/bound/out/<name>, .../grad/...  0-dim f64: how far, relative to the f32 value's norm, rounding
                                                           may move it: the largest of 16 draws of `Noise`
autocast.json: model -> dtype -> mode -> `casts`: `aten::_to_copy` in forward and loss that a dispatch mode sees;
`with_kernels`: as a profiler counts, which also sees kernels convert numbers and weights. The mode `fake_cuda` is the
real CUDA autocast. No f16 for lstm: oneDNN has no f16 LSTM for processors without f16 arithmetic, torch.autocast
raises there.

Asserted while they are made: the modes are what they say, losses are f32, sharing casts changes no forward, and
PyTorch's own results stay within the bounds.
"""

import warnings

import torch
from autocast_models import MODELS, make_weights
from autocast_policy import Casts, Noise
from processor import processor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16}
SCALES = {"bf16": 1.0, "f16": 1024.0}
MODES = ("cpu", "cuda", "shared")
DRAWS = 16


class Trace(TorchDispatchMode):
    """What is run: operator, dtype of its first tensor, dtype of its result; and how many casts."""

    def __init__(self):
        super().__init__()
        self.ops = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func.namespace == "aten":
            self.ops.append((func.__name__.split(".")[0], dtype_of(args), dtype_of(out)))
        return out

    def casts(self):
        return sum(name == "_to_copy" for name, _, _ in self.ops)


def dtype_of(value):
    if isinstance(value, torch.Tensor):
        return value.dtype
    if isinstance(value, (list, tuple)):
        return next((found for item in value if (found := dtype_of(item)) is not None), None)
    return None


def run(model, sizes, weights, inputs, mode, scale=1.0):
    """Outputs, gradients and the forward's trace."""
    p = {name: fresh(value) for name, value in weights.items()}
    with Trace() as trace, mode:
        out = model.forward(p, inputs, sizes)
    assert out["loss"].dtype in (torch.float32, torch.float64), "losses are full"
    (out["loss"] * scale).backward()
    grads = {name: value.grad / scale for name, value in p.items() if value.requires_grad}
    return {k: v.detach().clone() for k, v in out.items()}, grads, trace


def profiled(model, sizes, weights, inputs, mode):
    """The forward's casts as a profiler counts them, those of numbers and weights inside kernels too."""
    p = {name: fresh(value) for name, value in weights.items()}
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], acc_events=True) as profiler, mode:
        model.forward(p, inputs, sizes)
    return sum(event.count for event in profiler.key_averages() if event.key == "aten::_to_copy")


def fresh(value):
    return value.detach().clone().requires_grad_(value.requires_grad)


class Off:
    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


class FakeCuda:
    """The real CUDA autocast; `torch.autocast` would want a driver."""

    def __init__(self, dtype):
        self.dtype = dtype

    def __enter__(self):
        torch.set_autocast_dtype("cuda", self.dtype)
        torch.set_autocast_enabled("cuda", True)
        torch.autocast_increment_nesting()

    def __exit__(self, *_):
        torch.autocast_decrement_nesting()
        torch.clear_autocast_cache()
        torch.set_autocast_enabled("cuda", False)


def fake_cuda(model, sizes, dtype):
    with FakeTensorMode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        generator = torch.Generator().manual_seed(0)
        cuda = {k: v.detach().to("cuda").requires_grad_(v.requires_grad) for k, v in make_weights(model, sizes, generator).items()}
        inputs = {k: v.to("cuda") for k, v in model.inputs(sizes, generator).items()}
        with Trace() as trace, FakeCuda(dtype):
            model.forward(cuda, inputs, sizes)
    return trace


def kinds(trace):
    """A trace without what devices name differently."""
    same = {"cudnn_batch_norm": "batch_norm", "native_batch_norm": "batch_norm", "_native_batch_norm_legit": "batch_norm"}
    skipped = {"detach", "alias", "zeros", "zeros_like", "ones", "empty"}
    out = []
    for name, taken, given in trace.ops:
        if name in ("_softmax", "_log_softmax") and out and out[-1][0] == "_to_copy" and out[-1][2] == taken:
            taken = out.pop()[1]  # CUDA's kernel reads f16 itself
        if name not in skipped:
            out.append((same.get(name, name), taken, given))
    return out


def distance(got, wanted):
    got, wanted = got.double(), wanted.double()
    return ((got - wanted).norm() / wanted.norm()).item() if not torch.equal(got, wanted) else 0.0


def noise_bounds(model, sizes, weights, inputs, dtype, lists, share, scale):
    double = {k: v.detach().double().requires_grad_(v.requires_grad) for k, v in weights.items()}
    inputs = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
    exact = named(*run(model, sizes, double, inputs, Off(), scale)[:2])
    bounds = dict.fromkeys(exact, 0.0)
    for seed in range(DRAWS):
        noisy = named(*run(model, sizes, double, inputs, Noise(dtype, lists, share, seed), scale)[:2])
        for name, value in exact.items():
            bounds[name] = max(bounds[name], distance(noisy[name], value))
    return bounds


def named(out, grads):
    return {f"out/{k}": v for k, v in out.items()} | {f"grad/{k}": v for k, v in grads.items()}


def goldens():
    tensors, casts = {}, {}
    for index, (model_name, model) in enumerate(MODELS.items()):
        generator = torch.Generator().manual_seed(2110 + index)
        sizes = model.sizes()
        weights = make_weights(model, sizes, generator)
        inputs = model.inputs(sizes, generator)
        tensors |= {f"{model_name}/weights/{k}": v.detach().clone() for k, v in weights.items()}
        tensors |= {f"{model_name}/inputs/{k}": v for k, v in inputs.items()}
        full = named(*run(model, sizes, weights, inputs, Off())[:2])
        tensors |= {f"{model_name}/f32/{k}": v for k, v in full.items()}
        casts[model_name] = {}
        for dtype_name, dtype in DTYPES.items():
            if (model_name, dtype_name) == ("lstm", "f16"):
                continue
            at, scale, counts = f"{model_name}/{dtype_name}", SCALES[dtype_name], {}
            modes = {
                "cpu": lambda: torch.autocast("cpu", dtype=dtype),
                "as_cpu": lambda: Casts(dtype, "cpu"),
                "cuda": lambda: Casts(dtype, "cuda"),
                "shared": lambda: Casts(dtype, "cuda", share=True),
            }
            results, traces = {}, {}
            for mode, entered in modes.items():
                out, grads, traces[mode] = run(model, sizes, weights, inputs, entered(), scale)
                results[mode] = named(out, grads)
                counts[mode] = {"casts": traces[mode].casts()}
                counts[mode]["with_kernels"] = profiled(model, sizes, weights, inputs, entered())
            for name, value in results["cpu"].items():
                assert torch.equal(value, results["as_cpu"][name]), f"{at}: {name}: the mode is not torch.autocast"
            assert counts["cpu"] == counts.pop("as_cpu"), at
            by_hand = named(*run(model, sizes | {"wide": True}, weights, inputs, modes["cpu"](), scale)[:2])
            for name, value in results["cuda"].items():
                assert torch.equal(value, by_hand[name]), f"{at}: {name}: the CUDA lists are not what one writes by hand"
                assert name.startswith("grad") or torch.equal(value, results["shared"][name]), f"{at}: {name}: sharing changed the forward"
            if model_name != "lstm":
                fake = fake_cuda(model, sizes, dtype)
                assert kinds(fake) == kinds(traces["cuda"]), f"{at}: the mode is not the CUDA lists"
                counts["fake_cuda"] = {"casts": fake.casts()}
            casts[model_name][dtype_name] = counts
            for mode in MODES:
                lists, share = ("cpu", False) if mode == "cpu" else ("cuda", mode == "shared")
                bounds = noise_bounds(model, sizes, weights, inputs, dtype, lists, share, scale)
                used = {k: distance(v, full[k]) / bounds[k] for k, v in results[mode].items()}
                worst = max(used, key=used.get)
                assert used[worst] <= 1, f"{at}/{mode}: {worst} uses {used[worst]} of its bound"
                tensors |= {f"{at}/{mode}/{k}": v for k, v in results[mode].items()}
                tensors |= {f"{at}/{mode}/bound/{k}": torch.tensor(v, dtype=torch.float64) for k, v in bounds.items()}
    meta = {
        "torch": torch.__version__,
        "reference": "torch.autocast",
    } | processor()
    document = {
        "meta": {"torch": torch.__version__, "reference": "torch.autocast"},
        **casts,
    }
    return {"autocast.safetensors": (tensors, meta), "autocast.json": document}


def near(name, kept, made, all_kept):
    """Whether two results of different processors' kernels are both within rounding; none where rounding says nothing."""
    model, dtype, *rest = name.split("/", 2)
    if dtype not in DTYPES or "/bound/" in name:
        return None
    mode, value = rest[0].split("/", 1)
    bound = all_kept[f"{model}/{dtype}/{mode}/bound/{value}"].item()
    return distance(made, all_kept[f"{model}/f32/{value}"]) <= bound and distance(kept, made) <= 2 * bound
