"""PyTorch's side of a row: a process that trains one model and answers one line of JSON to each request.

The argument is the `Task` of `entrant.rs`, requests are those of `serve.rs`. Models are written as one writes them in PyTorch
(modules, `torch.autocast`, `GradScaler` for f16, fused optimizers, `clip_grad_norm_`), with the weights' names of `models/*.rs`.
"""
import contextlib
import json
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.l2, self.l3 = nn.Linear(784, 1024), nn.Linear(1024, 1024), nn.Linear(1024, 10)

    def forward(self, xs, target):
        return F.cross_entropy(self.l3(F.relu(self.l2(F.relu(self.l1(xs))))), target)


def conv(inputs, outputs, kernel, stride=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)


class Block(nn.Module):
    """A block of ResNet, as torchvision has it: basic, or with a bottleneck."""

    def __init__(self, inputs, width, stride, bottleneck):
        super().__init__()
        self.bottleneck = bottleneck
        outputs = width * 4 if bottleneck else width
        shapes = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
        shapes = shapes if bottleneck else [(inputs, width, 3, stride), (width, width, 3, 1)]
        for i, shape in enumerate(shapes, 1):
            setattr(self, f"conv{i}", conv(*shape))
            setattr(self, f"bn{i}", nn.BatchNorm2d(shape[1]))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, xs):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(xs)))))
        if self.bottleneck:
            out = self.bn3(self.conv3(self.relu(out)))
        out += xs if self.downsample is None else self.downsample(xs)
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self, depth):
        super().__init__()
        blocks, bottleneck = ([3, 4, 6, 3], True) if depth == 50 else ([2, 2, 2, 2], False)
        self.conv1, self.bn1, self.relu = conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for stage, count in enumerate(blocks):
            layers = []
            for i in range(count):
                layers.append(Block(inputs, 64 << stage, 2 if i == 0 and stage > 0 else 1, bottleneck))
                inputs = (64 << stage) * (4 if bottleneck else 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))

    def forward(self, images):
        xs = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(images)))))
        c3 = self.layer2(xs)
        c4 = self.layer3(c3)
        return c3, c4, self.layer4(c4)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.fc = ResNet(18), nn.Linear(512, 1000)

    def forward(self, images, target):
        return F.cross_entropy(self.fc(self.backbone(images)[2].mean((2, 3))), target)


class ConvModule(nn.Module):
    """Of MMCV: a convolution with a bias and perhaps a relu."""

    def __init__(self, inputs, outputs, kernel, stride=1, active=False):
        super().__init__()
        self.conv = conv(inputs, outputs, kernel, stride, bias=True)
        self.activate = nn.ReLU(inplace=True) if active else None

    def forward(self, xs):
        xs = self.conv(xs)
        return xs if self.activate is None else self.activate(xs)


class Fpn(nn.Module):
    """Of MMDetection, `add_extra_convs="on_input"`, five levels."""

    def __init__(self, inputs):
        super().__init__()
        self.lateral_convs = nn.ModuleList(ConvModule(i, 256, 1) for i in inputs)
        sizes = [(256, 1), (256, 1), (256, 1), (inputs[2], 2), (256, 2)]
        self.fpn_convs = nn.ModuleList(ConvModule(i, 256, 3, stride) for i, stride in sizes)

    def forward(self, features):
        merged = [lateral(xs) for lateral, xs in zip(self.lateral_convs, features)]
        for i in (2, 1):
            merged[i - 1] = merged[i - 1] + F.interpolate(merged[i], size=merged[i - 1].shape[2:], mode="nearest")
        levels = [output(xs) for output, xs in zip(self.fpn_convs, merged)]
        levels.append(self.fpn_convs[3](features[2]))
        levels.append(self.fpn_convs[4](levels[3]))
        return levels


class Head(nn.Module):
    def __init__(self, classes, anchors):
        super().__init__()
        self.classes = classes
        self.cls_convs = nn.ModuleList(ConvModule(256, 256, 3, active=True) for _ in range(4))
        self.reg_convs = nn.ModuleList(ConvModule(256, 256, 3, active=True) for _ in range(4))
        self.cls, self.reg = conv(256, anchors * classes, 3, bias=True), conv(256, anchors * 4, 3, bias=True)

    def forward(self, levels):
        logits, codes = [], []
        for xs in levels:
            cls = reg = xs
            for cls_conv, reg_conv in zip(self.cls_convs, self.reg_convs):
                cls, reg = cls_conv(cls), reg_conv(reg)
            n = xs.shape[0]
            logits.append(self.cls(cls).permute(0, 2, 3, 1).reshape(n, -1, self.classes))
            codes.append(self.reg(reg).permute(0, 2, 3, 1).reshape(n, -1, 4))
        return torch.cat(logits, 1), torch.cat(codes, 1)


