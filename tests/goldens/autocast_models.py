"""The five models of the mixed-precision tests and of `cargo xtask bench models`, as PyTorch code.

Twins of `tests/src/models/*.rs`, operation by operation, over weights by name. Each class has
    sizes(bench)      the dimensions: small for the tests, larger for the benchmark
    weights(s)        name -> (shape, kind); kind: a float is the std of a normal, "one", "zero"
    inputs(s, g)      name -> tensor, from generator g
    forward(p, x, s)  outputs by name, with the f32 scalar "loss"
With `s["wide"]`, norms, softmax and upsampling are given f32, as one writes by hand to have them in f32 under PyTorch's
CPU autocast, whose lists leave them in bf16.
"""

import torch
import torch.nn.functional as F


def linear(name, inputs, outputs):
    return {f"{name}.weight": ((outputs, inputs), inputs**-0.5), f"{name}.bias": ((outputs,), 0.1)}


def conv(name, inputs, outputs, kernel):
    std = (2.0 / (inputs * kernel * kernel)) ** 0.5
    return {f"{name}.weight": ((outputs, inputs, kernel, kernel), std), f"{name}.bias": ((outputs,), 0.1)}


def norm(name, channels):
    return {f"{name}.weight": ((channels,), "one"), f"{name}.bias": ((channels,), 0.1)}


def batch_stats(name, channels):
    return {f"{name}.running_mean": ((channels,), "zero"), f"{name}.running_var": ((channels,), "one")}


class Mlp:
    """Two hidden layers; the last weight is used through a view, as in code from before `nn::linear`."""

    def sizes(self, bench=False):
        return dict(batch=256, inputs=256, hidden=512, outputs=64) if bench else dict(batch=12, inputs=10, hidden=24, outputs=6)

    def weights(self, s):
        out = {"head": ((s["outputs"], s["hidden"]), s["hidden"] ** -0.5)}
        return linear("l1", s["inputs"], s["hidden"]) | linear("l2", s["hidden"], s["hidden"]) | out

    def inputs(self, s, g):
        xs = torch.randn(s["batch"], s["inputs"], generator=g)
        return {"xs": xs, "target": torch.randn(s["batch"], s["outputs"], generator=g)}

    def forward(self, p, x, s):
        h = F.linear(x["xs"], p["l1.weight"], p["l1.bias"]).relu()
        h = F.linear(h, p["l2.weight"], p["l2.bias"]).relu()
        ys = h.matmul(p["head"].t())
        return {"ys": ys, "loss": F.mse_loss(ys, x["target"])}


class Residual:
    """A convolutional residual net: a block with batch norm, one with group norm."""

    def sizes(self, bench=False):
        return dict(batch=16, side=32, width=64, classes=10) if bench else dict(batch=4, side=8, width=8, classes=5)

    def weights(self, s):
        w, out = s["width"], conv("stem", 3, s["width"], 3)
        out |= norm("stem_norm", w) | batch_stats("stem_norm", w)
        for i in (1, 2):
            out |= conv(f"batch.conv{i}", w, w, 3) | norm(f"batch.norm{i}", w) | batch_stats(f"batch.norm{i}", w)
        for i in (1, 2):
            out |= conv(f"group.conv{i}", w, w, 3) | norm(f"group.norm{i}", w)
        return out | linear("head", w, s["classes"])

    def inputs(self, s, g):
        xs = torch.randn(s["batch"], 3, s["side"], s["side"], generator=g)
        return {"xs": xs, "target": torch.randint(s["classes"], (s["batch"],), generator=g)}

    def forward(self, p, x, s):
        def conv(name, xs):
            return F.conv2d(xs, p[f"{name}.weight"], p[f"{name}.bias"], 1, 1)

        def batch_norm(name, xs):
            mean, var = p[f"{name}.running_mean"], p[f"{name}.running_var"]
            return F.batch_norm(xs, mean, var, p[f"{name}.weight"], p[f"{name}.bias"], True, 0.1, 1e-5)

        def group_norm(name, xs):
            return F.group_norm(wide(xs, s), 4, p[f"{name}.weight"], p[f"{name}.bias"])

        h = batch_norm("stem_norm", conv("stem", x["xs"])).relu()
        for block, normed in (("batch", batch_norm), ("group", group_norm)):
            inner = normed(f"{block}.norm1", conv(f"{block}.conv1", h)).relu()
            h = (normed(f"{block}.norm2", conv(f"{block}.conv2", inner)) + h).relu()
        ys = F.linear(h.mean((2, 3)), p["head.weight"], p["head.bias"])
        return {"ys": ys, "loss": cross_entropy(ys, x["target"])}


