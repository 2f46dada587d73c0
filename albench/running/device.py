"""What cells compute on: the device, and a number of threads."""

from __future__ import annotations

from albench.errors import RequestError


def check_device(device: str | None) -> str:
    """Return the device to use: as asked, else CUDA when there is one; RequestError for one that is not there."""
    import torch

    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise RequestError(f"the device {device!r} cannot be used ({first}); try --device cpu") from None
    return device


def check_threads(threads: int) -> None:
    """Raise RequestError for less than one thread."""
    if threads < 1:
        raise RequestError(f"threads={threads}; give 1 or more")
