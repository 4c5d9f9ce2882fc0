/* SPDX-License-Identifier: MIT */
/* `fuyao plan WORKLOAD --on ...`: its options. */
#include "cli/plan_ask.h"

#include "base/num.h"
#include "base/units.h"
#include "cli/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: fuyao plan WORKLOAD --on CHIP:COUNT[..COUNT] [OPTION...]\n"
    "       fuyao plan WORKLOAD --on CHIP:COUNT+CHIP:COUNT[+CHIP:COUNT] [OPTION...]\n"
    "       fuyao plan --validate FILE | --calibrate FILE [OPTION...]\n"
    "The best layout of a training on given chips: time, memory, power, energy and money of a "
    "step.\n\n"
    "  --on CHIP:LOW..HIGH   devices of one type; a range gives a scaling curve by doublings\n"
    "  --fleet FILE          node shape, PUE and price of electricity of that fleet\n"
    "  --server ID           server that holds the chips; else the catalogue's first with a "
    "network\n"
    "  --per-node N, --network RATE, --power-cap W\n"
    "                        instead of the server's: devices, NICs together, a device's limit\n"
    "  --oversubscription X  rate of the NICs / what the fabric above them carries; 1 where "
    "nothing\n"
    "                        is said\n"
    "  --stack S             training framework; megatron-core where nothing else is said\n"
    "  --batch N, --seq N, --precision P\n"
    "                        instead of the workload's own\n"
    "  --fix LIST            parts of the layout that are given: tp=8,pp=4,dp=,cp=,ep=,vpp=,\n"
    "                        "
    "microbatch=,recompute=none|selective|partial|full,recompute_layers=,\n"
    "                        first_layers=,last_layers=,seq_parallel=0|1,zero=0..3,\n"
    "                        overlap=tp+dp+pp+ep|none,schedule=1f1b|zero-bubble; all of them "
    "given:\n"
    "                        why that layout is slow and what the best one gains\n"
    "  --objective O         time, energy or money; time where nothing is said\n"
    "  --top K               that many layouts instead of rivals of another shape\n"
    "  --tokens N            length of the training (2T, 300B); the workload's own otherwise\n"
    "  --deadline T          fewest, cheapest and coolest devices that train in that time; CHIP:N "
    "is\n"
    "                        then the most there are\n"
    "  --price-hour X, --price-kwh X, --pue X\n"
    "                        prices of a device hour and of electricity, site power / server "
    "power\n"
    "  --mtbf T, --checkpoint T, --restart T\n"
    "                        between failures of a node, one checkpoint, until it goes on again\n"
    "  --emit megatron       flags of Megatron-LM for the best layout\n"
    "  --constants FILE      constants measured on a site (--calibrate) before the shipped ones\n"
    "  --strict              nothing that rests on assumptions\n"
    "  --brute-force         without bounds; the answer is the same\n"
    "  --json                JSON instead of tables\n"
    "  --validate FILE       measured runs against predictions\n"
    "  --calibrate FILE      constants from measured runs; `--help` after either says more\n";

enum {
    OPT_ON = 256,
    OPT_FLEET,
    OPT_SERVER,
    OPT_PER_NODE,
    OPT_NETWORK,
    OPT_POWER_CAP,
    OPT_OVERSUBSCRIPTION,
    OPT_STACK,
    OPT_BATCH,
    OPT_SEQ,
    OPT_PRECISION,
    OPT_FIX,
    OPT_OBJECTIVE,
    OPT_TOP,
    OPT_TOKENS,
    OPT_DEADLINE,
    OPT_PRICE_HOUR,
    OPT_PRICE_KWH,
    OPT_PUE,
    OPT_MTBF,
    OPT_CHECKPOINT,
    OPT_RESTART,
    OPT_EMIT,
    OPT_CONSTANTS,
    OPT_STRICT,
    OPT_BRUTE_FORCE,
    OPT_JSON,
};

