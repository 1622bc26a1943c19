"""hysteresis.json: loss scales under the two published hysteresis rules. Not recorded from a library.

Reference: a transcription of the two algorithms, in f64 factors on an f32 scale as torch computes it.
  megatron     Megatron's DynamicGradScaler and DeepSpeed's default: an overflow spends one unit of
               hysteresis, and from the last unit on every overflow backs the scale off; the units come
               back only when the scale grows.
  consecutive  apex's update_scale_hysteresis and DeepSpeed's consecutive_hysteresis: the units come back
               at every step without overflow.

    python tests/goldens/make.py hysteresis

    fixed.{found, init_scale, growth_factor, backoff_factor, growth_interval, hysteresis, min_scale,
    max_scale}; fixed.megatron, fixed.consecutive: the scale after each of the 12 steps
    random[]: the same arguments, `steps`, `overflow_steps` (ascending, from 0), and for each rule
    {changes: [[step, scale after it], ..] where the scale changed, growth_tracker: at the end}
min_scale and max_scale may be null. A step: found = scale f32(scale * backoff) when it backs off; the
growth counter to 0; at growth_interval clean steps the counter to 0 and f32(scale * growth) if that is
finite; then clamp to [min_scale, max_scale]. The scales are f32 values.
"""

import numpy as np
import torch

SEED, SEQUENCES, STEPS = 77, 200, 500
FIXED = [1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1]
FIXED_SCALES = {
    "megatron": [64, 64, 32, 16, 16, 16, 8, 8, 8, 8, 16, 16],
    "consecutive": [64, 64, 64, 32, 32, 32, 32, 32, 32, 32, 64, 64],
}


def f32(value):
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def follow(rule, found, a):
    """The scale after every step, and the growth counter at the end."""
    scale, clean, units = f32(a["init_scale"]), 0, a["hysteresis"]
    low = 0.0 if a["min_scale"] is None else a["min_scale"]
    high = float("inf") if a["max_scale"] is None else a["max_scale"]
    scales = []
    for overflow in found:
        if overflow:
            clean = 0
            units -= 1
            if units <= 0:
                scale = max(low, f32(scale * a["backoff_factor"]))
        else:
            clean += 1
            if rule == "consecutive":
                units = a["hysteresis"]
            if clean == a["growth_interval"]:
                clean, units = 0, a["hysteresis"]
                grown = f32(scale * a["growth_factor"])
                if np.isfinite(grown):
                    scale = min(high, grown)
        scales.append(scale)
    return scales, clean


def draw(rs):
    pow2 = rs.rand() < 0.4
    init = float(2 ** rs.randint(4, 21)) if rs.rand() < 0.6 else f32(np.exp2(rs.uniform(4.0, 20.0)))
    floor = f32(init * rs.uniform(1e-4, 1.0)) if rs.rand() < 0.5 else None
    ceiling = f32(init * rs.uniform(1.0, 1e3)) if rs.rand() < 0.5 else None
    arguments = {
        "init_scale": init,
        "growth_factor": 2.0 if pow2 else rs.uniform(1.001, 4.0),
        "backoff_factor": 0.5 if pow2 else rs.uniform(0.1, 0.95),
        "growth_interval": int(np.exp(rs.uniform(0.0, np.log(200.0)))),
        "hysteresis": int(rs.randint(1, 6)),
        "min_scale": floor,
        "max_scale": ceiling,
    }
    found = rs.rand(STEPS) < np.exp(rs.uniform(np.log(2e-3), np.log(0.3)))
    for _ in range(rs.randint(0, 4)):
        start = rs.randint(0, STEPS)
        found[start : start + rs.randint(1, 12)] = True
    return arguments, found


def changes(start, scales):
    before = [start] + scales[:-1]
    return [[i, s] for i, (b, s) in enumerate(zip(before, scales)) if s != b]


def goldens():
    arguments = {
        "init_scale": 65536.0,
        "growth_factor": 2.0,
        "backoff_factor": 0.5,
        "growth_interval": 4,
        "hysteresis": 2,
        "min_scale": None,
        "max_scale": None,
    }
    fixed = {"found": FIXED} | arguments
    for rule, kilo in FIXED_SCALES.items():
        fixed[rule] = follow(rule, FIXED, arguments)[0]
        assert fixed[rule] == [1024.0 * k for k in kilo], rule
    rs = np.random.RandomState(SEED)
    random = []
    for _ in range(SEQUENCES):
        arguments, found = draw(rs)
        entry = arguments | {"steps": STEPS, "overflow_steps": np.flatnonzero(found).tolist()}
        for rule in FIXED_SCALES:
            scales, clean = follow(rule, found, arguments)
            entry[rule] = {"changes": changes(f32(arguments["init_scale"]), scales), "growth_tracker": clean}
        random.append(entry)
    meta = {"torch": torch.__version__, "reference": "transcription, no library was run"}
    return {"hysteresis.json": {"meta": meta, "fixed": fixed, "random": random}}
