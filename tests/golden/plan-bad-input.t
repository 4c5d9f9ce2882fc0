Questions to `fuyao plan` that have no answer: one line each, and the exit code.

  $ fuyao plan
  fuyao: plan: a workload is needed, such as gpt3-175b; `fuyao plan --help`
  [2]
  $ fuyao plan gpt3-175b
  fuyao: plan: --on CHIP:COUNT is needed; `fuyao plan --help`
  [2]
  $ fuyao plan gpt3-17b --on a100-80-sxm4:8
  fuyao: no workload "gpt3-17b"; did you mean gpt-1.7b, gpt-145.6b, gpt-18.4b, gpt-22b?
  [2]
  $ fuyao plan gpt3-175b --on a100:8
  fuyao: no chip "a100"; did you mean a100-40-sxm4, a100-80-sxm4, a100-80-pcie, a10?
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4
  fuyao: plan: --on a100-80-sxm4: CHIP:COUNT is needed, such as h20-96-sxm5:512
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:0
  fuyao: plan: --on a100-80-sxm4:0: a count from 1 to 1000000, or LOW..HIGH, is needed
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:99999999999
  fuyao: plan: --on a100-80-sxm4:99999999999: a count from 1 to 1000000, or LOW..HIGH, is needed
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:64..8
  fuyao: plan: --on a100-80-sxm4:64..8: the range runs backwards
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:512 --batch 0
  fuyao: plan: --batch 0: a whole number from 1 to 10000000 is needed
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:512 --stack jax
  fuyao: no stack "jax"; there are megatron-2021, * (glob)
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:512 --tokens 2X
  fuyao: plan: --tokens 2X: a number of tokens such as 300B or 2T is needed
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:512 --objective fame
  fuyao: plan: --objective fame is none of time, energy, money
  [2]

Pins that contradict the model, the cluster or each other:

  $ fuyao plan gpt3-175b --on a100-80-sxm4:512 --fix tp=7
  fuyao: tp=7 does not divide 96 attention heads
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:512 --fix tp=8,tp=4
  fuyao: plan: --fix gives tp twice
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:512 --fix tp=8,pp=64,dp=4
  fuyao: tp x pp x dp x cp is 2048 with what is given, there are 512 devices
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:512 --fix ep=8
  fuyao: ep=8: the model has no experts
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:512 --fix speed=9
  fuyao: plan: --fix speed: NAME=VALUE with one of tp, pp, * (glob)
  [2]

What cannot fit, and what is unknown:

  $ fuyao plan gpt3-175b --on a100-80-sxm4:8
  fuyao: gpt3-175b does not fit on 8 a100-80-sxm4: * GiB missing on a device of * usable, at best (*); * devices do (glob)
  [1]
  $ fuyao plan gpt3-175b --on alibaba-series-1:8
  fuyao: unknown: the dense rate of alibaba-series-1
  [1]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:512 --objective money --strict
  fuyao: unknown: the price of a100-80-sxm4; give --price-hour or --price-kwh
  [1]
  $ fuyao plan xpeng-driving-2022 --on a100-80-sxm4:8
  fuyao: unknown: xpeng-driving-2022 is a black box, of which only rates are measured
  [1]

