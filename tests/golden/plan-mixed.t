One training on several types of chip: who holds what. Figures move with the fitted constants; the
shape of the answer does not.

  $ fuyao plan llama3-70b --on h800-sxm5:64+h20-96-sxm5:512 | sed 's/  *$//'
  Llama 3 70B: 70.55 B parameters, batch 512 x 8192 tokens, bf16, megatron-core
  up to 64 h800-sxm5 in nodes of 8 (hgx-h800), network 400 GB/s a node
  up to 512 h20-96-sxm5 in nodes of 8 (hgx-h20-4nic), network 200 GB/s a node
  
  Best by time: whole replicas of each type
    step      23.36 s (19.38 .. 28.15 in 8 of 10 cases)
    tokens    1.796e+05 /s
    MFU       62.1 % of the dense peak
    energy    1.6 kWh a step, 2.794 kWh with servers and site as far as known
    money     3.51 USD a step
    exchange  0.1363 s of the step sum gradients between the types
  
  CHIP        DEVICES LAYERS ON STAGES REPLICAS BATCH EACH  SHARE WAITS          GiB   POWER
  h800-sxm5        64 80 on 4                 2         96 37.5 % 4.3 % 77.9 of 79.4 630.5 W
  h20-96-sxm5     512 80 on 1                64          5 62.5 % 0.0 % 85.8 of 95.2 402.8 W
    h800-sxm5: tp 4 pp 4 dp 2 cp 2 vpp 4 microbatch 1 recompute none sp zero 1 overlap tp+dp+pp
    h20-96-sxm5: tp 8 pp 1 dp 64 cp 1 vpp 1 microbatch 1 recompute none sp zero 1 overlap tp+dp
  
  Mean of the devices of each type; bubble is all waiting for others:
  SECONDS     h800-sxm5 h20-96-sxm5
  matmul          15.56       18.13
  attention       3.069       3.291
  elementwise    0.6952      0.1243
  embedding      0.9832      0.2863
  host          0.08262     0.02369
  tp               1.27      0.2793
  cp            0.07424           0
  pp            0.07236           0
  bubble          1.015           0
  dp             0.2646       0.697
  optimizer     0.01384    0.001407
  jitter         0.2572       0.528
  
  without h800-sxm5 +57.5 % time
  without h20-96-sxm5 +152.9 % time

Gradients are not summed across vendors; stages may be of several.

  $ fuyao plan llama3-70b --on h800-sxm5:64+ascend-910b1:64 | grep Best
  Best by time: pipelines over the types

The types' order on the command line does not matter; what costs more than it gives is left out.

  $ fuyao plan llama3-70b --on h20-96-sxm5:512+h800-sxm5:64 --json | grep '"kind"'
    "kind": "data",
  $ fuyao plan llama3-70b --on h800-sxm5:32+h20-96-sxm5:16 --objective energy | grep -e Best -e without
  Best by energy: pipelines over the types
  without h800-sxm5 +207.6 % energy
  without h20-96-sxm5 +2.2 % energy

What has no answer:

  $ fuyao plan llama3-70b --on h800-sxm5:64+
  fuyao: plan: --on : CHIP:COUNT is needed, such as h20-96-sxm5:512
  [2]
  $ fuyao plan llama3-70b --on h800-sxm5:64+h800-sxm5:8
  fuyao: plan: --on h800-sxm5:64+h800-sxm5:8: h800-sxm5 twice
  [2]
  $ fuyao plan llama3-70b --on h800-sxm5:64+h20-96-sxm5:8..16
  fuyao: plan: --on h800-sxm5:64+h20-96-sxm5:8..16: a range is for one type of chip
  [2]
  $ fuyao plan llama3-70b --on h800-sxm5:64+h20-96-sxm5:8 --fix tp=8
  fuyao: on several types microbatch, recompute, seq_parallel, zero, overlap and schedule can be fixed; tp, pp, dp, cp, ep, vpp and layers cannot
  [2]
  $ fuyao plan llama3-70b --on h800-sxm5:64+h20-96-sxm5:8 --top 3
  fuyao: plan: --top is for one type of chip
  [2]
  $ fuyao plan llama3-405b --on h800-sxm5:8+h20-96-sxm5:8
  fuyao: llama3-405b does not fit on h800-sxm5:8+h20-96-sxm5:8 in any plan; more devices would help
  [1]
  $ fuyao plan xpeng-driving-2022 --on h800-sxm5:64+h20-96-sxm5:8
  fuyao: unknown: xpeng-driving-2022 is a black box, of which only rates are measured
  [1]
