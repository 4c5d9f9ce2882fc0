/* SPDX-License-Identifier: MIT */
#include "cli/planner.h"

#include "base/arena.h"
#include "cli/cmd.h"
#include "daemon/ctl.h"

#include <uthash.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 6 };

/* A rate that was asked for, and by how many jobs. */
typedef struct asked {
    UT_hash_handle hh;
    const fy_planned_rate *rate; /* the key */
    const fy_workload *workload;
    const fy_chip *chip;
    int devices, batch;
    int64_t jobs;
} asked;

struct cli_planner {
    const fy_site *site, *read_site;
    const int *renumbered;
    fy_planner face;
    fy_layouts layouts;
    pthread_mutex_t lock;
    fy_workloads *workloads; /* NULL until a job names one */
    fy_stacks *stacks;
    fy_rates *rates;
    asked *asked;
    fy_arena arena;
    bool counted;
};

static int load(cli_planner *p, fy_err *err)
{
    char folder[CLI_PATH_MAX];
    int rc;

    if (p->rates != NULL) {
        return 0;
    }
    if (cli_data_dir(folder) != 0) {
        return fy_fail(err, FY_ENOENT, "no data folder, so no workloads");
    }
    rc = p->workloads == NULL ? fy_workloads_load(&p->workloads, folder, err) : 0;
    rc = rc == 0 && p->stacks == NULL ? fy_stacks_load(&p->stacks, folder, err) : rc;
    return rc == 0 ? fy_rates_new(&p->rates, p->stacks, err) : rc;
}

static int find(void *ctx, const char *name, const fy_workload **out, fy_err *err)
{
    cli_planner *p = ctx;
    int rc;

    *out = NULL;
    (void)pthread_mutex_lock(&p->lock);
    rc = load(p, err);
    (void)pthread_mutex_unlock(&p->lock);
    *out = rc == 0 ? fy_workloads_find(p->workloads, name) : NULL;
    return rc;
}

static void note(cli_planner *p, const fy_site *site, const fy_rate_ask *ask,
                 const fy_planned_rate *rate)
{
    asked *a;

    HASH_FIND_PTR(p->asked, &rate, a);
    if (a == NULL) {
        a = fy_arena_alloc(&p->arena, sizeof *a);
        *a = (asked){.rate = rate,
                     .workload = ask->workload,
                     .chip = site->chips[ask->chip],
                     .devices = ask->devices,
                     .batch = ask->batch};
        HASH_ADD_PTR(p->asked, rate, a);
    }
    a->jobs += !p->counted;
}

static bool rate(void *ctx, const fy_rate_ask *question, fy_accept *out)
{
    cli_planner *p = ctx;
    const fy_site *site = question->reference ? p->read_site : p->site;
    fy_rate_ask ask = *question;
    const fy_planned_rate *found;

    if (!ask.reference && p->renumbered != NULL) {
        ask.chip = p->renumbered[ask.chip];
    }
    (void)pthread_mutex_lock(&p->lock);
    found = fy_rates_on_site(p->rates, site, &ask, out);
    if (!ask.reference) {
        note(p, site, &ask, found);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return fy_known(found->per_s);
}

/* One variable a degree: what launch scripts hand to their frameworks. */
static int layout_pairs(const fy_layout *l, fy_arena *arena, fy_pair *out, int most)
{
    const struct {
        const char *key;
        int value;
    } numbers[] = {
        {"FUYAO_TP", l->tp},
        {"FUYAO_PP", l->pp},
        {"FUYAO_DP", l->dp},
        {"FUYAO_EP", l->ep},
        {"FUYAO_CP", l->cp},
        {"FUYAO_VPP", l->vpp},
        {"FUYAO_MICROBATCH", l->microbatch},
        {"FUYAO_GLOBAL_BATCH", l->global_batch},
        {"FUYAO_ZERO", l->zero},
        {"FUYAO_SEQUENCE_PARALLEL", l->seq_parallel},
    };
    int n = 0;

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && n < most; i++) {
        out[n++] = (fy_pair){numbers[i].key, fy_arena_printf(arena, "%d", numbers[i].value)};
    }
    if (n < most) {
        out[n++] = (fy_pair){"FUYAO_RECOMPUTE", fy_recompute_name(l->recompute)};
    }
    return n;
}

static int layout(void *ctx, const char *workload, int batch, int chip, int devices,
                  fy_arena *arena, fy_pair *out, int most)
{
    cli_planner *p = ctx;
    fy_rate_ask ask = {.batch = batch, .chip = chip, .devices = devices};
    const fy_planned_rate *found;
    fy_accept ignored = {.chip = chip};
    fy_err err = {0};

    if (find(ctx, workload, &ask.workload, &err) != 0 || ask.workload == NULL) {
        return 0;
    }
    (void)pthread_mutex_lock(&p->lock);
    found = fy_rates_on_site(p->rates, p->site, &ask, &ignored);
    (void)pthread_mutex_unlock(&p->lock);
    return found->layout.tp > 0 ? layout_pairs(&found->layout, arena, out, most) : 0;
}

