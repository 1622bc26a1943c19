"""autocast_live.safetensors: the five models by the real torch.autocast of the machine and device that are tested.

    python tests/goldens/autocast_live.py cpu|cuda FOLDER    # FOLDER has autocast.safetensors, and gets the file

Weights and inputs are the recorded ones. Tensors: <model>/<dtype>/out/<name>, <model>/<dtype>/grad/<name>, on the CPU.
Not kept: `tests/numerics.rs` compares with it where it lies beside the others.
"""
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from autocast_models import MODELS  # noqa: E402

DTYPES = {"bf16": (torch.bfloat16, 1.0), "f16": (torch.float16, 1024.0)}


def below(tensors, prefix, device):
    return {name.removeprefix(prefix): value.to(device) for name, value in tensors.items() if name.startswith(prefix)}


def main():
    device, folder = sys.argv[1], Path(sys.argv[2])
    torch.set_num_threads(1)
    kept, made = load_file(folder / "autocast.safetensors"), {}
    for name, model in MODELS.items():
        sizes = model.sizes()
        inputs = below(kept, f"{name}/inputs/", device)
        for word, (dtype, scale) in DTYPES.items():
            if (name, word) == ("lstm", "f16"):
                continue  # not recorded either: its bounds are lacking
            weights = below(kept, f"{name}/weights/", device)
            weights = {k: v.clone().requires_grad_("running" not in k) for k, v in weights.items()}
            with torch.autocast(device, dtype=dtype):
                out = model.forward(weights, inputs, sizes)
            (out["loss"] * scale).backward()
            made |= {f"{name}/{word}/out/{k}": v.detach().cpu().contiguous() for k, v in out.items()}
            grads = {k: v.grad / scale for k, v in weights.items() if v.requires_grad}
            made |= {f"{name}/{word}/grad/{k}": v.cpu().contiguous() for k, v in grads.items()}
    what = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    save_file(made, folder / "autocast_live.safetensors", {"torch": torch.__version__, "device": what})
    print(f"{len(made)} tensors by torch {torch.__version__} on {what}")


if __name__ == "__main__":
    main()
