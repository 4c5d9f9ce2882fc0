#!/bin/sh
# SPDX-License-Identifier: MIT
# A training that may be stopped at any step and goes on where it was. Slurm runs it too: the lines
# of Fuyao are comments to it.
#
#SBATCH --job-name=charmodel --gres=gpu:1 --time=10:00 --requeue --signal=USR1@30
#FUYAO --steps 2000 --estimate 5s --checkpoint-interval 2s --grace 10s --output charmodel-%j.out
set -eu

# The folder of the program is on PATH, or named in CHARMODEL.
job=${FUYAO_JOB_ID:-${SLURM_JOB_ID:-0}}
exec "${CHARMODEL:-charmodel}" --usr1 stop --checkpoint "charmodel-$job.ckpt" "$@"