class Transformer:
    """A causal pre-norm block, run twice with the same weights; embeddings tied to the output through a view."""

    def sizes(self, bench=False):
        if bench:
            return dict(batch=8, length=64, width=128, heads=4, words=256)
        return dict(batch=3, length=7, width=16, heads=2, words=11)

    def weights(self, s):
        w, out = s["width"], {"words.weight": ((s["words"], s["width"]), 0.5), "places": ((s["length"], s["width"]), 0.5)}
        out |= norm("norm1", w) | norm("norm2", w) | norm("last_norm", w)
        for name in ("query", "key", "value", "out"):
            out |= linear(name, w, w)
        return out | {"up": ((2 * w, w), w**-0.5), "down": ((w, 2 * w), (2 * w) ** -0.5)}

    def inputs(self, s, g):
        tokens = torch.randint(s["words"], (s["batch"], s["length"] + 1), generator=g)
        return {"tokens": tokens[:, :-1].contiguous(), "target": tokens[:, 1:].contiguous()}

    def forward(self, p, x, s):
        b, t, w, n = s["batch"], s["length"], s["width"], s["heads"]

        def dense(name, xs):
            return F.linear(xs, p[f"{name}.weight"], p[f"{name}.bias"])

        def layer_norm(name, xs):
            return F.layer_norm(wide(xs, s), [w], p[f"{name}.weight"], p[f"{name}.bias"])

        def heads(xs):
            return xs.view(b, t, n, w // n).transpose(1, 2)

        def block(xs):
            h = layer_norm("norm1", xs)
            q, k, v = heads(dense("query", h)), heads(dense("key", h)), heads(dense("value", h))
            scores = q.matmul(k.transpose(-2, -1)) * (w // n) ** -0.5
            weights = wide(scores.masked_fill(future, float("-inf")), s).softmax(-1)
            mixed = weights.matmul(v).transpose(1, 2).reshape(b, t, w)
            xs = xs + dense("out", mixed)
            h = layer_norm("norm2", xs)
            return xs + F.gelu(h.matmul(p["up"].t())).matmul(p["down"].t())

        future = torch.ones(t, t, dtype=torch.bool, device=x["tokens"].device).triu(1)
        xs = F.embedding(x["tokens"], p["words.weight"]) + p["places"]
        for _ in range(2):
            xs = block(xs)
        ys = layer_norm("last_norm", xs).matmul(p["words.weight"].t())
        return {"ys": ys, "loss": cross_entropy(ys.view(b * t, -1), x["target"].view(-1))}


class Lstm:
    """Two recurrent layers; the input feeds them and a linear shortcut."""

    def sizes(self, bench=False):
        if bench:
            return dict(batch=32, length=32, inputs=64, hidden=128, outputs=16)
        return dict(batch=8, length=6, inputs=5, hidden=12, outputs=3)

    def weights(self, s):
        out, h = {}, s["hidden"]
        for layer, inputs in ((0, s["inputs"]), (1, h)):
            out |= {f"lstm.weight_ih_l{layer}": ((4 * h, inputs), h**-0.5), f"lstm.weight_hh_l{layer}": ((4 * h, h), h**-0.5)}
            out |= {f"lstm.bias_ih_l{layer}": ((4 * h,), 0.1), f"lstm.bias_hh_l{layer}": ((4 * h,), 0.1)}
        return out | linear("head", h, s["outputs"]) | linear("shortcut", s["inputs"], s["outputs"])

    def inputs(self, s, g):
        xs = torch.randn(s["batch"], s["length"], s["inputs"], generator=g)
        return {"xs": xs, "target": torch.randn(s["batch"], s["length"], s["outputs"], generator=g)}

    def forward(self, p, x, s):
        flat = [p[f"lstm.{kind}_l{layer}"] for layer in (0, 1) for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        zero = torch.zeros(2, s["batch"], s["hidden"], dtype=flat[0].dtype, device=flat[0].device)
        h, _, _ = torch.lstm(x["xs"], [zero, zero], flat, True, 2, 0.0, True, False, True)
        ys = F.linear(h, p["head.weight"], p["head.bias"]) + F.linear(x["xs"], p["shortcut.weight"], p["shortcut.bias"])
        return {"ys": ys, "loss": F.smooth_l1_loss(ys, x["target"])}


class Fpn:
    """A feature pyramid with one head over its three levels, focal and smooth L1 losses."""

    def sizes(self, bench=False):
        if bench:
            return dict(batch=4, side=64, width=32, classes=8)
        return dict(batch=2, side=16, width=8, classes=3)

    def weights(self, s):
        w, out = s["width"], {}
        for i, inputs in ((1, 3), (2, w), (3, w)):
            out |= conv(f"stage{i}", inputs, w, 3)
        for i in (1, 2, 3):
            out |= conv(f"lateral{i}", w, w, 1) | conv(f"output{i}", w, w, 3)
        out |= conv("head.tower", w, w, 3) | norm("head.norm", w)
        return out | conv("head.classes", w, s["classes"], 3) | conv("head.boxes", w, 4, 3)

    def inputs(self, s, g):
        xs = torch.randn(s["batch"], 3, s["side"], s["side"], generator=g)
        places = sum((s["side"] >> i) ** 2 for i in (1, 2, 3))
        positive = (torch.rand(s["batch"], places, s["classes"], generator=g) < 0.1).float()
        return {"xs": xs, "positive": positive, "boxes": torch.rand(s["batch"], places, 4, generator=g)}

    def forward(self, p, x, s):
        def conv(name, xs, stride=1):
            weight = p[f"{name}.weight"]
            return F.conv2d(xs, weight, p[f"{name}.bias"], stride, weight.shape[-1] // 2)

        def head(xs):
            h = F.group_norm(wide(conv("head.tower", xs), s), 4, p["head.norm.weight"], p["head.norm.bias"]).relu()
            return flat(conv("head.classes", h)), flat(conv("head.boxes", h))

        def flat(xs):
            return xs.flatten(2).transpose(1, 2)

        def focal(logits, positive):
            entropy = F.binary_cross_entropy_with_logits(logits, positive, reduction="none")
            chance = logits.sigmoid()
            negative, failure = 1 - positive, 1 - chance
            missed = chance * negative + failure * positive
            return (entropy * missed.pow(2.0) * (0.25 * positive + 0.75 * negative)).mean()

        c1 = conv("stage1", x["xs"], 2).relu()
        c2 = conv("stage2", c1, 2).relu()
        c3 = conv("stage3", c2, 2).relu()
        t3 = conv("lateral3", c3)
        t2 = conv("lateral2", c2) + upsample(wide(t3, s))
        t1 = conv("lateral1", c1) + upsample(wide(t2, s))
        levels = [head(conv(f"output{i}", xs)) for i, xs in ((1, t1), (2, t2), (3, t3))]
        classes = torch.cat([level[0] for level in levels], 1)
        boxes = torch.cat([level[1] for level in levels], 1)
        with full():
            loss = focal(classes.float(), x["positive"]) + F.smooth_l1_loss(boxes.float(), x["boxes"])
        return {"classes": classes, "boxes": boxes, "loss": loss}


def cross_entropy(logits, target):
    """As tch's `cross_entropy_for_logits` has it."""
    return F.nll_loss(F.log_softmax(logits, -1, dtype=torch.float32), target)


def upsample(xs):
    return torch._C._nn.upsample_nearest2d(xs, [2 * xs.shape[-2], 2 * xs.shape[-1]], None, None)


def wide(xs, s):
    return xs.float() if s.get("wide") else xs


def full():
    """An island without autocast, on whichever device it is on."""
    device = "cuda" if torch.is_autocast_enabled("cuda") else "cpu"
    return torch.autocast(device, enabled=False)


MODELS = {"mlp": Mlp(), "residual": Residual(), "transformer": Transformer(), "lstm": Lstm(), "fpn": Fpn()}


def make_weights(model, sizes, generator):
    """Weights in the order of their names: trainable leaves, and batch norm's statistics, which are none."""
    out = {}
    for name, (shape, kind) in sorted(model.weights(sizes).items()):
        if kind == "one":
            value = 1 + 0.1 * torch.randn(shape, generator=generator) if "running" not in name else torch.ones(shape)
        elif kind == "zero":
            value = torch.zeros(shape)
        else:
            value = kind * torch.randn(shape, generator=generator)
        out[name] = value.requires_grad_("running" not in name)
    return out
