"""A library that adapters ask: whether it is there, whether it is the one they know, and its errors as sentences."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from albench import AlbenchError, MissingLibraryError, Query, RequestError, StrategyError, reason, seeded_generators

LARGEST_SEED = 2**31 - 1  # that every generator of the libraries takes


@dataclass(frozen=True)
class Library:
    """What a library is called where it is installed, where it is imported, and which versions are known."""

    distribution: str
    package: str
    extra: str
    known: str  # versions, as a requirement has them

    @property
    def title(self) -> str:
        """The library and its version, as notes and sentences have them."""
        try:
            return f"{self.distribution} {version(self.distribution)}"
        except PackageNotFoundError:
            return f"{self.distribution} of an unknown version"

    def find(self, module: str, attribute: str, asked_by: str) -> Any:
        """Return what a module of the library offers.

        Raises MissingLibraryError where the library is not installed, and RequestError where it cannot be imported or
        has no such thing.
        """
        if find_spec(self.package) is None:
            raise MissingLibraryError(
                f"{asked_by} asks {self.distribution}, which is not installed; pip install 'albench[{self.extra}]'"
            )
        try:
            with seeded_generators(0):  # which the import of some libraries draws from
                found = importlib.import_module(module)
        except Exception as error:
            raise RequestError(
                f"{asked_by}: {self.title} cannot be imported ({reason(error)}); {self._mend}"
            ) from error
        if not hasattr(found, attribute):
            raise self._changed(asked_by, f"there is no {attribute} in {module}")
        return getattr(found, attribute)

    def check_call(self, function: Callable[..., Any], what: str, asked_by: str, *given: Any, **named: Any) -> None:
        """Raise RequestError where a function of the library does not take these arguments."""
        try:
            inspect.signature(function).bind(*given, **named)
        except TypeError as error:
            raise self._changed(asked_by, f"{what} takes other arguments, {error}") from error

    @contextmanager
    def asked(self, query: Query, asked_by: str) -> Iterator[int]:
        """Give a seed to a block that asks the library; its errors become StrategyErrors, its draws stay its own.

        The seed is drawn from the strategy's stream. What the library draws from global generators is seeded by it as
        well, and leaves them as they were. The library takes as many threads as torch does here. Its warnings are
        counted in a note.
        """
        from threadpoolctl import threadpool_limits

        query.note("library", self.title)
        seed = int(torch.randint(LARGEST_SEED, (), generator=query.generator))
        try:
            with seeded_generators(seed), threadpool_limits(torch.get_num_threads()), _counted_warnings(query):
                yield seed
        except AlbenchError:
            raise
        except Exception as error:
            raise StrategyError(f"{asked_by}: {self.title} raised {reason(error)}") from error

    @property
    def _mend(self) -> str:
        return f"pip install 'albench[{self.extra}]' brings {self.distribution}{self.known}"

    def _changed(self, asked_by: str, what: str) -> RequestError:
        return RequestError(f"{asked_by} does not know the interface of {self.title}: {what}; {self._mend}")


@contextmanager
def _counted_warnings(query: Query) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield
    if found:
        query.note("library_warnings", len(found))


def finite(values: Any, asked_by: str, title: str, n: int) -> torch.Tensor:
    """Return a library's values of n examples in float64 on the CPU; StrategyError for what is none."""
    found = torch.as_tensor(np.asarray(values, dtype=np.float64).copy())
    if tuple(found.shape) != (n,):
        raise StrategyError(f"{asked_by}: {title} valued {tuple(found.shape)} where {n} examples were given")
    bad = int((~found.isfinite()).sum())
    if bad:
        raise StrategyError(f"{asked_by}: {title} gave {bad} of {n} examples a value that is NaN or infinite")
    return found
