# Jobs that name a workload: rates by the planner, whose numbers may change and are not shown here.

  $ fleet=$ROOT/data/fleets/small-mixed.yaml
  $ sim() { fuyao sim --fleet "$fleet" --policy gain --set costs=none "$@"; }

Work in tokens, steps, samples or a time on a chip; what does not fit or is unknown is no chip of the
job's, with the reason.

  $ cat > w.csv <<END
  > job,submit_s,workload,tokens,steps,samples,duration_s,ref,workers,chips,batch
  > tokens,0,llama2-7b,1e9,,,,,8,,
  > steps,10,Llama 2 7B,,10,,,,16,h800-sxm5|h20-96-sxm5,
  > huge,20,bloom-176b,1e9,,,,,8,h800-sxm5|l20,
  > samples,30,vit-l-16,,,1e6,,,1,,
  > batch,40,mixtral-8x7b,1e8,,,,,16,,512
  > time,50,llama2-13b,,,,3600,h800-sxm5,8,,
  > END
  $ sim --trace w.csv --journal-out one > out; sed -n '/^rates/,/^$/p' out
  rates  of 6 jobs by the planner (derived): best layouts of 5 workloads, 80 % intervals to -* .. +* %, * searches (glob)
         not on 8 h800-sxm5: bloom-176b: does not fit: [0-9.]+ GiB too much on a device \(1 job\) (re)
         not on 8 l20: bloom-176b: does not fit: [0-9.]+ GiB too much on a device \(1 job\) (re)
         not on 16 l20: mixtral-8x7b: its network bandwidth of a node is unknown (1 job)
  
  $ grep -E 'never|^gain' out | tr -s ' ' | cut -d' ' -f1-3
  gain none 5/6
  1 job can

What a duration means does not change with the chips, and rates on the H20 stand in for those of the
H800; the reader keeps the order of the job's list.

  $ sim --trace w.csv --replace h800-sxm5=h20-96-sxm5 --journal-out two > /dev/null
  $ work() { grep -o ' name=time .* work_q=[0-9]* unit_q=[0-9]*' $1 | sed 's/.*work_q=\([0-9]*\) unit_q=\([0-9]*\)/\1 \2/' | awk '{ printf "%.6g\n", $1 / $2 }'; }
  $ test "$(work one)" = "$(work two)" && echo the same tokens
  the same tokens
  $ rates() { grep -o ' name=[^ ]* .* rates=[^ ]*' $1 | sed 's/ name=\([^ ]*\) .* rates=\(.*\)/\1 \2/' | sort; }
  $ rates one | sed 's/:[0-9:]*//g'
  batch 0,2,4,1
  huge 
  samples 0,4,2,1,3
  steps 0,1
  time 0,4,2,1,3
  tokens 0,4,2,1,3

Neither the order of the jobs nor what was asked before changes a rate.

  $ { head -n 1 w.csv; tail -n +2 w.csv | tac | awk -F, -v OFS=, '{ $2 = NR; print }'; } > back.csv
  $ sim --trace back.csv --journal-out three > /dev/null
  $ rates one > a; rates three > b; cmp a b

As JSON; a thousand jobs take no more searches than ten.

  $ sim --trace w.csv --json | python3 -c 'import json, sys; p = json.load(sys.stdin)["assumed"]["planner"]; print(p["jobs"], p["grade"], p["workloads"], p["low80"] < 1 < p["high80"], [(r["workload"], r["chip"], r["devices"], r["jobs"]) for r in p["refused"]])'
  6 derived 5 True [('bloom-176b', 'h800-sxm5', 8, 1), ('bloom-176b', 'l20', 8, 1), ('mixtral-8x7b', 'l20', 16, 1)]
  $ many() { { echo job,submit_s,workload,tokens,workers; seq $1 | sed 's/.*/&,&,llama2-7b,1e7,8/'; } | sim --trace - --json | python3 -c 'import json, sys; p = json.load(sys.stdin)["assumed"]["planner"]; print(p["jobs"], p["searches"])'; }
  $ test "$(many 10 | cut -d' ' -f2)" = "$(many 1000 | cut -d' ' -f2)" && echo as many
  as many
  $ sim --trace $ROOT/tests/data/small.csv --json | grep '"planner"'
    "planner": null

Rates that the row states come first, with the work in tokens.

  $ printf 'job,submit_s,workload,tokens,workers,chips,rates\na,0,llama2-7b,3.6e6,8,h800-sxm5,1000\n' > r.csv
  $ sim --trace r.csv | grep '^gain' | tr -s ' ' | cut -d' ' -f1-4
  gain none 1/1 1
  $ sim --trace r.csv --replace h800-sxm5=h20-96-sxm5 --journal-out four > /dev/null
  $ rates four | sed -E 's/^a 0:[0-9]+:[0-9]+:4$/one rate, derived/'
  one rate, derived