What goes together and what does not:

  $ fuyao plan "" --on h100-sxm5:8
  fuyao: plan: a workload is needed, such as gpt3-175b; `fuyao plan --help`
  [2]
  $ fuyao plan llama2-7b --on h100-sxm5:8 --on a100-80-sxm4:8
  fuyao: plan: --on is given twice; types of chip that work together are joined by +, such as a:64+b:512
  [2]
  $ fuyao plan llama2-7b --on h100-sxm5:8 --json --emit megatron
  fuyao: plan: --json or --emit, not both
  [2]
  $ fuyao plan llama2-7b --on h100-sxm5:8..64 --emit megatron
  fuyao: plan: --emit goes with one count of devices, not with a range or a deadline
  [2]
  $ fuyao plan llama2-7b --on h100-sxm5:8 --server dgx-h1000
  fuyao: no server "dgx-h1000"; with h100-sxm5 there are *dgx-h100* (glob)
  [2]
  $ fuyao plan llama2-7b --on h100-sxm5:8 --server dgx-a100-80
  fuyao: server dgx-a100-80 holds a100-80-sxm4, not h100-sxm5
  [2]
  $ fuyao plan llama2-7b --on a100-80-sxm4:64 --power-cap 10W
  fuyao: plan: --power-cap 10 W: a100-80-sxm4 takes 62 W at idle
  [2]
  $ fuyao plan llama2-7b --on a100-80-sxm4:64 --power-cap 300
  fuyao: plan: --power-cap 300: "300" has no unit; write for example 400 W or 10.2 kW
  [2]
  $ fuyao plan llama2-7b --on a100-80-sxm4:64 --precision fp8
  fuyao: unknown: the fp8 rate of a100-80-sxm4; leave --precision fp8 out
  [1]
  $ fuyao plan llama2-7b --on h100-sxm5:8 --fix pp=1,vpp=2
  fuyao: vpp=2 needs pp of 2 or more, pp=1 is given
  [2]
  $ fuyao plan llama2-7b --on h100-sxm5:8 --fix microbatch=3,dp=8 --batch 32
  fuyao: microbatch=3 does not divide 32 sequences of the batch
  [2]
  $ fuyao plan llama2-7b --on h100-sxm5:8 --deadline 30
  fuyao: plan: --deadline 30: "30" has no unit; write for example 30 s, 10 min, 7 h or 30 d
  [2]
  $ fuyao plan llama2-7b --on h100-sxm5:8 --deadline 1d
  fuyao: llama2-7b does not train 2e+12 tokens in 24.0 h on up to 8 h100-sxm5: at best it takes * days, on 8 (1 count tried) (glob)
  [1]
  $ fuyao plan llama2-7b --on h100-sxm5:8 --network fast
  fuyao: plan: --network fast: a rate such as 1600 Gbit/s or 200 GB/s is needed
  [2]
  $ fuyao plan llama2-7b --on h100-sxm5:8 --pue 0.5
  fuyao: plan: --pue 0.5: a number of at least 1 is needed
  [2]
  $ fuyao plan llama2-7b --on h100-sxm5:8 --constants nowhere.yaml
  fuyao: nowhere.yaml: No such file or directory
  [2]

What is fixed against itself, the model and the schedule:

  $ for fix in pp=8,vpp=7 first_layers=3 pp=1,first_layers=3,last_layers=2 pp=2,first_layers=50,last_layers=50 \
  >     recompute_layers=3,recompute=none recompute_layers=1000 pp=8,recompute_layers=14 overlap=ep \
  >     seq_parallel=1,tp=1 microbatch=1536,dp=2 schedule=zero-bubble,vpp=2; do
  >   fuyao plan gpt3-175b --on a100-80-sxm4:512 --fix $fix
  > done
  fuyao: pp=8, vpp=7: 96 layers, or up to 98 with embedding and head, do not divide by 56
  fuyao: first_layers and last_layers are given together or not at all
  fuyao: first_layers=3 needs pp of 2 or more, pp=1 is given
  fuyao: first_layers=50, last_layers=50: of the 96 layers each stage needs one, and all must be dealt
  fuyao: recompute_layers=3 goes with recompute=full
  fuyao: recompute_layers=1000: a virtual stage has 96 layers at most
  fuyao: recompute_layers=14: a virtual stage has 13 layers at most
  fuyao: overlap=ep: no experts are dealt
  fuyao: seq_parallel=1 needs tp of 2 or more, tp=1 is given
  fuyao: dp=2 x microbatch=1536 does not divide 1536 sequences of the batch
  fuyao: schedule=zero-bubble is not interleaved: vpp=2
  [2]
  $ fuyao plan gpt3-175b --on a100-80-sxm4:512 --fix tp=8,pp=1,dp=64,cp=1
  fuyao: gpt3-175b does not fit on 512 a100-80-sxm4*; more devices need tp, pp, dp or cp free (glob)
  [1]
