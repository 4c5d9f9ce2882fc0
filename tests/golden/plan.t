The main questions to `fuyao plan`. Figures move with the fitted constants; the shape of an answer
does not.

  $ fuyao plan llama2-7b --on h100-sxm5:8 | grep -E "^(Llama|[0-9]+ h100|Best|  (step|tokens|MFU|power) |matmul|limited|would|how|allocated|COSTS|a step|device hour)"
  Llama 2 7B: 6.738 B parameters, batch 1024 x 4096 tokens, bf16, megatron-core
  8 h100-sxm5 in 1 node of 8 (dgx-h100)
  Best by time of * layouts: * estimated, * beyond memory, * left out by rules* (glob)
    step      * s (* .. * in 8 of 10 cases) (glob)
    tokens    * /s, * /s a device (glob)
    MFU       ??.? % of the dense peak (glob)
    power     * W a device, * with its share of the server, PUE unknown (glob)
  matmul       * % #* (glob)
  limited by compute: * (glob)
  would lift it: * (glob)
  how sure: * (glob)
  allocated * GiB, reserved *, in use on the fullest device * of * usable (glob)
  COSTS * (glob)
  a step * (glob)
  device hour: * USD, assumed (glob)

A scaling curve, on a chip for which the stack was never fitted:

  $ fuyao plan llama2-7b --on l20:8..32 --network 400Gbit/s | cut -c1-90
  Llama 2 7B on l20, megatron-core, bf16, batch 1024 x 4096 tokens; scaling against the firs
  megatron-core was never fitted on Ada: its constants are assumed, from runs on other chips
  DEVICES * STEP * TOKENS/S SCALING * MFU W/DEVICE * TRAINING * ENERGY * MONEY LAYOUT (glob)
        8 * s * 100.0 % * % * tp * (glob)
       16 * s * % * % * tp * (glob)
       32 * s * % * % * tp * (glob)

The fewest, the cheapest and the coolest devices in time:

  $ fuyao plan llama2-7b --on h100-sxm5:256 --deadline 60d | cut -c1-60
  Llama 2 7B, 2e+12 tokens in 60.0 days on up to 256 h100-sxm5* (glob)
                 DEVICES * STEP * (glob)
  fewest devices * s * (glob)
  least money * s * (glob)
  least energy * s * (glob)

The same as JSON:

  $ fuyao plan llama2-7b --on h100-sxm5:8..32 --json | grep -E '^  ("| {6}"devices|    ")'
    "schema": 1,
    "workload": "llama2-7b",
    "chip": "h100-sxm5",
    "per_node": 8,
    "nodes_from": "dgx-h100",
    "network_bytes_per_s": 400000000000.0,
    "stack": "megatron-core",
    "constants_grade": "fitted",
    "objective": "time",
    "points": [
        "devices": 8,
        "best": {
        "devices": 16,
        "best": {
        "devices": 32,
        "best": {
  $ fuyao plan llama2-7b --on h100-sxm5:256 --deadline 60d --json | grep -E '^  "|^    "'
    "schema": 1,
    "workload": "llama2-7b",
    "chip": "h100-sxm5",
    "per_node": 8,
    "nodes_from": "dgx-h100",
    "network_bytes_per_s": 400000000000.0,
    "stack": "megatron-core",
    "constants_grade": "fitted",
    "objective": "time",
    "deadline_s": 5184000.0,
    "training_tokens": 2e12,
    "most_devices": 256,
    "tried": *, (glob)
    "meeting": *, (glob)
    "fewest": {
      "devices": *, (glob)
      "best": {
    "cheapest": {
      "devices": *, (glob)
      "best": {
    "coolest": {
      "devices": *, (glob)
      "best": {

Flags of Megatron-LM:

  $ fuyao plan llama2-7b --on h100-sxm5:8 --emit megatron | sed 's/[0-9.e-]*[0-9]/N/g' | head -5
  torchrun --nproc-per-node N --nnodes N pretrain_gpt.py \
      --tensor-model-parallel-size N \
      --pipeline-model-parallel-size N \
      --context-parallel-size N \
      --micro-batch-size N \

Experts on several nodes go with kernels made for dispatch, those of one node with the all-to-all:

  $ flags() { fuyao plan "$@" --emit megatron | grep -oE 'moe-(router-(num|group)|token-dis|enable).*[^ \\]'; }
  $ flags deepseek-v3 --on h800-sxm5:2048 --fix tp=1,pp=16,ep=64,cp=1
  moe-router-num-groups 8
  moe-router-group-topk 4
  moe-token-dispatcher-type flex
  moe-enable-deepep
  $ flags mixtral-8x7b --on h100-sxm5:64 --batch 512 --fix ep=8
  moe-token-dispatcher-type alltoall

Stages written out where no flag of Megatron-LM describes them, and layers computed again in part:

  $ fuyao plan llama3-405b --on h100-sxm5:16384 --fix pp=16,vpp=4,first_layers=8,last_layers=6,recompute_layers=1 --emit megatron | grep -e layout -e virtual -e recompute | sed 's/t\*2|\(t\*2|\)*/t*2|.../'
      --pipeline-model-parallel-layout "Et*2|...L" \
      --recompute-granularity full \
      --recompute-method block \
      --recompute-num-layers 1 \
  $ fuyao plan llama3-405b --on h100-sxm5:16384 --fix pp=16,vpp=1,first_layers=8,last_layers=6 --emit megatron | grep -e layers -e layout
      --decoder-first-pipeline-num-layers 8 \
      --decoder-last-pipeline-num-layers 6 \
      --num-layers 126 \
