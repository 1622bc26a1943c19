"""What the last bits of float kernels depend on, for a file's metadata."""

import torch


def processor():
    return {"cpu_capability": torch.backends.cpu.get_cpu_capability(), "kernels": kernels()}


def kernels():
    """What libtorch, oneDNN and MKL choose their kernels by: the processor's maker and its instructions."""
    wanted = "amx_bf16 amx_fp16 amx_tile avx2 avx512_bf16 avx512_fp16 avx512bw avx512f avx512vl f16c fma".split()
    try:
        with open("/proc/cpuinfo") as lines:
            known = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
    except OSError:
        known = {}
    flags = known.get("flags", "").split()
    return " ".join([known.get("vendor_id", ""), *(flag for flag in wanted if flag in flags)]).strip()
