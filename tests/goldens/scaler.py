"""scaler_traces.safetensors: scale traces of the real torch.amp.GradScaler.

Reference: torch.amp.GradScaler(device="cpu") of torch 2.11.0, driven through its public API over
1,000 random sequences of 3,000 steps. Every fifth sequence takes the whole path a training step takes
(unscale_, step with an SGD of lr 0, update); the others unscale_ and update, which is all the scale
depends on and a third cheaper. Each step sets the gradient to finite numbers or puts +inf, -inf or NaN
into one of its elements; that unscale_ found exactly those is asserted.

    python tests/goldens/make.py scaler        (about a minute and a half)

N = 1000 sequences; `metadata.steps` = 3000.
    init_scale, growth_factor, backoff_factor   f64[N]   constructor arguments
    growth_interval                             i64[N]
    full_path                                   u8[N]    1: step() was called too
    overflow_offsets                            i64[N+1] sequence i overflows at the steps
    overflow_steps                              i16[..]  overflow_steps[offsets[i]..offsets[i+1]], ascending
    change_offsets                              i64[N+1]
    change_steps                                i16[..]  the steps whose update changed the scale, and
    change_scales                               f32[..]  the scale from then on (before: f32(init_scale))
    final_tracker                               i32[N]   growth tracker after the last step
    tracker_checksum                            i64[N]   sum over the steps s = 0.. of (s+1) * tracker after step s
    tracker_samples                             i16[N,30] tracker after the steps 99, 199, .. 2999
Steps count from 0; a step's scale is the one after its update().
"""

import numpy as np
import torch

SEQUENCES, STEPS, SEED = 1000, 3000, 20611
BAD = (float("inf"), float("-inf"), float("nan"))


def draw(rs):
    """One sequence's arguments and its overflow steps."""
    growth = float(rs.choice([2.0, 4.0, 8.0])) if rs.rand() < 0.3 else rs.uniform(1.0001, 4.0)
    backoff = float(rs.choice([0.5, 0.25, 0.125])) if rs.rand() < 0.3 else rs.uniform(0.05, 0.99)
    interval = int(np.exp(rs.uniform(0.0, np.log(2501.0))))
    init = float(2 ** rs.randint(0, 25)) if rs.rand() < 0.6 else float(np.exp2(rs.uniform(0.0, 24.0)))
    probability = 0.0 if rs.rand() < 0.05 else np.exp(rs.uniform(np.log(1e-4), np.log(0.3)))
    found = rs.rand(STEPS) < probability
    if rs.rand() < 0.4:
        for _ in range(rs.randint(1, 5)):
            start = rs.randint(0, STEPS)
            found[start : start + rs.randint(1, 40)] = True
    return init, growth, backoff, interval, found


def trace(init, growth, backoff, interval, found, full_path):
    """The real scaler's scale and growth tracker after every step."""
    param = torch.nn.Parameter(torch.zeros(2))
    param.grad = torch.zeros(2)
    optimizer = torch.optim.SGD([param], lr=0.0, foreach=False)
    scaler = torch.amp.GradScaler(
        device="cpu",
        init_scale=init,
        growth_factor=growth,
        backoff_factor=backoff,
        growth_interval=interval,
    )
    scaler.scale(torch.tensor(1.0))
    finite = torch.tensor([1.0, -2.0])
    bad = [torch.tensor(pair) for value in BAD for pair in ((value, 1.0), (1.0, value))]
    scales, trackers = np.empty(STEPS, np.float64), np.empty(STEPS, np.int64)
    for step, overflow in enumerate(found.tolist()):
        param.grad.copy_(bad[step % 6] if overflow else finite)
        scaler.unscale_(optimizer)
        if step % 50 == 0 or overflow:
            per_device = scaler._per_optimizer_states[id(optimizer)]["found_inf_per_device"]
            assert [bool(t.item()) for t in per_device.values()] == [overflow]
        if full_path:
            scaler.step(optimizer)
        scaler.update()
        scales[step] = scaler.get_scale()
        trackers[step] = scaler._growth_tracker.item()
    assert scaler._scale.dtype == torch.float32 and scaler._growth_tracker.dtype == torch.int32
    # a scale near zero has no finite reciprocal: finite gradients then unscale to inf or NaN
    assert scales.min() < 2.0**-120 or not param.detach().any()
    return scales.astype(np.float32), trackers


def goldens():
    rs = np.random.RandomState(SEED)
    arguments, overflows, steps, scales = [], [], [], []
    final, checksum, samples, full = [], [], [], []
    for i in range(SEQUENCES):
        init, growth, backoff, interval, found = draw(rs)
        full.append(int(i % 5 == 0))
        scale, tracker = trace(init, growth, backoff, interval, found, full[-1])
        changed = np.flatnonzero(np.diff(scale, prepend=np.float32(init)))
        arguments.append((init, growth, backoff, interval))
        overflows.append(np.flatnonzero(found))
        steps.append(changed)
        scales.append(scale[changed])
        final.append(tracker[-1])
        checksum.append(int((np.arange(1, STEPS + 1) * tracker).sum()))
        samples.append(tracker[99::100])

    def tensor(values, dtype):
        return torch.from_numpy(np.ascontiguousarray(np.array(values, dtype)))

    def offsets(parts):
        return tensor(np.cumsum([0] + [len(part) for part in parts]), np.int64)

    init, growth, backoff, interval = zip(*arguments)
    tensors = {
        "init_scale": tensor(init, np.float64),
        "growth_factor": tensor(growth, np.float64),
        "backoff_factor": tensor(backoff, np.float64),
        "growth_interval": tensor(interval, np.int64),
        "full_path": tensor(full, np.uint8),
        "overflow_offsets": offsets(overflows),
        "overflow_steps": tensor(np.concatenate(overflows), np.int16),
        "change_offsets": offsets(steps),
        "change_steps": tensor(np.concatenate(steps), np.int16),
        "change_scales": tensor(np.concatenate(scales), np.float32),
        "final_tracker": tensor(final, np.int32),
        "tracker_checksum": tensor(checksum, np.int64),
        "tracker_samples": tensor(samples, np.int16),
    }
    meta = {"torch": torch.__version__, "reference": "torch.amp.GradScaler", "steps": str(STEPS)}
    return {"scaler_traces.safetensors": (tensors, meta)}