class RetinaNet(nn.Module):
    """MMDetection's, with its focal and smooth L1 loss, written as on our side, where anchors are assigned beforehand too."""

    def __init__(self, depth):
        super().__init__()
        self.backbone = ResNet(depth)
        self.neck = Fpn([512, 1024, 2048] if depth == 50 else [128, 256, 512])
        self.bbox_head = Head(3, 9)

    def forward(self, images, labels, positives, priors, boxes):
        logits, codes = self.bbox_head(self.neck(self.backbone(images)))
        with torch.autocast(images.device.type, enabled=False):
            count = max(positives.shape[0], 1)
            loss_cls = focal(logits.float().reshape(-1, 3), labels.reshape(-1)).sum() / count
            found = codes.float().reshape(-1, 4).index_select(0, positives)
            loss_bbox = F.smooth_l1_loss(found, encode(priors, boxes), beta=1 / 9, reduction="none").sum() / count
        return loss_cls + loss_bbox


def focal(logits, labels):
    labels = labels[:, None]
    is_class = (labels == torch.arange(logits.shape[1], device=labels.device)).to(logits.dtype)
    entropy = F.binary_cross_entropy_with_logits(logits, is_class, reduction="none")
    wrong = (is_class - logits.sigmoid()).abs()
    weight = (is_class * -0.5 + 0.75) * (labels >= 0)
    return entropy * weight * wrong.pow(2)


def encode(priors, boxes):
    """`DeltaXYWHBBoxCoder`."""
    middle, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    prior_middle, prior_size = (priors[:, :2] + priors[:, 2:]) / 2, priors[:, 2:] - priors[:, :2]
    return torch.cat([(middle - prior_middle) / prior_size, (size / prior_size).log()], 1)


class TransformerBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, xs):
        b, t, w = xs.shape
        q, k, v = self.qkv(self.norm1(xs)).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        xs = xs + self.out(mixed.transpose(1, 2).reshape(b, t, w))
        return xs + self.down(F.gelu(self.up(self.norm2(xs))))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(1024, 256), nn.Parameter(torch.zeros(128, 256))
        self.blocks = nn.ModuleList(TransformerBlock(256, 4) for _ in range(4))
        self.norm = nn.LayerNorm(256)

    def forward(self, tokens, target):
        xs = self.words(tokens) + self.places
        for block in self.blocks:
            xs = block(xs)
        logits = F.linear(self.norm(xs), self.words.weight)
        return F.cross_entropy(logits.view(-1, 1024), target.view(-1))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.head = nn.Embedding(512, 256), nn.Linear(256, 512)
        self.lstm = nn.LSTM(256, 256, 2, batch_first=True)

    def forward(self, tokens, target):
        logits = self.head(self.lstm(self.words(tokens))[0])
        return F.cross_entropy(logits.view(-1, 512), target.view(-1))


MODELS = {
    "mlp": Mlp,
    "resnet18": Classifier,
    "retinanet_r18": lambda: RetinaNet(18),
    "retinanet_r50": lambda: RetinaNet(50),
    "transformer": Transformer,
    "lstm": Lstm,
}


def memory(field):
    """A line of the process's status, in bytes; 0 where there is none."""
    with contextlib.suppress(OSError), open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    return 0


