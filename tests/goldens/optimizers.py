"""optimizers.safetensors, optimizers.json: 200 steps of the real torch.optim on recorded gradients.

Reference: torch.optim.SGD, Adam and AdamW of torch 2.11.0 on the CPU, each as "plain"
(foreach=False, fused=False) and as "fused" (fused=True), and the last two parts with the real
torch.amp.GradScaler and torch.nn.utils.clip_grad_norm_.

    python tests/goldens/make.py optimizers

Steps count from 0 in gradients; "after n" means after n optimizer steps. `extra.weight` has no gradient
(grad None) where `present/extra.weight` is 0: at steps 0, 1 and every step divisible by 3. It is in a
parameter group of its own: torch's fused SGD with momentum raises TypeError when a parameter gets its
first gradient later than others of its group ("expected Tensor as element 1 in argument 2, but got
NoneType"), because it only creates momentum buffers when a group has none at all.

    init/<param>                             f32   initial values
    grad/<param>                             f32 [200, *shape]; NaN where there is no gradient
    present/extra.weight                     u8 [200]
    <config>/<impl>/after<n>/<param>         f32   parameters after 1, 2, 10, 100, 200 steps
    <config>/<impl>/state/<param>/<field>    f32   after 200: momentum_buffer, or step (0-dim), exp_avg,
                                                   exp_avg_sq, and max_exp_avg_sq with amsgrad
Under a scaler, 50 steps: grad * scale is put in .grad, then unscale_, clip_grad_norm_(max_norm=1), step,
update. The overflows (values put into gradients) are listed in the JSON.
    scaled/<run>/<impl>/after<n>/<param>     f32   after 10, 20, 30, 40, 50 steps
    scaled/<run>/<impl>/scales               f32 [50]  the scale after every update
    scaled/<run>/<impl>/trackers             i32 [50]  the growth tracker after every update
    scaled/<run>/<impl>/norms                f32 [50]  what clip_grad_norm_ returned (not finite: overflow)
    scaled/<run>/<impl>/found_inf            u8 [50]
    scaled/<run>/<impl>/state/<param>/<field>
"""

import numpy as np
import torch
from processor import processor

STEPS, SEED = 200, 4711
PARAMS = {  # name: (shape, group)
    "conv.weight": ((8, 3, 3, 3), 0),
    "conv.bias": ((8,), 0),
    "fc.weight": ((10, 8), 0),
    "fc.bias": ((10,), 0),
    "scale": ((1,), 0),
    "extra.weight": ((7, 5), 1),
}
RECORD_AFTER = (1, 2, 10, 100, 200)
CONFIGS = [
    ("sgd", "SGD", dict(lr=0.05)),
    ("sgd_momentum", "SGD", dict(lr=0.05, momentum=0.9)),
    ("sgd_nesterov", "SGD", dict(lr=0.05, momentum=0.9, nesterov=True)),
    ("sgd_dampening", "SGD", dict(lr=0.05, momentum=0.9, dampening=0.3)),
    ("sgd_momentum_wd", "SGD", dict(lr=0.05, momentum=0.9, weight_decay=1e-2)),
    ("sgd_nesterov_wd", "SGD", dict(lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4)),
    ("sgd_dampening_wd", "SGD", dict(lr=0.05, momentum=0.9, dampening=0.5, weight_decay=1e-2)),
    ("sgd_maximize", "SGD", dict(lr=0.05, maximize=True)),
    ("adam", "Adam", dict(lr=1e-3)),
    ("adam_betas_wd", "Adam", dict(lr=1e-3, betas=(0.8, 0.99), eps=1e-6, weight_decay=1e-2)),
    ("adam_amsgrad", "Adam", dict(lr=1e-3, amsgrad=True)),
    ("adamw", "AdamW", dict(lr=1e-3)),
    ("adamw_amsgrad_wd", "AdamW", dict(lr=1e-3, amsgrad=True, weight_decay=0.1)),
    ("adamw_maximize", "AdamW", dict(lr=1e-3, maximize=True)),
]
SCALER = dict(init_scale=65536.0, growth_factor=2.0, backoff_factor=0.5, growth_interval=7)
MAX_NORM, SCALED_STEPS = 1.0, 50
OVERFLOWS = [
    dict(step=3, param="conv.weight", index=5, value="inf"),
    dict(step=4, param="fc.bias", index=3, value="-inf"),
    dict(step=11, param="scale", index=0, value="nan"),
    dict(step=30, param="fc.weight", index=17, value="inf"),
    dict(step=30, param="conv.bias", index=0, value="-inf"),
]
AT_ZERO = [dict(step=0, param="fc.bias", index=0, value="nan")] + OVERFLOWS
SCALED = [  # fused SGD with an overflow at step 0 keeps an uninitialised momentum buffer: not recorded
    ("sgd_momentum", "SGD", dict(lr=0.05, momentum=0.9), OVERFLOWS),
    ("adamw", "AdamW", dict(lr=1e-3), OVERFLOWS),
    ("adamw_at_zero", "AdamW", dict(lr=1e-3), AT_ZERO),
]
IMPLS = {"plain": dict(foreach=False, fused=False), "fused": dict(fused=True)}


def present(name, step):
    return name != "extra.weight" or (step >= 2 and step % 3 != 0)


