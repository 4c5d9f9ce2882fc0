# fuyao sim on the small mixed fleet: tables, JSON, files, seeds, replaced chips, dated events.

  $ fleet=$ROOT/data/fleets/small-mixed.yaml
  $ cp $ROOT/tests/data/small.csv .

One run, with its pools and tenants, and what can never be placed.

  $ fuyao sim --fleet $fleet --trace small.csv --policy fifo --set costs=none
  fleet  small-mixed: 80 devices of 5 types
  trace  small.csv: 14 jobs, format canonical
  costs  default: 60 s to restart, a free checkpoint every 10 min where the trace states none (assumed)
  
  POLICY COSTS ENDED JCT h P50 P99 WAIT h   RHO   UTIL  ALLOC  FRAG PREEMPT       ENERGY MWh       PEAK kW
  fifo   none  12/14 2.682 0.5 9.9 0.8697 3.463 33.5 % 33.5 % 0.9 %       0 0.3545 .. 0.6435 42.7 .. 75.84
  2 jobs can never be placed: 1 is larger than the fleet; 1 accepts no chip of this fleet that it has a rate for
  
  CHIP         DEVICES  ALLOC   UTIL         ENERGY MWh
  h800-sxm5         16 11.9 % 11.9 %   0.1212 .. 0.1583
  h20-96-sxm5       16 96.6 % 96.6 %  0.08137 .. 0.2103
  a100-80-sxm4      16  0.4 %  0.4 % 0.08278 .. 0.09781
  l20               16  2.5 %  2.5 % 0.01491 .. 0.04655
  ascend-910b2      16 56.3 % 56.3 %  0.05423 .. 0.1305
  
  TENANT      JOBS  JCT h DEVICE h    RHO
  pretraining    4  6.375    249.6  7.955
  driving        6 0.3667    5.333 0.9431
  serving        3  1.083    17.46  0.781
  default        1      -        0      -

Without --set costs there are two runs a policy; an oracle is marked.

  $ fuyao sim --fleet $fleet --trace small.csv --policy fifo,srtf | awk '/^[A-Za-z*]/ {print $1, $2, $3}'
  fleet small-mixed: 80
  trace small.csv: 14
  costs default: 60
  POLICY COSTS ENDED
  fifo none 12/14
  fifo default 12/14
  srtf* none 12/14
  srtf* default 12/14
  * knows the

The members of JSON, in their order; equal bytes each time, apart from the seconds it took.

  $ fuyao sim --fleet $fleet --trace small.csv --policy fifo --set costs=none --json > one.json
  $ python3 - << END
  > import json
  > run = json.load(open('one.json'))
  > print(*run)
  > run = run['runs'][0]
  > print(*[k if not isinstance(v, dict) else k + ':' + '/'.join(v) for k, v in run.items()])
  > print(*run['pools'][0], *run['tenants'][0])
  > print(run['jobs'], run['finished'], run['never_placeable'], run['failed'], run['cancelled'], run['journal_sha256'])
  > END
  fleet trace format format_tested assumed runs
  policy placement costs jobs finished unfinished never_placeable failed cancelled dropped jct_s:mean/p50/p90/p99/max wait_s:mean/p50/p90/p99/max makespan_s utilization allocated fragmented preemptions lost_work_device_s rho:mean/p99/worst/unfair energy_kwh:low/mid/high busy_kwh:low/mid/high cost:low/mid/high currency peak_kw:low/mid/high events rounds assumed_energy_share tenants pools fill cpu_s digest journal_sha256
  chip devices allocated utilization energy_kwh name jobs jct_mean_s device_s rho_mean
  14 12 2 1 1 None
  $ fuyao sim --fleet $fleet --trace - --policy fifo --set costs=none --json < small.csv > two.json
  $ diff <(grep -v '"cpu_s"\|"trace"' one.json) <(grep -v '"cpu_s"\|"trace"' two.json)