static const struct option long_options[] = {
    {"on", required_argument, NULL, OPT_ON},
    {"fleet", required_argument, NULL, OPT_FLEET},
    {"server", required_argument, NULL, OPT_SERVER},
    {"per-node", required_argument, NULL, OPT_PER_NODE},
    {"network", required_argument, NULL, OPT_NETWORK},
    {"power-cap", required_argument, NULL, OPT_POWER_CAP},
    {"oversubscription", required_argument, NULL, OPT_OVERSUBSCRIPTION},
    {"stack", required_argument, NULL, OPT_STACK},
    {"batch", required_argument, NULL, OPT_BATCH},
    {"seq", required_argument, NULL, OPT_SEQ},
    {"precision", required_argument, NULL, OPT_PRECISION},
    {"fix", required_argument, NULL, OPT_FIX},
    {"objective", required_argument, NULL, OPT_OBJECTIVE},
    {"top", required_argument, NULL, OPT_TOP},
    {"tokens", required_argument, NULL, OPT_TOKENS},
    {"deadline", required_argument, NULL, OPT_DEADLINE},
    {"price-hour", required_argument, NULL, OPT_PRICE_HOUR},
    {"price-kwh", required_argument, NULL, OPT_PRICE_KWH},
    {"pue", required_argument, NULL, OPT_PUE},
    {"mtbf", required_argument, NULL, OPT_MTBF},
    {"checkpoint", required_argument, NULL, OPT_CHECKPOINT},
    {"restart", required_argument, NULL, OPT_RESTART},
    {"emit", required_argument, NULL, OPT_EMIT},
    {"constants", required_argument, NULL, OPT_CONSTANTS},
    {"strict", no_argument, NULL, OPT_STRICT},
    {"brute-force", no_argument, NULL, OPT_BRUTE_FORCE},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int read_count(const char *option, const char *text, int most, int *out)
{
    int64_t n = 0;
    if (fy_num_int(text, strlen(text), 1, most, &n) != FY_NUM_OK) {
        return cli_fail(CLI_USAGE, "plan: %s %.40s: a whole number from 1 to %d is needed", option,
                        text, most);
    }
    *out = (int)n;
    return 0;
}

static int read_quantity(const char *option, const char *text, fy_dim dim, double *out)
{
    fy_err err = {0};
    if (fy_units_parse(text, dim, FY_POSITIVE, out, &err) != 0) {
        return cli_fail(CLI_USAGE, "plan: %s %.40s: %s", option, text, err.text);
    }
    return 0;
}

static int read_number(const char *option, const char *text, double low, double *out)
{
    if (fy_num_double(text, strlen(text), out) != FY_NUM_OK || !(*out >= low && *out <= 1e9)) {
        return cli_fail(CLI_USAGE, "plan: %s %.40s: a number of at least %g is needed", option,
                        text, low);
    }
    return 0;
}

/* A network's rate in bytes or in bits. */
static int read_rate(const char *text, double *out)
{
    if (fy_units_parse(text, FY_DIM_BITS_PER_S, FY_POSITIVE, out, NULL) == 0) {
        *out /= 8;
        return 0;
    }
    if (fy_units_parse(text, FY_DIM_BYTES_PER_S, FY_POSITIVE, out, NULL) == 0) {
        return 0;
    }
    return cli_fail(CLI_USAGE,
                    "plan: --network %.40s: a rate such as 1600 Gbit/s or 200 GB/s is "
                    "needed",
                    text);
}

/* 2T, 300B, 15e12. */
static int read_tokens(const char *text, double *out)
{
    static const struct {
        char letter;
        double factor;
    } scales[] = {{'K', 1e3}, {'M', 1e6}, {'B', 1e9}, {'G', 1e9}, {'T', 1e12}};
    size_t len = strlen(text);
    double factor = 1;
    for (size_t i = 0; len > 1 && i < sizeof scales / sizeof scales[0]; i++) {
        if (text[len - 1] == scales[i].letter) {
            factor = scales[i].factor;
            len--;
            break;
        }
    }
    double value = 0;
    if (fy_num_double(text, len, &value) != FY_NUM_OK || !(value * factor >= 1) ||
        !(value * factor <= 1e18)) {
        return cli_fail(CLI_USAGE,
                        "plan: --tokens %.40s: a number of tokens such as 300B or 2T is "
                        "needed",
                        text);
    }
    *out = value * factor;
    return 0;
}

static int read_words(plan_ask *a, int opt)
{
    switch (opt) {
    case OPT_ON:
        if (a->on != NULL) {
            return cli_fail(CLI_USAGE, "plan: --on is given twice; types of chip that work "
                                       "together are joined by +, such as a:64+b:512");
        }
        a->on = optarg;
        break;
    case OPT_FLEET:
        a->fleet = optarg;
        break;
    case OPT_SERVER:
        a->server = optarg;
        break;
    case OPT_STACK:
        a->stack = optarg;
        break;
    case OPT_PRECISION:
        a->precision = optarg;
        break;
    case OPT_FIX:
        a->fix = optarg;
        break;
    case OPT_CONSTANTS:
        a->constants = optarg;
        break;
    case OPT_EMIT:
        a->emit = optarg;
        return strcmp(optarg, "megatron") == 0
                   ? 0
                   : cli_fail(CLI_USAGE, "plan: --emit %.40s: only megatron can be written",
                              optarg);
    case OPT_OBJECTIVE: {
        int found = fy_objective_find(optarg);
        if (found < 0) {
            return cli_fail(CLI_USAGE, "plan: --objective %.40s is none of time, energy, money",
                            optarg);
        }
        a->objective = (fy_objective)found;
        break;
    }
    default:
        return -1;
    }
    return 0;
}

static int read_option(plan_ask *a, int opt)
{
    switch (opt) {
    case OPT_PER_NODE:
        return read_count("--per-node", optarg, 1024, &a->per_node);
    case OPT_NETWORK:
        return read_rate(optarg, &a->network_bps);
    case OPT_POWER_CAP:
        return read_quantity("--power-cap", optarg, FY_DIM_POWER, &a->power_cap_w);
    case OPT_OVERSUBSCRIPTION:
        return read_number("--oversubscription", optarg, 1, &a->oversubscription);
    case OPT_BATCH:
        return read_count("--batch", optarg, FY_MAX_BATCH, &a->batch);
    case OPT_SEQ:
        return read_count("--seq", optarg, FY_MAX_SIZE, &a->seq);
    case OPT_TOP:
        return read_count("--top", optarg, FY_MAX_TOP, &a->top);
    case OPT_TOKENS:
        return read_tokens(optarg, &a->tokens);
    case OPT_DEADLINE:
        return read_quantity("--deadline", optarg, FY_DIM_TIME, &a->deadline_s);
    case OPT_PRICE_HOUR:
        return read_number("--price-hour", optarg, 0, &a->device_hour);
    case OPT_PRICE_KWH:
        return read_number("--price-kwh", optarg, 0, &a->kwh);
    case OPT_PUE:
        return read_number("--pue", optarg, 1, &a->pue);
    case OPT_MTBF:
        return read_quantity("--mtbf", optarg, FY_DIM_TIME, &a->mtbf_s);
    case OPT_CHECKPOINT:
        return read_quantity("--checkpoint", optarg, FY_DIM_TIME, &a->checkpoint_s);
    case OPT_RESTART:
        return read_quantity("--restart", optarg, FY_DIM_TIME, &a->restart_s);
    case OPT_STRICT:
        a->strict = true;
        return 0;
    case OPT_BRUTE_FORCE:
        a->brute_force = true;
        return 0;
    case OPT_JSON:
        a->json = true;
        return 0;
    default:
        return read_words(a, opt);
    }
}

static int read_rest(int argc, char **argv, plan_ask *a)
{
    if (optind == argc || argv[optind][0] == '\0') {
        return cli_fail(CLI_USAGE, "plan: a workload is needed, such as gpt3-175b; "
                                   "`fuyao plan --help`");
    }
    a->workload = argv[optind];
    if (optind + 1 < argc) {
        return cli_fail(CLI_USAGE, "plan: unexpected argument %.60s; `fuyao plan --help`",
                        argv[optind + 1]);
    }
    if (a->on == NULL) {
        return cli_fail(CLI_USAGE, "plan: --on CHIP:COUNT is needed; `fuyao plan --help`");
    }
    if (a->json && a->emit != NULL) {
        return cli_fail(CLI_USAGE, "plan: --json or --emit, not both");
    }
    return 0;
}

int plan_ask_read(int argc, char **argv, plan_ask *a, bool *stop)
{
    *a = (plan_ask){.network_bps = NAN,
                    .power_cap_w = NAN,
                    .deadline_s = NAN,
                    .tokens = NAN,
                    .device_hour = NAN,
                    .kwh = NAN,
                    .pue = NAN,
                    .mtbf_s = NAN,
                    .checkpoint_s = NAN,
                    .restart_s = NAN};
    int opt;
    opterr = 0;
    optind = 0;
    while ((opt = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        if (opt == 'h') {
            fputs(usage, stdout);
            *stop = true;
            return 0;
        }
        if (opt == ':') {
            return cli_fail(CLI_USAGE, "plan: %.60s needs a value", argv[optind - 1]);
        }
        int code = opt == '?' ? -1 : read_option(a, opt);
        if (code == -1) {
            return cli_fail(CLI_USAGE, "plan: unknown option %.60s; `fuyao plan --help`",
                            argv[optind - 1]);
        }
        if (code != 0) {
            return code;
        }
    }
    return read_rest(argc, argv, a);
}