class Trainer:
    def __init__(self, task):
        entrant = task["entrant"]
        self.cuda = task["device"] == "cuda"
        self.device = torch.device(task["device"])
        # The first optimizer of a process loads a hundred megabytes of modules, which are no model's.
        torch.optim.SGD([nn.Parameter(torch.zeros(1))])
        self.empty = memory("VmRSS:")
        tensors = load_file(task["file"])
        layout = torch.channels_last if entrant["channels_last"] else torch.contiguous_format
        model = MODELS[task["model"]]()
        weights = {name.removeprefix("weights/"): value for name, value in tensors.items() if name.startswith("weights/")}
        lacking = model.load_state_dict(weights, strict=False)
        # Batch norms count their batches in Python.
        if lacking.unexpected_keys or any(not key.endswith("num_batches_tracked") for key in lacking.missing_keys):
            raise ValueError(f"not the model's weights: {lacking}")
        self.model = model.to(self.device, memory_format=layout).train()
        self.inputs = {}
        for name, value in tensors.items():
            if name.startswith("inputs/"):
                value = value.to(self.device)
                value = value.contiguous(memory_format=layout) if value.dim() == 4 else value
                self.inputs[name.removeprefix("inputs/")] = value
        low = {"bf16": torch.bfloat16, "f16": torch.float16}.get(entrant["numbers"])
        self.region = lambda: torch.autocast(task["device"], dtype=low, enabled=low is not None)
        self.scaler = torch.amp.GradScaler(task["device"]) if low == torch.float16 else None
        self.params = [param for param in self.model.parameters() if param.requires_grad]
        if any(isinstance(module, nn.Conv2d) for module in model.modules()):
            self.optimizer = torch.optim.SGD(self.params, lr=1e-3, momentum=0.9, weight_decay=1e-4, fused=True)
            self.clip = 35.0
        else:
            self.optimizer = torch.optim.AdamW(self.params, lr=1e-4, fused=True)
            self.clip = 1.0
        self.captures, self.graph = entrant["system"] == "pytorch-graph", None
        self.forward = self.model
        if entrant["system"] == "torch-compile":
            self.forward = torch.compile(self.model, dynamic=False)

    def loss(self):
        with self.region():
            return self.forward(**self.inputs)

    def backward(self):
        loss = self.loss()
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()

    def capture(self):
        """Whole-network capture, as PyTorch's notes on CUDA graphs have it: the update stays outside."""
        self.batch, self.inputs = self.inputs, {name: value.clone() for name, value in self.inputs.items()}
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.optimizer.zero_grad(set_to_none=True)
                self.backward()
        torch.cuda.current_stream().wait_stream(side)
        self.optimizer.zero_grad(set_to_none=True)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.backward()

    def step(self):
        if self.captures:
            if self.graph is None:
                self.capture()
            for name, value in self.batch.items():
                self.inputs[name].copy_(value)
            self.graph.replay()
        else:
            self.optimizer.zero_grad(set_to_none=True)
            self.backward()
        self.update()

    def update(self):
        if self.scaler is None:
            nn.utils.clip_grad_norm_(self.params, self.clip)
            self.optimizer.step()
        else:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.params, self.clip)
            self.scaler.step(self.optimizer)
            self.scaler.update()

    def timed_steps(self, count):
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
        seconds = [self.timed_step() for _ in range(count)]
        if self.cuda:
            torch.cuda.empty_cache()
        return seconds

    def timed_step(self):
        start = time.perf_counter()
        self.step()
        if self.cuda:
            torch.cuda.synchronize()
        return time.perf_counter() - start

    def casts(self):
        """Those of forward and backward; on CUDA of the forward, as on our side, where backward runs on a thread that is not counted."""
        self.optimizer.zero_grad(set_to_none=True)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            loss = self.loss()
            if not self.cuda:
                loss.backward()
        self.optimizer.zero_grad(set_to_none=True)
        return sum(event.count for event in profile.key_averages() if event.key == "aten::_to_copy")

    def answer(self, request):
        word, _, argument = request.partition(" ")
        if word == "loss":
            return self.loss().item()
        if word == "steps":
            return self.timed_steps(int(argument))
        if word == "casts":
            return self.casts()
        if word == "peak" and self.captures:
            return torch.cuda.max_memory_reserved()
        if word == "peak":
            return torch.cuda.max_memory_allocated() if self.cuda else max(memory("VmHWM:") - self.empty, 0)
        raise ValueError(f"unknown request `{request}`")


def main():
    task = json.loads(sys.argv[1])
    torch.set_num_threads(task["threads"])
    trainer = Trainer(task)
    print(json.dumps({"ready": torch.__version__}), flush=True)
    for line in sys.stdin:
        try:
            answer = trainer.answer(line.strip())
        except Exception as error:  # noqa: BLE001: the other side shows it
            answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
