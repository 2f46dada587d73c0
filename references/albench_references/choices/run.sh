#!/usr/bin/env bash
# What made this reference, and makes more of it: seed by seed, so that what is finished can be compared at any time.
#
#   references/albench_references/choices/run.sh STORE [SEEDS]      ALBENCH_DATA names the folder of CIFAR-100
#
# All cells of a seed belong on one kind of processor.
set -euo pipefail
store=$1
study=$(dirname "$0")/study.toml
for seed in ${2:-0 1 2 3 4}; do
  albench run "$study" --seeds "$seed," --store "$store"
done
