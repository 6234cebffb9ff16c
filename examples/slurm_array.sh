#!/bin/bash
# Score a test set as a SLURM job array, each job a part of the clips; the last command merges the parts.
#
#   sbatch examples/slurm_array.sh DATA OUT      # DATA as `thm score` takes it; OUT is a folder
#
# Further options of `thm score` may follow, such as --suite all. The jobs need no network between them.
#SBATCH --job-name=thm-score
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --output=thm-score-%A-%a.log
set -euo pipefail

data=$1 out=$2
shift 2
mkdir -p "$out"
thm score "$data" "$@" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" -o "$out/part$SLURM_ARRAY_TASK_ID.json"

# When all jobs are done:
#   thm merge OUT/part*.json -o OUT/all.json
