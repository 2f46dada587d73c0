"""All readers, by what they read."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fuzz import asked, data, stored
from tests.fuzz.target import Target

TARGETS: Mapping[str, Target] = {**asked.TARGETS, **stored.TARGETS, **data.TARGETS}
