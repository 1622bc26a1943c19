#!/usr/bin/env python3
"""Runs the tests and the benchmark of this folder with the torch 2.11 that this Python imports.

    python3 run.py                     # all of it, on the first CUDA GPU
    python3 run.py --device cpu        # the same on the CPU, to see that the folder is whole
    python3 run.py --only tests        # or: bench
    python3 run.py --only bench -- --models retinanet_r50 --batch-sizes 2 --rounds 3    # a part of it, in minutes

Needs a Python with torch 2.11, and nothing else: no safetensors (`stand-ins` has what is used of it), no network, no compiler, no cargo. Results lie in `results`:
tests.json, a log for each test program, and results.json and chart.svg of the benchmark. Exit status 1 if a test failed.
"""
import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
# A test program, and the part of it that makes sense away from the sources.
PARTS = {"policy": "classes::"}
# Whose assertion is about time, and about nobody else at work.
ALONE = ["sync_free"]
# Seconds after which a program is taken to hang.
PATIENCE = 300


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--only", choices=["tests", "bench"], help="one of the two halves")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="where results go (default: results)")
    parser.add_argument("bench", nargs="*", help="arguments of the benchmark, after `--`")
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError as error:
        sys.exit(f"error: {error}\nhelp: run this with a Python that has torch 2.11")
    if not torch.__version__.startswith("2.11."):
        sys.exit(f"error: this Python has torch {torch.__version__}\nhelp: the programs here are linked against 2.11")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.exit("error: torch finds no CUDA GPU\nhelp: `--device cpu` runs the same on the CPU")
    arguments.out.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "LD_LIBRARY_PATH": ":".join(filter(None, [str(Path(torch.__file__).parent / "lib"), os.environ.get("LD_LIBRARY_PATH")])),
        "AMP_TEST_DEVICE": arguments.device,
        "AMP_GOLDENS": str(HERE / "goldens"),
    }
    if importlib.util.find_spec("safetensors") is None:
        environment["PYTHONPATH"] = ":".join(filter(None, [str(HERE / "stand-ins"), os.environ.get("PYTHONPATH")]))
    failed = False
    if arguments.only != "bench":
        failed |= not run_tests(arguments, environment, torch)
    if arguments.only != "tests":
        command = [HERE / "bin/side-by-side", "--device", arguments.device, "--python", sys.executable, "--out", arguments.out]
        failed |= subprocess.run([*map(str, command), *arguments.bench], env=environment, check=False).returncode != 0
    print("results:", arguments.out)
    sys.exit(1 if failed else 0)


def run_tests(arguments, environment, torch):
    """Each program on its own, f32 as f32; true if all passed."""
    environment = environment | {"NVIDIA_TF32_OVERRIDE": "0"}
    # What this machine's own PyTorch computes, for the comparison of numerics.
    command = [sys.executable, HERE / "goldens/autocast_live.py", arguments.device, HERE / "goldens"]
    live = subprocess.run(command, env=environment, check=False)
    programs = [] if live.returncode == 0 else [{"name": "autocast_live.py", "passed": False}]
    tests = [program for program in sorted((HERE / "bin").iterdir()) if program.name not in ("side-by-side", *ALONE)]
    device = torch.cuda.get_device_name() if arguments.device == "cuda" else platform.processor() or platform.machine()
    document = {
        "device": device,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "date": time.strftime("%Y-%m-%d"),
        "programs": programs,
    }

    def keep(entry):
        # At once, for a run may be cut off.
        programs.append(entry)
        (arguments.out / "tests.json").write_text(json.dumps(document, indent=2) + "\n")

    for name in ALONE:
        keep(run_test(HERE / "bin" / name, arguments.out, environment))
    # The others compute little and wait much.
    with ThreadPoolExecutor(max_workers=6) as pool:
        for entry in pool.map(lambda program: run_test(program, arguments.out, environment), tests):
            keep(entry)
    return all(entry["passed"] for entry in programs)


def run_test(program, out, environment):
    """One program: its log is kept, its summary told and returned."""
    start = time.monotonic()
    command = [program, "--nocapture", *filter(None, [PARTS.get(program.name)])]
    log = out / f"{program.name}.log"
    with log.open("wb") as written:
        try:
            status = subprocess.run(
                command, env=environment, check=False, stdout=written, stderr=subprocess.STDOUT, timeout=PATIENCE
            ).returncode
        except subprocess.TimeoutExpired:
            status = f"none after {PATIENCE} s"
    lines = log.read_text(errors="replace").splitlines()
    skipped = [line.strip() for line in lines if "SKIPPED" in line]
    # The last one: a test may have run this program itself.
    summaries = [line for line in lines if line.startswith("test result")]
    summary = summaries[-1] if summaries else f"exit status {status}"
    seconds = round(time.monotonic() - start, 1)
    passed = status == 0
    print("\n       ".join([f"{'ok    ' if passed else 'FAILED'} {program.name:<14} {seconds:>6} s  {summary}", *skipped]), flush=True)
    return {"name": program.name, "passed": passed, "summary": summary, "skipped": skipped, "seconds": seconds}


if __name__ == "__main__":
    main()
