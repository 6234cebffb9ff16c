#!/usr/bin/env bash
# Score a test set in several processes that torchrun starts; with further options of `thm score` behind the folders.
#
#   examples/torchrun.sh 2 DATA all.json --suite thm
#
# On several machines run on each of them, with the address of the first:
#   torchrun --nnodes 2 --nproc-per-node 2 --rdzv-backend c10d --rdzv-endpoint HOST:29400 \
#       -m thm_torchmetrics score DATA --devices 2 --num-nodes 2 -o all.json
set -euo pipefail
processes=${1:?usage: torchrun.sh PROCESSES DATA OUT.json [OPTION...]} data=$2 out=$3
shift 3
torchrun --standalone --nproc-per-node "$processes" -m thm_torchmetrics score "$data" "$@" -o "$out"
