# fuyao rules: one day, history, JSON, and what is refused.

  $ fuyao rules --date 2023-11-17 | sed -n '1,12p'
  Rules on 2023-11-17, to CN
  
  CHIP             EXPORT                             RULE       IMPORT DUTY BY THESE NUMBERS
  a10              free                               -          -      -    TPP 2000 < 2400, density 3.183 < 3.2
  a100-40-sxm4     licence                            R3.licence -      -    TPP 4992 >= 4800, for data centres
  a100-80-pcie     licence                            R3.licence -      -    TPP 4992 >= 4800, for data centres
  a100-80-sxm4     licence                            R3.licence -      -    TPP 4992 >= 4800, for data centres
  a30              notify                             R3.notify  -      -    for data centres, TPP 2640 >= 2400, TPP 2640 < 4800, density 3.196 >= 1.6, density 3.196 < 5.92
  a40              notify                             R3.notify  -      -    for data centres, TPP 2395 >= 1600, density 3.811 >= 3.2, density 3.811 < 5.92
  a6000            free                               -          -      -    TPP 2478 < 4800, density 3.943 < 5.92, not for data centres
  a800-80-pcie     licence                            R3.licence -      -    TPP 4992 >= 4800, for data centres
  a800-80-sxm4     licence                            R3.licence -      -    TPP 4992 >= 4800, for data centres
  $ fuyao rules --date 2023-11-17 | grep -c '^[a-z0-9-]* .*\(free\|notify\|licence\)'
  73
  $ fuyao rules --date 2023-11-17 | tail -n 1
  Facts up to 2026-06-30; sources and what is unknown: docs/rules.md. Not legal advice.

The two dates of autumn 2023.

  $ for day in 2023-10-22 2023-10-23 2023-11-17; do fuyao rules a800-80-sxm4 h800-sxm5 l40s l4 biren-br104 gaudi2-hl225b a30 a40 l40 rtx4090 --date $day | awk '/^$/ { n++ } n < 2'; done
  Rules on 2023-10-22, to CN
  
  CHIP          EXPORT RULE IMPORT DUTY BY THESE NUMBERS
  a800-80-sxm4  free   -    -      -    I/O 464 < 600 GB/s
  h800-sxm5     free   -    -      -    I/O 528 < 600 GB/s
  l40s          free   -    -      -    I/O 64 < 600 GB/s
  l4            free   -    -      -    I/O 64 < 600 GB/s
  biren-br104   free   -    -      -    I/O 320 < 600 GB/s
  gaudi2-hl225b free   -    -      -    I/O 589 < 600 GB/s
  a30           free   -    -      -    I/O 264 < 600 GB/s
  a40           free   -    -      -    I/O 176.5 < 600 GB/s
  l40           free   -    -      -    I/O 64 < 600 GB/s
  rtx4090       free   -    -      -    I/O 64 < 600 GB/s
  Rules on 2023-10-23, to CN
  
  CHIP          EXPORT  RULE IMPORT DUTY BY THESE NUMBERS
  a800-80-sxm4  licence R3a  -      -    TPP 4992 >= 4800, for data centres
  h800-sxm5     licence R3a  -      -    TPP 15832 >= 4800, for data centres
  l40s          licence R3a  -      -    TPP 5864 >= 4800, for data centres
  l4            free    -    -      -    TPP 1940 < 4800, I/O 64 < 600 GB/s
  biren-br104   free    -    -      -    I/O 320 < 600 GB/s
  gaudi2-hl225b free    -    -      -    I/O 589 < 600 GB/s
  a30           free    -    -      -    TPP 2640 < 4800, I/O 264 < 600 GB/s
  a40           free    -    -      -    TPP 2395 < 4800, I/O 176.5 < 600 GB/s
  l40           free    -    -      -    TPP 2896 < 4800, I/O 64 < 600 GB/s
  rtx4090       free    -    -      -    not for data centres, I/O 64 < 600 GB/s
  Rules on 2023-11-17, to CN
  
  CHIP          EXPORT  RULE       IMPORT DUTY BY THESE NUMBERS
  a800-80-sxm4  licence R3.licence -      -    TPP 4992 >= 4800, for data centres
  h800-sxm5     licence R3.licence -      -    TPP 15832 >= 4800, for data centres
  l40s          licence R3.licence -      -    TPP 5864 >= 4800, for data centres
  l4            licence R3.licence -      -    TPP 1940 >= 1600, density 6.587 >= 5.92, for data centres
  biren-br104   licence R3.licence -      -    TPP 8192 >= 4800, for data centres
  gaudi2-hl225b licence R3.licence -      -    TPP 6920 >= 4800, for data centres
  a30           notify  R3.notify  -      -    for data centres, TPP 2640 >= 2400, TPP 2640 < 4800, density 3.196 >= 1.6, density 3.196 < 5.92
  a40           notify  R3.notify  -      -    for data centres, TPP 2395 >= 1600, density 3.811 >= 3.2, density 3.811 < 5.92
  l40           notify  R3.notify  -      -    for data centres, TPP 2896 >= 2400, TPP 2896 < 4800, density 4.759 >= 1.6, density 4.759 < 5.92
  rtx4090       notify  R3.notify  -      -    TPP 5285 >= 4800, not for data centres

