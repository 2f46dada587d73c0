"""Training on a CPU, one thread: beside the convolutions alone, in bf16, and beside the usual loop; and the harness.

pytest benchmarks -k training                        (eight minutes; ALBENCH_DATA names the folder of CIFAR-100)
pytest benchmarks -k "training and not harness"      (one minute)
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import albench
from albench.contracts.learner import Examples
from albench.rng import stream
from albench.running.memory import keep_freed
from albench.training import engine
from albench.training.batches import Plan, uniform_rows
from albench.training.finetune import Finetune
from albench.training.model import Model
from albench.training.precision import has_bf16
from albench.training.retrain import Retrain
from benchmarks import plain_residual, table, usual_loop
from benchmarks.convolutions import BATCH, REPEATED, Convolution, convolutions
from benchmarks.timing import in_turn

ROOT = Path(__file__).parent.parent
EXAMPLES, ITERATIONS, ROUNDS = 1000, 20, 8
USUAL_ITERATIONS = 100
LITE_ROUNDS = 16  # of the preset
TRAINING = f"Training cifar10-quick at batch {BATCH}, one thread (processor time)"
PASSES = "The convolutions of an iteration, each alone"
RESIDUAL = f"Retraining resnet8 beside plain PyTorch, {USUAL_ITERATIONS} iterations, the same plan (processor time)"
USUAL = f"Training beside the usual loop, {USUAL_ITERATIONS} iterations, the same batches"
HARNESS = "Where the processor time of a run with the preset lite goes"


@cache
def examples() -> Examples:
    draws = stream(0, "training benchmark")
    images = draws.integers(0, 256, (EXAMPLES, 3, 32, 32)).astype(np.uint8)
    return Examples(images, draws.integers(0, 10, EXAMPLES))


def model() -> Model:
    return Model(albench.network("cifar10-quick"), 0, list(range(10)), examples().inputs, "cpu")


def plan(learner: Finetune, iterations: int) -> Plan:
    rows = uniform_rows(EXAMPLES, (iterations, BATCH), stream(0, "rows"))
    return learner.plan("the benchmark", rows, 0, "benchmark", 0)


def training(precision: str) -> Any:
    learner, subject = Finetune(precision=precision), model()
    due = plan(learner, ITERATIONS)
    return lambda: engine.execute(subject, due, examples(), learner)


@cache
def measured() -> dict[str, float]:
    """Return the seconds of each convolution, and of an iteration of training, all timed in turn."""
    keep_freed()  # as a cell does; the usual loop, measured later in this process, has it as well
    precisions = ["fp32", *(["bf16"] if has_bf16("cpu") else [])]
    works = {name: training(name) for name in precisions}
    found = in_turn({**works, **{one.name: one.work for one in passes()}}, ROUNDS)
    return {name: seconds / (ITERATIONS if name in works else REPEATED) for name, seconds in found.items()}


@cache
def passes() -> list[Convolution]:
    return list(convolutions())


def test_training_beside_its_convolutions() -> None:
    seconds, operations = measured(), sum(one.operations for one in passes())
    rates = {one.name: one.operations / seconds[one.name] for one in passes()}
    alone, best = sum(seconds[one.name] for one in passes()), max(rates.values())
    for one in passes():
        row = {"pass": one.name, "ms": 1e3 * seconds[one.name], "GFLOP/s": rates[one.name] / 1e9}
        table.add(PASSES, {**row, "of the best": rates[one.name] / best})
    table.add(
        TRAINING,
        {
            "training": "fp32",
            "ms an iteration": 1e3 * seconds["fp32"],
            "GFLOP/s": operations / seconds["fp32"] / 1e9,
            "of the best convolution's rate": operations / seconds["fp32"] / best,
            "of its convolutions' rate": alone / seconds["fp32"],
        },
        higher=["of the best convolution's rate", "of its convolutions' rate"],
    )


@pytest.mark.skipif(not has_bf16("cpu"), reason="the processor has no instructions for bf16")
def test_training_in_bf16() -> None:
    seconds, operations = measured(), sum(one.operations for one in passes())
    ratio = seconds["fp32"] / seconds["bf16"]
    row = {"training": "bf16", "ms an iteration": 1e3 * seconds["bf16"]}
    rate = operations / seconds["bf16"] / 1e9
    table.add(TRAINING, {**row, "GFLOP/s": rate, "x faster than fp32": ratio}, higher=["x faster than fp32"])


def test_training_beside_the_usual_loop() -> None:
    learner, subject, usual = Finetune(), model(), model()
    due = plan(learner, USUAL_ITERATIONS)
    network = usual.recipe.build((3, 32, 32), 10, stream(0, "initialisation"))
    works = {
        "albench": lambda: engine.execute(subject, due, examples(), learner),
        f"usual loop, {usual_loop.WORKERS} workers": lambda: usual_loop.train(network, examples(), due.rows, learner),
    }
    for work in works.values():
        work()
    best = dict.fromkeys(works, (np.inf, np.inf))
    for _ in range(3):
        for name, work in works.items():
            with usual_loop.Family() as spent:
                work()
            best[name] = (min(best[name][0], spent.processor), min(best[name][1], spent.wall))
    ours = best["albench"]
    for name, (processor, wall) in best.items():
        row = {"loop": name, "processor s, workers included": processor, "wall s": wall}
        ratios = {"x albench, processor": processor / ours[0], "x albench, wall": wall / ours[1]}
        table.add(USUAL, {**row, **ratios}, higher=[] if name == "albench" else ["x albench, processor"])


def test_training_of_a_residual_network_beside_plain_pytorch() -> None:
    """Both from bytes to weights: the plain loop also builds its network and prepares the images."""
    learner, recipe, data = Retrain(iterations=USUAL_ITERATIONS), albench.network("resnet8"), examples()
    ours = Model(recipe, 0, list(range(10)), data.inputs, "cpu")
    rows = torch.from_numpy(stream(0, "retrain batches", 1).integers(EXAMPLES, size=(USUAL_ITERATIONS, BATCH)))
    network = recipe.build((3, 32, 32), 10, stream(0, "initialisation"))
    start = {name: value.clone() for name, value in network.state_dict().items()}
    plain = plain_residual.PlainResNet8(3, 10)

    def by_hand() -> None:
        network.load_state_dict(start)
        plain_residual.with_weights_of(network, plain)
        pixels = torch.from_numpy(data.inputs).double()
        mean, std = pixels.mean(dim=(0, 2, 3), keepdim=True), pixels.std(dim=(0, 2, 3), correction=0, keepdim=True)
        images, targets = (pixels.float() - mean.float()) / std.float(), torch.from_numpy(data.labels)
        rate, momentum, decay = learner.learning_rate, learner.momentum, learner.weight_decay
        plain_residual.train(plain, images, targets, rows, rate, momentum, decay)

    found = in_turn({"albench": lambda: learner.update(ours, data, 0, 1), "plain PyTorch": by_hand}, 3)
    values = zip(ours.network.state_dict().values(), plain.state_dict().values(), strict=True)
    apart = max(float((one - other).abs().max()) for one, other in values)
    row = {"learning rate": learner.learning_rate, **{f"{name}, s": seconds for name, seconds in found.items()}}
    ratio = found["albench"] / found["plain PyTorch"]
    table.add(RESIDUAL, {**row, "albench / plain": ratio, "weights apart": apart}, lower=["albench / plain"])


def test_training_leaves_the_harness_a_small_share() -> None:
    """A process of its own plans, runs two of the preset's fifteen cells and writes the report.

    What is done once a run, its start and its report, so weighs more than in a whole one.
    """
    command = [sys.executable, "-m", "benchmarks.harness", str(LITE_ROUNDS)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode == 3:
        pytest.skip("CIFAR-100 is not here; ALBENCH_DATA names its folder")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    total = sum(found["phases"].values())
    of = f"{found['cells']} cells of {found['rounds']} rounds"
    for phase, seconds in sorted(found["phases"].items(), key=lambda one: -one[1]):
        table.add(HARNESS, {"phase": phase, "of": of, "seconds": seconds, "share %": 100 * seconds / total})
    share = 100 * sum(value for name, value in found["phases"].items() if name.startswith("harness")) / total
    row = {"phase": "the harness in all", "of": of, "seconds": share * total / 100, "share %": share}
    table.add(HARNESS, row, lower=["share %"])
