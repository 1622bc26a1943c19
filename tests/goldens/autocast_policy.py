"""Autocast as a `TorchFunctionMode`, so that one list of operations can run in three ways.

- `Casts(dtype)`: real casts. With the lists of PyTorch's CPU autocast it gives the bits of `torch.autocast("cpu")`
  (`autocast.py` asserts that), so with the CUDA lists it is what the CUDA lists give on a CPU.
- `Casts(dtype, share=True)`: the same, but a value is cast once however many operations read it, and a weight below
  its views. That changes no forward; backward, the gradients of the uses then meet in the low dtype.
- `Noise(dtype, seed)`: no casts, f64. Wherever a run in the dtype would round, forward or backward, the value is moved
  by the dtype's full unit roundoff (2^-8 bf16, 2^-11 f16: half an ulp just above a power of two), up or down at random. How far the
  results move is how far rounding may move them.
"""

import torch
from torch.overrides import TorchFunctionMode

LOSSES = {"log_softmax", "nll_loss", "mse_loss", "smooth_l1_loss", "binary_cross_entropy_with_logits"}
LOW = {"linear", "conv2d", "matmul", "lstm"}
LISTS = {  # of torch 2.11, as far as the models go: what is cast to low, and to f32
    "cpu": (LOW, LOSSES | {"float"}),
    "cuda": (LOW, LOSSES | {"float", "softmax", "layer_norm", "group_norm", "upsample_nearest2d", "pow"}),
}
# Results are values of the operands: nothing is rounded.
EXACT = {"view", "transpose", "reshape", "flatten", "t", "chunk", "cat", "relu", "masked_fill", "upsample_nearest2d"}
# The result has the dtype of the first operand, whatever the weights have.
BY_INPUT = {"batch_norm", "layer_norm", "group_norm"}


class Policy(TorchFunctionMode):
    def __init__(self, lists, share):
        super().__init__()
        self.lowered, self.raised = LISTS[lists]
        self.share = share
        self.casts = {}

    def once(self, kind, tensor, make):
        """Weights are cast once, as PyTorch's cache does; all values, where casts are shared."""
        weight = tensor.is_leaf and tensor.requires_grad and not tensor._is_view()
        if not (weight or self.share):
            return make(tensor)
        key = (kind, id(tensor))
        if key not in self.casts:
            self.casts[key] = (make(tensor), tensor)  # keeps the tensor, so that its id stays its own
        return self.casts[key][0]

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name, kwargs = func.__name__, kwargs or {}
        if name == "__get__" or not any(self.is_float(a) for a in flat(args)):
            return func(*args, **kwargs)
        if name == "lstm":
            args = (self.recurrent(args[0]), *args[1:])
        elif name in self.lowered:
            args = each(args, lambda t: t if self.is_low(t) else self.once("low", t, self.to_low))
        elif name in self.raised:
            args = each(args, lambda t: self.once("full", t, self.to_full) if self.is_low(t) else t)
        elif self.share and name == "t" and args[0].is_leaf:
            args = (self.once("low", args[0], self.to_low),)
        return self.run(func, name, args, kwargs)

    def recurrent(self, xs):
        """An RNN's input: shared with its other readers, or left to the kernel's own cast."""
        return self.once("low", xs, self.to_low) if self.share and not self.is_low(xs) else xs

    def is_float(self, value):
        return isinstance(value, torch.Tensor) and value.is_floating_point()


class Casts(Policy):
    def __init__(self, dtype, lists, share=False):
        super().__init__(lists, share)
        self.dtype = dtype

    def is_low(self, tensor):
        return tensor.dtype == self.dtype

    def to_low(self, tensor):
        return tensor.to(self.dtype)

    def to_full(self, tensor):
        return tensor.float()

    def run(self, func, name, args, kwargs):
        if name == "lstm":  # the CPU has one kernel a layer, reached by its own autocast alone
            with torch.autocast("cpu", dtype=self.dtype):
                return func(*args, **kwargs)
        return func(*args, **kwargs)


class Noise(Policy):
    def __init__(self, dtype, lists, share, seed):
        super().__init__(lists, share)
        self.unit = torch.finfo(dtype).eps / 2
        self.least = torch.finfo(dtype).smallest_normal * self.unit  # half of the smallest denormal
        self.generator = torch.Generator().manual_seed(seed)

    def is_low(self, tensor):
        return getattr(tensor, "is_low", False)

    def moved(self, values):
        signs = torch.randint(2, values.shape, generator=self.generator) * 2 - 1
        return values + signs * (values.abs() * self.unit).clamp_min(self.least) * (values != 0)

    def to_low(self, tensor):
        return marked(Rounded.apply(tensor, self, True))

    def to_full(self, tensor):
        return Rounded.apply(tensor, self, False)

    def run(self, func, name, args, kwargs):
        if name == "lstm":
            if not self.is_low(args[0]):
                args = (self.to_low(args[0]), *args[1:])
            with self:
                return unrolled(*args)
        floats = [t for t in flat(args) if self.is_float(t)]
        low = self.is_low(floats[0]) if name in BY_INPUT else all(self.is_low(t) for t in floats)
        exact = name in EXACT
        if not exact:  # what each use sends back is rounded
            args = each(args, lambda t: marked(Rounded.apply(t, self, False)) if self.is_low(t) else t)
        if name == "log_softmax":
            kwargs.pop("dtype", None)
        out = func(*args, **kwargs)
        if not low:
            return out
        return marked(out if exact else Rounded.apply(out, self, True))


class Rounded(torch.autograd.Function):
    """Rounds the gradient, and the value where `forward` says so."""

    @staticmethod
    def forward(ctx, values, noise, forward):
        ctx.noise = noise
        with torch._C.DisableTorchFunction():
            return noise.moved(values) if forward else values.clone()

    @staticmethod
    def backward(ctx, grad):
        with torch._C.DisableTorchFunction():
            return ctx.noise.moved(grad), None, None


def marked(out):
    for tensor in flat(out):
        tensor.is_low = True
    return out


def unrolled(xs, state, flat_weights, *_):
    """`torch.lstm` of two layers by its definition, every gate of every step rounded: the fused kernels round less."""
    for layer in (0, 1):
        w_ih, w_hh, b_ih, b_hh = flat_weights[4 * layer : 4 * layer + 4]
        h, c, hs = state[0][layer], state[1][layer], []
        for step in range(xs.shape[1]):
            gates = torch.nn.functional.linear(xs[:, step], w_ih, b_ih) + torch.nn.functional.linear(h, w_hh, b_hh)
            i, f, g, o = gates.chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            hs.append(h.unsqueeze(1))
        xs = torch.cat(hs, 1)
    return xs, None, None


def flat(value):
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flat(item)]
    return [value]


def each(value, change):
    """The arguments with `change` done to every floating tensor."""
    if isinstance(value, (list, tuple)):
        return type(value)(each(item, change) for item in value)
    return change(value) if isinstance(value, torch.Tensor) and value.is_floating_point() else value