Through time: both gates, duty, what is unknown.

  $ fuyao rules h20-96-sxm5 h200-sxm5 --history
  h20-96-sxm5, to CN, made since 2024
  
  FROM       EXPORT       RULE     IMPORT     DUTY BY THESE NUMBERS
  the start  free         -        -          -
  2022-10-21 free         -        -          -    TPP 2368 < 4800
  2023-11-17 free         -        -          -    TPP 2368 < 2400, density 2.909 < 3.2
  2025-04-09 licence      R5.named -          -    memory 4000 >= 1400 GB/s
  2025-08-11 case by case R6       -          -    by name
  2025-08-12 case by case R6       avoid (C1) -    by name
  
  h200-sxm5, to CN, made since 2024
  
  FROM       EXPORT       RULE       IMPORT                 DUTY BY THESE NUMBERS
  the start  free         -          -                      -
  2022-10-21 licence      R2         -                      -    I/O 1028 >= 600 GB/s, TPP 15832 >= 4800
  2023-10-23 licence      R3a        -                      -    TPP 15832 >= 4800, for data centres
  2023-11-17 licence      R3.licence -                      -    TPP 15832 >= 4800, for data centres
  2026-01-14 licence      R3.licence deny (C3.stop)         -    TPP 15832 >= 4800, for data centres
  2026-01-15 case by case R7.case    deny (C3.stop)         25 % TPP 15832 >= 4800, for data centres, TPP 15832 < 21000, memory 4800 < 6500 GB/s
  2026-01-28 case by case R7.case    case by case (C3.some) 25 % TPP 15832 >= 4800, for data centres, TPP 15832 < 21000, memory 4800 < 6500 GB/s
  
  R6 (from 2025-08-11, read): H20 and MI308 are licensed case by case against a share of the revenue in China. Announced on 2025-07-14; first licences early in August 2025, the day is that of the reports. Price: 15 % of the revenue. Delivered: about 50 million USD of H20 in the quarter to October 2025.
  R5.named (from 2025-04-09, by letter, read): Letters to NVIDIA (H20), AMD (MI308) and Intel (Gaudi) ask a licence for these chips. NVIDIA was told on 2025-04-09; the days of the other letters are not known closer than the month.
  R7.case (from 2026-01-15, read): Exports from the United States are weighed case by case up to these limits, if the chip is sold there, supply there is enough, no foundry capacity is diverted, a third party tests it there and the buyer is known. Re-exports stay presumed to be denied. Cap: 50 % of the maker's shipments of the product in the United States. Delivered: no licence for the H200 approved by about April 2026, an official told a House panel.
  R3.licence (from 2023-11-17, read): 3A090.a by total processing performance and performance density, whatever the interconnect. A licence, presumed to be denied for China.
  R3a (from 2023-10-23, by letter, read): NVIDIA is told that the licence for total processing performance of 4800 and more in data centres (A100, A800, H100, H800, L40S) holds at once and not after 30 days.
  R2 (from 2022-10-21, read): 3A090 in its first form asks both for performance and for interconnect, presumed to be denied. Published on 2022-10-07; the part on chips held from 2022-10-21 (this day is recalled).
  C1 (from 2025-08-12, read): Firms are told to avoid the H20, above all for work linked to the state. Not a formal ban.
  C3.stop (from 2026-01-14, read): Customs are told that the H200 may not enter; firms are told to buy only when necessary.
  C3.some (from 2026-01-28, read): Reports of a conditional approval of more than 400,000 H200 for ByteDance, Alibaba and Tencent together. The number is that of the reports, not a published cap. Volume: 400000 devices. Delivered: no orders yet, NVIDIA's chief executive said days later.
  
  Dated facts that decide no chip by a number:
  2024-12-02 R4 (read): Stand-alone HBM above 2 GB/s per mm2 is controlled from 2024-12-31 (recalled); HBM packaged with logic is not.
  2025-01-15 R4b (read): A framework of three tiers of countries is published. Nothing changes for China; it was never applied.
  2025-01-16 R4c (read): Foundries must presume that logic at 16 nm and below is 3A090.a unless the package has few enough transistors, attested.
  2025-05-13 R4b-end (read): The rescission of the framework of tiers is announced.
  2025-05-13 R5b (recalled): Guidance - the use of Ascend 910B, 910C and 910D anywhere risks a violation.
  2025-07-14 R6-news (read): It is announced that H20 and MI308 will be licensed again.
  2025-07-31 C0 (read): NVIDIA is summoned over alleged back doors in the H20.
  2025-08-22 C1-stop (read): NVIDIA tells its suppliers to stop making the H20; none was sold to China in the quarter to July 2025.
  2026-03-01 C4 (read): A cap of 75,000 H200 or MI325X for each Chinese client is reported to be considered in Washington (in March; not in force).
  2026-05-31 R8 (read): Guidance - the requirement of 2023 covers companies with headquarters in China or Macau wherever they are; equipment already owned may stay.
  
  Facts up to 2026-06-30; sources and what is unknown: docs/rules.md. Not legal advice.
  $ fuyao rules b30a mi308x h20-141-sxm5 rtx-pro-6000d tpu-v4 --date 2026-01-20 | sed -n '3,8p'
  CHIP          EXPORT                                          RULE    IMPORT     DUTY BY THESE NUMBERS
  b30a          deny                                            R7.deny -          -    TPP 28000 >= 4800, for data centres
  mi308x        case by case                                    R6      -          -    by name
  h20-141-sxm5  unknown: free or licence                        -       avoid (C1) -    memory unknown, memory + I/O at least 1028 ? 1700 GB/s
  rtx-pro-6000d unknown: free or notify or case by case or deny -       deny (C2)  -    TPP unknown, density unknown
  tpu-v4        unknown: free or notify or case by case or deny -       -          -    density unknown
  $ fuyao rules b200 --date 2026-07-01
  Rules on 2026-07-01, to CN
  
  CHIP EXPORT            RULE    IMPORT DUTY BY THESE NUMBERS
  b200 unknown, was deny R7.deny -      -    TPP 36000 >= 4800, for data centres
  
  R7.deny (from 2026-01-15, read): Advanced chips for data centres above the limits of R7.case stay presumed to be denied.
  What holds after 2026-06-30 is not known here.
  Facts up to 2026-06-30; sources and what is unknown: docs/rules.md. Not legal advice.

