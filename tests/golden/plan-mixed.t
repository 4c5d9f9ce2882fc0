One training on several types of chip: who holds what. Figures move with the fitted constants; the
shape of the answer does not.

  $ fuyao plan llama3-70b --on h800-sxm5:64+h20-96-sxm5:512 | sed 's/  *$//'
  Llama 3 70B: 70.55 B parameters, batch 512 x 8192 tokens, bf16, megatron-core
  up to 64 h800-sxm5 in nodes of 8 (hgx-h800), network 400 GB/s a node
  up to 512 h20-96-sxm5 in nodes of 8 (hgx-h20-4nic), network 200 GB/s a node
  
  Best by time: whole replicas of each type
    step      23.37 s (19.44 .. 28.1 in 8 of 10 cases)
    tokens    1.795e+05 /s
    MFU       62.1 % of the dense peak
    energy    1.601 kWh a step, 2.796 kWh with servers and site as far as known
    money     3.52 USD a step
    training  1.5e+13 tokens in 987.8 days, 9.998 GWh, 12.6 M USD; 97.9 % of the time in steps that count
    exchange  0.1368 s of the step sum gradients between the types
  
  CHIP        DEVICES LAYERS ON STAGES REPLICAS BATCH EACH  SHARE WAITS          GiB   POWER
  h800-sxm5        64 80 on 4                 2         96 37.5 % 4.3 % 76.9 of 79.4 630.5 W
  h20-96-sxm5     512 80 on 1                64          5 62.5 % 0.0 % 85.8 of 95.2 402.8 W
    h800-sxm5: tp 4 pp 4 dp 2 cp 2 vpp 5 microbatch 1 recompute none sp zero 1 overlap tp+dp+pp
    h20-96-sxm5: tp 8 pp 1 dp 64 cp 1 vpp 1 microbatch 1 recompute none sp zero 1 overlap tp+dp
  
  Mean of the devices of each type; bubble is all waiting for others:
  SECONDS     h800-sxm5 h20-96-sxm5
  matmul          15.56       18.13
  attention        3.09       3.312
  elementwise    0.6955      0.1244
  embedding      0.9832      0.2863
  host          0.09553     0.02367
  tp               1.25      0.2747
  cp            0.07262           0
  pp            0.08936           0
  bubble         0.9986           0
  dp             0.2654      0.6907
  optimizer     0.01383    0.001406
  jitter         0.2591      0.5321
  
  without h800-sxm5 +57.5 % time
  without h20-96-sxm5 +152.8 % time

Gradients are not summed across vendors; stages may be of several.

  $ fuyao plan llama3-70b --on h800-sxm5:64+ascend-910b1:64 | grep Best
  Best by time: pipelines over the types

The types' order on the command line does not matter; what costs more than it gives is left out.

  $ fuyao plan llama3-70b --on h20-96-sxm5:512+h800-sxm5:64 --json | grep '"kind"'
    "kind": "data",
  $ fuyao plan llama3-70b --on h800-sxm5:32+h20-96-sxm5:16 --objective energy | grep -e Best -e without
  Best by energy: pipelines over the types
  without h800-sxm5 +207.8 % energy
  without h20-96-sxm5 +2.2 % energy

Ranges double; what a deadline leaves is said, and the exit code is 1 where nothing is in time. A layout
that all stages share can be written as flags.

  $ fuyao plan llama3-70b --on h800-sxm5:64+h20-96-sxm5:64..128 --deadline 230d --tokens 2T | sed 's/  *$//'
  Llama 3 70B, megatron-core, bf16, batch 512 x 8192 tokens; counts are the most that may be used
  h800-sxm5 h20-96-sxm5    STEP  TOKENS/S    MFU KIND       TRAINING    ENERGY      MONEY IN TIME
         64          64 49.22 s 8.522e+04 56.4 % pipeline 274.2 days 796.8 MWh 1.25 M USD no
         64         128  42.7 s 9.822e+04 57.5 % data     238.5 days 940.2 MWh 1.37 M USD no
  $ fuyao plan llama3-70b --on h800-sxm5:32+h20-96-sxm5:16 --deadline 30d | grep -e training
    training  1.5e+13 tokens in 4452.8 days, 5.255 GWh, 8.82 M USD; 98.9 % of the time in steps that count; the deadline is not met
  $ fuyao plan llama3-70b --on h800-sxm5:32+h20-96-sxm5:16..32 --deadline 30d --json | grep -e in_time
        "in_time": false
        "in_time": false
  $ fuyao plan llama3-70b --on h800-sxm5:32+h20-96-sxm5:16 --fix tp=8,recompute=none,sp=1 --emit megatron | grep -e torchrun -e parallel
  torchrun --nproc-per-node 8 --nnodes 6 pretrain_gpt.py \
      --tensor-model-parallel-size 8 \
      --pipeline-model-parallel-size 3 \
      --context-parallel-size 1 \
      --pipeline-model-parallel-layout "Et*7|t*37|t*36L" \
      --sequence-parallel \
  $ fuyao plan llama3-70b --on h800-sxm5:64+h20-96-sxm5:512 --emit megatron
  fuyao: Megatron-LM runs all devices alike; the best plan has replicas of its own on each type; --fix tp=N, or --emit for one type of chip
  [1]

What has no answer:

  $ fuyao plan llama3-70b --on h800-sxm5:64+
  fuyao: plan: --on : CHIP:COUNT is needed, such as h20-96-sxm5:512
  [2]
  $ fuyao plan llama3-70b --on h800-sxm5:64+h800-sxm5:8
  fuyao: plan: --on h800-sxm5:64+h800-sxm5:8: h800-sxm5 twice
  [2]
  $ fuyao plan llama3-70b --on h800-sxm5:64+h20-96-sxm5:8 --fix pp=8
  fuyao: on several types tp, cp, ep, microbatch, recompute, seq_parallel, zero, overlap and schedule can be fixed; pp, dp, vpp and layers cannot
  [2]
  $ fuyao plan llama3-70b --on h800-sxm5:64+h20-96-sxm5:8 --top 3
  fuyao: plan: --top is not offered for several types of chip, only for one
  [2]
  $ fuyao plan llama3-405b --on h800-sxm5:8+h20-96-sxm5:8
  fuyao: llama3-405b does not fit on h800-sxm5:8+h20-96-sxm5:8 in any plan; more devices would help
  [1]
  $ fuyao plan xpeng-driving-2022 --on h800-sxm5:64+h20-96-sxm5:8
  fuyao: unknown: xpeng-driving-2022 is a black box, of which only rates are measured
  [1]
