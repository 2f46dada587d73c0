#!/usr/bin/env bash
# The tests near the libraries with the oldest versions that pyproject.toml allows, PyTorch apart: it is linked from VENV.
#
#   tools/oldest.sh [pytest's arguments]
#
# OLDEST is the environment, which is kept. The extras `baal` and `skactiveml` ask for newer versions by themselves.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${VENV:-.venv}/bin/python
oldest=${OLDEST:-.venv-oldest}
extras="bench dask figures slurm"

[ -x "$oldest/bin/python" ] || "$python" -m venv "$oldest"
"$python" tools/link_torch.py "$oldest"
# shellcheck disable=SC2086 # a word each
"$python" tools/lower_bounds.py $extras >"$oldest/bounds.txt"
"$oldest/bin/python" -m pip install --quiet --upgrade pip
"$oldest/bin/python" -m pip install --quiet --constraint "$oldest/bounds.txt" --requirement "$oldest/bounds.txt" \
  --editable ".[${extras// /,}]" hypothesis pytest-xdist pyyaml scikit-posthocs
"$oldest/bin/python" -m pip install --quiet --no-deps --editable examples/albench-example
"$oldest/bin/python" -m pip check
if [ $# = 0 ]; then
  set -- tests/analysis tests/cli tests/contracts tests/datasets tests/networks tests/plugins tests/protocols \
    tests/querying tests/references tests/site tests/store tests/study tests/training
fi
exec "$oldest/bin/python" -m pytest --quiet -m "not slow" "$@"
