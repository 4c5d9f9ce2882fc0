# The published traces run as they are.

  $ [ -n "$SHARED" ] || exit 80
  $ run() { fuyao sim --set costs=none --json --fleet $ROOT/data/fleets/$1.yaml --trace $SHARED/traces/$2 "${@:3}" > out.json && python3 -c "import json; [print(r['policy'], r['jobs'], r['finished'], r['unfinished'], r['never_placeable'], '%.3g h' % (r['jct_s']['mean'] / 3600)) for r in json.load(open('out.json'))['runs']]"; }
  $ run philly-500 philly/philly.csv --policy fifo,las,srsf
  fifo 82247 82247 0 0 158 h
  las 82247 82247 0 0 8.95 h
  srsf 82247 82247 0 0 4.38 h
  $ run openb-2023 alibaba-2023/openb_pod_list_default.csv --policy fifo,las
  fifo 8152 8152 0 0 7.16 h
  las 8152 8152 0 0 7.16 h
  $ run gavel-36x3 gavel/generated_36x36x36_lam600_seed0_400jobs.trace --rates $SHARED/traces/gavel/simulation_throughputs.json --round 360 --policy fifo
  fifo 400 400 0 0 20.3 h
  $ for n in philly-6 newtrace-1 saturn-1; do run sia-64 sia/workloads/$n.csv --rates $SHARED/traces/sia/profiles --policy fifo; done
  fifo 160 160 0 0 1.72 h
  fifo 960 960 0 0 11.4 h
  fifo 160 160 0 0 1.74 h
  $ run pai-800 pai-2020/philly_as_pai_20000.csv --policy fifo,las,srtf,srsf
  fifo 20000 20000 0 0 0.836 h
  las 20000 20000 0 0 0.836 h
  srtf 20000 20000 0 0 0.836 h
  srsf 20000 20000 0 0 0.836 h
