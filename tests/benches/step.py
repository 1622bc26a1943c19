"""PyTorch's side of `cargo xtask bench step`: one update with GradScaler, clipping and the fused optimizer.

Reads lines `OPTIMIZER PARAMETERS ELEMENTS UPDATES`, answers each with the seconds of that many updates, one by one.
"""
import sys
import time

import torch


class Contestant:
    def __init__(self, name, parameters, elements):
        self.params = [torch.nn.Parameter(torch.zeros(elements)) for _ in range(parameters)]
        self.grads = [torch.full((elements,), 1e-3 * 65536.0) for _ in range(parameters)]
        kinds = {"sgd": (torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}), "adamw": (torch.optim.AdamW, {"lr": 1e-3})}
        kind, arguments = kinds[name]
        self.optimizer = kind(self.params, fused=True, **arguments)
        self.scaler = torch.amp.GradScaler("cpu")
        self.loss = torch.ones(())

    def update(self):
        """Seconds of one update; the gradients are put in place before the clock starts."""
        self.scaler.scale(self.loss)
        for param, grad in zip(self.params, self.grads):
            param.grad = grad.clone()
        start = time.perf_counter()
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return time.perf_counter() - start


def main():
    torch.set_num_threads(int(sys.argv[1]))
    contestants = {}
    print("ready", torch.__version__, flush=True)
    for line in sys.stdin:
        name, parameters, elements, updates = line.split()
        key = (name, int(parameters), int(elements))
        if key not in contestants:
            contestants[key] = Contestant(*key)
        print(*(contestants[key].update() for _ in range(int(updates))), flush=True)


if __name__ == "__main__":
    main()
