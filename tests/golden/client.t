Every screen of the client, from answers that lie in files: a daemon of cardboard gives them. What a
real daemon answers is tested in tests/live.

  $ cd "$CRAMTMP"; export TZ=UTC FUYAO_SOCKET="$PWD/s" USER=ann
  $ mkdir a; "$ROOT"/tests/canned-daemon s a & daemon=$!
  $ timeout 30 sh -c 'until [ -S s ]; do sleep 0.01; done'
  $ cat >a/GET_v1_jobs.json <<'END'
  > {"virtual":true,"now_s":1800000300,"jobs":[
  > {"id":7,"name":"pretrain","tenant":"prod","user":"ann","state":"running","priority":"high","workers":4,"devices":32,"submitted_s":1799990000,"attempt":2,"chip":"h800-sxm5","started_s":1799999000,"node":"h800-01","n_nodes":4,"nodes":[{"node":"h800-03"},{"node":"h800-01"},{"node":"h800-02"},{"node":"h800-20"}],"submission":{"time_limit_us":129600000000,"cpu_milli":4000,"memory_mib":65536,"workdir":"/home/ann"}},
  > {"id":8,"name":"eval","tenant":"prod","user":"ann","state":"waiting","priority":"normal","workers":1,"devices":8,"submitted_s":1800000000,"attempt":0,"reason":"no-devices","submission":{"chips":["h20-96-sxm5",{"chip":"h800-sxm5","rate":2}]}},
  > {"id":9,"name":"sweep","tenant":"lab","user":"bob","state":"running","priority":"spot","workers":1,"devices":0,"share":0.25,"submitted_s":1800000000,"array_of":9,"array_index":0,"attempt":1,"chip":"l20","started_s":1800000295.5,"node":"l20-1","n_nodes":1,"nodes":[{"node":"l20-1"}],"submission":{}},
  > {"id":10,"name":"sweep","tenant":"lab","user":"bob","state":"waiting","priority":"spot","workers":1,"devices":0,"share":0.25,"submitted_s":1800000000,"array_of":9,"array_index":1,"attempt":0,"reason":"array-limit","submission":{}},
  > {"id":12,"name":"扶摇-训练\u001b[31m","tenant":"lab","user":"bob","state":"held","priority":"normal","workers":1,"devices":1,"submitted_s":1800000000,"attempt":0,"reason":"held","submission":{}}]}
  > END
  $ fuyao queue
  The devices are virtual: no hardware is behind them, and no speed here is measured.
  ID NAME           TENANT USER STATE   PRIORITY DEVICES CHIP       TIME NODE or REASON
   7 pretrain       prod   ann  running high         4x8 h800-sxm5 21:40 h800-01 and 3 more
   8 eval           prod   ann  waiting normal         8 -             - no-devices
   9 sweep          lab    bob  running spot        0.25 l20        0:04 l20-1
  10 sweep          lab    bob  waiting spot        0.25 -             - array-limit
  12 \xe6\x89\xb6\xe6\x91\x87-\xe8\xae\xad\xe7\xbb\x83?[31m lab    bob  held    normal         1 -             - held (esc)
  $ fuyao queue --json | head -n 5
  {
    "virtual": true,
    "now_s": 1800000300,
    "jobs": [
      {
  $ fuyao queue --user ann --state running,failed --tenant 'a b/c' >out; tail -n 1 a/requests
  GET /v1/jobs?tenant=a%20b%2Fc&user=ann&state=running%2Cfailed

The compatible names.

  $ for name in sbatch squeue scancel sinfo; do ln -s "$BUILD/fuyao" $name; done; export PATH="$PWD:$PATH"
  $ squeue
               JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)
                   8 h20-96-sx     eval      ann PD       0:00      1 (Resources)
                 9_1       any    sweep      bob PD       0:00      1 (JobArrayTaskLimit)
                  12       any \xe6\x89\xb6\xe6\x91\x87-\xe8\xae\xad\xe7\xbb\x83?[3      bob PD       0:00      1 (JobHeldUser) (esc)
                   7 h800-sxm5 pretrain      ann  R      21:40      4 h800-[01-03,20]
                 9_0       l20    sweep      bob  R       0:04      1 l20-1
  $ squeue -h -o '%i|%F|%K|%j|%T|%l|%L|%C|%m|%b|%a|%q|%Z' -S -i
  12|12|N/A|\xe6\x89\xb6\xe6\x91\x87-\xe8\xae\xad\xe7\xbb\x83?[31m|PENDING|UNLIMITED|UNLIMITED|0|0M|gres:gpu:any:1|lab|normal|/ (esc)
  9_1|9|1|sweep|PENDING|UNLIMITED|UNLIMITED|0|0M|gres:gpu:any:0|lab|spot|/
  9_0|9|0|sweep|RUNNING|UNLIMITED|UNLIMITED|0|0M|gres:gpu:l20:0|lab|spot|/
  8|8|N/A|eval|PENDING|UNLIMITED|UNLIMITED|0|0M|gres:gpu:h20-96-sxm5:8|prod|normal|/
  7|7|N/A|pretrain|RUNNING|1-12:00:00|1-11:38:20|16|65536M|gres:gpu:h800-sxm5:8|prod|high|/home/ann
  $ squeue -u ann -t R,PD -o '%.6i %20R'
   JOBID NODELIST(REASON)    
       8 (Resources)         
       7 h800-[01-03,20]     
  $ squeue -t PENDING -l
               JOBID PARTITION     NAME     USER    STATE       TIME TIME_LIMI  NODES NODELIST(REASON)
                   8 h20-96-sx     eval      ann  PENDING       0:00 UNLIMITED      1 (Resources)
                 9_1       any    sweep      bob  PENDING       0:00 UNLIMITED      1 (JobArrayTaskLimit)
                  12       any \xe6\x89\xb6\xe6\x91\x87-\xe8\xae\xad\xe7\xbb\x83?[3      bob  PENDING       0:00 UNLIMITED      1 (JobHeldUser) (esc)
  $ squeue --me --start -j 8
               JOBID PARTITION     NAME     USER ST          START_TIME  NODES SCHEDNODES           NODELIST(REASON)
  $ squeue -p h800-sxm5,l20 -h -o '%A %N'
  7 h800-[01-03,20]
  9 l20-1
  $ squeue -j 9 -h -o %i; squeue -n eval -h -o '%i %r'
  9_1
  9_0
  8 Resources
  $ squeue -o %y
  squeue: error: Invalid job format specification: y
  [1]
  $ squeue --frob -h -o %A -A lab
  squeue: warning: --frob is passed over: no such option
  10
  12
  9
  $ cat >a/GET_v1_nodes.json <<'END'
  > {"virtual":true,"nodes":[
  > {"name":"h800-01","chip":"h800-sxm5","state":"allocated","devices":8,"idle_devices":0,"cpus":128,"idle_cpus":3.5,"jobs":[7]},
  > {"name":"h800-02","chip":"h800-sxm5","state":"allocated","devices":8,"idle_devices":0,"cpus":128,"idle_cpus":3.5,"jobs":[7]},
  > {"name":"h800-03","chip":"h800-sxm5","state":"drained","devices":8,"idle_devices":8,"cpus":128,"idle_cpus":128,"reason":"fan 3","jobs":[]},
  > {"name":"h800-20","chip":"h800-sxm5","state":"allocated","devices":8,"idle_devices":0,"cpus":128,"idle_cpus":3.5,"jobs":[7]},
  > {"name":"l20-1","chip":"l20","state":"mixed","devices":2,"idle_devices":1.75,"reserved_from_s":1800003600,"reserved_to_s":1800007200,"reserved_for":"lab","jobs":[9]},
  > {"name":"l20-2","chip":"l20","state":"idle","devices":2,"idle_devices":2,"jobs":[]}]}
  > END
  $ fuyao nodes
  The devices are virtual: no hardware is behind them, and no speed here is measured.
  NODE    CHIP      STATE     DEVICES IDLE JOBS NOTE
  h800-01 h800-sxm5 allocated       8    0 7    -
  h800-02 h800-sxm5 allocated       8    0 7    -
  h800-03 h800-sxm5 drained         8    8 -    fan 3
  h800-20 h800-sxm5 allocated       8    0 7    -
  l20-1   l20       mixed           2 1.75 9    reserved for lab from 2027-01-15T09:00:00 to 2027-01-15T10:00:00
  l20-2   l20       idle            2    2 -    -
  $ sinfo
  PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST
  h800-sxm5    up   infinite      3  alloc h800-[01-02,20]
  h800-sxm5    up   infinite      1  drain h800-03
  l20          up   infinite      1    mix l20-1
  l20          up   infinite      1   idle l20-2
  $ sinfo -N -o '%N %G %t'
  NODELIST GRES STATE
  h800-01 gpu:h800-sxm5:8 alloc
  h800-02 gpu:h800-sxm5:8 alloc
  h800-03 gpu:h800-sxm5:8 drain
  h800-20 gpu:h800-sxm5:8 alloc
  l20-1 gpu:l20:2 mix
  l20-2 gpu:l20:2 idle
  $ sinfo -R
  REASON               USER      TIMESTAMP           NODELIST
  fan 3                Unknown   Unknown             h800-03
  $ sinfo -h -n 'h800-[01-03],l20-2' -t alloc,idle -o '%N %D %c'
  h800-[01-02] 2 128
  l20-2 1 0
  $ echo '{"id": 13, "count": 1, "again": false}' >a/POST_v1_jobs.json
  $ printf '#!/bin/sh\n#SBATCH -J t --gres=gpu:l20:1 --begin=now\ntrue\n' >t.sh
  $ env -i PATH="$PATH" FUYAO_SOCKET="$FUYAO_SOCKET" HOME=/home/ann SLURM_X=1 sbatch t.sh
  sbatch: warning: t.sh:2: --begin is passed over: --hold keeps a job until it is released
  Submitted batch job 13
  $ tail -n 1 a/requests | sed 's|"workdir":"[^"]*"|"workdir":"..."|; s|"PATH":"[^"]*"|"PATH":"..."|'
  POST /v1/jobs {"name":"t","script":"#!/bin/sh\n#SBATCH -J t --gres=gpu:l20:1 --begin=now\ntrue\n","workdir":"...","environment":{"PATH":"...","HOME":"/home/ann"},"output":"slurm-%j.out","chips":["l20"]}
  $ sbatch --parsable --wrap true; echo true | sbatch; printf '#!/bin/sh\n' | sbatch -Q
  13
  sbatch: error: This does not look like a batch script. The first line must start with #! followed by the path to an interpreter.
  $ sbatch --test-only --frobnicate=1 t.sh
  sbatch: warning: t.sh:2: --begin is passed over: --hold keeps a job until it is released
  sbatch: warning: --frobnicate is passed over: no such option
  devices              0
  $ sbatch missing.sh
  sbatch: error: Unable to open file missing.sh
  [1]
  $ for id in 7 9 10; do echo '{"id": 1}' >a/POST_v1_jobs_${id}_cancel.json; echo '{}' >a/POST_v1_jobs_${id}_signal.json; done
  $ : >a/requests; scancel 7; scancel 9; scancel 9_1; scancel -s USR1 7; grep POST a/requests
  POST /v1/jobs/7/cancel {}
  POST /v1/jobs/9/cancel {}
  POST /v1/jobs/10/cancel {}
  POST /v1/jobs/10/cancel {}
  POST /v1/jobs/7/signal {"signal":"USR1"}
  $ scancel 9_7 99 x
  scancel: error: Kill job error on job id 9_7: Invalid job id specified
  scancel: error: Invalid job id x
  scancel: error: there is no such thing
  [1]
  $ scancel
  scancel: error: No job identification provided
  [1]
  $ : >a/requests; scancel -u bob; grep 'user=' a/requests
  scancel: error: there is no such thing
  scancel: error: there is no such thing
  GET /v1/jobs?user=bob

One job.

  $ cat >a/GET_v1_jobs_7.json <<'END'
  > {"id":7,"name":"pretrain","tenant":"prod","user":"ann","state":"running","priority":"high","workers":4,"devices":32,"submitted_s":1799990000,"attempt":2,"chip":"h800-sxm5","started_s":1799999000,"node":"h800-01","n_nodes":1,"uid":1000,"work":2e12,"done":5e11,"nodes":[{"node":"h800-01","workers":4,"devices":[0,1,2,3]}],"progress":2.5e11,"expected_end_s":1800090000,"preemptions":1,"output":"/home/ann/fuyao-7.out","attempts":[{"attempt":1,"chip":"h20-96-sxm5","started_s":1799990010,"ended_s":1799998000,"how":"preempted","exit":0,"lost_device_s":12.5}],"virtual":true,"submission":{"workload":"llama3-8b","workdir":"/home/ann"}}
  > END
  $ fuyao show 7
  The devices are virtual: no hardware is behind them, and no speed here is measured.
  job          7
  name         pretrain
  tenant       prod
  user         ann
  state        running
  priority     high
  workers      4, 32 devices
  chip         h800-sxm5
  nodes        h800-01: devices 0,1,2,3
  workload     llama3-8b
  work         5e+11 of 2e+12 (25.0 %)
  submitted    2027-01-15T05:13:20
  started      2027-01-15T07:43:20
  expected end 2027-01-16T09:00:00
  folder       /home/ann
  output       /home/ann/fuyao-7.out
  attempt 1    2027-01-15T05:13:30 for 2:13:10 on h20-96-sxm5: preempted, 12.5 device-seconds lost, charged to nobody
  $ fuyao show 8
  fuyao: there is no such thing
  [1]
  $ printf 'step 1\nstep 2\n' >a/GET_v1_jobs_7_output.json; fuyao logs 7; fuyao logs --from 7 7
  step 1
  step 2
  step 2
  $ sed 's/running/finished/' a/GET_v1_jobs_7.json >a/GET_v1_jobs_13.json; cp a/GET_v1_jobs_7_output.json a/GET_v1_jobs_13_output.json; fuyao logs -f 13
  step 1
  step 2
  $ fuyao submit --wait --wrap true; sed -i 's/finished/failed/' a/GET_v1_jobs_13.json; fuyao submit --wait -Q --wrap true
  13
  fuyao: job 13: failed
  [1]
  $ echo '{"id":8,"state":"waiting","reason":"no-devices","why":"it needs 8 devices; 0 of 32 are idle","evidence":{"workers":1},"expected_start_s":1800090000,"expected":"expected to start in 3 h on h800-sxm5","change":{"kind":"accept","text":"it would start now if it accepted l20","chip":"l20"},"virtual":true}' >a/GET_v1_jobs_8_explain.json; fuyao explain 8
  The devices are virtual: no hardware is behind them, and no speed here is measured.
  job        8
  state      waiting
  why        it needs 8 devices; 0 of 32 are idle
  expected   expected to start in 3 h on h800-sxm5
  change     it would start now if it accepted l20
  $ echo '409{"error": "job 7 runs: only a waiting job can be held"}' >a/POST_v1_jobs_7_hold.json; fuyao hold 7
  fuyao: job 7 runs: only a waiting job can be held
  [1]
  $ echo '{}' >a/POST_v1_jobs_8_release.json; fuyao release 8; fuyao requeue 8
  fuyao: there is no such thing
  [1]
  $ fuyao cancel 7; fuyao cancel --signal TERM 7; tail -n 1 a/requests
  POST /v1/jobs/7/signal {"signal":"TERM"}

The centre.

  $ echo '{"id":1}' >a/POST_v1_nodes_l20-1_drain.json; cp a/POST_v1_nodes_l20-1_drain.json a/POST_v1_nodes_l20-1_reserve.json
  $ fuyao drain --reason 'fan 3' l20-1; tail -n 1 a/requests
  POST /v1/nodes/l20-1/drain {"reason":"fan 3"}
  $ fuyao reserve --tenant lab --from 2027-01-15T08:00Z --to 2027-01-15T10:00Z l20-1; tail -n 1 a/requests
  POST /v1/nodes/l20-1/reserve {"tenant":"lab","from_us":1800000000000000,"to_us":1800007200000000}
  $ fuyao resume l20-1
  fuyao: there is no such thing
  [1]
  $ echo '{"tenants":[{"tenant":"prod","weight":2,"borrow_devices":null,"guarantee":{"h800-sxm5":16,"l20":2},"held":{"h800-sxm5":32},"jobs":2,"waiting":1},{"tenant":"lab","weight":1,"borrow_devices":4,"guarantee":{},"held":{},"jobs":3,"waiting":2}]}' >a/GET_v1_tenants.json; fuyao tenants
  TENANT WEIGHT GUARANTEED          MAY BORROW HOLDS        JOBS WAITING LIMITS
  prod        2 h800-sxm5 16, l20 2        any h800-sxm5 32    2       1 -
  lab         1 -                            4 -               3       2 -
  $ echo '{"virtual":true,"tenants":[{"tenant":"prod","device_hours":300.25},{"tenant":"lab","device_hours":0.75}],"chips":[{"chip":"h800-sxm5","devices":32,"held_device_hours":300.5,"all_device_hours":601}]}' >a/GET_v1_usage.json; fuyao usage
  The devices are virtual: no hardware is behind them, and no speed here is measured.
  TENANT DEVICE-HOURS  SHARE
  prod        300.250 99.8 %
  lab           0.750  0.2 %
  
  CHIP      DEVICES HELD HOURS ALL HOURS   HELD
  h800-sxm5      32    300.500   601.000 50.0 %
  $ echo '{"policy":"gain","placement":"pack","engine":"local","engine_answers":true,"virtual":true,"accepting":true,"now_s":1800000300,"events":1234,"nodes":6,"live":5,"waiting":3,"running":2,"chips":[{"chip":"h800-sxm5","devices":32,"up":32,"held":32}]}' >a/GET_v1_status.json; fuyao status
  The devices are virtual: no hardware is behind them, and no speed here is measured.
  policy   gain, placement pack
  engine   local, answers
  jobs     3 waiting, 2 running; new ones are accepted
  journal  1234 events
  nodes    6
  chips    h800-sxm5: 32 devices, 32 up, 32 held
  $ fuyao policy; echo '{"policy":"las"}' >a/POST_v1_policy.json; fuyao policy las --set quantum=3600 --seed 3; tail -n 1 a/requests
  gain, placement pack
  POST /v1/policy {"seed":3,"settings":{"quantum":"3600"},"policy":"las"}
  $ echo '503{"error": "the disk is nearly full: no job is taken"}' >a/POST_v1_jobs.json; fuyao submit --wrap true
  fuyao: the disk is nearly full: no job is taken
  [3]
  $ sbatch --wrap true
  sbatch: error: the disk is nearly full: no job is taken
  [1]
  $ echo 'no JSON' >a/GET_v1_usage.json; fuyao usage
  fuyao: the daemon's answer is no JSON; is something else listening there?
  [3]
  $ kill $daemon; { wait $daemon; } 2>errors; fuyao queue 2>&1 | sed "s|$PWD|...|"; squeue 2>&1 | sed "s|$PWD|...|"
  fuyao: no daemon answers on .../s (Connection refused); start one with `fuyao serve`, or name its socket by --socket or FUYAO_SOCKET
  squeue: error: no daemon answers on .../s (Connection refused); start one with `fuyao serve`, or name its socket by --socket or FUYAO_SOCKET