One row a job, and a journal whose SHA-256 is that of the file.

  $ fuyao sim --fleet $fleet --trace small.csv --policy fifo --set costs=none --jobs-out jobs.csv --journal-out journal --json | grep journal_sha256 | cut -d'"' -f4 > told
  $ cut -d, -f1-8,19 jobs.csv
  job,tenant,state,chip,submit_s,start_s,end_s,wait_s,reason
  warmup,driving,finished,h800-sxm5,0,0,600,0,
  broken,pretraining,failed,a100-80-sxm4,600,600,900,0,
  sweep-1,driving,finished,h800-sxm5,300,300,1200,0,
  sweep-2,driving,finished,h800-sxm5,300,300,1200,0,
  notebook,serving,finished,l20,180,180,1980,0,
  finetune,driving,finished,h800-sxm5,120,120,3720,0,
  late,driving,finished,h800-sxm5,3600,3600,4200,0,
  decode,serving,finished,h800-sxm5,240,240,6240,0,
  chat,serving,cancelled,l20,1000,1000,8200,0,
  second,pretraining,finished,ascend-910b2,1200,1200,21771.428572,0,
  pretrain,pretraining,finished,h20-96-sxm5,60,60,35340.986487,0,
  evaluate,pretraining,finished,h800-sxm5,900,35340.986487,36540.986487,34440.986487,
  huge,driving,never,,1500,,,35040.986487,is larger than the fleet
  stranger,default,never,,1800,,,34740.986487,accepts no chip of this fleet that it has a rate for
  $ sha256sum < journal | cut -d' ' -f1 | diff - told && head -1 journal
  fuyao-journal 1
  $ fuyao sim --fleet $fleet --trace small.csv --policy fifo --set costs=none --hash --json | grep journal_sha256 | cut -d'"' -f4 | diff - told
  $ ls
  jobs.csv
  journal
  one.json
  small.csv
  told
  two.json

Several seeds: means, each with its interval by Student's t (2.776 for five values).

  $ fuyao sim --fleet $fleet --trace small.csv --policy fifo --set costs=none --mtbf "2 d" --set mtbf.repair="1 h" --seeds 5 --json > seeds.json
  $ for seed in 1 2 3 4 5; do fuyao sim --fleet $fleet --trace small.csv --policy fifo --set costs=none --mtbf "2 d" --set mtbf.repair="1 h" --seed $seed --json > seed-$seed.json; done
  $ python3 - << END
  > import json, statistics
  > run = json.load(open('seeds.json'))['runs'][0]
  > one = [json.load(open('seed-%d.json' % i))['runs'][0]['jct_s']['mean'] for i in range(1, 6)]
  > half = 2.776 * statistics.stdev(one) / 5 ** 0.5
  > jct = run['jct_s']
  > print(abs(jct['mean'] - statistics.mean(one)) < 1e-6, abs(jct['ci95']['high'] - jct['mean'] - half) < 1e-6)
  > print(run['seeds'], *run['ci95'])
  > print(run['digest'], run['journal_sha256'], run['ci95']['jobs'], len(set(one)))
  > print(min(v['low'] for v in run['ci95'].values() if v is not None))
  > END
  True True
  5 jobs finished unfinished never_placeable failed cancelled dropped makespan_s utilization allocated fragmented preemptions lost_work_device_s events rounds
  None None {'low': 14.0, 'high': 14.0} 4
  0.0

A chip replaced: jobs that state a mix go on with its rate, the others cannot be told.

  $ fuyao sim --fleet $fleet --trace small.csv --replace h800-sxm5=h20-96-sxm5
  fuyao: --replace h800-sxm5=h20-96-sxm5: job 'finetune' states no mix of compute, memory, link and host, so its rate on h20-96-sxm5 cannot be known; give mix in the trace
  [2]
  $ grep -v 'finetune\|decode\|second' small.csv | grep -v '^\(warmup\|sweep\|huge\|late\|evaluate\)' > mixed.csv
  $ fuyao sim --fleet $fleet --trace mixed.csv --policy fifo --set costs=none --jobs-out as-is.csv > /dev/null
  $ fuyao sim --fleet $fleet --trace mixed.csv --policy fifo --set costs=none --replace h800-sxm5=h20-96-sxm5:1.5 --jobs-out replaced.csv | sed -n 's/^fleet//p'
    small-mixed, h800-sxm5 as h20-96-sxm5: 88 devices of 4 types
  $ grep -h pretrain, as-is.csv replaced.csv | cut -d, -f1-8
  pretrain,pretraining,finished,h800-sxm5,60,60,7260,0
  pretrain,pretraining,finished,h20-96-sxm5,60,60,35340.986487,0

Dated events: a node is down, another has a window, a pool gets nodes, a job is cancelled.

  $ cat > events.csv << END
  > time_s,event,name,until_s,tenant,count
  > 700,down,a100-0000,,,
  > 700,down,a100-0001,,,
  > 900,up,a100-0000,,,
  > 1000,window,ascend-0000,3000,,
  > 1500,deliver,h800,,,1
  > 1600,cancel,decode,,,
  > 4000,drain,l20-0001,,,
  > 5000,resume,l20-0001,,,
  > END
  $ fuyao sim --fleet $fleet --trace small.csv --policy fifo --set costs=none --events events.csv --jobs-out jobs.csv | grep h800
  h800-sxm5         24 66.2 % 66.2 %   0.09716 .. 0.1328
  $ grep '^broken\|^decode\|^second' jobs.csv | cut -d, -f1-8
  decode,serving,cancelled,h20-96-sxm5,240,240,1600,0
  broken,pretraining,failed,a100-80-sxm4,600,600,8300,7400
  second,pretraining,finished,h800-sxm5,1200,8100,15300,6900