def make_inputs():
    rs = np.random.RandomState(SEED)  # a frozen stream: the same on every platform
    values = {n: 0.5 * rs.standard_normal(s) for n, (s, _) in PARAMS.items()}
    factor = 0.05 * np.exp(0.4 * rs.standard_normal(STEPS))
    grads = {n: rs.standard_normal((STEPS, *s)) for n, (s, _) in PARAMS.items()}
    for name, grad in grads.items():
        grad *= factor.reshape(-1, *[1] * (grad.ndim - 1))
        grad[[not present(name, step) for step in range(STEPS)]] = np.nan
    to_f32 = lambda arrays: {n: torch.from_numpy(a.astype(np.float32)) for n, a in arrays.items()}
    return to_f32(values), to_f32(grads)


def build(kind, args, impl, init):
    params = {n: torch.nn.Parameter(v.clone()) for n, v in init.items()}
    groups = [
        {"params": [p for n, p in params.items() if PARAMS[n][1] == group]} for group in (0, 1)
    ]
    return params, getattr(torch.optim, kind)(groups, **args, **IMPLS[impl])


def put_grads(params, grads, step, scale=1.0):
    for name, param in params.items():
        param.grad = grads[name][step] * scale if present(name, step) else None


def keep_state(out, prefix, params, optimizer):
    for name, param in params.items():
        for field, value in optimizer.state[param].items():
            if value is not None:
                out[f"{prefix}/state/{name}/{field}"] = value.detach().clone()


def keep_params(out, prefix, params):
    for name, param in params.items():
        out[f"{prefix}/{name}"] = param.detach().clone()


def run(out, prefix, kind, args, impl, init, grads):
    params, optimizer = build(kind, args, impl, init)
    for step in range(STEPS):
        put_grads(params, grads, step)
        optimizer.step()
        if step + 1 in RECORD_AFTER:
            keep_params(out, f"{prefix}/after{step + 1}", params)
    keep_state(out, prefix, params, optimizer)
    return optimizer


def run_scaled(out, prefix, kind, args, impl, overflows, init, grads):
    params, optimizer = build(kind, args, impl, init)
    scaler = torch.amp.GradScaler(device="cpu", **SCALER)
    scaler.scale(torch.tensor(1.0))
    scales, trackers, norms, found_inf = [], [], [], []
    for step in range(SCALED_STEPS):
        put_grads(params, grads, step, scaler.get_scale())
        for o in overflows:
            if o["step"] == step:
                params[o["param"]].grad.view(-1)[o["index"]] = float(o["value"])
        scaler.unscale_(optimizer)
        found = scaler._per_optimizer_states[id(optimizer)]["found_inf_per_device"]
        found_inf.append(int(sum(t.item() for t in found.values())))
        norms.append(torch.nn.utils.clip_grad_norm_(params.values(), max_norm=MAX_NORM).item())
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
        trackers.append(scaler._growth_tracker.item())
        if (step + 1) % 10 == 0:
            keep_params(out, f"{prefix}/after{step + 1}", params)
    keep_state(out, prefix, params, optimizer)
    out[f"{prefix}/scales"] = torch.tensor(scales, dtype=torch.float32)
    out[f"{prefix}/trackers"] = torch.tensor(trackers, dtype=torch.int32)
    out[f"{prefix}/norms"] = torch.tensor(norms, dtype=torch.float32)
    out[f"{prefix}/found_inf"] = torch.tensor(found_inf, dtype=torch.uint8)
    assert [s for s, f in enumerate(found_inf) if f] == sorted({o["step"] for o in overflows})
    return optimizer


def entry(name, kind, optimizer):
    hidden = ("foreach", "fused", "capturable", "differentiable", "decoupled_weight_decay")
    args = {k: v for k, v in optimizer.defaults.items() if k not in hidden}
    return {"name": name, "optimizer": kind, "args": args}


def goldens():
    init, grads = make_inputs()
    out = {f"init/{n}": v for n, v in init.items()} | {f"grad/{n}": v for n, v in grads.items()}
    out["present/extra.weight"] = torch.tensor(
        [present("extra.weight", step) for step in range(STEPS)], dtype=torch.uint8
    )
    configs, scaled = [], []
    for name, kind, args in CONFIGS:
        for impl in IMPLS:
            optimizer = run(out, f"{name}/{impl}", kind, args, impl, init, grads)
        configs.append(entry(name, kind, optimizer))
    for name, kind, args, overflows in SCALED:
        for impl in IMPLS:
            prefix = f"scaled/{name}/{impl}"
            optimizer = run_scaled(out, prefix, kind, args, impl, overflows, init, grads)
        scaled.append(entry(name, kind, optimizer) | {"overflows": overflows})
    meta = {"torch": torch.__version__, "reference": "torch.optim"}
    document = {
        "meta": meta | {"steps": STEPS, "record_after": RECORD_AFTER, "impls": list(IMPLS)},
        "params": [{"name": n, "shape": s, "group": g} for n, (s, g) in PARAMS.items()],
        "configs": configs,
        "scaler": SCALER | {"max_norm": MAX_NORM, "steps": SCALED_STEPS},
        "scaled": scaled,
    }
    tensor_meta = meta | processor()
    return {"optimizers.safetensors": (out, tensor_meta), "optimizers.json": document}
