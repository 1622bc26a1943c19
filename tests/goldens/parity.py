"""parity.json: what torch.amp and mmengine's optimizer wrappers have, and what they do when they are misused.

Reference: torch 2.11.0 and mmengine 0.10.7, looked at and run on the CPU.

    python tests/goldens/make.py parity

    members.<system>[]: the public names: methods with their arguments, properties and attributes without.
        A subclass lists what it adds or overrides. Special methods are listed where they are the interface.
    arguments.<system>: the constructor's arguments with their defaults (null: none; "required").
    lists.<list>[]: the operators of autocast's lists for CUDA, as libtorch's header has them; "registered": all
        that autocast wraps on CUDA, lists or not, as the dispatcher knows them; "banned": those that raise there.
    behaviours[]: system, case, and raises and says (an exception's type and text), or gives (a value; null: None).
        warns: the warnings, and the lines that mmengine logs as such. See parity_misuse.py and parity_wrappers.py.
"""

import inspect
import re
from pathlib import Path

import mmengine
import mmengine.optim as mmoptim
import torch
from parity_misuse import behaviours as of_torch
from parity_misuse import clean, fake_cuda
from parity_wrappers import accelerated, behaviours as of_wrappers
from torch import nn

META = {"torch": torch.__version__, "mmengine": mmengine.__version__, "reference": "torch.amp, mmengine.optim"}
SPECIAL = ("__enter__", "__exit__", "__call__", "__getitem__", "__contains__", "__len__")


def optimizer():
    return torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)


def signature(name, function):
    """name(a, *b): the arguments without self."""
    parameters = list(inspect.signature(function).parameters.values())
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return f"{name}({', '.join(stars.get(p.kind, '') + p.name for p in parameters if p.name != 'self')})"


def members(cls, instance, base=object):
    """What cls has and base has not, or has otherwise; the instance has the attributes."""
    found = []
    for name in sorted(dir(cls)):
        is_public = not name.startswith("_") or name in SPECIAL
        if is_public and inspect.getattr_static(cls, name) is not inspect.getattr_static(base, name, None):
            value = getattr(cls, name)
            found.append(signature(name, value) if callable(value) else name)
    return found + sorted(name for name in vars(instance) if not name.startswith("_") and not hasattr(cls, name))


def arguments(cls):
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    required = lambda p: "required" if p.kind is p.POSITIONAL_OR_KEYWORD else "any"
    return {p.name: required(p) if p.default is p.empty else p.default for p in parameters}


def systems():
    plain = mmoptim.OptimWrapper(optimizer(), clip_grad={"max_norm": 1.0})
    constructor = mmoptim.DefaultOptimWrapperConstructor({"optimizer": {"type": "SGD"}})
    with accelerated():
        amp = mmoptim.AmpOptimWrapper(optimizer=optimizer())
    return {
        "torch.autocast": members(torch.autocast, torch.autocast("cpu")),
        # what asks for one backend by name is the same again
        "torch": sorted(
            function_of(torch, name)
            for name in dir(torch)
            if re.fullmatch(r"(get|set|is|clear)_autocast(_cache)?(_enabled|_dtype)?", name)
        ) + [function_of(torch.amp, name) for name in ("custom_bwd", "custom_fwd", "is_autocast_available")],
        "torch.amp.GradScaler": members(torch.amp.GradScaler, torch.amp.GradScaler("cpu")),
        "OptimWrapper": members(mmoptim.OptimWrapper, plain),
        "AmpOptimWrapper": own(mmoptim.AmpOptimWrapper, amp, plain),
        "OptimWrapperDict": own(mmoptim.OptimWrapperDict, mmoptim.OptimWrapperDict(), plain),
        "DefaultOptimWrapperConstructor": members(type(constructor), constructor),
    }


def own(cls, instance, plain):
    inherited = set(vars(plain))
    return [name for name in members(cls, instance, mmoptim.OptimWrapper) if name not in inherited]


def function_of(module, name):
    try:
        return signature(name, getattr(module, name))
    except ValueError:  # written in C
        return f"{name}()"


def paramwise_keys():
    """The keys that the constructor reads, from its source."""
    source = inspect.getsource(mmoptim.DefaultOptimWrapperConstructor)
    keys = re.findall(r"paramwise_cfg\.get\(\s*'(\w+)'", source)
    entries = re.findall(r"custom_keys\[key\]\.get\('(\w+)'", source)
    return {key: "any" for key in keys} | {f"custom_keys.{key}": "any" for key in entries}


def lists():
    header = (Path(torch.__file__).parent / "include/ATen/autocast_mode.h").read_text()
    found = {}
    for definition in header.split("#define AT_FORALL_")[1:]:
        name, rest = definition.split("(_)", 1)
        if name == "DEPRECATED_AUTOCAST_BACKENDS":
            continue
        body = re.match(r"(?:.*\\\n)*.*\n", rest).group()
        entries = re.findall(r"_\((?:ADD_NS\()?(\w+)", body)
        found[name.lower()] = list(dict.fromkeys(entries))
    registered = torch._C._dispatch_get_registrations_for_dispatch_key("AutocastCUDA")
    names = sorted({name.removeprefix("aten::").split(".")[0] for name in registered if name.startswith("aten::")})
    listed = set().union(*found.values())
    return found | {"banned": [name for name in names if name not in listed and raises(name)], "registered": names}


def raises(name):
    """Whether the operator refuses whatever it is given."""
    with fake_cuda() as zeros:
        try:
            getattr(torch.ops.aten, name)(zeros(2), zeros(2))
        except RuntimeError as error:
            return "unsafe to autocast" in str(error)
        except TypeError:
            return False
    return False


def goldens():
    was, torch.cuda.is_available = torch.cuda.is_available, lambda: False  # the same record on every machine
    try:
        return {"parity.json": record()}
    finally:
        torch.cuda.is_available = was


def record():
    classes = {
        "torch.autocast": torch.autocast,
        "torch.amp.GradScaler": torch.amp.GradScaler,
        "OptimWrapper": mmoptim.OptimWrapper,
        "AmpOptimWrapper": mmoptim.AmpOptimWrapper,
        "OptimWrapperDict": mmoptim.OptimWrapperDict,
        "DefaultOptimWrapperConstructor": mmoptim.DefaultOptimWrapperConstructor,
    }
    return {
        "meta": META,
        "members": systems(),
        "arguments": {name: arguments(cls) for name, cls in classes.items()} | {"paramwise_cfg": paramwise_keys()},
        "lists": lists(),
        "behaviours": [clean(case) for case in (*of_torch(), *of_wrappers())],
    }
