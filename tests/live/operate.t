An operator's day with a daemon on virtual devices: hooks, limits, and a configuration read again.

  $ cd "$CRAMTMP"; export FUYAO_SOCKET="$PWD/s" TZ=UTC
  $ cat >fleet.yaml <<'END'
  > name: tiny
  > note: for a test
  > price: assumed cn-hebei-zhangbei
  > currency: CNY
  > pools:
  >   - {name: h800, server: hgx-h800, nodes: 2, cpu: 64, memory: 512 GiB}
  > END
  $ cat >prolog <<'END'
  > #!/bin/sh
  > [ $FUYAO_NODE != h800-0000 ] || { echo 'scratch is full'; exit 1; }
  > END
  $ chmod +x prolog
  $ cat >conf.yaml <<END
  > fleet: $PWD/fleet.yaml
  > policy: fifo
  > prolog: $PWD/prolog
  > quotas:
  >   - {devices: 8, time_limit: 2 h, default_time_limit: 30 min}
  > END
  $ fuyao serve --check --config conf.yaml
  configuration is fine: tiny, 1 pools, virtual devices
  $ timeout 240 fuyao serve --state state --config conf.yaml >serve.log 2>&1 & daemon=$!
  $ timeout 60 sh -c 'until fuyao status >status 2>errors; do sleep 0.05; done'

A job meets a node that its prolog refuses: it runs on the other one.

  $ id=$(fuyao submit --wait --devices 8 -- sh -c 'echo on $FUYAO_NODELIST')
  $ fuyao logs $id
  on h800-0001
  $ fuyao nodes | sed -E 's/ +/ /g'
  The devices are virtual: no hardware is behind them, and no speed here is measured.
  NODE CHIP STATE DEVICES IDLE JOBS NOTE
  h800-0000 h800-sxm5 drained 8 8 - prolog: scratch is full (job 1)
  h800-0001 h800-sxm5 idle 8 8 - -
  $ fuyao show --json $id | tr -d ' ' | grep -o '"time_limit_us":[0-9]*' | head -1
  "time_limit_us":1800000000

Limits.

  $ fuyao submit --workers 2 --devices 8 -- true
  fuyao: tenant root may ask for 8 devices a job, not 16
  [2]
  $ fuyao submit --time 3h -- true
  fuyao: tenant root may ask for a time limit of 7200 s at most
  [2]
  $ fuyao tenants | grep -o '8 devices.*'
  8 devices a job, at most 2 h, 0.5 h if not stated

A configuration with a mistake changes nothing and says one line.

  $ cp conf.yaml good.yaml
  $ sed -i 's/devices: 8/devices: 16/; s/fifo/first/' conf.yaml; fuyao reload
  fuyao: no policy 'first'; there are fifo, backfill, srtf, srsf, las, fair, gain
  [2]
  $ echo 'epilogue: /bin/true' >>conf.yaml; kill -HUP $daemon
  $ timeout 60 sh -c 'until grep -q "nothing is changed" serve.log; do sleep 0.05; done'
  $ grep -o 'nothing is changed: .*epilogue' serve.log | head -1
  nothing is changed: conf.yaml:6: unknown key "epilogue
  $ fuyao submit --workers 2 --devices 8 -- true
  fuyao: tenant root may ask for 8 devices a job, not 16
  [2]
  $ fuyao policy
  fifo, placement pack

A good one is taken as a whole: limits, policy, hooks, a power cap, and a node that the fleet has gained.

  $ sed 's/devices: 8/devices: 16/; s/fifo/las/; /^prolog/d' good.yaml >conf.yaml
  $ echo 'power_cap: 40 kW' >>conf.yaml; sed -i 's/nodes: 2/nodes: 3/' fleet.yaml
  $ fuyao reload && fuyao policy
  las, placement pack
  $ fuyao status | grep -E '^(nodes|power)'
  power    at most 40 kW for the devices
  nodes    3
  $ fuyao resume h800-0000
  $ fuyao submit --wait --workers 2 --devices 8 -- true >id; fuyao show $(grep -o '[0-9]*' id) | grep -c '^state  *finished'
  1
  $ fuyao submit --workers 2 --devices 8 -- sleep 1000 >/dev/null
  $ fuyao nodes | grep -c drained
  0
  [1]

Another policy runs along.

  $ fuyao usage --shadow
  fuyao: no shadow: `fuyao policy --shadow NAME` begins one
  [1]
  $ fuyao policy --shadow srtf && fuyao policy
  las, placement pack
  srtf runs along
  $ fuyao submit --wait -- true
  4
  $ fuyao usage --shadow | tail -n +3 | sed -E 's/ +/ /g; s/[0-9]+\.[0-9]+/N/g' | grep -vE '^(mean|device)'
   las shadow srtf DIFFERENCE
  runs started 1 1 +0
  jobs finished 1 1 +0
  jobs failed 0 0 +0
  preemptions 0 0 +0
  waiting now 0 0 +0
  running now 1 1 +0
  $ fuyao policy --shadow none && fuyao policy
  las, placement pack
  $ fuyao cancel 3; timeout 60 sh -c 'until fuyao queue --json | grep -q "\"jobs\": *\[\]"; do sleep 0.05; done'
  $ kill $daemon; wait $daemon || true
