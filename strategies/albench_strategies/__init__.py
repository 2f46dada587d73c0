"""First-party query strategies of albench."""

from __future__ import annotations

from collections.abc import Mapping

import albench


@albench.hookimpl
def albench_strategies() -> Mapping[str, str]:
    """Return the strategies of the paper."""
    return {
        "random": "albench_strategies.random:Random",
        "min": "albench_strategies.posterior:LeastConfident",
        "1vs2": "albench_strategies.posterior:Margin",
        "max": "albench_strategies.posterior:MostConfident",
        "emoc": "albench_strategies.emoc.strategy:Emoc",
    }
