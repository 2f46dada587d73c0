"""What this distribution offers to albench."""

import albench


@albench.hookimpl
def albench_strategies() -> dict[str, str]:
    """Return this distribution's strategy."""
    return {"least-margin": "albench_example.strategy:LeastMargin"}


@albench.hookimpl
def albench_scenarios() -> dict[str, str]:
    """Return this distribution's scenario."""
    return {"stripes": "albench_example.scenario:Stripes"}


@albench.hookimpl
def albench_report_sections() -> dict[str, str]:
    """Return this distribution's section of the report."""
    return {"first-discovery": "albench_example.section:FirstDiscovery"}
