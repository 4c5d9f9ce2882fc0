/* SPDX-License-Identifier: MIT */
/* What is asked, resolved against the catalogue, the workloads, the stacks and the fleet. */
#include "base/num.h"
#include "cli/cmd.h"
#include "cli/plan_ask.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { N_NEAR = 4, NEAR_TEXT = 240 };

/* ------------------------------------------------------------------------------- workload */

static bool shares_word(const char *id, const char *name)
{
    char word[32];
    size_t n = strcspn(name, "-_ 0123456789.");
    n = n < sizeof word - 1 ? n : sizeof word - 1;
    memcpy(word, name, n);
    word[n] = '\0';
    return n >= 2 && strcasestr(id, word) != NULL;
}

/* Ids that hold what was typed, else those that share its first word. */
static int near_workloads(const plan_data *data, const char *name, char text[NEAR_TEXT])
{
    int found = 0;
    text[0] = '\0';
    for (int pass = 0; pass < 2 && found == 0; pass++) {
        for (int i = 0; i < fy_workloads_count(data->workloads) && found < N_NEAR; i++) {
            const char *id = fy_workloads_at(data->workloads, i)->id;
            if (pass == 0 ? strcasestr(id, name) != NULL : shares_word(id, name)) {
                size_t at = strlen(text);
                snprintf(text + at, NEAR_TEXT - at, "%s%s", found++ > 0 ? ", " : "", id);
            }
        }
    }
    return found;
}

static int find_workload(plan_question *q)
{
    const char *name = q->ask->workload;
    char text[NEAR_TEXT];
    q->workload = fy_workloads_find(q->data->workloads, name);
    if (q->workload == NULL) {
        return near_workloads(q->data, name, text) > 0
                   ? cli_fail(CLI_USAGE, "no workload \"%.60s\"; did you mean %s?", name, text)
                   : cli_fail(CLI_USAGE, "no workload \"%.60s\"; data/workloads has them", name);
    }
    if (q->workload->kind == FY_BLACK_BOX) {
        return cli_fail(CLI_NO, "unknown: %s is a black box, of which only rates are measured",
                        q->workload->id);
    }
    q->model = q->workload->model;
    if (q->ask->seq > 0) {
        fy_err err = {0};
        q->model.seq_len = q->ask->seq;
        if (fy_model_check(&q->model, q->workload->kind, &err) != 0) {
            return cli_fail_err(&err);
        }
    }
    q->batch = q->ask->batch > 0 ? q->ask->batch : q->workload->global_batch;
    q->tokens = fy_known(q->ask->tokens) ? q->ask->tokens : q->workload->train_tokens;
    q->precision = q->workload->precision;
    if (q->ask->precision != NULL) {
        int p = fy_precision_find(q->ask->precision);
        if (p < 0) {
            return cli_fail(CLI_USAGE,
                            "plan: --precision %.20s is none of fp32, tf32, fp16, bf16, "
                            "bf16-pure, fp8",
                            q->ask->precision);
        }
        q->precision = (fy_precision)p;
    }
    return q->batch > 0 ? 0
                        : cli_fail(CLI_NO, "unknown: the global batch of %s; give it with --batch",
                                   q->workload->id);
}

/* ------------------------------------------------------------------------------- chips */

static int read_counts(plan_question *q, const char *text)
{
    int64_t low = 0;
    int64_t high = 0;
    const char *dots = strstr(text, "..");
    size_t n = dots != NULL ? (size_t)(dots - text) : strlen(text);
    const char *last = dots != NULL ? dots + 2 : text;
    if (fy_num_int(text, n, 1, FY_MAX_DEVICES, &low) != FY_NUM_OK ||
        fy_num_int(last, strlen(last), 1, FY_MAX_DEVICES, &high) != FY_NUM_OK) {
        return cli_fail(CLI_USAGE,
                        "plan: --on %.60s: a count from 1 to %d, or LOW..HIGH, is needed",
                        q->ask->on, FY_MAX_DEVICES);
    }
    if (low > high) {
        return cli_fail(CLI_USAGE, "plan: --on %.60s: the range runs backwards", q->ask->on);
    }
    q->low = (int)low;
    q->high = (int)high;
    return 0;
}

static int find_chip(plan_question *q)
{
    const char *on = q->ask->on;
    const char *colon = strchr(on, ':');
    char id[64];
    if (colon == NULL || colon == on || (size_t)(colon - on) >= sizeof id) {
        return cli_fail(CLI_USAGE,
                        "plan: --on %.60s: CHIP:COUNT is needed, such as "
                        "h20-96-sxm5:512",
                        on);
    }
    snprintf(id, sizeof id, "%.*s", (int)(colon - on), on);
    int code = cli_find_chip(q->data->catalog, id, &q->chip);
    return code != 0 ? code : read_counts(q, colon + 1);
}

/* ------------------------------------------------------------------------------- servers */

