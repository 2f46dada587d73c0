"""Python source without what does not change what it does, alike on every version of Python; and what it imports."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SILENT = {"ctx", "type_comment", "kind"}  # fields that follow from the others, or say nothing to the interpreter


@dataclass(frozen=True)
class Import:
    """One name of an import: ``import module`` (no name), or ``from module import name``; dots count the way up."""

    module: str
    name: str | None = None
    dots: int = 0


@dataclass(frozen=True)
class Source:
    """What a module's source comes to: the SHA-256 of its normal form, what it imports, and the names that it binds."""

    digest: str
    imports: tuple[Import, ...] = ()
    bound: frozenset[str] = frozenset()


def read_source(data: bytes | str, statements: bool = True) -> Source:
    """Return what source comes to; text that is no Python of this version stands for itself.

    Without `statements`, expressions that stand alone in the module are left out, as the calls of a notebook's cell.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whoever imports the module is warned
            tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Source(_digest([repr(data)]))
    if statements:
        tree.body = [part for part in tree.body if not _is_main_guard(part)]
    else:  # what is run itself runs its guards
        parts = [inner for part in tree.body for inner in _unguarded(part)]
        tree.body = [part for part in parts if not isinstance(part, ast.Expr)]
    nodes = list(ast.walk(tree))
    return Source(_digest(_words(tree)), tuple(_imports(nodes)), frozenset(_bound(nodes)))


def _digest(words: Any) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _words(tree: ast.Module) -> Iterator[str]:
    """Yield a tree as words: each node and list says how many parts follow, so that no two trees read alike.

    `ast.dump` and `ast.unparse` write one tree in several ways, as the version of Python is.
    """
    todo: list[Any] = [tree]
    while todo:
        part = todo.pop()
        if isinstance(part, ast.AST):
            fields = _fields(part)
            yield f"{type(part).__name__} {len(fields)}"
            todo.extend(reversed(fields))
        elif isinstance(part, tuple):
            yield part[0]
            todo.append(part[1])
        elif isinstance(part, list):
            yield f"list {len(part)}"
            todo.extend(reversed(part))
        else:
            yield f"{type(part).__name__} {_constant(part)}"


def _constant(value: Any) -> str:
    """Return a value as text; `ascii`, since which characters `repr` escapes depends on the version of Unicode."""
    return hex(value) if type(value) is int else ascii(value)


def _fields(node: ast.AST) -> list[tuple[str, Any]]:
    """Return the fields of a node by name that say something: later versions of Python add some that are empty."""
    found = []
    for name, value in sorted(ast.iter_fields(node)):
        if isinstance(value, list):
            value = (
                _joined(value) if isinstance(node, ast.JoinedStr) else [part for part in value if not _is_idle(part)]
            )
        is_empty = value == [] or (value is None and not isinstance(node, ast.Constant))
        if not is_empty and name not in _SILENT:
            found.append((name, value))
    return found


def _joined(parts: list[ast.expr]) -> list[ast.expr]:
    """Return the parts of an f-string, texts that follow each other as one; versions of Python split them variously."""
    found: list[ast.expr] = []
    for part in parts:
        before = found[-1] if found else None
        if isinstance(part, ast.Constant) and isinstance(before, ast.Constant):
            found[-1] = ast.Constant(str(before.value) + str(part.value))
        elif not (isinstance(part, ast.Constant) and part.value == ""):
            found.append(part)
    return found


def _is_idle(node: Any) -> bool:
    """Whether a statement does nothing: a docstring or another text alone, or `pass`."""
    is_constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Pass) or (is_constant and isinstance(node.value.value, str))


def _is_main_guard(node: ast.stmt) -> bool:
    """Whether a statement is ``if __name__ == "__main__":``, which an import does not run."""
    if not isinstance(node, ast.If) or node.orelse or not isinstance(node.test, ast.Compare):
        return False
    sides = {getattr(part, "id", getattr(part, "value", None)) for part in [node.test.left, *node.test.comparators]}
    return sides == {"__name__", "__main__"} and isinstance(node.test.ops[0], ast.Eq)


def _unguarded(node: ast.stmt) -> list[ast.stmt]:
    """Return what a statement of a script comes to: what a guard guards runs there."""
    return node.body if isinstance(node, ast.If) and _is_main_guard(node) else [node]


def _imports(nodes: list[ast.AST]) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Import(node.module or "", alias.name, node.level) for alias in node.names)


def _bound(nodes: list[ast.AST]) -> Iterator[str]:
    """Yield the names that a module binds anywhere, but for submodules under their names (``from . import x``)."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Import):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            is_here = node.level == 1 and not node.module
            yield from (alias.asname or alias.name for alias in node.names if not (is_here and alias.asname is None))
