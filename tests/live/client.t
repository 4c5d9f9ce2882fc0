The client against a real daemon on virtual devices: what a tenant and an operator do in a day.

  $ cd "$CRAMTMP"; export FUYAO_SOCKET="$PWD/s" TZ=UTC; me=$(id -un)
  $ cat >fleet.yaml <<'END'
  > name: tiny
  > note: for a test
  > price: assumed cn-hebei-zhangbei
  > currency: CNY
  > pools:
  >   - {name: h800, server: hgx-h800, nodes: 2, cpu: 64, memory: 512 GiB}
  >   - {name: l20, server: l20-pcie-8, nodes: 1, cpu: 64, memory: 512 GiB}
  > END
  $ timeout 240 fuyao serve --state state --fleet fleet.yaml --policy fifo >serve.log 2>&1 & daemon=$!
  $ timeout 60 sh -c 'until fuyao status >status 2>errors; do sleep 0.05; done'
  $ is() { timeout 60 sh -c 'until fuyao show "$0" | grep -q "^state  *$1\$"; do sleep 0.05; done' "$1" "$2"; }
  $ plain() { sed -E "s/\b$me\b/ME/g; s/ +/ /g; s/ [0-9]+:[0-9]{2} / T /; s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}/WHEN/g; s|$PWD|HERE|g"; }
  $ fuyao nodes
  The devices are virtual: no hardware is behind them, and no speed here is measured.
  NODE      CHIP      STATE DEVICES IDLE JOBS NOTE
  h800-0000 h800-sxm5 idle        8    8 -    -
  h800-0001 h800-sxm5 idle        8    8 -    -
  l20-0000  l20       idle        8    8 -    -

A job, what it would do, what it did.

  $ fuyao submit --dry-run --workers 2 --devices 8 --chips h800 --time 1h -- true | grep -v tenant
  The devices are virtual: no hardware is behind them, and no speed here is measured.
  devices              16
  could run on         h800-sxm5, 16 devices idle, would take 1:00:00 (assumed)
  would start          now
  $ fuyao submit --chips h100-sxm5 -- true
  fuyao: chips: this centre has no h100-sxm5; there are h800-sxm5, l20
  [2]
  $ id=$(fuyao submit --wait --devices 8 --chips l20,h800-sxm5 --name first -- sh -c 'echo on $FUYAO_CHIP with $CUDA_VISIBLE_DEVICES; echo oops >&2')
  $ fuyao logs $id
  on h800-sxm5 with 0,1,2,3,4,5,6,7
  oops
  $ fuyao show $id | plain | grep -vE '^(job|attempt|tenant|user|folder|output)'
  The devices are virtual: no hardware is behind them, and no speed here is measured.
  name first
  state finished
  priority normal
  workers 1, 8 devices
  submitted WHEN
  ended WHEN
  ended with exit status 0
  $ fuyao submit --wait --parsable --wrap 'exit 3' >failed; fuyao show $(cat failed) | grep '^ended  *with'
  fuyao: job (\d+): failed (re)
  ended        with exit status 3
  $ fuyao submit --key nightly -- true >one; fuyao submit --key nightly -- true | cmp - one

A training that stops and goes on: preempted by hand, its losses are those of a run that never was.

  $ cp "$ROOT"/examples/train.sh .; export CHARMODEL="$BUILD/charmodel"
  $ job=$(fuyao submit --export CHARMODEL --output train.out --chips h800-sxm5 train.sh --steps 600 --print 1 --pause 1 --every 1000)
  $ timeout 60 sh -c 'until grep -qs "^step 200 " train.out; do sleep 0.02; done'; fuyao requeue $job
  $ timeout 120 fuyao logs -f $job | tail -n 1; is $job finished
  done after 600 steps
  $ grep -E '^(stopped|resumed)' train.out
  stopped at step (\d+) (re)
  resumed at step (\d+) (re)
  $ "$CHARMODEL" --steps 600 --print 1 --checkpoint whole.ckpt | grep ^step >whole; grep ^step train.out | sort -u | sort -k 2 -n | diff - whole && echo the same
  the same
  $ fuyao show $job | grep -c ^attempt
  2

