/* SPDX-License-Identifier: MIT */
/* `--fix tp=8,pp=4,...`: the parts of a layout that are given. */
#include "base/num.h"
#include "cli/cmd.h"
#include "cli/plan_ask.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct pin_name {
    const char *name, *also;
    size_t at;
    int low;
} pin_name;

static const pin_name names[] = {
    {"tp", NULL, offsetof(fy_pins, tp), 1},
    {"pp", NULL, offsetof(fy_pins, pp), 1},
    {"dp", NULL, offsetof(fy_pins, dp), 1},
    {"ep", NULL, offsetof(fy_pins, ep), 1},
    {"cp", NULL, offsetof(fy_pins, cp), 1},
    {"vpp", NULL, offsetof(fy_pins, vpp), 1},
    {"microbatch", "mbs", offsetof(fy_pins, microbatch), 1},
    {"recompute", NULL, offsetof(fy_pins, recompute), 0},
    {"seq_parallel", "sp", offsetof(fy_pins, seq_parallel), 0},
    {"zero", NULL, offsetof(fy_pins, zero), 0},
    {"overlap", NULL, offsetof(fy_pins, overlap), 0},
    {"schedule", NULL, offsetof(fy_pins, schedule), 0},
    {"recompute_layers", NULL, offsetof(fy_pins, recompute_layers), 1},
    {"first_layers", NULL, offsetof(fy_pins, first_layers), 1},
    {"last_layers", NULL, offsetof(fy_pins, last_layers), 1},
};

/* Full recomputation of as few layers as fit. */
#define PARTIAL "partial"

enum { N_NAMES = sizeof names / sizeof names[0] };

static int overlap_of(const char *text, int *out)
{
    static const char *const words[] = {"tp", "dp", "pp", "ep"};
    static const int bits[] = {FY_OVERLAP_TP, FY_OVERLAP_DP, FY_OVERLAP_PP, FY_OVERLAP_EP};
    *out = 0;
    if (strcmp(text, "none") == 0) {
        return 0;
    }
    while (*text != '\0') {
        int found = -1;
        for (int i = 0; i < 4; i++) {
            if (strncmp(text, words[i], 2) == 0 && (text[2] == '+' || text[2] == '\0')) {
                found = i;
            }
        }
        if (found < 0) {
            return -1;
        }
        *out |= bits[found];
        text += text[2] == '+' ? 3 : 2;
    }
    return *out == 0 ? -1 : 0;
}

static int value_of(const pin_name *n, const char *text, int *out)
{
    int64_t number = 0;
    if (strcmp(n->name, "recompute") == 0) {
        *out = strcmp(text, PARTIAL) == 0 ? FY_RECOMPUTE_FULL : fy_recompute_find(text);
        return *out >= 0 ? 0
                         : cli_fail(CLI_USAGE,
                                    "plan: --fix recompute=%.20s is none of none, "
                                    "selective, full, partial",
                                    text);
    }
    if (strcmp(n->name, "overlap") == 0) {
        return overlap_of(text, out) == 0
                   ? 0
                   : cli_fail(CLI_USAGE,
                              "plan: --fix overlap=%.20s: none, or tp, dp, pp, ep joined "
                              "by +",
                              text);
    }
    if (strcmp(n->name, "schedule") == 0) {
        bool bubble = strcmp(text, "zero-bubble") == 0;
        *out = bubble ? FY_ZERO_BUBBLE : FY_1F1B;
        return bubble || strcmp(text, "1f1b") == 0
                   ? 0
                   : cli_fail(CLI_USAGE, "plan: --fix schedule=%.20s is none of 1f1b, zero-bubble",
                              text);
    }
    int high = strcmp(n->name, "zero") == 0           ? 3
               : strcmp(n->name, "seq_parallel") == 0 ? 1
                                                      : FY_MAX_BATCH;
    if (fy_num_int(text, strlen(text), n->low, high, &number) != FY_NUM_OK) {
        return cli_fail(CLI_USAGE, "plan: --fix %s=%.20s: a whole number from %d to %d is needed",
                        n->name, text, n->low, high);
    }
    *out = (int)number;
    return 0;
}

static int read_one(char *item, fy_pins *pins)
{
    char *value = strchr(item, '=');
    if (value != NULL) {
        *value++ = '\0';
        for (int i = 0; i < N_NAMES; i++) {
            const pin_name *n = &names[i];
            if (strcmp(item, n->name) != 0 && (n->also == NULL || strcmp(item, n->also) != 0)) {
                continue;
            }
            int *slot = (int *)(void *)((char *)pins + n->at);
            int found = FY_FREE;
            int code = value_of(n, value, &found);
            if (code == 0 && *slot != FY_FREE && *slot != FY_FEWEST && *slot != found) {
                return cli_fail(CLI_USAGE, "plan: --fix gives %s twice", n->name);
            }
            *slot = found;
            if (code == 0 && slot == &pins->recompute && strcmp(value, PARTIAL) == 0) {
                pins->recompute_layers =
                    pins->recompute_layers == FY_FREE ? FY_FEWEST : pins->recompute_layers;
            }
            return code;
        }
    }
    return cli_fail(CLI_USAGE,
                    "plan: --fix %.30s: NAME=VALUE with one of tp, pp, dp, ep, cp, vpp, "
                    "microbatch, recompute, recompute_layers, first_layers, last_layers, "
                    "seq_parallel, zero, overlap, schedule is needed",
                    item);
}

int plan_pins_read(const char *text, fy_pins *pins)
{
    *pins = fy_pins_none();
    if (text == NULL) {
        return 0;
    }
    char copy[400];
    if (strlen(text) >= sizeof copy) {
        return cli_fail(CLI_USAGE, "plan: --fix is too long");
    }
    snprintf(copy, sizeof copy, "%s", text);
    char *rest = copy;
    char *item = NULL;
    while ((item = strsep(&rest, ",")) != NULL) {
        int code = read_one(item, pins);
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

bool plan_pins_all(const fy_pins *p, const fy_model *model)
{
    bool experts = model->experts == 0 || p->ep != FY_FREE;
    return p->tp != FY_FREE && p->pp != FY_FREE && p->microbatch != FY_FREE &&
           p->recompute != FY_FREE && experts;
}
