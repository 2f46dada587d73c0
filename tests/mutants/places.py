"""The small changes that can be made to a module, found and made by cosmic-ray's operators and one of our own."""

from __future__ import annotations

import ast
import difflib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.operators.provider import OperatorProvider
from parso.python.tree import Name

REDUCTIONS = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "sum": "mean",
    "mean": "sum",
    "median": "mean",
    "argmin": "argmax",
    "argmax": "argmin",
    "minimum": "maximum",
    "maximum": "minimum",
    "floor": "ceil",
    "ceil": "floor",
}


class ReplaceReduction(Operator):  # type: ignore[misc]
    """Replaces a reduction that is called by another of the same form."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Yield the place of a name that is called; `sum` of Python has no `mean` beside it."""
        if isinstance(node, Name) and node.value in REDUCTIONS and node.parent.type != "funcdef":
            bare = node.get_previous_leaf() is None or node.get_previous_leaf().value != "."
            if node.get_next_leaf().value == "(" and not (bare and node.value == "sum"):
                yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return the other name."""
        return Name(REDUCTIONS[node.value], node.start_pos, node.prefix)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return what cosmic-ray shows of an operator."""
        return (Example("min(x)", "max(x)"), Example("x.sum(0)", "x.mean(0)"))


def _of_cosmic_ray(form: str, names: str) -> list[Operator]:
    return [OperatorProvider()[form.format(name)]() for name in names.split()]


KINDS: dict[str, list[Operator]] = {
    "comparison": _of_cosmic_ray(
        "ReplaceComparisonOperator_{}",
        "Eq_NotEq NotEq_Eq Is_IsNot IsNot_Is Lt_LtE LtE_Lt Gt_GtE GtE_Gt Lt_Gt Gt_Lt LtE_GtE GtE_LtE",
    ),
    "operator": _of_cosmic_ray(
        "ReplaceBinaryOperator_{}",
        "Add_Sub Sub_Add Mul_Div Div_Mul FloorDiv_Mul Mod_Mul Pow_Mul BitAnd_BitOr BitOr_BitAnd LShift_RShift",
    )
    + _of_cosmic_ray("ReplaceUnaryOperator_{}", "Delete_USub Delete_Invert"),
    "number": _of_cosmic_ray("{}", "NumberReplacer"),
    "condition": _of_cosmic_ray(
        "{}",
        "AddNot ReplaceAndWithOr ReplaceOrWithAnd ReplaceTrueWithFalse ReplaceFalseWithTrue ReplaceUnaryOperator_Delete_Not",
    ),
    "reduction": [ReplaceReduction()],
}


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    room: str
    file: str  # from the root of the repository
    line: int
    kind: str
    source: str
    changed: str

    @property
    def diff(self) -> str:
        """The change in the form of diff, without context."""
        lines = difflib.unified_diff(self.source.splitlines(), self.changed.splitlines(), n=0, lineterm="")
        return "\n".join(line for line in list(lines)[2:] if not line.startswith("@@"))


def choose(root: Path, rooms: dict[str, str], count: int, seed: int) -> list[Mutant]:
    """Return random mutants of the modules of rooms: of each place at most one, each place equally likely.

    A greater count goes on where a smaller one ended. `rooms` names the folder of each.
    """
    places = [place for room, folder in rooms.items() for place in _places(root, room, root / folder)]
    draws = random.Random(seed)
    draws.shuffle(places)
    found: list[Mutant] = []
    for room, path, line, kind, ways in places:
        if len(found) == count:
            break
        source = path.read_text(encoding="utf-8")
        operator, occurrence = draws.choice(ways)
        changed = mutate_code(source, operator, occurrence)
        if _means_something_else(source, changed):
            found.append(Mutant(room, path.relative_to(root).as_posix(), line, kind, source, changed))
    return found


def _places(
    root: Path, room: str, folder: Path
) -> Iterator[tuple[str, Path, int, str, Sequence[tuple[Operator, int]]]]:
    """Yield each place that can be changed: room, file, line, kind and the operators with their occurrence."""
    for path in sorted(folder.rglob("*.py")):
        nodes = list(ast_nodes(get_ast(path.read_text(encoding="utf-8"))))
        for kind, operators in KINDS.items():
            ways: dict[tuple[Any, Any], list[tuple[Operator, int]]] = {}
            for operator in operators:
                positions = [position for node in nodes for position in operator.mutation_positions(node)]
                for occurrence, position in enumerate(positions):
                    ways.setdefault(position, []).append((operator, occurrence))
            for (start, _), found in ways.items():
                yield room, path, start[0], kind, found


def _means_something_else(source: str, changed: str) -> bool:
    """Return whether a changed source can be parsed and differs in more than annotations and what they import."""
    changed = changed.replace("if not TYPE_CHECKING:", "if TYPE_CHECKING:")
    try:
        return _without_annotations(source) != _without_annotations(changed)
    except SyntaxError:
        return False


def _without_annotations(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
    return ast.dump(tree)