Waiting, and why.

  $ long=$(fuyao submit --workers 2 --devices 8 --chips h800-sxm5 --name long --grace 1s -- sleep 600); is $long running
  $ next=$(fuyao submit --devices 8 --chips h800-sxm5 --name next --after $long -- true); behind=$(fuyao submit --devices 1 --chips h800-sxm5 --name behind -- true)
  $ held=$(fuyao submit --hold --name held -- true)
  $ fuyao queue | plain | cut -d ' ' -f 3-
  are virtual: no hardware is behind them, and no speed here is measured.
  TENANT USER STATE PRIORITY DEVICES CHIP TIME NODE or REASON
  long ME ME running normal 2x8 h800-sxm5 T h800-0000 and 1 more
  next ME ME blocked normal 8 - - depends
  behind ME ME waiting normal 1 - - no-devices
  held ME ME held normal 1 - - held
  $ fuyao explain $behind | grep ^why
  why        it needs 1 device of h800-sxm5; 0 of 16 h800-sxm5 are idle
  $ fuyao release $held; is $held waiting; fuyao explain $held | grep ^why | cut -d ';' -f 1 | sed 's/[0-9][0-9]*/N/g'
  why        job N (behind) stands before it and must start first
  $ fuyao hold $behind; is $behind held; is $held finished; fuyao hold $long
  fuyao: job (\d+) is running; only a waiting job can be held: requeue it, then hold it (re)
  [1]
  $ fuyao show nobody; fuyao show 99999
  fuyao: show: "nobody" is no job's id; `fuyao queue` lists them
  fuyao: there is no job 99999
  [1]
  $ fuyao cancel $long; is $long cancelled; fuyao release $behind; is $behind finished; is $next held
  $ fuyao explain $next | grep ^why | sed 's/[0-9][0-9]*/N/g'; fuyao cancel $next; is $next cancelled; fuyao queue
  why        job N, which it waits for, did not finish well
  The devices are virtual: no hardware is behind them, and no speed here is measured.

The names that scripts know.

  $ for name in sbatch squeue scancel sinfo; do ln -s "$BUILD/fuyao" $name; done; PATH="$PWD:$PATH"
  $ printf '#!/bin/bash\n#SBATCH -J old -N 2 --gres=gpu:8 -C h800-sxm5 --mail-type=END\necho $SLURM_JOB_NUM_NODES nodes $SLURM_JOB_NAME >seen\nsleep 600\n' >old.sh
  $ sbatch --signal=B:TERM@1 old.sh 2>warnings | sed 's/[0-9][0-9]*$/N/'; cat warnings
  Submitted batch job N
  sbatch: warning: old.sh:2: --mail-type is passed over: no mail is sent
  $ old=$(squeue -h -n old -o %A); is $old running; timeout 60 sh -c 'until [ -s seen ]; do sleep 0.05; done'; cat seen
  2 nodes old
  $ squeue -h -j $old -o '%P %j %t %D %R'; sinfo -o '%P %D %t %N'; scancel $old; is $old cancelled; squeue -h
  h800-sxm5 old R 2 h800-[0000-0001]
  PARTITION NODES STATE NODELIST
  h800-sxm5 2 alloc h800-[0000-0001]
  l20 1 idle l20-0000
  $ sbatch -Q --array=1-4%2 --wrap 'echo task $SLURM_ARRAY_TASK_ID' -o 'task-%a' -W; cat task-1 task-2 task-3 task-4
  task 1
  task 2
  task 3
  task 4

The operator.

  $ fuyao drain --reason 'fan 3' l20-0000; fuyao nodes | tail -n 1; sinfo -h -R -o '%E %N'; fuyao resume l20-0000; fuyao nodes | tail -n 1
  l20-0000  l20       drained       8    8 -    fan 3
  fan 3 l20-0000
  l20-0000  l20       idle        8    8 -    -
  $ fuyao policy las; fuyao policy; fuyao policy best
  las, placement pack
  fuyao: no policy 'best'; there are fifo, backfill, srtf, srsf, las, fair, gain
  [2]
  $ fuyao usage | sed -n '/^CHIP/,$p' | cut -c 1-17
  CHIP      DEVICES
  h800-sxm5      16
  l20             8

The daemon ends; what it knew is there when it comes again.

  $ kill $daemon; wait $daemon || true; fuyao queue 2>&1 | plain | sed 's/(.*//'
  fuyao: no daemon answers on HERE/s 
  $ timeout 240 fuyao serve --state state --fleet fleet.yaml --policy fifo >>serve.log 2>&1 & daemon=$!
  $ timeout 60 sh -c 'until fuyao status >status 2>errors; do sleep 0.05; done'
  $ fuyao show $job | grep -E '^(state|ended  *with)'; fuyao queue --state cancelled | plain | cut -d ' ' -f 3,6 | sort
  state        finished
  ended        with exit status 0
  TENANT PRIORITY
  are hardware
  long cancelled
  next cancelled
  old cancelled
  $ kill $daemon; wait $daemon || true
