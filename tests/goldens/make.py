#!/usr/bin/env python3
"""Makes the golden references beside this file, or checks that they still hold.

    python tests/goldens/make.py [names...]            # write
    python tests/goldens/make.py --check [names...]    # regenerate in memory and compare

Names: scaler optimizers clip schedules hysteresis autocast mmengine mmengine_schedules parity (default:
all). Needs torch 2.11.0, numpy and safetensors; the last three need mmengine 0.10.7 besides. What cannot be
regenerated here is reported on a line that starts with `skipped:` and does not fail the check.
The first difference is named and the exit status is 1.

Comparisons are bitwise. The kinds of file whose last bits depend on the processor (float kernels
of `optimizers` and `clip`) are compared to a relative 2e-5 instead when the kept file was made on
another kind of processor (`processor.py`); `autocast` within the bounds that it records.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
TOPICS = {  # name: module
    "scaler": "scaler",
    "optimizers": "optimizers",
    "clip": "clip",
    "schedules": "schedules",
    "hysteresis": "hysteresis",
    "autocast": "autocast",
    "mmengine": "mmengine_ref",
    "mmengine_schedules": "mmengine_schedules",
    "parity": "parity",
}
TORCH = "2.11.0"
MMENGINE = "0.10.7"
PROCESSOR = ("cpu_capability", "kernels")  # what bits depend on, in the metadata


class Difference(Exception):
    pass


def version(text):
    return text.split("+")[0]


def dump(document):
    """JSON text with one line per entry of each top-level list or object."""
    parts = []
    for key, value in document.items():
        if isinstance(value, list) and value:
            body = ",\n".join("  " + json.dumps(item, allow_nan=False) for item in value)
            text = f"[\n{body}\n ]"
        elif isinstance(value, dict) and value:
            body = ",\n".join(
                f"  {json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in value.items()
            )
            text = f"{{\n{body}\n }}"
        else:
            text = json.dumps(value, allow_nan=False)
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def compare_json(kept, made, where):
    if isinstance(kept, dict) and isinstance(made, dict):
        if list(kept) != list(made):
            raise Difference(f"{where}: keys {list(kept)} kept, {list(made)} made")
        for key in kept:
            compare_json(kept[key], made[key], f"{where}.{key}")
    elif isinstance(kept, list) and isinstance(made, list):
        if len(kept) != len(made):
            raise Difference(f"{where}: {len(kept)} items kept, {len(made)} made")
        for i, (a, b) in enumerate(zip(kept, made)):
            compare_json(a, b, f"{where}[{i}]")
    elif where.endswith("meta.torch"):
        pass  # the version was compared before
    elif type(kept) is not type(made) or kept != made:
        raise Difference(f"{where}: {kept!r} kept, {made!r} made")


def compare_tensors(kept, made, where, exact, near=None):
    if sorted(kept) != sorted(made):
        odd = sorted(set(kept) ^ set(made))[0]
        raise Difference(f"{where}: only one side has {odd}")
    for name in sorted(kept):
        a, b = kept[name], made[name]
        if a.dtype != b.dtype or a.shape != b.shape:
            raise Difference(
                f"{where}: {name} is {a.dtype} {list(a.shape)} kept, {b.dtype} {list(b.shape)} made"
            )
        floats = a.dtype.is_floating_point
        if not exact and near:
            verdict = near(name, a, b, kept)
            if verdict is False:
                raise Difference(f"{where}: {name} is not within its bound")
            if verdict:
                continue
        same = a == b
        if floats:
            same |= a.isnan() & b.isnan()
            if exact:  # and the sign of a zero
                same &= (a != 0) | (a.signbit() == b.signbit())
            else:
                same |= (a - b).abs() <= 1e-7 + 2e-5 * torch.maximum(a.abs(), b.abs())
        if not bool(same.all()):
            at = int((~same).flatten().nonzero()[0])
            raise Difference(
                f"{where}: {name}[{at}] is {a.flatten()[at].item()!r} kept, "
                f"{b.flatten()[at].item()!r} made"
            )


def check(path, made, near=None):
    if not path.exists():
        raise Difference(f"{path.name}: is not kept")
    if path.suffix == ".json":
        # through text, so that tuples and lists are the same thing
        compare_json(json.loads(path.read_text()), json.loads(dump(made)), path.name)
        return "bitwise"
    tensors, meta = made
    with safe_open(path, framework="pt") as kept:
        kept_meta = kept.metadata()
        exact = all(kept_meta.get(key) == meta.get(key) for key in PROCESSOR)
        for key in sorted(set(kept_meta) | set(meta)):
            if key == "torch" or key in PROCESSOR:
                continue
            if kept_meta.get(key) != meta.get(key):
                raise Difference(
                    f"{path.name}: metadata {key} is {kept_meta.get(key)!r} kept, {meta.get(key)!r} made"
                )
        compare_tensors({k: kept.get_tensor(k) for k in kept.keys()}, tensors, path.name, exact, near)
    return "bitwise" if exact else "to rounding, made on another kind of processor"


def write(path, made):
    try:
        if check(path, made) == "bitwise":
            return "unchanged"
    except Difference:
        pass
    if path.suffix == ".json":
        path.write_text(dump(made))
    else:
        tensors, meta = made
        save_file({k: v.contiguous() for k, v in tensors.items()}, path, metadata=meta)
        path.chmod(0o644)
    return f"written, {path.stat().st_size} bytes"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("names", nargs="*", metavar="name", help=" ".join(TOPICS))
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in TOPICS]
    if unknown:
        parser.error(f"unknown name {unknown[0]}; known: {' '.join(TOPICS)}")
    torch.set_num_threads(1)
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(HERE))
    for name in args.names or TOPICS:
        if name != "hysteresis" and version(torch.__version__) != TORCH:
            print(f"skipped: {name} (the reference is torch {TORCH}, this is {torch.__version__})")
            continue
        if name.startswith("mmengine") or name == "parity":
            try:
                import mmengine
            except ImportError as error:
                print(f"skipped: {name} (mmengine is not importable: {error})")
                continue
            if mmengine.__version__ != MMENGINE:
                print(f"skipped: {name} (the reference is mmengine {MMENGINE}, this is {mmengine.__version__})")
                continue
        module = importlib.import_module(TOPICS[name])
        near = getattr(module, "near", None)
        for file, made in module.goldens().items():
            try:
                verdict = check(HERE / file, made, near) if args.check else write(HERE / file, made)
            except Difference as difference:
                print(f"differs: {difference}")
                return 1
            print(f"{'same' if args.check else 'made'}: {file} ({verdict})", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
