"""PyTorch's side of `cargo xtask bench models`: forward, loss and backward of the five models.

Reads lines `MODEL PRECISION RUNS` (precision `f32`, `bf16`, or `wide`: bf16 with norms, softmax and upsampling in f32), answers
each with the seconds of that many runs, one by one, after one that is not timed.
"""
import contextlib
import sys
import time
from pathlib import Path

import torch

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "goldens"))

from autocast_models import MODELS, make_weights  # noqa: E402


class Contestant:
    def __init__(self, name):
        self.model = MODELS[name]
        generator = torch.Generator().manual_seed(0)
        self.sizes = self.model.sizes(bench=True)
        self.weights = make_weights(self.model, self.sizes, generator)
        self.inputs = self.model.inputs(self.sizes, generator)

    def run(self, precision):
        for weight in self.weights.values():
            weight.grad = None
        region = contextlib.nullcontext() if precision == "f32" else torch.autocast("cpu", dtype=torch.bfloat16)
        sizes = self.sizes | {"wide": precision == "wide"}
        start = time.perf_counter()
        with region:
            loss = self.model.forward(self.weights, self.inputs, sizes)["loss"]
        loss.backward()
        return time.perf_counter() - start


def main():
    torch.set_num_threads(int(sys.argv[1]))
    contestants = {}
    print("ready", torch.__version__, flush=True)
    for line in sys.stdin:
        name, precision, runs = line.split()
        if name not in contestants:
            contestants[name] = Contestant(name)
        contestants[name].run(precision)
        print(*(contestants[name].run(precision) for _ in range(int(runs))), flush=True)


if __name__ == "__main__":
    main()
