What `fuyao submit` understands, without a daemon.

  $ unset FUYAO_SOCKET XDG_RUNTIME_DIR; cd "$CRAMTMP"; mkdir here; cd here
  $ json() { fuyao submit --print "$@" | python3 -c 'import json,sys; d=json.load(sys.stdin); d.pop("workdir"); d.pop("script",0); print(*(f"{k}={json.dumps(v)}" for k,v in d.items()),sep="\n")'; }

A script of Slurm's with one line of ours; after the first command nothing is read.

  $ cat >train.sh <<'END'
  > #!/bin/bash
  > #SBATCH -J pretrain -N 2 --gres=gpu:h800:8 -t 1-12:00:00 --mem=64G -c 4   # two nodes
  > #SBATCH --signal=B:USR1@90 --requeue --array=0-9%2 -o slurm-%A_%a.out
  > #SBATCH --mail-type=END --frobnicate yes
  > #FUYAO --chips h800-sxm5,h20-96-sxm5 --workload llama3-8b --tokens 1T
  > python train.py
  > #SBATCH --hold
  > END
  $ json train.sh
  fuyao: warning: train.sh:4: --mail-type is passed over: no mail is sent
  fuyao: warning: train.sh:4: --frobnicate is passed over: no such option
  name="pretrain"
  output="slurm-%A_%a.out"
  workers=2
  devices=8
  cpu_milli=4000
  memory_mib=65536
  chips=["h800-sxm5", "h20-96-sxm5"]
  workload="llama3-8b"
  work=1000000000000.0
  time_limit_us=129600000000
  array="0-9"
  array_limit=2
  checkpoint_signal="USR1"
  signal_script=true
  signal_before_us=90000000
  $ json --chips any -J mine --priority high --no-requeue train.sh --lr 3e-4
  fuyao: warning: train.sh:4: --mail-type is passed over: no mail is sent
  fuyao: warning: train.sh:4: --frobnicate is passed over: no such option
  name="mine"
  args=["--lr", "3e-4"]
  output="slurm-%A_%a.out"
  priority="high"
  workers=2
  devices=8
  cpu_milli=4000
  memory_mib=65536
  workload="llama3-8b"
  work=1000000000000.0
  time_limit_us=129600000000
  array="0-9"
  array_limit=2
  requeue=false
  checkpoint_signal="USR1"
  signal_script=true
  signal_before_us=90000000

YAML and a command.

  $ cat >job.yaml <<'END'
  > name: pretrain
  > command: [python, train.py]
  > chips: [h800-sxm5, h20-96-sxm5]
  > workers: 4
  > devices: 8
  > min-workers: 2
  > workload: llama3-8b
  > tokens: 1T
  > tenant: prod
  > deadline: 2026-12-01T08:00:00Z
  > checkpoint-interval: 10 min
  > END
  $ json job.yaml
  name="pretrain"
  tenant="prod"
  args=["python", "train.py"]
  workers=4
  min_workers=2
  devices=8
  chips=["h800-sxm5", "h20-96-sxm5"]
  workload="llama3-8b"
  work=1000000000000.0
  deadline_us=1796112000000000
  checkpoint_interval_us=600000000
  $ json --key nightly-7 --launch each --workers 4 --grace 60s -- ./train --epochs 3
  name="train"
  key="nightly-7"
  args=["./train", "--epochs", "3"]
  launch="each"
  workers=4
  grace_us=60000000

A family of chips is every chip of the catalogue in it; a name that is not known goes as it is.

  $ json --gres=gpu:h800:4 -- true | grep chips
  chips=["h800-pcie", "h800-sxm5"]
  $ json --chips H20,mystery --rate h20=2 -- true | grep chips
  chips=[{"chip": "h20-141-sxm5", "rate": 2.0}, {"chip": "h20-96-sxm5", "rate": 2.0}, "mystery"]

What is wrong is named, with its place.

  $ sed -i 's/^workers/worker/' job.yaml; fuyao submit --print job.yaml
  fuyao: job.yaml:4: unknown key "worker"
  [2]
  $ fuyao submit --print --time soon -- true
  fuyao: --time: "soon" is no time; write for example 90s, 10m, 1h30m, 2 d or 1-12:00:00
  [2]
  $ fuyao submit --print --wokers 4 -- true
  fuyao: no option --wokers; `fuyao submit --help`
  [2]
  $ fuyao submit --print -d afterany:7 -- true
  fuyao: --dependency: "afterany:7" cannot be waited for; write for example afterok:17:18 (no other kind is known)
  [2]
  $ fuyao submit --print missing.sh
  fuyao: missing.sh: No such file or directory
  [2]
  $ printf '\177ELF\000\001' >program; fuyao submit --print program
  fuyao: program: holds a byte 0: a program is started from a script, or after --
  [2]
  $ fuyao submit
  fuyao: nothing to run: name a script, a YAML file, or a command after --
  [2]

Nobody is there.

  $ fuyao submit --socket ./none -- true
  fuyao: no daemon answers on ./none (No such file or directory); start one with `fuyao serve`, or name its socket by --socket or FUYAO_SOCKET
  [3]
  $ FUYAO_SOCKET=./other fuyao queue
  fuyao: no daemon answers on ./other (No such file or directory); start one with `fuyao serve`, or name its socket by --socket or FUYAO_SOCKET
  [3]
  $ fuyao queue --socket http://127.0.0.1:1 2>&1 | sed 's/(.*)/(...)/'
  fuyao: no daemon answers on http://127.0.0.1:1 (...); start one with `fuyao serve`, or name its socket by --socket or FUYAO_SOCKET
  $ fuyao show seven
  fuyao: show: "seven" is no job's id; `fuyao queue` lists them
  [2]
  $ fuyao drain h800-01
  fuyao: drain: --reason TEXT is needed; others will read it
  [2]
  $ fuyao cancel
  fuyao: cancel: name a job; `fuyao queue` lists them
  [2]
  $ fuyao nodes --frob
  fuyao: nodes: unknown option --frob; `fuyao nodes --help`
  [2]
