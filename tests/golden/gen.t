# fuyao gen: what it writes, that equal seeds give equal bytes, and what is refused.

  $ fleet=$ROOT/data/fleets/small-mixed.yaml
  $ gen() { fuyao gen --fleet "$fleet" "$@"; echo "exit $?"; }

The header, and rows that read back.

  $ fuyao gen --fleet "$fleet" --days 2 --load 0.8 --seed 3 > a.csv
  $ head -n 1 a.csv
  job,submit_s,duration_s,work,workload,tokens,steps,samples,batch,tenant,priority,workers,min_workers,max_workers,devices,milli,cpu_milli,memory_mib,spares,chips,rates,mix,ref,checkpoint_s,checkpoint_cost_s,restart_s,limit_s,deadline_s,min_run_s,after,array,end,cancel_s,service
  $ fuyao sim --fleet "$fleet" --trace a.csv --policy fifo --json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["runs"][0]["jobs"] == sum(1 for _ in open("a.csv")) - 1, d["runs"][0]["never_placeable"])'
  True 0

Equal seeds give equal bytes, on standard output and in a file; other seeds do not.

  $ fuyao gen --fleet "$fleet" --days 2 --load 0.8 --seed 3 -o b.csv
  $ cmp a.csv b.csv
  $ fuyao gen --fleet "$fleet" --days 2 --load 0.8 --seed 4 -o b.csv
  $ cmp -s a.csv b.csv
  [1]

A number of jobs, of tenants, and shares.

  $ fuyao gen --fleet "$fleet" --jobs 500 --tenants 20 --services 0 --failures 0 --cancellations 0 > c.csv
  $ wc -l < c.csv
  501
  $ grep -c -E 'yes$|,fail,|,cancel,' c.csv
  0
  [1]
  $ cut -d, -f10 c.csv | sort -u | grep -c tenant-
  [0-9]+ (re)

The demand is the load that was asked for: here all jobs accept one chip, which is rate 1.

  $ fuyao gen --fleet "$ROOT/data/fleets/philly-500.yaml" --days 10 --load 0.5 --services 0 --seed 2 | awk -F, 'NR > 1 { s += $3 * ($12 ? $12 : 1) } END { printf "%.4f\n", s / (500 * 10 * 86400) }'
  0.5000

Wrong use: one line, exit 2.

  $ fuyao gen; echo "exit $?"
  fuyao: gen: --fleet FILE is needed; `fuyao gen --help`
  exit 2
  $ gen --days 0
  fuyao: gen: --days is '0'; it must be a number from 0.001 to 36500
  exit 2
  $ gen --load nan
  fuyao: gen: --load is 'nan'; it must be a number from 0.0001 to 100
  exit 2
  $ gen --seed -1
  fuyao: gen: --seed is '-1'; it must be a whole number from 0 to 9223372036854775807
  exit 2
  $ gen --jobs 1.5
  fuyao: gen: --jobs is '1.5'; it must be a whole number from 1 to 1000000000
  exit 2
  $ gen --failures 0.8 --cancellations 0.3
  fuyao: shares of failures and cancellations must sum to at most 1
  exit 2
  $ gen --multi-node 0.5
  fuyao: no gang of up to 128 devices is larger than a node of this fleet (8) and fits half of a chip type; ask for no such gangs
  exit 2
  $ gen --frobnicate
  fuyao: gen: unknown option --frobnicate; `fuyao gen --help`
  exit 2
  $ gen --days
  fuyao: gen: --days needs a value
  exit 2
  $ gen extra
  fuyao: gen: unexpected argument extra; `fuyao gen --help`
  exit 2
  $ fuyao gen --fleet none.yaml; echo "exit $?"
  fuyao: none.yaml: * (glob)
  exit 2

A disk that is full, a folder that is not there: one line, exit 3, nothing left behind; nor after an
interrupt.

  $ fuyao gen --fleet "$fleet" --days 1 > /dev/full
  fuyao: cannot write standard output: No space left on device
  [3]
  $ gen --days 1 -o /dev/full
  fuyao: cannot write /dev/full: No space left on device
  exit 3
  $ gen --days 1 -o nowhere/x.csv
  fuyao: cannot write nowhere/x.csv: No such file or directory
  exit 3
  $ (ulimit -f 8; gen --days 30 -o big.csv)
  fuyao: cannot write big.csv: File too large
  exit 3
  $ timeout -s INT 0.5 fuyao gen --fleet "$fleet" --jobs 900000000 -o cut.csv
  [124]
  $ ls
  a.csv
  b.csv
  c.csv
