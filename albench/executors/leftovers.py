"""What a cell leaves behind in its process that the next one would compute with: then that process is not used again.

To compare costs a cell about a twentieth of a second, a new process three (benchmarks/workers.py). Of plugins it is
believed that they mean no harm: what is done in C, or to the code of a function in place, is not seen.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from operator import is_
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

import albench.running.loop  # noqa: F401 - what it computes with is compared, so that it has to be there before a cell
from albench.contracts.generators import global_states
from albench.executors.family import descendants
from albench.running.mode import changed_since_prepared

ENDING_SECONDS = 1.0  # in which threads and processes that were told to end may do so
MOST_NAMED = 3  # of things of one kind
_SET_BY_LIBRARIES = {  # when they are imported
    *("CUBLAS_WORKSPACE_CONFIG", "KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "TORCHINDUCTOR_CACHE_DIR"),
}
_DRAWN_BY_LIBRARIES = {"random"}  # when they are imported; who takes part must not draw from it anyway
_HOOKS = {name: value for name, value in vars(torch.nn.modules.module).items() if name.startswith("_global_")}

Namespace = tuple[str, Mapping[str, Any], dict[str, Any], tuple[Mapping[str, Any], ...]]


class Before:
    """A process as it is before a cell."""

    def __init__(self) -> None:
        self._state = _state()
        self._threads = set(threading.enumerate())
        self._children = set(descendants(os.getpid()))
        self._functions = _namespaces()

    def left(self) -> list[str]:
        """Return in words what is different now: "a changed umask", "the thread 'refresh'"."""
        end = time.monotonic() + ENDING_SECONDS
        while (started := self._started()) and time.monotonic() < end:
            time.sleep(0.02)
        state = _state()
        changed = [f"a changed {name}" for name, value in self._state.items() if state.get(name) != value]
        replaced = [f"another {name}" for namespace in self._functions for name in _replaced(*namespace)]
        return [
            *changed,
            *(f"a changed {name} of torch" for name in changed_since_prepared()),
            *_few(replaced),
            *started,
        ]

    def _started(self) -> list[str]:
        threads = [f"the thread {thread.name!r}" for thread in threading.enumerate() if thread not in self._threads]
        children = [f"the process {_name(pid)}" for pid in descendants(os.getpid()) if pid not in self._children]
        return [*_few(threads), *_few(children)]


def _few(items: list[str]) -> list[str]:
    more = [f"{len(items) - MOST_NAMED} more of the kind"] if len(items) > MOST_NAMED else []
    return [*items[:MOST_NAMED], *more]


def _name(pid: int) -> str:
    with suppress(psutil.Error):
        return str(psutil.Process(pid).name())
    return "that just ended"


def _state() -> dict[str, Any]:
    """Return what can be told of a process by comparing values, by name."""
    found = {name: read() for name, read in _STATE.items()}
    drawn = {name: state for name, state in global_states().items() if name not in _DRAWN_BY_LIBRARIES and state}
    return found | {f"global generator of {name}": state for name, state in drawn.items()}


def _folder() -> str:
    with suppress(OSError):
        return os.getcwd()  # noqa: PTH109 - as text
    return ""


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _SET_BY_LIBRARIES}


def _handlers() -> list[Any]:
    return [signal.getsignal(number) for number in sorted(signal.valid_signals())]


_STATE: Mapping[str, Callable[[], Any]] = {
    "working folder": _folder,
    "umask": _umask,
    "environment": _environment,
    "handler of signals": _handlers,
    "timer that will send a signal": lambda: signal.getitimer(signal.ITIMER_REAL)[0] > 0,
    "module search path": lambda: list(sys.path),
    "standard output": lambda: [sys.stdout, sys.stderr],
    "recursion limit": sys.getrecursionlimit,
    "trace function": lambda: [sys.gettrace(), sys.getprofile()],
    "garbage collection": lambda: [gc.isenabled(), gc.get_threshold()],
    "handling of errors in numpy": np.geterr,
    "set of hooks for all modules of torch": lambda: {name: repr(value) for name, value in _HOOKS.items()},
    "stack of modes of torch": torch._C._len_torch_function_stack,  # such as a default device
}


def _namespaces() -> list[Namespace]:
    """Return what every module and every class that is loaded holds: its name, itself, a copy, what it inherits."""
    modules = [module for module in list(sys.modules.values()) if type(module) is type(sys)]
    classes: dict[int, type] = {}  # by identity: not every class can be hashed
    found: list[Namespace] = []
    builtin = (vars(sys.modules["builtins"]),)
    for module in modules:
        held = vars(module).copy()
        found.append((module.__name__, vars(module), held, builtin))
        classes.update((id(value), value) for value in held.values() if issubclass(type(value), type))
    for cls in classes.values():
        inherited = tuple(vars(base) for base in cls.__mro__[1:])
        found.append((f"{cls.__module__}.{cls.__qualname__}", vars(cls), vars(cls).copy(), inherited))
    return found


def _replaced(
    name: str, now: Mapping[str, Any], before: dict[str, Any], inherited: tuple[Mapping[str, Any], ...]
) -> list[str]:
    """Return the functions of a namespace that are others now, or hide what it inherits."""
    if len(now) == len(before) and all(map(is_, before.values(), map(now.get, before))):
        return []
    changed = [key for key, value in before.items() if now.get(key) is not value and _computes(value)]
    added = [
        key for key in list(now) if key not in before and _computes(now[key]) and any(key in one for one in inherited)
    ]
    return [f"{name}.{key}" for key in [*changed, *added] if not _is_by_owner(now.get(key), name, key)]


def _is_by_owner(value: Any, name: str, key: str) -> bool:
    """Whether a package's own source gave it another function, as torch does when it loads more of itself.

    Another of its public functions in that place is somebody else's doing.
    """
    for inner in ("func", "fget", "__func__"):  # of a partial, a property, a method of a class
        value = getattr(value, inner, None) or value
    init = Path(getattr(sys.modules.get(name.partition(".")[0]), "__file__", None) or "")
    code = getattr(value, "__code__", None)
    if code is None or init.name != "__init__.py" or init.parent not in Path(code.co_filename).parents:
        return False
    return code.co_name == key or code.co_name.startswith(("_", "<")) or getattr(value, "__name__", "") == key


def _computes(value: Any) -> bool:
    return callable(value) or isinstance(value, (staticmethod, classmethod, property))