cli_planner *cli_planner_new(const fy_site *site, const fy_site *read_site, const int *renumbered)
{
    cli_planner *p = fy_calloc(1, sizeof *p);

    p->site = site;
    p->read_site = read_site;
    p->renumbered = renumbered;
    p->face = (fy_planner){find, rate, p};
    p->layouts = (fy_layouts){layout, p};
    (void)pthread_mutex_init(&p->lock, NULL);
    return p;
}

void cli_planner_free(cli_planner *p)
{
    if (p != NULL) {
        HASH_CLEAR(hh, p->asked); /* the table; what is in it is the arena's */
        fy_arena_free(&p->arena);
        fy_rates_free(p->rates);
        fy_stacks_free(p->stacks);
        fy_workloads_free(p->workloads);
        (void)pthread_mutex_destroy(&p->lock);
        free(p);
    }
}

const fy_layouts *cli_planner_layouts(cli_planner *p)
{
    return &p->layouts;
}

const fy_planner *cli_planner_face(cli_planner *p)
{
    return &p->face;
}

void cli_planner_counted(cli_planner *p)
{
    p->counted = true;
}

/* ------------------------------------------------------------------ the account */

/* Most jobs first; then by names, so that the order does not follow that of asking. */
static int by_jobs(const void *x, const void *y)
{
    const asked *a = *(const asked *const *)x, *b = *(const asked *const *)y;
    int names = strcmp(a->workload->id, b->workload->id);

    if (a->jobs != b->jobs) {
        return a->jobs > b->jobs ? -1 : 1;
    }
    names = names != 0 ? names : strcmp(a->chip->id, b->chip->id);
    if (names != 0) {
        return names;
    }
    return a->devices != b->devices ? (a->devices > b->devices) - (a->devices < b->devices)
                                    : (a->batch > b->batch) - (a->batch < b->batch);
}

typedef struct account {
    const asked **refused; /* [n] owned */
    size_t n;
    double low, high; /* widest interval of a rate, as factors */
    int workloads;
} account;

static bool is_new(const asked *a)
{
    for (const asked *b = a->hh.prev; b != NULL; b = b->hh.prev) {
        if (b->workload == a->workload) {
            return false;
        }
    }
    return true;
}

static account account_of(const cli_planner *p)
{
    account out = {.low = 1, .high = 1};

    out.refused = fy_calloc(HASH_COUNT(p->asked) + 1, sizeof(const asked *));
    for (const asked *a = p->asked; a != NULL; a = a->hh.next) {
        out.workloads += is_new(a);
        if (fy_known(a->rate->per_s)) {
            double low = a->rate->low / a->rate->per_s, high = a->rate->high / a->rate->per_s;

            out.low = low < out.low ? low : out.low;
            out.high = high > out.high ? high : out.high;
        } else if (a->jobs > 0) {
            out.refused[out.n++] = a;
        }
    }
    qsort(out.refused, out.n, sizeof(const asked *), by_jobs);
    return out;
}

void cli_planner_print(cli_planner *p, int64_t jobs)
{
    account a;

    if (p->asked == NULL) {
        return;
    }
    a = account_of(p);
    printf("rates  of %lld job%s by the planner (derived): best layouts of %d workload%s, 80 %% "
           "intervals to %+.0f .. %+.0f %%, %lld searches\n",
           (long long)jobs, jobs == 1 ? "" : "s", a.workloads, a.workloads == 1 ? "" : "s",
           (a.low - 1) * 100, (a.high - 1) * 100, (long long)fy_rates_searches(p->rates));
    for (size_t i = 0; i < a.n && i < SHOWN; i++) {
        const asked *r = a.refused[i];

        printf("       not on %d %s: %s: %s (%lld job%s)\n", r->devices, r->chip->id,
               r->workload->id, r->rate->why, (long long)r->jobs, r->jobs == 1 ? "" : "s");
    }
    if (a.n > SHOWN) {
        printf("       and %zu more such; --json lists them\n", a.n - SHOWN);
    }
    free(a.refused);
}

json_t *cli_planner_json(cli_planner *p, int64_t jobs)
{
    json_t *refused;
    account a;

    if (p->asked == NULL) {
        return json_null();
    }
    a = account_of(p);
    refused = json_array();
    for (size_t i = 0; i < a.n; i++) {
        const asked *r = a.refused[i];

        json_array_append_new(refused,
                              json_pack("{s:s, s:s, s:i, s:s, s:I}", "workload", r->workload->id,
                                        "chip", r->chip->id, "devices", r->devices, "why",
                                        r->rate->why, "jobs", (json_int_t)r->jobs));
    }
    free(a.refused);
    return json_pack("{s:I, s:s, s:i, s:f, s:f, s:I, s:o}", "jobs", (json_int_t)jobs, "grade",
                     "derived", "workloads", a.workloads, "low80", a.low, "high80", a.high,
                     "searches", (json_int_t)fy_rates_searches(p->rates), "refused", refused);
}
