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
