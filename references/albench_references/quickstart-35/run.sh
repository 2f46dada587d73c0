#!/usr/bin/env bash
# What made this reference, and makes more of it: seed by seed, so that what is finished can be compared at any time.
#
#   references/albench_references/quickstart-35/run.sh STORE [SEEDS]
#
# All cells of a seed belong on one kind of processor.
set -euo pipefail
store=$1
study=$(dirname "$0")/study.toml
for seed in ${2:-0 1 2 3 4 5 6 7 8 9}; do
  albench run "$study" --seeds "$seed," --store "$store"
done
