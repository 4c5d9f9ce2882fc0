# fuyao chips: the list, one chip, chips compared, and what is refused.

  $ fuyao chips | sed -n '1,4p;$p'
  ID               YEAR BF16            FP16            FP8             MEMORY   BANDWIDTH    LINK         TDP      ARCH
  a10              2021 125 TFLOP/s     -               -               24 GB r  600 GB/s r   none r       150 W r  NVIDIA Ampere
  a100-40-sxm4     2020 312 TFLOP/s     -               -               40 GB    1.555 TB/s   600 GB/s     400 W    NVIDIA Ampere
  a100-80-pcie     2020 312 TFLOP/s r   -               -               80 GB r  1.935 TB/s r 600 GB/s r   300 W r  NVIDIA Ampere
  d = derived, m = measured, a = assumed; - = unknown. `fuyao chips show ID` gives sources.
  $ fuyao chips | grep -c '^[a-z0-9-]* *\([0-9]\{4\}\|-\) '
  73
  $ fuyao chips --json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(len(d["chips"]), d["chips"][0]["bf16"])'
  73 {'low': 125000000000000.0, 'mid': 125000000000000.0, 'high': 125000000000000.0, 'unit': 'FLOP/s', 'grade': 'datasheet'}

One chip, with the grade of every number.

  $ fuyao chips show h20-96-sxm5
  h20-96-sxm5: H20 96GB SXM5, NVIDIA Hopper
  software: cuda, form: SXM5, memory type: HBM3, device link: NVLink4, PCI ids: 10de:2329
  in traces: H20
  
  QUANTITY           VALUE              GRADE     NOTE
  dense BF16         148 TFLOP/s        datasheet
  dense FP16         unknown
  dense FP8          296 TFLOP/s        datasheet
  dense FP4          unknown
  dense INT8         296 TOP/s          datasheet
  dense TF32         74 TFLOP/s         datasheet
  vector FP32        44 TFLOP/s         datasheet as published; 78 SMs would need 2.2 GHz for it
  vector FP64        1 TFLOP/s          datasheet
  memory             96 GB              datasheet nvidia-smi shows 97 871 MiB
  memory bandwidth   4 TB/s             datasheet
  L2 cache           60 MiB             recalled
  device link        900 GB/s           datasheet
  PCIe generation    5                  datasheet
  power limit        500 W              datasheet limit in two nvidia-smi listings and in MegaScale-Infer; 400 W was published, 550 W was broadcast
  power in training  275 .. 475 W       assumed   no metered H20 found; its tensor part is a seventh of the full one (guess)
  power at idle      71 .. 72 W         datasheet two listings, in state P0
  cores (SM or like) 78                 datasheet public microbenchmark note
  clock of the peak  1.853 GHz          derived   from the peak rate at 1024 FLOP a clock and SM; 1.98 GHz at most from memory
  die area           814 mm2            datasheet
  process            4 nm               datasheet
  TPP                2368               datasheet
  TPP by die area    2.909              datasheet
  price              10000 .. 12000 USD datasheet 10 000 to 12 000 USD (Reuters)
  year               2024               datasheet
  
  source: H20/L20/L2 table of Tom's Hardware; chip-export-controls data set (s-w-kelly, citing vendor datasheets); power limit and idle power from two nvidia-smi listings
  servers:  hgx-h20-4nic (8 a server), hgx-h20-8nic (8 a server)
  $ fuyao chips show alibaba-g2 | grep -v unknown
  alibaba-g2: Alibaba code "G2"
  in traces: G2
  
  QUANTITY           VALUE   GRADE NOTE
  
  source: node list of cluster-trace-gpu-v2023: 549 nodes; the type is not disclosed
  servers:  openb-g2-8 (8 a server)
  $ fuyao chips show h800-sxm5 --strict | grep 'power'
  power limit        700 W         datasheet
  power in training  unknown
  power at idle      unknown
  $ fuyao chips show h800-sxm5 | grep 'power'
  power limit        700 W         datasheet
  power in training  455 .. 686 W  assumed   8-GPU H100 nodes peaked at 8.4 of 10.2 kW, heavy training near 76 % of the rating; the share of the GPU is inferred (Latif et al. 2025 and arXiv 2506.14551 abstracts; share inferred)
  power at idle      56 .. 140 W   assumed   listings of H100 and H200 show 70 to 120 W of 700 W (recalled)