static int no_server(const plan_question *q)
{
    char text[NEAR_TEXT] = "";
    for (int i = 0; i < fy_catalog_n_servers(q->data->catalog); i++) {
        const fy_server *s = fy_catalog_server(q->data->catalog, i);
        size_t at = strlen(text);
        if (strcmp(s->chip, q->chip->id) == 0) {
            snprintf(text + at, sizeof text - at, "%s%s", at > 0 ? ", " : "", s->id);
        }
    }
    return text[0] != '\0' ? cli_fail(CLI_USAGE, "no server \"%.60s\"; with %s there are %s",
                                      q->ask->server, q->chip->id, text)
                           : cli_fail(CLI_USAGE, "no server \"%.60s\", nor any with %s",
                                      q->ask->server, q->chip->id);
}

static int named_server(plan_question *q)
{
    q->server = fy_catalog_find_server(q->data->catalog, q->ask->server);
    if (q->server == NULL) {
        return no_server(q);
    }
    if (strcmp(q->server->chip, q->chip->id) != 0) {
        return cli_fail(CLI_USAGE, "server %s holds %s, not %s", q->server->id, q->server->chip,
                        q->chip->id);
    }
    return 0;
}

/* The first with a known network, else the first. */
static const fy_server *usual_server(const plan_question *q)
{
    const fy_server *first = NULL;
    for (int i = 0; i < fy_catalog_n_servers(q->data->catalog); i++) {
        const fy_server *s = fy_catalog_server(q->data->catalog, i);
        if (strcmp(s->chip, q->chip->id) != 0) {
            continue;
        }
        if (fy_known(s->nic_bits_per_s.mid)) {
            return s;
        }
        first = first != NULL ? first : s;
    }
    return first;
}

static const fy_pool_spec *find_pool(const plan_question *q)
{
    for (int i = 0; q->site != NULL && i < q->site->n_pools; i++) {
        if (q->site->chips[q->site->pools[i].chip] == q->chip) {
            return &q->site->pools[i];
        }
    }
    return NULL;
}

static int find_site(plan_question *q)
{
    if (q->ask->fleet == NULL) {
        return 0;
    }
    fy_err err = {0};
    if (fy_site_load(&q->site, q->data->catalog, q->ask->fleet, &err) != 0) {
        return cli_fail_err(&err);
    }
    if (find_pool(q) == NULL) {
        return cli_fail(CLI_USAGE, "fleet %s has no %s", q->site->name, q->chip->id);
    }
    return 0;
}

static int find_server(plan_question *q)
{
    int code = find_site(q);
    if (code == 0 && q->ask->server != NULL) {
        code = named_server(q);
    } else if (code == 0) {
        q->server = usual_server(q);
    }
    if (code != 0) {
        return code;
    }
    const fy_pool_spec *pool = find_pool(q);
    int per_node = q->server != NULL ? q->server->chips : 8;
    q->shape_from = q->server != NULL ? q->server->id : "assumed";
    if (pool != NULL) {
        per_node = pool->devices;
        q->shape_from = q->site->name;
    }
    if (q->ask->per_node > 0) {
        per_node = q->ask->per_node;
        q->shape_from = "given";
    }
    double nic = q->server != NULL ? q->server->nic_bits_per_s.mid / 8 : (double)NAN;
    if (fy_known(q->ask->network_bps)) {
        nic = q->ask->network_bps;
    }
    q->cluster = (fy_cluster){.chip = q->chip,
                              .devices = q->high,
                              .per_node = per_node,
                              .nic_bytes_per_s = nic,
                              .power_cap_w = q->ask->power_cap_w,
                              .link_group = q->server != NULL && q->server->chips == per_node
                                                ? fy_server_link_group(q->server)
                                                : 0,
                              .oversubscribed = q->ask->oversubscription};
    return 0;
}

/* What was typed against what the chip can do. */
static int check_chip(const plan_question *q)
{
    double cap = q->ask->power_cap_w;
    double idle = q->chip->idle_w.mid;
    if (fy_known(cap) && fy_known(idle) && cap <= idle) {
        return cli_fail(CLI_USAGE, "plan: --power-cap %.4g W: %s takes %.4g W at idle", cap,
                        q->chip->id, idle);
    }
    if (q->ask->precision != NULL && q->precision == FY_PREC_FP8 && !fy_known(q->chip->fp8.mid)) {
        return cli_fail(CLI_NO, "unknown: the fp8 rate of %s; leave --precision fp8 out",
                        q->chip->id);
    }
    return 0;
}

static int find_stack(plan_question *q)
{
    const char *id = q->ask->stack != NULL ? q->ask->stack : "megatron-core";
    q->stack = fy_stacks_find(q->data->stacks, id);
    if (q->stack == NULL) {
        char text[NEAR_TEXT] = "";
        for (int i = 0; i < fy_stacks_count(q->data->stacks); i++) {
            size_t at = strlen(text);
            snprintf(text + at, sizeof text - at, "%s%s", i > 0 ? ", " : "",
                     fy_stacks_at(q->data->stacks, i)->id);
        }
        return cli_fail(CLI_USAGE, "no stack \"%.40s\"; there are %s", id, text);
    }
    q->constants = fy_stacks_constants(q->data->stacks, q->stack, q->chip, NULL);
    return 0;
}