Without a rule; to somewhere else.

  $ fuyao rules rtx4090 h800-sxm5 --date 2024-01-01 --without R3.notify | sed -n '3,5p'
  CHIP      EXPORT  RULE       IMPORT DUTY BY THESE NUMBERS
  rtx4090   free    -          -      -    not for data centres
  h800-sxm5 licence R3.licence -      -    TPP 15832 >= 4800, for data centres
  $ fuyao rules rtx4090 h800-sxm5 --date 2024-01-01 --without rule:R3 | sed -n '3,5p'
  CHIP      EXPORT RULE IMPORT DUTY BY THESE NUMBERS
  rtx4090   free   -    -      -
  h800-sxm5 free   -    -      -
  $ fuyao rules h200-sxm5 --date 2026-02-01 --to HK | sed -n '1,4p'
  Rules on 2026-02-01, to HK
  
  CHIP      EXPORT       RULE    IMPORT DUTY BY THESE NUMBERS
  h200-sxm5 case by case R7.case -      25 % TPP 15832 >= 4800, for data centres, TPP 15832 < 21000, memory 4800 < 6500 GB/s

The day without --date is today's.

  $ before=$(date +%Y-%m-%d); fuyao rules l4 | sed -n '1p' | grep -c -e "$before" -e "$(date +%Y-%m-%d)"
  1