The question of the press.

  $ fuyao chips compare h20-96-sxm5 h100-sxm5
  QUANTITY           h20-96-sxm5         RATIO h100-sxm5
  dense BF16         148 TFLOP/s         0.150 989.5 TFLOP/s
  dense FP8          296 TFLOP/s         0.150 1.979 PFLOP/s
  dense INT8         296 TOP/s           0.150 1.979 POP/s
  dense TF32         74 TFLOP/s          0.150 494.5 TFLOP/s
  vector FP32        44 TFLOP/s          0.657 67 TFLOP/s
  vector FP64        1 TFLOP/s          0.0294 34 TFLOP/s
  memory             96 GB                1.20 80 GB
  memory bandwidth   4 TB/s               1.19 3.35 TB/s
  L2 cache           60 MiB r             1.20 50 MiB
  device link        900 GB/s             1.00 900 GB/s
  PCIe generation    5                    1.00 5
  power limit        500 W               0.714 700 W
  power in training  275 .. 475 W a      0.653 455 .. 686 W a
  power at idle      71 .. 72 W          0.851 56 .. 140 W a
  cores (SM or like) 78                  0.591 132
  clock of the peak  1.853 GHz d          1.01 1.83 GHz d
  die area           814 mm2              1.00 814 mm2
  process            4 nm                 1.00 4 nm
  TPP                2368                0.150 15832
  TPP by die area    2.909               0.150 19.45
  price              10000 .. 12000 USD  0.440 25000 USD d
  year               2024                      2022
  after a number: nothing = data sheet or listing, r = recalled, d = derived, m = measured, a = assumed
  
  h20-96-sxm5: time and energy per unit of work, in those of h100-sxm5
  WORK                            SLOWDOWN       BEST GUESS ENERGY          BEST GUESS SHARES OF TIME
  compute-bound                   4.30 .. 6.69 a       4.81 1.72 .. 6.98 a        3.14 all
  memory-bound                    0.838 .. 1.12        1.07 0.598 .. 0.800       0.764 all
  link-bound                      1.00                 1.00 0.714                0.714 all
  training a dense language model 3.46 .. 5.28 a       3.87 1.45 .. 5.45 a        2.54 75 % compute, 12 % memory, 10 % link, 3 % host
  training a mixture of experts   2.62 .. 3.87 a       2.92 1.18 .. 3.89 a        1.94 50 % compute, 20 % memory, 27 % link, 3 % host
  training a vision model         2.94 .. 4.44 a       3.30 1.25 .. 4.59 a        2.19 60 % compute, 25 % memory, 5 % link, 10 % host
  serving, reading prompts        3.79 .. 5.84 a       4.25 1.56 .. 6.05 a        2.78 85 % compute, 10 % memory, 5 % link
  serving, writing answers        1.19 .. 1.67 a       1.44 0.717 .. 1.41 a       1.00 10 % compute, 85 % memory, 5 % link
  energy is that of the chips alone; a = rests on an assumed share of a clock or of a power
  limit; the shares of time of the mixes are assumed too
  
  what decides
    compute-bound dense BF16 of 989.5 TFLOP/s over 148 TFLOP/s: 6.69
                  h20-96-sxm5 sustains 95.2 % of it in large matrix products (95.2 .. 100 %, assumed)
                  h100-sxm5 sustains 74.9 % of it in large matrix products (74.9 .. 97 %, assumed)
                  at most that ratio: h20-96-sxm5 has no less power and bandwidth for its peak
    memory-bound  memory bandwidth of 3.35 TB/s over 4 TB/s: 0.838
    link-bound    device link of 900 GB/s over 900 GB/s: 1.00
    power         limits of 500 over 700 W: 0.714; with assumed shares of them in training: 0.401 .. 1.04
    measured      4.70 .. 5.18 on h20-96-sxm5 against h800-sxm5: FP8 GEMM latency, m of 4096 and more, 9 shapes; two medians and the worst
    measured      4.30 .. 5.95 on h20-96-sxm5 against h800-sxm5: MLA decode attention, batch 16 to 256, context of 4096 and more; medians and the worst
    measured      1.02 .. 1.12 on h20-96-sxm5 against h800-sxm5: grouped-query decode attention with at most 16 query heads a KV head, batch of 16 and more, context of 4096 and more
    measured      1.82 .. 4.51 on h20-96-sxm5 against h800-sxm5: the same attention with 32, 64 and 128 query heads a KV head, between the two bounds
    measured      1.02 .. 2.08 on h20-96-sxm5 against h800-sxm5: FP8 GEMM latency at m of 16, 128 and 512; medians of 3 shapes each
    left out      9.60 .. 39.0 on h20-96-sxm5 against h800-sxm5: decode attention with 64 query and 2 KV heads at batch 1, context 16k to 131k; 4 of 286 points, probably a kernel that does not split the context, for a layout four times larger is ten times faster there
  
  claims (those on training are taken over all bounds and training mixes)
    "the H20 has 20 % of the computing power of an H100"
      FALSE: 0.150 against h100-sxm5; holds from 0.195 to 0.205
      TRUE against h100-pcie, where it is 0.196
    "the H20 trains tens of times slower"
      FALSE: 0.838 .. 6.69 against h100-sxm5; holds from 10.0 on
    "the H20 uses tens of times the energy"
      FALSE: 0.598 .. 6.98 against h100-sxm5; holds from 10.0 on
  $ fuyao chips compare h20-96-sxm5 h100-pcie | sed -n '/^claims/,$p'
  claims (those on training are taken over all bounds and training mixes)
    "the H20 has 20 % of the computing power of an H100"
      TRUE: 0.196 against h100-pcie; holds from 0.195 to 0.205
      FALSE against h100-sxm5, where it is 0.150
    "the H20 trains tens of times slower"
      FALSE: 0.500 .. 5.11 against h100-pcie; holds from 10.0 on
    "the H20 uses tens of times the energy"
      FALSE: 0.714 .. 8.67 against h100-pcie; holds from 10.0 on
  $ fuyao chips compare h20-96-sxm5 h100-sxm5 --strict | sed -n '/^h20/,/^energy/p'
  h20-96-sxm5: time and energy per unit of work, in those of h100-sxm5
  WORK          SLOWDOWN      BEST GUESS ENERGY         BEST GUESS SHARES OF TIME
  compute-bound 4.30 .. 6.69        4.81 3.07 .. 4.78         3.44 all
  memory-bound  0.838 .. 1.12       1.07 0.598 .. 0.800      0.764 all
  link-bound    1.00                1.00 0.714               0.714 all
  energy is that of the chips alone, by their power limits
  $ fuyao chips compare h20-96-sxm5 a800-80-sxm4 h800-sxm5 --workload compute=0.5,memory=50% | grep -A 6 '^[ah].*: time'
  h20-96-sxm5: time and energy per unit of work, in those of h800-sxm5
  WORK                   SLOWDOWN       BEST GUESS ENERGY         BEST GUESS SHARES OF TIME
  compute-bound          4.30 .. 6.69 a       4.81 1.72 .. 6.98 a       3.14 all
  memory-bound           0.838 .. 1.12        1.07 0.598 .. 0.800      0.764 all
  link-bound             0.444               0.444 0.317               0.317 all
  compute=0.5,memory=50% 2.57 .. 3.90 a       2.94 1.16 .. 3.89 a       1.95 50 % compute, 50 % memory
  energy is that of the chips alone; a = rests on an assumed share of a clock or of a power
  --
  a800-80-sxm4: time and energy per unit of work, in those of h800-sxm5
  WORK                   SLOWDOWN       BEST GUESS ENERGY          BEST GUESS SHARES OF TIME
  compute-bound          2.38 .. 3.35 a       2.59 0.900 .. 2.86 a       1.48 all
  memory-bound           1.64                 1.64 0.939                0.939 all
  link-bound             1.00                 1.00 0.571                0.571 all
  compute=0.5,memory=50% 2.01 .. 2.50 a       2.12 0.920 .. 1.90 a       1.21 50 % compute, 50 % memory
  energy is that of the chips alone; a = rests on an assumed share of a clock or of a power
  $ fuyao chips compare l20 h800-sxm5 --workload decode | grep -A 6 '^what'
  what decides
    compute-bound dense BF16 of 989.5 TFLOP/s over 119.5 TFLOP/s: 8.28
                  l20 sustains 95.4 % of it in large matrix products (75 .. 97 %, assumed)
                  h800-sxm5 sustains 74.9 % of it in large matrix products (74.9 .. 97 %, assumed)
    memory-bound  memory bandwidth of 3.35 TB/s over 864 GB/s: 3.88
    link-bound    device link of 400 GB/s over PCIe x16 of 63.02 GB/s: 6.35
    power         limits of 275 over 700 W: 0.393; with assumed shares of them in training: 0.281 .. 0.604
  $ fuyao chips compare h20-96-sxm5 h100-sxm5 --json > one.json
  $ python3 -c '
  > import json
  > d = json.load(open("one.json"))
  > c = d["chips"][0]
  > print(d["reference"], c["id"], sorted(c))
  > print(round(c["numbers"]["bf16"]["ratio"], 3), c["numbers"]["fp4"])
  > print(c["bounds"]["compute"]["slowdown"])
  > print([[x["truth"] for x in claim["against"]] for claim in c["claims"]])'
  h100-sxm5 h20-96-sxm5 ['bounds', 'claims', 'id', 'measured', 'mixes', 'numbers', 'power_ratio', 'sustained']
  0.15 {'value': None, 'reference': None, 'ratio': None}
  {'low': 4.3, 'mid': 4.81, 'high': 6.68581081081, 'unit': '', 'grade': 'assumed'}
  [['false', 'true'], ['false', 'false', 'false', 'false', 'false'], ['false', 'false', 'false', 'false', 'false']]

