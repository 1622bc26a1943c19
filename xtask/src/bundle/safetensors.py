"""Stands in for `safetensors.torch` where Python has torch alone: the same two functions, for whole files.

The format: the header's length in 8 bytes, little end first; the header, JSON; then the tensors' bytes.
"""
import json
from pathlib import Path

import torch

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def load_file(path):
    data = Path(path).read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            raw = bytearray(data[begin + start : begin + end])
            dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
            tensors[name] = torch.frombuffer(raw, dtype=dtype).reshape(shape) if raw else torch.empty(shape, dtype=dtype)
    return tensors


def save_file(tensors, path, metadata=None):
    words = {dtype: word for word, dtype in DTYPES.items()}
    header, chunks, end = {"__metadata__": metadata or {}}, [], 0
    for name, tensor in tensors.items():
        raw = bytes(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).tolist())
        header[name] = {"dtype": words[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [end, end + len(raw)]}
        chunks.append(raw)
        end += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + b"".join(chunks))
