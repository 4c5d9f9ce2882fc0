One training on several types of chip: who holds what. Figures move with the fitted constants; the
shape of the answer does not.

  $ fuyao plan llama3-70b --on h800-sxm5:64+h20-96-sxm5:512 | sed 's/  *$//'
  Llama 3 70B: 70.55 B parameters, batch 512 x 8192 tokens, bf16, megatron-core
  up to 64 h800-sxm5 in nodes of 8 (hgx-h800), network 400 GB/s a node
  up to 512 h20-96-sxm5 in nodes of 8 (hgx-h20-4nic), network 200 GB/s a node
  
  Best by time: whole replicas of each type
    step      2?.* s (*) (glob)
    tokens    * /s (glob)
    MFU       6?.? % of the dense peak (glob)
    energy    * a step, * with servers and site as far as known (glob)
    money     * USD a step (glob)
    exchange  0.* s of the step sum gradients between the types (glob)
  
  CHIP        DEVICES LAYERS ON STAGES REPLICAS BATCH EACH  SHARE WAITS          GiB   POWER
  h800-sxm5        64 80 on * of 79.4 * W (glob)
  h20-96-sxm5     512 80 on * of 95.2 * W (glob)
    h800-sxm5: tp * (glob)
    h20-96-sxm5: tp * (glob)
  
  Mean of the devices of each type; bubble is all waiting for others:
  SECONDS     h800-sxm5 h20-96-sxm5
  matmul * (glob)
  attention * (glob)
  elementwise * (glob)
  embedding * (glob)
  host * (glob)
  tp * (glob)
  cp * (glob)
  pp * (glob)
  bubble * (glob)
  dp * (glob)
  optimizer * (glob)
  jitter * (glob)
  
  without h800-sxm5 +* % time (glob)
  without h20-96-sxm5 +* % time (glob)

Gradients are not summed across vendors; stages may be of several.

  $ fuyao plan llama3-70b --on h800-sxm5:64+ascend-910b1:64 | grep Best
  Best by time: pipelines over the types

The types' order on the command line does not matter; what costs more than it gives is left out.

  $ fuyao plan llama3-70b --on h20-96-sxm5:512+h800-sxm5:64 --json | grep '"kind"'
    "kind": "data",
  $ fuyao plan llama3-70b --on h800-sxm5:32+h20-96-sxm5:16 --objective energy | grep -e Best -e without
  Best by energy: * (glob)
  without h800-sxm5 +* % energy (glob)
  without h20-96-sxm5 +* % energy (glob)

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
  fuyao: on several types microbatch, recompute, seq_parallel, zero, overlap and schedule can be fixed; tp, pp, dp, cp, ep and vpp cannot
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
