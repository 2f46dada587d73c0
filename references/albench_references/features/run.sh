#!/usr/bin/env bash
# What made this reference, and makes more of it: seed by seed, so that what is finished can be compared at any time.
#
#   references/albench_references/features/run.sh STORE WEIGHTS [SEEDS]      ALBENCH_DATA names the folder of CIFAR-100
#
# WEIGHTS are torchvision's MobileNetV2 (docs/features.md says where they are to be had). All cells of a seed belong on
# one kind of processor.
set -euo pipefail
store=$1 weights=$2
study=$(dirname "$0")/study.toml
features=$store.npz
if [ ! -f "$features" ]; then
  albench features \
    --scenario "cifar100[known=20,novel=0,initial_per_class=1,pool_per_class=all,test_per_class=all]" --seeds 0, \
    --network "torchvision[name=mobilenet_v2,weights=$weights,side=96]" --threads 1 -o "$features"
fi
for seed in ${3:-0 1 2 3 4}; do
  albench run "$study" --set path="$features" --seeds "$seed," --store "$store"
done
