"""Stored results of the first-party components: who changes numbers raises `results_version`.

``python -m tests.golden`` computes all of them anew and writes `tests/data/golden/`. It refuses to replace a result by
another one under the same version; where only what is asked has changed (`tests/small_results.py`, `make_probe`), delete
the stored file first. `tests/test_results_version.py` compares.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from albench.contracts.component import Component
from albench.plugins import parameters
from albench.plugins.host import host
from albench_strategies import adapters
from tests.small_results import Results, small_results

FOLDER = Path(__file__).parent / "data" / "golden"
KINDS = ["strategies", "scenarios", "protocols", "learners", "networks"]
SMALL = {  # names that are asked in a smaller size than their defaults
    "cifar100": "cifar100[initial_per_class=2,pool_per_class=3,test_per_class=2]",
    **{
        name: f"{name}[initial_per_class=1,pool_per_class=2,test_per_class=1]"
        for name in ("cifar10", "svhn", "mnist", "fashion-mnist", "stl10")
    },
    "tiny-imagenet": "tiny-imagenet[known=2,novel=2,initial_per_class=1,pool_per_class=2,test_per_class=1]",
    "medmnist": "medmnist[flag=octmnist,initial_per_class=1,pool_per_class=2,test_per_class=1]",
    "parquet": "parquet[path=mnist,size=8,grey=true,initial_per_class=1,test_per_class=1]",
    "images": "images[path=photos,size=8,initial_per_class=2,test_per_class=2]",
    "features": "features[path=features.npz,known=2,novel=1,initial_per_class=2,test_per_class=2]",
    "discovery": "discovery[n_sets=8,set_size=4]",
    "top-k": "top-k[query_size=7]",
    "finetune": "finetune[initial_iterations=6,update_iterations=4,batch_size=8,learning_rate=0.01]",
    "wide-resnet": "wide-resnet[depth=10,width=1]",
    "vgg16": "vgg16[width=4]",
    "retrain": "retrain[iterations=5,batch_size=8,learning_rate=0.01]",
}
FURTHER = {  # other ways through the code
    "strategies": [
        "min[score=minimum]",
        "emoc[output=softmax]",
        "emoc[label=example]",
        "emoc[label=expected]",
        "emoc[expectation=20]",
        "emoc[layers=linear]",
        "emoc[path=autograd]",
        "egl[layers=last]",
        "bait[fisher=binary]",
        "mlmoc[layers=linear]",
        "adaptive-novel[adaptive_round=1]",
        "batchbald[configurations=10]",
        "probcover[radius=0.5]",
    ],
    "scenarios": [
        "digits[known=2,novel=3,initial_per_class=4]",
        "digits[known=3,novel=2,imbalance=4,label_noise=0.2,duplicates=0.1,rejected=2]",
        "digits[known=all,novel=3,initial_per_class=4,pool_per_class=all]",
    ],
    "learners": [
        "finetune[initial_iterations=6,update_iterations=4,batch_size=8,learning_rate=0.01,augmentation=flip-crop]",
        "retrain[iterations=6,batch_size=8,learning_rate=0.01,optimizer=adamw,schedule=cosine,warmup_iterations=2]",
        "retrain[iterations=8,batch_size=8,learning_rate=0.01,momentum=0.5,weight_decay=0.1,schedule=steps]",
    ],
}
EXACT = (1e-5, 1e-8)  # of float64: relative to a number, and to the largest of its list
TOLERANCES = {"learners": (1e-3, 1e-4)}  # a training in float32 adds up its rounding


@dataclass(frozen=True)
class Golden:
    """What a component computed, under which version, and the defaults of its parameters."""

    version: int
    defaults: dict[str, Any]
    results: Results


def classes() -> Iterator[tuple[str, str, type[Component]]]:
    """Yield kind, name and class of each component that this distribution offers and that results depend on."""
    for entry in host().all_entries(KINDS):
        if entry.plugin.distribution == "albench":
            yield entry.kind, entry.name, host().component_class(entry.kind, entry.name)


def cases() -> list[tuple[str, str]]:
    """Return kind and text of all that is computed: each name, and further parameters of some.

    What adapters compute is their library's, which changes from version to version; tests/strategies/adapters holds
    them to it.
    """
    named = [(kind, SMALL.get(name, name)) for kind, name, _ in classes() if name not in adapters.TARGETS]
    return named + [(kind, text) for kind, texts in FURTHER.items() for text in texts]


def computed(kind: str, text: str) -> Golden:
    """Return what the component `text` computes now."""
    component = host().configure(kind, text)
    name, given = parameters.parse(text)
    paths = parameters.path_parameters(type(component))
    plain = host().configure(kind, name, {key: value for key, value in given.items() if key in paths})
    defaults = {key: value for key, value in parameters.values(plain).items() if key not in paths}
    return Golden(component.results_version, defaults, small_results(kind, component))


def stored(kind: str) -> dict[str, Golden]:
    """Return what is stored of a kind, by text."""
    path = FOLDER / f"{kind}.json"
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {text: Golden(**value) for text, value in content.items()}


def differences(kind: str, old: Golden, new: Golden) -> list[str]:
    """Return what of the stored results, and of the stored defaults, is another one now."""
    tolerance = TOLERANCES.get(kind, EXACT)
    found = [name for name, value in old.results.items() if not _is_close(value, new.results.get(name), tolerance)]
    shared = sorted({*old.defaults} & {*new.defaults})  # a parameter that is new moves nothing that was computed
    return found + [f"the default of {name}" for name in shared if old.defaults[name] != new.defaults[name]]


def _is_close(old: Any, new: Any, tolerance: tuple[float, float]) -> bool:
    """Return whether floats agree within the tolerance, and everything else exactly."""
    if not isinstance(old, list) or not isinstance(new, list):
        return bool(old == new)
    relative, floor = tolerance
    least = floor * max((abs(value) for value in old if isinstance(value, float)), default=0.0)
    return len(old) == len(new) and all(
        math.isclose(one, other, rel_tol=relative, abs_tol=least) if isinstance(one, float) else one == other
        for one, other in zip(old, new, strict=True)
    )


def refusal(kind: str, text: str, old: Golden | None, new: Golden) -> str | None:
    """Return why a stored result must not be replaced by that of today, and what to do; None where it may."""
    if old is None or new.version > old.version:
        return None
    changed = differences(kind, old, new)
    if not changed and new.version == old.version:
        return None
    cls = host().component_class(kind, parameters.parse(text)[0])
    what = f"computes something else than version {old.version} stored ({', '.join(changed)})"
    if new.version < old.version:
        what = f"is of version {new.version}, and version {old.version} is stored"
    return (
        f"{text} {what}: raise results_version of {cls.__qualname__} in {cls.__module__} above {old.version}, then run "
        "python -m tests.golden"
    )


def complaint(kind: str, text: str, old: Golden | None, new: Golden) -> str | None:
    """Return what is wrong with a stored result and what to do, None where it is that of today."""
    refused = refusal(kind, text, old, new)
    if refused is not None:
        return refused
    if old is None:
        return f"{text} has no stored result; run python -m tests.golden"
    if old.version != new.version:
        return f"{text} is of version {new.version}, and {old.version} is stored; run python -m tests.golden"
    if set(old.defaults) != set(new.defaults) or set(old.results) != set(new.results):
        return f"{text} has other parameters or results than those that are stored; run python -m tests.golden"
    return None


def write(kind: str, texts: list[str]) -> list[str]:
    """Write the results of a kind, those that did not change as they were; return the refusals."""
    before, refusals, kept = stored(kind), [], {}
    for text in texts:
        old, new = before.get(text), computed(kind, text)
        refused = refusal(kind, text, old, new)
        if refused is not None:
            refusals.append(refused)
        kept[text] = old if old is not None and refused is not None else _merged(old, new)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{kind}.json").write_text(_as_text(kept), encoding="utf-8")
    return refusals


def _merged(old: Golden | None, new: Golden) -> Golden:
    """Return the new results with the stored digits of those that did not change."""
    if old is None or old.version != new.version:
        return new
    return replace(new, results={**new.results, **old.results})


def _as_text(kept: Mapping[str, Golden]) -> str:
    """Return JSON with a line for each result, so that a commit shows which have changed."""
    parts = []
    for text, golden in kept.items():
        head = {name: value for name, value in asdict(golden).items() if name != "results"}
        lines = ",\n".join(f"   {json.dumps(name)}: {json.dumps(value)}" for name, value in golden.results.items())
        parts.append(f' {json.dumps(text)}: {{{json.dumps(head)[1:-1]}, "results": {{\n{lines}\n }}}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> int:
    """Write all results; say what was refused."""
    refusals = [refused for kind in KINDS for refused in write(kind, [text for own, text in cases() if own == kind])]
    for refused in refusals:
        print(refused, file=sys.stderr)
    return 1 if refusals else 0


if __name__ == "__main__":
    sys.exit(main())
