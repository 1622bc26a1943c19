"""clip.safetensors: gradient clipping by the real torch.nn.utils.

Reference: torch.nn.utils.clip_grad_norm_ and clip_grad_value_ of torch 2.11.0 on the CPU (default
arguments otherwise; that foreach=False gives the same bits is asserted for f32).

    python tests/goldens/make.py clip

Five gradients i = 0..4 per list; <p> in 0.5 1 2 3 inf, <m> in 0.1 1 1e6, <v> in 0.01 0.5:
    in/<list>/<i>                        the gradients; <list>: f32, f64, bf16 (the same numbers, rounded),
                                         huge (f32, +-1e20), has_inf, has_nan (f32 with one such element)
    norm/<list>/p<p>/m<m>/total          0-dim, the returned norm, in the dtype torch gives it
    norm/<list>/p<p>/m<m>/out/<i>        the gradients afterwards
    norm/bf16_as_f32/p<p>/m<m>/...       the same for f32 copies of the bf16 list (outputs stay f32)
    value/<list>/v<v>/out/<i>            clip_grad_value_; all lists but bf16_as_f32
The lists huge, has_inf and has_nan have m1 only. huge: finite gradients whose 2-norm overflows f32.
"""

import numpy as np
import torch
from processor import processor

SHAPES = [(4, 3), (7,), (2, 3, 2, 2), (1,), (16, 5)]
NORM_TYPES = {"0.5": 0.5, "1": 1.0, "2": 2.0, "3": 3.0, "inf": float("inf")}
MAX_NORMS = {"0.1": 0.1, "1": 1.0, "1e6": 1e6}
VALUES = {"0.01": 0.01, "0.5": 0.5}


def with_grads(tensors):
    params = [torch.nn.Parameter(torch.zeros_like(t)) for t in tensors]
    for param, tensor in zip(params, tensors):
        param.grad = tensor.clone()
    return params


def bits_equal(a, b):
    return torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))


def keep_norm(out, prefix, tensors, norm_type, max_norm):
    params = with_grads(tensors)
    total = torch.nn.utils.clip_grad_norm_(params, max_norm, norm_type=norm_type)
    out[f"{prefix}/total"] = total.clone()
    for i, param in enumerate(params):
        out[f"{prefix}/out/{i}"] = param.grad
    if tensors[0].dtype == torch.float32:
        single = with_grads(tensors)
        again = torch.nn.utils.clip_grad_norm_(single, max_norm, norm_type=norm_type, foreach=False)
        assert bits_equal(total, again), prefix
        assert all(bits_equal(a.grad, b.grad) for a, b in zip(params, single)), prefix


def goldens():
    rs = np.random.RandomState(90)
    base = [rs.standard_normal(shape) for shape in SHAPES]
    f32 = [torch.from_numpy(a.astype(np.float32)) for a in base]

    def spoiled(value):
        tensors = [t.clone() for t in f32]
        tensors[2].view(-1)[3] = value
        return tensors

    lists = {
        "f32": f32,
        "f64": [torch.from_numpy(a) for a in base],
        "bf16": [t.bfloat16() for t in f32],
        "huge": [t.sign() * 1e20 for t in f32],
        "has_inf": spoiled(float("inf")),
        "has_nan": spoiled(float("nan")),
    }
    out = {f"in/{n}/{i}": t.clone() for n, ts in lists.items() for i, t in enumerate(ts)}
    for name, tensors in (lists | {"bf16_as_f32": [t.float() for t in lists["bf16"]]}).items():
        for p, norm_type in NORM_TYPES.items():
            for m, max_norm in MAX_NORMS.items():
                if m == "1" or name in ("f32", "f64", "bf16", "bf16_as_f32"):
                    keep_norm(out, f"norm/{name}/p{p}/m{m}", tensors, norm_type, max_norm)
    for name, tensors in lists.items():
        for v, value in VALUES.items():
            params = with_grads(tensors)
            torch.nn.utils.clip_grad_value_(params, value)
            for i, param in enumerate(params):
                out[f"value/{name}/v{v}/out/{i}"] = param.grad
    meta = {
        "torch": torch.__version__,
        "reference": "torch.nn.utils.clip_grad_norm_, clip_grad_value_",
    } | processor()
    return {"clip.safetensors": (out, meta)}
