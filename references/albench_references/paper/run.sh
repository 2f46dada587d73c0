#!/usr/bin/env bash
# What made this reference, and makes more of it: seed by seed, so that what is finished can be compared at any time.
#
#   references/albench_references/paper/run.sh STORE [SEEDS]      ALBENCH_DATA names the folder of CIFAR-100
#
# All cells of a seed belong on one kind of processor. The last run shows that the tolerance asks for the same sets.
set -euo pipefail
store=$1
study=$(dirname "$0")/study.toml
for seed in ${2:-0 1 2 3 4 5 6 7 8}; do
  albench run "$study" --seeds "$seed," --store "$store"
done
albench run "$study" --seeds 0, --strategies "emoc[tolerance=0]" --store "$store"
