"""Goldens of the model room: MMDetection's and torchvision's own anchors, coding, assignment, losses, NMS and ResNets.

usage: model.py OUT_DIR
needs: torch 2.11, torchvision 0.26, mmengine 0.10.7, mmcv 2.1.0 (its compiled operations are not used), mmdet 3.3.0
"""
import json
import sys
import zlib

import mmdet_stub

mmdet_stub.install()
import torch
import torchvision
from mmdet.models.dense_heads import FCOSHead
from mmdet.models.losses import GIoULoss, SmoothL1Loss
from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmdet.models.task_modules.prior_generators import AnchorGenerator
from mmengine.structures import InstanceData
from safetensors.torch import save_file

torch.manual_seed(0)
out = {}
strides = [8, 16, 32, 64, 128]
# an image of 100 x 70 pixels
sizes = [(-(-70 // s), -(-100 // s)) for s in strides]

for scale in (2, 4):
    generator = AnchorGenerator(octave_base_scale=scale, scales_per_octave=3, ratios=[0.5, 1.0, 2.0], strides=strides)
    out[f"anchors/{scale}"] = torch.cat(generator.grid_priors(sizes, device="cpu"))


def boxes(n, width=100, height=70, least=4.0):
    corner = torch.rand(n, 2) * torch.tensor([width - least, height - least])
    size = least + torch.rand(n, 2) * (torch.tensor([width, height]) - least - corner)
    return torch.cat([corner, corner + size], 1)


coder = DeltaXYWHBBoxCoder(clip_border=False)
priors, objects = boxes(60), boxes(60)
deltas = torch.randn(60, 4) * torch.tensor([1.0, 1.0, 2.0, 3.0])
out["coder/priors"], out["coder/boxes"] = priors, objects
out["coder/encoded"] = coder.encode(priors, objects)
out["coder/deltas"] = deltas
out["coder/decoded"] = coder.decode(priors, deltas)

anchors = out["anchors/2"]
assigner = MaxIoUAssigner(pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0, ignore_iof_thr=-1)
for case, n in enumerate([1, 3, 8, 20, 0]):
    objects = boxes(n)
    if n == 8:
        # a box twice, and one that is an anchor
        objects[1] = objects[0]
        objects[2] = anchors[400]
    result = assigner.assign(
        InstanceData(priors=anchors), InstanceData(bboxes=objects, labels=torch.zeros(n, dtype=torch.long))
    )
    out[f"assign/{case}/boxes"] = objects
    out[f"assign/{case}/assigned"] = result.gt_inds

for radius in (True, False):
    head = FCOSHead(num_classes=3, in_channels=8, center_sampling=radius, center_sample_radius=1.5, norm_on_bbox=True, strides=strides)
    points = head.prior_generator.grid_priors(sizes, dtype=torch.float32, device="cpu")
    for case, n in enumerate([1, 4, 12]):
        objects = boxes(n)
        labels = torch.randint(0, 3, (n,))
        label, target = head.get_targets(points, [InstanceData(bboxes=objects, labels=labels)])
        label, target = torch.cat(label), torch.cat(target)
        name = f"fcos/{'center' if radius else 'inside'}/{case}"
        out[f"{name}/boxes"], out[f"{name}/classes"] = objects, labels
        out[f"{name}/labels"], out[f"{name}/targets"] = label, target
        positive = label < 3
        out[f"{name}/centerness"] = head.centerness_target(target[positive])

logits = (torch.randn(40, 3) * 3).requires_grad_(True)
labels = torch.randint(0, 4, (40,))
loss = py_sigmoid_focal_loss(
    logits, torch.nn.functional.one_hot(labels, 4)[:, :3].float(), gamma=2.0, alpha=0.25, reduction="none"
)
loss.sum().backward()
out["focal/logits"], out["focal/labels"] = logits.detach(), labels
out["focal/loss"], out["focal/grad"] = loss.detach(), logits.grad

found = (boxes(40) + torch.randn(40, 4)).requires_grad_(True)
wanted = boxes(40)
loss = GIoULoss(eps=1e-6, reduction="none")(found, wanted)
loss.sum().backward()
out["giou/found"], out["giou/wanted"] = found.detach(), wanted
out["giou/loss"], out["giou/grad"] = loss.detach(), found.grad

found = torch.randn(40, 4, requires_grad=True)
wanted = torch.randn(40, 4)
loss = SmoothL1Loss(beta=1 / 9, reduction="none")(found, wanted)
loss.sum().backward()
out["l1/found"], out["l1/wanted"] = found.detach(), wanted
out["l1/loss"], out["l1/grad"] = loss.detach(), found.grad

candidates, scores, classes = boxes(300), torch.rand(300), torch.randint(0, 3, (300,))
out["nms/boxes"], out["nms/scores"], out["nms/classes"] = candidates, scores, classes
out["nms/kept"] = torchvision.ops.batched_nms(candidates, scores, classes, 0.5)


def filled(name, tensor):
    """A weight that needs no file: a triangle wave over its flat index, whose phase is its name's checksum."""
    size = tensor.numel()
    phase = zlib.crc32(name.encode()) % 1009
    wave = ((torch.arange(size, dtype=torch.int64) * 7919 + phase * 104729) % 2003).double() / 2002 - 0.5
    if name.endswith("running_var") or (tensor.dim() == 1 and name.endswith("weight")):
        wave = wave * 0.5 + 1.0
    elif tensor.dim() == 4:
        wave = wave * (6.0 / (tensor.shape[1] * tensor.shape[2] * tensor.shape[3])) ** 0.5
    else:
        wave = wave * 0.2
    return wave.float().reshape(tensor.shape)


image = filled("image", torch.zeros(2, 3, 64, 64)) * 4
out["resnet/image"] = image
names = {}
for depth, make in ((18, torchvision.models.resnet18), (50, torchvision.models.resnet50)):
    net = make(weights=None)
    state = {name: filled(name, value) if value.is_floating_point() else value for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    # in f64, so that statistics of a few pixels do not blow rounding up
    net.double()
    names[depth] = {name: list(value.shape) for name, value in state.items()}
    for mode in ("eval", "train"):
        net.train(mode == "train")
        with torch.no_grad():
            x = net.maxpool(net.relu(net.bn1(net.conv1(image.double()))))
            for stage, layer in enumerate((net.layer1, net.layer2, net.layer3, net.layer4)):
                x = layer(x)
                if stage > 0:
                    # enough to notice any difference: some channels
                    out[f"resnet/{depth}/{mode}/{stage}"] = x[:, ::31].contiguous()
        net.load_state_dict(state)

folder = sys.argv[1]
save_file({name: tensor.contiguous() for name, tensor in out.items()}, f"{folder}/model.safetensors")
with open(f"{folder}/torchvision_names.json", "w") as file:
    json.dump(names, file, separators=(",", ":"))