The end of the run by the clock, by rounds, under a power cap.

  $ fuyao sim --fleet $fleet --trace small.csv --policy fifo --set costs=none --until "1 h" | grep '^fifo'
  fifo   none   5/14  0.25 0.25 0.5      0 0.8571 50.8 % 50.8 % 4.6 %       0 0.04006 .. 0.07152 40.99 .. 73.19
  fifo, none: 7 jobs had not ended when the run did; 1 of them: waits for another job to finish well
  $ fuyao sim --fleet $fleet --trace small.csv --policy fifo --set costs=none --round 360 | grep '^fifo '
  fifo   none  12/14 2.723 0.55 9.984 0.9106 3.521 33.3 % 33.3 % 0.9 %       0 0.3569 .. 0.6478 42.7 .. 75.84
  $ fuyao sim --fleet $fleet --trace small.csv --policy fifo --set costs=none --power-cap "70 kW" | grep '^fifo '
  fifo   none  12/14 2.954 0.95 9.9  1.142 4.072 33.4 % 33.4 % 0.8 %       0 0.354 .. 0.6428 39.24 .. 69.84
  $ fuyao sim --fleet $fleet --trace small.csv --inflate 1.2 --shuffle 3 --placement fgd
  fleet  small-mixed: 80 devices of 5 types
  trace  small.csv: 14 jobs, format canonical
  costs  default: 60 s to restart, a free checkpoint every 10 min where the trace states none (assumed)
  
  POLICY COSTS ENDED JCT h P50 P99 WAIT h RHO UTIL  ALLOC  FRAG PREEMPT ENERGY MWh        PEAK kW
  gain   none      -     -   -   -      -   -    - 34.1 % 3.0 %       -          - 44.73 .. 79.01
  gain: 3 arrivals found no place
  
  ARRIVED  ALLOC  FRAG
    0.0 %  0.0 % 0.0 %
   10.0 % 20.3 % 4.0 %
   20.0 % 20.3 % 4.0 %
   30.0 % 41.6 % 3.5 %
   40.0 % 41.6 % 3.5 %
   50.0 % 41.6 % 3.5 %
   60.0 % 41.6 % 3.5 %
   70.0 % 41.6 % 3.5 %
   80.0 % 41.6 % 3.5 %
   90.0 % 41.6 % 3.5 %
  100.0 % 41.6 % 3.5 %
  110.0 % 41.6 % 3.5 %
  120.0 % 41.6 % 3.5 %
  130.0 % 41.6 % 3.5 %

One job on one chip: words in the singular, energy in kWh.

  $ cat > one.yaml << END
  > name: one
  > pue: 1.2
  > pools:
  >   - {name: alone, chip: l20, devices: 1, nodes: 1}
  > END
  $ printf 'job,submit_s,duration_s\na,0,60\n' > one.csv
  $ fuyao sim --fleet one.yaml --trace one.csv --policy fifo --set costs=none
  fleet  one: 1 device of 1 type
  trace  one.csv: 1 job, format canonical
  costs  default: 60 s to restart, a free checkpoint every 10 min where the trace states none (assumed)
  
  POLICY COSTS ENDED   JCT h     P50     P99 WAIT h RHO    UTIL   ALLOC  FRAG PREEMPT        ENERGY kWh       PEAK kW
  fifo   none    1/1 0.01667 0.01667 0.01667      0   1 100.0 % 100.0 % 0.0 %       0 0.00385 .. 0.0055 0.231 .. 0.33
  
  CHIP DEVICES   ALLOC    UTIL        ENERGY kWh
  l20        1 100.0 % 100.0 % 0.00385 .. 0.0055
  
  TENANT  JOBS   JCT h DEVICE h RHO
  default    1 0.01667  0.01667   1
  $ printf 'job,submit_s,duration_s\na,0,60\nb,0,60\n' > one.csv
  $ fuyao sim --fleet one.yaml --trace one.csv --policy fifo --set costs=none --until 30 | grep '^fifo,'
  fifo, none: 2 jobs had not ended when the run did; 1 of them: too few free devices of the chips it accepts

What there is to say about options.

  $ fuyao sim --help | head -3
  usage: fuyao sim --fleet F --trace T [OPTION...]
  Replay a trace on a fleet under one or more policies and say what came of it.
  