Wrong use.

  $ fuyao chips show H20
  fuyao: no chip "H20"; did you mean h20-96-sxm5, h20-141-sxm5, h200-sxm5, gh200-96?
  [2]
  $ fuyao chips show a100-80-smx4
  fuyao: no chip "a100-80-smx4"; did you mean a100-80-sxm4, a100-40-sxm4, a800-80-sxm4, a100-80-pcie?
  [2]
  $ fuyao chips show
  fuyao: show takes one chip, for example `fuyao chips show h20-96-sxm5`
  [2]
  $ fuyao chips compare h100-sxm5
  fuyao: compare needs 2 to 8 chips; every one is shown relative to the last
  [2]
  $ fuyao chips compare t4 t4
  fuyao: t4 is named twice
  [2]
  $ fuyao chips compare t4 l4 --workload compute=0.5
  fuyao: --workload: the shares sum to 0.5; they must sum to 1
  [2]
  $ fuyao chips compare t4 l4 --workload speed=1
  fuyao: --workload: no share "speed"; they are compute, memory, link and host
  [2]
  $ fuyao chips compare t4 l4 --workload compute=nan
  fuyao: --workload: compute: "nan" is not a ratio; write for example 0.85 or 85 %
  [2]
  $ fuyao chips --workload decode
  fuyao: --workload goes with `fuyao chips compare`
  [2]
  $ fuyao chips --colour
  fuyao: chips: unknown option --colour; `fuyao chips --help`
  [2]
  $ fuyao chips list
  fuyao: chips: "list" is neither show nor compare; `fuyao chips --help`
  [2]
  $ fuyao chip
  fuyao: no command "chip"; `fuyao --help` lists them
  [2]