JSON.

  $ fuyao rules h200-sxm5 --date 2026-01-20 --json
  {
    "to": "CN",
    "last_day": "2026-06-30",
    "note": "not legal advice",
    "chips": [
      {
        "id": "h200-sxm5",
        "days": [
          {
            "day": "2026-01-20",
            "outcome": "deny",
            "export": {
              "outcome": "case by case",
              "so_far": "case by case",
              "possible": [
                "case by case"
              ],
              "rule": {
                "id": "R7.case",
                "from": "2026-01-15",
                "until": null,
                "letter": false,
                "text": "Exports from the United States are weighed case by case up to these limits, if the chip is sold there, supply there is enough, no foundry capacity is diverted, a third party tests it there and the buyer is known. Re-exports stay presumed to be denied.",
                "source": "91 FR 1684, Federal Register 2026-00789; Baker McKenzie, Covington and Fenwick of January 2026; Tom's Hardware (Bloomberg) on approvals",
                "confidence": "read",
                "delivered": "no licence for the H200 approved by about April 2026, an official told a House panel",
                "revenue_share": null,
                "volume_share": 0.5,
                "volume_of": "the maker's shipments of the product in the United States",
                "volume_devices": null
              },
              "facts": [
                {
                  "sum_of": [
                    "tpp"
                  ],
                  "low": 15832.0,
                  "high": 15832.0,
                  "compare": ">=",
                  "limit": 4800.0,
                  "unit": ""
                },
                {
                  "sum_of": [
                    "data_centre"
                  ],
                  "low": 1.0,
                  "high": 1.0,
                  "compare": ">=",
                  "limit": 1.0,
                  "unit": ""
                },
                {
                  "sum_of": [
                    "tpp"
                  ],
                  "low": 15832.0,
                  "high": 15832.0,
                  "compare": "<",
                  "limit": 21000.0,
                  "unit": ""
                },
                {
                  "sum_of": [
                    "memory"
                  ],
                  "low": 4.8e12,
                  "high": 4.8e12,
                  "compare": "<",
                  "limit": 6.5e12,
                  "unit": "B/s"
                }
              ]
            },
            "import": {
              "outcome": "deny",
              "so_far": "deny",
              "possible": [
                "deny"
              ],
              "rule": {
                "id": "C3.stop",
                "from": "2026-01-14",
                "until": "2026-01-27",
                "letter": false,
                "text": "Customs are told that the H200 may not enter; firms are told to buy only when necessary.",
                "source": "particle.news (Reuters); s-w-kelly/chip-export-controls",
                "confidence": "read",
                "delivered": null,
                "revenue_share": null,
                "volume_share": null,
                "volume_of": null,
                "volume_devices": null
              },
              "facts": []
            },
            "duty": 0.25
          }
        ]
      }
    ]
  }
  $ fuyao rules b30a --date 2022-11-15 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["chips"][0]["days"][0]["export"]["facts"])'
  [{'sum_of': ['io'], 'low': 900000000000.0, 'high': None, 'compare': '>=', 'limit': 600000000000.0, 'unit': 'B/s'}, {'sum_of': ['tpp'], 'low': 28000.0, 'high': 28000.0, 'compare': '>=', 'limit': 4800.0, 'unit': ''}]
  $ fuyao rules h20-96-sxm5 --history --json | python3 -c 'import json, sys; print([(d["day"], d["outcome"]) for d in json.load(sys.stdin)["chips"][0]["days"]])'
  [('1970-01-01', 'free'), ('2022-10-21', 'free'), ('2023-11-17', 'free'), ('2025-04-09', 'licence'), ('2025-08-11', 'case by case'), ('2025-08-12', 'case by case')]

  $ fuyao rules l4 --history --json | python3 -c 'import json, sys; print([e["id"] for e in json.load(sys.stdin)["events"]])'
  ['R4', 'R4b', 'R4c', 'R4b-end', 'R5b', 'R6-news', 'C0', 'C1-stop', 'C4', 'R8']

What is refused.

  $ fuyao rules h99
  fuyao: no chip "h99"; `fuyao chips` lists them
  [2]
  $ fuyao rules --date 2023-02-29
  fuyao: rules: --date: "2023-02-29" is not a date such as 2023-11-17
  [2]
  $ fuyao rules --to DE
  fuyao: rules: no rules are known for --to DE; they are for CN, HK, MO
  [2]
  $ fuyao rules --history
  fuyao: rules: --history needs a chip, for example `fuyao rules h20-96-sxm5 --history`
  [2]
  $ fuyao rules l4 --history --date 2024-01-01
  fuyao: rules: --history shows all days; it goes without --date
  [2]
  $ fuyao rules --without R99
  fuyao: rules: --without: there is no rule "R99"
  [2]
  $ fuyao rules --when
  fuyao: rules: unknown option --when; `fuyao rules --help`
  [2]
  $ mkdir -p data/rules && cp -r "$FUYAO_DATA"/* data/ && sed -i 's/when: tpp >= 4800 or/when: tpp >= 4800 GB or/' data/rules/us-export.yaml
  $ FUYAO_DATA=data fuyao rules --date 2023-11-17
  fuyao: data/rules/us-export.yaml:10: when: "4800 GB" is not a ratio; write for example 0.85 or 85 %
  [2]