Bad rows.

  $ bad() { printf 'job,submit_s,workload,tokens,work,devices\n%s\n' "$1" > bad.csv; sim --trace bad.csv; echo "exit $?"; }
  $ bad a,0,no-such-model,1e9,,
  fuyao: bad.csv:2: workload is 'no-such-model'; it must be the id or an alias of a workload in data/workloads
  exit 2
  $ bad a,0,llama2-7b,,5,
  fuyao: bad.csv:2: work is '5'; it must be empty beside a workload: give tokens, steps or samples
  exit 2
  $ bad a,0,llama2-7b,1e9,,0
  fuyao: bad.csv:2: devices is '0'; it must be such that the gang has whole devices: the planner knows no other rates
  exit 2

The generator: equal seeds give equal bytes, what it writes reads back, only the listed ones are drawn.

  $ gen() { fuyao gen --fleet "$fleet" --days 2 --seed 3 "$@"; }
  $ gen --workloads > a.csv; gen --workloads > b.csv; cmp a.csv b.csv
  $ sim --trace a.csv --json | python3 -c 'import json, sys; d = json.load(sys.stdin); r = d["runs"][0]; print(r["jobs"] == sum(1 for _ in open("a.csv")) - 1, r["never_placeable"], d["assumed"]["planner"]["jobs"] > r["jobs"] / 4)'
  True 0 True
  $ gen --workloads=llama2-7b-lora,vit-b-16 | cut -d, -f5 | sort -u
  
  llama2-7b-lora
  vit-b-16
  workload
  $ gen --workloads=llama2-7b,nonsense; echo "exit $?"
  fuyao: gen: no workload "nonsense"; data/workloads has them
  exit 2
  $ gen --workloads=; echo "exit $?"
  fuyao: gen: --workloads= names none
  exit 2

One chip against another for a model: the planner beside the roofline.

  $ fuyao chips compare h20-96-sxm5 h800-sxm5 --workload llama2-7b --devices 16 > out; sed -n '/^llama2-7b, /,/^WORK/p' out
  llama2-7b, batch 1024, bf16, on 16 of each: the planner's best layouts (megatron-core)
  QUANTITY * h20-96-sxm5 * RATIO 80 % * h800-sxm5 (glob)
  step * .. * .. * .. * (glob)
  tokens/s a device * (glob)
  power of a device * W * W (glob)
  energy a token * J * .. * J (glob)
  h20-96-sxm5: tp * overlap * (glob)
  h800-sxm5: tp * overlap * (glob)
  the 80 % of the ratios take the two predictions' errors as independent; energy is that of the
  chips alone. The roofline's answer follows, with the planner's shares of time:
  
  h20-96-sxm5: time and energy per unit of work, in those of h800-sxm5
  WORK * (glob)
  $ grep -c '^llama2-7b .* % compute' out
  1
  $ fuyao chips compare h20-96-sxm5 l20 h800-sxm5 --workload llama2-7b --json | python3 -c 'import json, sys
  > for c in json.load(sys.stdin)["chips"]:
  >     p = c["plan"]; s = p["slowdown"]; r = p["value"]["step_s"] / p["reference"]["step_s"]
  >     print(c["id"], p["devices"], s["low"] < s["mid"] < s["high"], abs(s["mid"] - r) < 1e-6 * r, p["energy"]["mid"] > 1, c["mixes"][0]["id"])'
  h20-96-sxm5 8 True True True llama2-7b
  l20 8 True True True llama2-7b
  $ fuyao chips compare h20-96-sxm5 h800-sxm5 --workload llama2-70b --devices 2
  fuyao: llama2-70b on 2 h800-sxm5, the reference: does not fit: * GiB too much on a device; --devices N gives it more (glob)
  [1]
  $ fuyao chips compare h20-96-sxm5 h800-sxm5 --workload xpeng-driving-2022
  fuyao: unknown: the sizes of xpeng-driving-2022
  [1]
  $ fuyao chips compare h20-96-sxm5 h800-sxm5 --workload decode --devices 8
  fuyao: --devices goes with a workload of data/workloads
  [2]
  $ fuyao chips compare h20-96-sxm5 h800-sxm5 --devices 8
  fuyao: --devices goes with `fuyao chips compare --workload`
  [2]
  $ fuyao chips compare h20-96-sxm5 h800-sxm5 --workload nonsense
  fuyao: --workload: "nonsense" is none of dense-training, *, nor a workload of data/workloads, nor shares like compute=0.6,memory=0.4 (glob)
  [2]
