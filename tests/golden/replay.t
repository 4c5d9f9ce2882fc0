# fuyao replay: the state a journal leads to, decisions verified, another policy, and bad journals.

  $ fleet=$ROOT/data/fleets/small-mixed.yaml
  $ cp $ROOT/tests/data/small.csv .
  $ fuyao sim --fleet $fleet --trace small.csv --policy fifo --set costs=none --journal-out j --json >sim.json
  $ fuyao replay j
  EVENT     NUMBER
  chip           5
  node          10
  tenant         4
  submitted     14
  cancelled      1
  finished      10
  failed         1
  mix            1
  round         21
  starting      12
  started       12
  
  91 events up to 36540.986487 s: 2 jobs live, 2 waiting, 0 running; 272.4 device-hours held
  digest [0-9a-f]{16} (re)

The digest is the simulator's; standard input does as well.

  $ grep -o '"digest": "[^"]*"' sim.json >sim.digest
  $ fuyao replay - --json <j | grep -o '"digest": "[^"]*"' | cmp - sim.digest

Every policy takes the same decisions again from what the world did, faults and power cap included.

  $ fuyao gen --fleet $fleet --days 1 --load 1.5 --seed 3 -o day.csv
  $ for policy in fifo backfill srtf srsf las fair gain; do
  >   for placement in pack fgd; do
  >     fuyao sim --fleet $fleet --trace day.csv --policy $policy --placement $placement \
  >       --set costs=default --mtbf 2d --power-cap 60kW --seed 7 --journal-out j2 --json >sim2.json || break
  >     fuyao replay j2 --verify --json >replay2.json || break
  >     a=$(grep -o '"digest": "[^"]*"' sim2.json); b=$(grep -o '"digest": "[^"]*"' replay2.json)
  >     [ "$a" = "$b" ] && echo $policy $placement
  >   done
  > done
  fifo pack
  fifo fgd
  backfill pack
  backfill fgd
  srtf pack
  srtf fgd
  srsf pack
  srsf fgd
  las pack
  las fgd
  fair pack
  fair fgd
  gain pack
  gain fgd

Under its own policy the journal's world gives the journal's own decisions; another one differs.

  $ fuyao replay j --policy fifo
  under fifo: 14 jobs, 12 finished, 0 unfinished, 2 never placeable
  completion 9653.9 s in the mean, 35641.0 s at the 99th percentile; wait 3131.0 s in the mean
  allocated 33.5 %, utilization 33.5 %, 0 preemptions, makespan 36541.0 s
  0.0 % of the device time is modelled: on chips where the journal has no run of the job
  $ fuyao replay j --policy srtf --json | grep -e policy -e finished -e share
    "policy": "srtf",
    "finished": 12,
    "unfinished": 0,
    "modelled_device_share": 0.0,
  $ fuyao replay j --policy best
  fuyao: no policy 'best'; there are fifo, backfill, srtf, srsf, las, fair, gain
  [2]

A decision that the policy does not take is the answer no.

  $ sed 's/reason=first/reason=gain/' j >changed
  $ fuyao replay changed --verify
  fuyao: changed:23: the policy says "0 starting job=0 attempt=1 reason=first chip=0 place=0*1:0", the journal "0 starting job=0 attempt=1 reason=gain chip=0 place=0*1:0"
  [1]
  $ grep -v ' starting ' j >missing
  $ fuyao replay missing --verify
  fuyao: missing:23: the policy says "0 starting job=0 attempt=1 reason=first chip=0 place=0*1:0", the journal "0 started job=0 attempt=1 rate_q=1000000000000 pause_us=0"
  [1]
  $ fuyao replay missing
  fuyao: missing:23: started of job 0, attempt 1: it is waiting, attempt 0
  [2]

Cut, empty, binary, absent and misused.

  $ head -c 3000 j >cut
  $ fuyao replay cut
  fuyao: cut:25: the last line is cut off: it has no newline; the 23 events before it were applied
  [2]
  $ : >empty
  $ fuyao replay empty
  fuyao: empty:1: not a journal: its first line must be "fuyao-journal 1"
  [2]
  $ head -c 1000 /dev/zero | fuyao replay -
  fuyao: standard input:1: not a journal: its first line must be "fuyao-journal 1"
  [2]
  $ fuyao replay small.csv
  fuyao: small.csv:1: not a journal: its first line must be "fuyao-journal 1"
  [2]
  $ fuyao replay absent
  fuyao: cannot read absent: No such file or directory
  [2]
  $ (cat j; printf '9 chip chip=9 name=x\n') | fuyao replay -
  fuyao: standard input:93: chip at 9 us: the fleet is already at 36540986487 us
  [2]
  $ (cat j; printf '99999999999999999999 held job=1\n') | fuyao replay -
  fuyao: standard input:93: column 1: this number does not fit 64 bits
  [2]
  $ fuyao replay
  fuyao: replay: name one journal or state folder (- is standard input)
  [2]
  $ fuyao replay j --verify --policy fifo
  fuyao: replay: --verify runs the journal's own policy, not another
  [2]
  $ fuyao replay j --seed 1
  fuyao: replay: no option --seed; `fuyao replay --help` lists them
  [2]
  $ fuyao replay j --policy
  fuyao: replay: --policy needs a value
  [2]