/* ------------------------------------------------------------------------------- prices */

static fy_range given(double value)
{
    return (fy_range){.low = value, .mid = value, .high = value, .grade = FY_GRADE_UNKNOWN};
}

static const fy_range nothing = {.low = NAN, .mid = NAN, .high = NAN, .grade = FY_GRADE_UNKNOWN};

static fy_range assumed(const plan_question *q, const char *id, const char *quantity,
                        const char *unit)
{
    const fy_assumption *a = fy_catalog_assumption(q->data->catalog, id, quantity, unit);
    if (a == NULL || q->ask->strict) {
        return nothing;
    }
    return (fy_range){a->low, a->mid, a->high, FY_GRADE_ASSUMED, a->source};
}

static void find_prices(plan_question *q)
{
    const plan_ask *a = q->ask;
    char unit[32];
    q->currency = q->site != NULL ? q->site->currency : "USD";
    snprintf(unit, sizeof unit, "%s/device-hour", q->currency);
    q->device_hour = assumed(q, q->chip->id, "rental_price", unit);
    q->kwh = q->site != NULL ? q->site->price_per_kwh : nothing;
    q->prices = (fy_prices){NAN, NAN, NAN, NAN};
    if (fy_known(a->kwh)) { /* who pays the electricity does not rent */
        q->kwh = given(a->kwh);
        q->prices.kwh = a->kwh;
        q->device_hour = nothing;
    }
    if (fy_known(a->device_hour)) {
        q->device_hour = given(a->device_hour);
    }
    q->prices.device_hour = q->device_hour.mid;
    if (fy_known(a->pue)) {
        q->prices.pue = a->pue;
    } else if (q->site != NULL) {
        q->prices.pue = q->site->pue.mid;
    }
    if (q->server != NULL) {
        q->prices.overhead_w = q->server->overhead_w.mid / q->server->chips;
        if (a->strict && q->server->overhead_w.grade == FY_GRADE_ASSUMED) {
            q->prices.overhead_w = NAN;
        }
    }
}

/* Node failures of the catalogue, and the time to write what a parameter keeps. */
static void find_failures(plan_question *q)
{
    const plan_ask *a = q->ask;
    const char *const any = "*";
    fy_range device_h = assumed(q, q->chip->id, "mtbf_interruption_device_h", "device-hours");
    fy_range restart = assumed(q, any, "restart_min", "minutes");
    fy_range bytes = assumed(q, any, "checkpoint_bytes_per_parameter", "bytes");
    fy_range node = assumed(q, "node", "checkpoint_write_gbyte_per_s_shared_fs", "GB/s/node");
    fy_range all = assumed(q, "cluster", "checkpoint_write_gbyte_per_s_shared_fs", "GB/s");
    double nodes = (double)q->high / q->cluster.per_node;
    double rate = fmin(node.mid * (nodes > 1 ? nodes : 1), all.mid) * 1e9;
    q->failures = (fy_failures){
        .node_mtbf_s = device_h.mid * 3600 / q->cluster.per_node,
        .checkpoint_s = bytes.mid * fy_model_params(&q->model).total / rate,
        .restart_s = restart.mid * 60,
    };
    q->failures_grade = FY_GRADE_ASSUMED;
    if (fy_known(a->mtbf_s)) {
        q->failures.node_mtbf_s = a->mtbf_s;
    }
    if (fy_known(a->checkpoint_s)) {
        q->failures.checkpoint_s = a->checkpoint_s;
    }
    if (fy_known(a->restart_s)) {
        q->failures.restart_s = a->restart_s;
    }
    if (fy_known(a->mtbf_s) && fy_known(a->checkpoint_s) && fy_known(a->restart_s)) {
        q->failures_grade = FY_GRADE_UNKNOWN; /* given, not graded */
    }
}

int plan_question_open(plan_question *q, const plan_ask *ask, const plan_data *data)
{
    *q = (plan_question){.ask = ask, .data = data};
    int code = find_workload(q);
    code = code ? code : find_chip(q);
    code = code ? code : check_chip(q);
    code = code ? code : find_server(q);
    code = code ? code : find_stack(q);
    code = code ? code : plan_pins_read(ask->fix, &q->pins);
    if (code != 0) {
        return code;
    }
    find_prices(q);
    find_failures(q);
    if (ask->objective == FY_BY_MONEY && !fy_known(q->prices.device_hour) &&
        !fy_known(q->prices.kwh)) {
        return cli_fail(CLI_NO, "unknown: the price of %s; give --price-hour or --price-kwh",
                        q->chip->id);
    }
    return 0;
}

void plan_question_close(plan_question *q)
{
    fy_site_free(q->site);
}
