# fuyao plan --validate: rows read, filled, skipped and summed up. No predicted number stands here:
# they move with the model; that they agree with each other is checked.

  $ cp $ROOT/tests/data/runs.csv $ROOT/tests/data/single-node.csv .
  $ try() { fuyao plan "$@" > out; echo "exit $?"; [ ! -s out ] || echo "printed something"; }

  $ fuyao plan --validate runs.csv > out; echo "exit $?"
  exit 0
  $ grep -o '^20 runs.*' out
  20 runs: 12 compared, 2 not comparable, 6 skipped
  $ grep -E -o '^(SET +RUNS.*|(selective|made-up|rank) +4)' out | sed 's/  */ /g'
  SET RUNS MAPE MEDIAN P90 BIAS LEFT OUT
  selective 4
  made-up 4
  rank 4
  $ sed -n '/^Skipped/,$p' out
  Skipped:
    e-1: n_chips is 'eight'; it must be a whole number from 1 to 10000000
    e-2: layers is blank, and no shipped workload is called 'no such model'
    e-3: chip 'a100-80-sxm9' is not in the catalogue; `fuyao chips` lists what is
    e-4: stack 'megatron-9' is not known; data/stacks has those that are
    e-5: tp x pp x dp x cp makes 16 devices, but n_chips is 8
    line-21: runs.csv:21: 6 fields where the header has 43; is it cut off?

The same as JSON: the members, and that the sums are those of the rows.

  $ fuyao plan --validate runs.csv --json > out.json
  $ cat > check.py << 'EOF'
  > import json
  > d = json.load(open("out.json"))
  > rows = d["rows"]
  > ok = [r for r in rows if r["status"] == "ok"]
  > print(*d)
  > print(d["schema"], d["counts"])
  > print(*sorted({k for r in rows for k in r}))
  > print(*ok[0]["terms"])
  > assert all(abs(sum(r["terms"].values()) / r["t_predicted_s"] - 1) < 1e-9 for r in ok)
  > assert all(r["lo80"] < r["t_predicted_s"] < r["hi80"] for r in ok)
  > assert all(0 < r["mem_predicted_gib"] and r["fits"] in (True, False) for r in ok)
  > e = lambda r: r["t_predicted_s"] / r["t_measured_s"] - 1
  > for s in d["sets"]:
  >     es = [e(r) for r in ok if r["set"] == s["set"]]
  >     assert len(es) == s["n"] and abs(sum(map(abs, es)) / len(es) - s["mape"]) < 1e-12
  >     assert abs(sum(es) / len(es) - s["bias"]) < 1e-12
  > inside = [r["lo80"] <= r["t_measured_s"] <= r["hi80"] for r in ok]
  > assert abs(sum(inside) / len(ok) - d["coverage80"]) < 1e-12
  > assert all(c["n"] <= 12 for c in d["constants"])
  > print(*((g["group"], g["n"]) for g in d["ranking"]))
  > print(*((m["kind"], m["n"]) for m in d["memory"]))
  > EOF
  $ python3 check.py
  schema counts constants sets ranking memory coverage80 width80 rows
  1 {'rows': 20, 'ok': 12, 'skipped': 6, 'not_comparable': 2}
  filled fits hi80 id lo80 mem_predicted_gib reason set status t_measured_s t_predicted_s terms
  matmul attention elementwise embedding recompute host tp cp ep pp bubble dp optimizer jitter
  ('layers=24 hidden=2048 heads=16/16/128 ffn=8192 seq=2048 vocab=51200 on a100-80-sxm4:8 batch=64', 4)
  ('torch-peak', 1) ('device-used', 1) ('stated', 1)

Where each filled cell comes from, and the bounds of what was searched.

  $ python3 -c '
  > import json
  > for r in json.load(open("out.json"))["rows"]:
  >     if r["id"] in ("a-1", "b-1", "b-2", "b-3", "b-4"):
  >         by = {}
  >         for k, v in r["filled"].items():
  >             by.setdefault(v.get("from", "bounds"), []).append(k)
  >         print(r["id"], *(f"{k}: {chr(32).join(v)};" for k, v in by.items()))
  >         s = r["filled"].get("search")
  >         assert s is None or s["fastest_s"] == r["t_predicted_s"] <= s["slowest_s"]'
  a-1 workload: kv_heads head_dim ffn gated attention details; convention: ep cp vpp; stack: zero overlap;
  b-1 workload: layers hidden heads kv_heads head_dim ffn gated seq_len vocab attention details; catalogue: chips_per_node nic_gbps_per_node; stack: tp pp vpp seq_parallel zero overlap; convention: dp ep cp; search: recompute; bounds: search;
  b-2 workload: layers hidden heads kv_heads head_dim ffn gated seq_len vocab attention details; catalogue: chips_per_node nic_gbps_per_node; search: pp dp vpp microbatch recompute; convention: ep cp; stack: seq_parallel zero; bounds: search;
  b-3 convention: head_dim ffn shared_experts dense_layers details;
  b-4 workload: head_dim details; convention: nic_gbps_per_node ep cp; stack: vpp seq_parallel zero overlap; search: recompute; slowest: chip; bounds: search;

The format of single-node runs, and standard input.

  $ fuyao plan --validate - --json < single-node.csv | python3 -c '
  > import json, sys
  > for r in json.load(sys.stdin)["rows"]:
  >     print(r["id"], r["set"], r["status"], r["reason"], r["t_measured_s"], r["filled"].get("vocab"))'
  line-2 single-node-a100 ok None 0.3 {'value': 51200, 'from': 'convention'}
  line-3 single-node-a100 ok None 0.3505 {'value': 51200, 'from': 'convention'}
  line-4 single-node-a100 skipped tp x pp x dp x cp makes 12 devices, but n_chips is 8 0.3505 None

What is refused.

  $ try
  fuyao: plan: a workload is needed, such as gpt3-175b; `fuyao plan --help`
  exit 2
  $ try --validate
  fuyao: plan: --validate needs a value
  exit 2
  $ try --validate nowhere.csv
  fuyao: nowhere.csv: cannot be read: No such file or directory
  exit 2
  $ try --validate runs.csv more
  fuyao: plan: unexpected argument more; `fuyao plan --help`
  exit 2
  $ try --frobnicate
  fuyao: plan: unknown option --frobnicate; `fuyao plan --help`
  exit 2
  $ : > empty.csv; try --validate empty.csv
  fuyao: empty.csv: is empty
  exit 2
  $ echo "a,b" > other.csv; try --validate other.csv
  fuyao: other.csv:1: no column chip; a table of runs has at least chip, n_chips and global_batch
  exit 2
  $ fuyao plan --help | head -n 1
  usage: fuyao plan WORKLOAD --on CHIP:COUNT[..COUNT] [OPTION...]
