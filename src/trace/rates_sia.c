/* SPDX-License-Identifier: MIT */
/*
 * Sia's profiles. FOLDER/APPLICATION/ holds, by cluster type X (aws, azure, dgx, quad, rtx; each is
 * an alias of a chip in the catalogue), placements-X.csv: step and sync time by placement (`48` =
 * four replicas on one node, eight on the next) and local batch; scalability-X.csv: the same by
 * number of nodes and replicas; and validation-BATCH.csv: progress by iteration.
 *
 * The gang is placed on as few nodes of the site's size as fit, nodes full but the last; the spread
 * rate is that of the least larger number of nodes that was measured, replicas evenly over them.
 * local batch b = batch / replicas. Where b is above the largest measured B, m = ceil(b / B) steps
 * are accumulated: a step then takes m step(b/m) - (m-1) sync(b/m), since a step time contains one
 * sync. Step and sync times are linear between measured local batches, and between measured numbers
 * of replicas on as many nodes where the placement itself was not measured. Outside what was
 * measured nothing is assumed: the job cannot run there. dgx-ext, where there is one, stands for
 * dgx: same machine, more batches. gpt_pmp, a pipeline whose profile is by stage, is refused.
 * Source: siasosp23/artifacts, sia-simulator/applications.py and traces; Jayaram Subramanya et al.,
 * SOSP'23.
 */
#include "base/arena.h"
#include "base/csv.h"
#include "base/num.h"
#include "base/str.h"
#include "trace/rates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NODES = 18 }; /* digits of a placement */

/* One measured line. `placement` 0: from the scalability file. */
typedef struct sample {
    int64_t placement;
    int nodes, replicas;
    double local_batch, step_s, sync_s;
} sample;

typedef struct profile {
    sample *samples; /* owned */
    size_t n, room;
} profile;

static const char *const types[] = {"aws", "azure", "dgx", "quad", "rtx"};

enum { N_TYPES = sizeof types / sizeof types[0] };

typedef struct application {
    struct application *next;
    char *name;
    profile profiles[N_TYPES];
    bool measured[N_TYPES];
} application;

struct fy_sia_rates {
    const fy_site *site; /* borrowed */
    char *folder;
    fy_arena arena; /* applications and names */
    application *applications;
};

static void free_samples(application *a)
{
    for (int i = 0; i < N_TYPES; i++) {
        free(a->profiles[i].samples);
    }
}

fy_sia_rates *fy_sia_rates_new(const char *folder, const fy_site *site)
{
    fy_sia_rates *rates = fy_calloc(1, sizeof *rates);

    rates->site = site;
    rates->folder = fy_arena_strdup(&rates->arena, folder);
    return rates;
}

void fy_sia_rates_free(fy_sia_rates *rates)
{
    if (rates == NULL) {
        return;
    }
    for (application *a = rates->applications; a != NULL; a = a->next) {
        free_samples(a);
    }
    fy_arena_free(&rates->arena);
    free(rates);
}

/* ------------------------------------------------------------------ reading */

/* Numbers of the current row in the given columns, all finite and >= 0. */
static int read_numbers(const fy_csv *csv, const char *const *names, int n, double *out,
                        fy_err *err)
{
    for (int i = 0; i < n; i++) {
        int column = fy_csv_column(csv, names[i]);
        fy_field field = column >= 0 ? csv->fields[column] : (fy_field){"", 0};
        char shown[FY_SHOWN];

        if (column < 0) {
            return fy_fail(err, FY_EPARSE, "%s:1: column '%s' is missing", csv->name, names[i]);
        }
        if (fy_num_double(field.text, field.len, &out[i]) != FY_NUM_OK || out[i] < 0 ||
            out[i] > 1e15) {
            return fy_fail(err, FY_EPARSE,
                           "%s:%lld: %s is '%s'; it must be a number from 0 to 1e15", csv->name,
                           (long long)csv->line, names[i], fy_field_shown(shown, field));
        }
    }
    return 0;
}

static void add_sample(profile *p, sample s)
{
    p->samples = fy_grow(p->samples, &p->room, p->n + 1, sizeof *p->samples);
    p->samples[p->n++] = s;
}

/* Nodes and replicas of a placement such as 48. */
static void count_placement(sample *s)
{
    for (int64_t rest = s->placement; rest > 0; rest /= 10) {
        s->nodes++;
        s->replicas += (int)(rest % 10);
    }
}

static int add_row(fy_csv *csv, bool placements, profile *p, fy_err *err)
{
    static const char *const by_placement[] = {"local_bsz", "step_time", "sync_time", "placement"};
    static const char *const by_number[] = {"local_bsz", "step_time", "sync_time", "num_nodes",
                                            "num_replicas"};
    double x[5] = {0};
    sample s;
    int rc = placements ? read_numbers(csv, by_placement, 4, x, err)
                        : read_numbers(csv, by_number, 5, x, err);

    if (rc < 0) {
        return rc;
    }
    if (!(x[1] > 0 && x[2] <= x[1]) || x[3] < 1 || (!placements && x[4] < 1)) {
        return fy_fail(err, FY_ERANGE,
                       "%s:%lld: step_time must be above 0, sync_time at most that, and there must "
                       "be replicas",
                       csv->name, (long long)csv->line);
    }
    s = (sample){.local_batch = x[0], .step_s = x[1], .sync_s = x[2]};
    if (placements) {
        s.placement = (int64_t)x[3];
        count_placement(&s);
    } else {
        s.nodes = x[3] < 1e6 ? (int)x[3] : 1000000;
        s.replicas = x[4] < 1e6 ? (int)x[4] : 1000000;
    }
    add_sample(p, s);
    return 0;
}

/* All rows of an open profile into p. */
static int read_profile(fy_csv *csv, bool placements, profile *p, fy_err *err)
{
    int rc = fy_csv_header(csv, err);

    while (rc > 0) {
        rc = fy_csv_next(csv, err);
        if (rc > 0) {
            int bad = add_row(csv, placements, p, err);

            rc = bad < 0 ? bad : rc;
        }
    }
    return rc;
}

static int load_file(fy_sia_rates *rates, const char *name, const char *what, const char *type,
                     bool placements, profile *p, fy_err *err)
{
    fy_str path = {0};
    fy_csv csv;
    int rc;

    fy_str_printf(&path, "%s/%s/%s-%s.csv", rates->folder, name, what, type);
    rc = fy_csv_open(&csv, path.text, err);
    if (rc == 0) {
        rc = read_profile(&csv, placements, p, err);
    }
    fy_csv_close(&csv);
    fy_str_free(&path);
    return rc;
}

/* FY_ENOENT where the type has no profile for the application. */
static int load_type(fy_sia_rates *rates, const char *name, const char *type, profile *p,
                     fy_err *err)
{
    int rc = load_file(rates, name, "placements", type, true, p, err);

    if (rc == 0) {
        rc = load_file(rates, name, "scalability", type, false, p, err);
        rc = rc == FY_ENOENT ? 0 : rc; /* placements alone will do */
    }
    return rc;
}

static bool is_plain(const char *name)
{
    return name[0] != '\0' &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] ==
               '\0';
}

static int load_types(fy_sia_rates *rates, application *a, fy_err *err)
{
    bool any = false;

    for (int i = 0; i < N_TYPES; i++) {
        bool dgx = strcmp(types[i], "dgx") == 0;
        int rc = load_type(rates, a->name, dgx ? "dgx-ext" : types[i], &a->profiles[i], err);

        if (rc == FY_ENOENT && dgx) {
            rc = load_type(rates, a->name, types[i], &a->profiles[i], err);
        }
        if (rc < 0 && rc != FY_ENOENT) {
            return rc;
        }
        a->measured[i] = rc == 0;
        any = any || rc == 0;
    }
    return any ? 0
               : fy_fail(err, FY_ENOENT, "%s/%s: no placements-TYPE.csv there", rates->folder,
                         a->name);
}

/* The application's profiles, read at first use. */
static int find_application(fy_sia_rates *rates, const char *name, application **out, fy_err *err)
{
    application *a = rates->applications;
    int rc;

    while (a != NULL && strcmp(a->name, name) != 0) {
        a = a->next;
    }
    *out = a;
    if (a != NULL) {
        return 0;
    }
    if (!is_plain(name) || strcmp(name, "gpt_pmp") == 0) {
        return fy_fail(err, FY_EPARSE, "application '%.40s' has no profile that can be used here",
                       is_plain(name) ? name : "?");
    }
    a = fy_arena_alloc(&rates->arena, sizeof *a);
    a->name = fy_arena_strdup(&rates->arena, name);
    rc = load_types(rates, a, err);
    if (rc < 0) {
        free_samples(a);
        return rc;
    }
    a->next = rates->applications;
    rates->applications = a;
    *out = a;
    return 0;
}

int fy_sia_work(fy_sia_rates *rates, const char *name, int batch, double *work, fy_err *err)
{
    static const char *const iteration[] = {"iteration"};
    fy_str path = {0};
    fy_csv csv;
    int rc;

    if (!is_plain(name)) {
        return fy_fail(err, FY_EPARSE, "application: a name of letters, digits, '_' and '-'");
    }
    *work = 0;
    fy_str_printf(&path, "%s/%s/validation-%d.csv", rates->folder, name, batch);
    rc = fy_csv_open(&csv, path.text, err);
    if (rc == 0) {
        rc = fy_csv_header(&csv, err);
        while (rc > 0) {
            rc = fy_csv_next(&csv, err);
            if (rc > 0) {
                int bad = read_numbers(&csv, iteration, 1, work, err);

                rc = bad < 0 ? bad : rc;
            }
        }
        if (rc == 0 && *work <= 0) {
            rc = fy_fail(err, FY_EPARSE, "%s: ends without an iteration above 0", path.text);
        }
    }
    fy_csv_close(&csv);
    fy_str_free(&path);
    return rc;
}

/* ------------------------------------------------------------------ rates */

typedef struct times {
    double step_s, sync_s; /* NAN = not measured */
} times;

static const times unmeasured = {(double)NAN, (double)NAN};

typedef struct key {
    int64_t placement; /* 0: by nodes and replicas, whatever the placement */
    int nodes, replicas;
} key;

static bool fits(const sample *s, key k)
{
    return k.placement > 0 ? s->placement == k.placement
                           : s->nodes == k.nodes && s->replicas == k.replicas;
}

static double blend(double x, double x0, double x1, double y0, double y1)
{
    return x1 > x0 ? y0 + (y1 - y0) * (x - x0) / (x1 - x0) : y0;
}

/* Linear in the local batch between the nearest samples that fit. */
static times at_batch(const profile *p, key k, double batch)
{
    const sample *below = NULL, *above = NULL;

    for (size_t i = 0; i < p->n; i++) {
        const sample *s = &p->samples[i];

        if (fits(s, k) && s->local_batch <= batch &&
            (below == NULL || s->local_batch > below->local_batch)) {
            below = s;
        }
        if (fits(s, k) && s->local_batch >= batch &&
            (above == NULL || s->local_batch < above->local_batch)) {
            above = s;
        }
    }
    if (below == NULL || above == NULL) {
        return unmeasured;
    }
    return (times){
        blend(batch, below->local_batch, above->local_batch, below->step_s, above->step_s),
        blend(batch, below->local_batch, above->local_batch, below->sync_s, above->sync_s)};
}

static double largest_batch(const profile *p, key k)
{
    double largest = 0;

    for (size_t i = 0; i < p->n; i++) {
        if (fits(&p->samples[i], k) && p->samples[i].local_batch > largest) {
            largest = p->samples[i].local_batch;
        }
    }
    return largest;
}

/* Seconds an iteration, with accumulation where the batch is too large; NAN if not measured. */
static double iteration_s(const profile *p, key k, double batch)
{
    double largest = largest_batch(p, k);
    double parts = largest > 0 ? ceil(batch / largest - 1e-9) : 1;
    times t = at_batch(p, k, batch / (parts < 1 ? 1 : parts));

    parts = parts < 1 ? 1 : parts;
    return parts * t.step_s - (parts - 1) * t.sync_s;
}

/* By number of nodes and replicas, linear between measured numbers of replicas on as many nodes. */
static double iteration_by_number_s(const profile *p, int nodes, int replicas, double batch)
{
    int below = 0, above = 0;

    for (size_t i = 0; i < p->n; i++) {
        int n = p->samples[i].nodes == nodes ? p->samples[i].replicas : 0;

        below = n > 0 && n <= replicas && n > below ? n : below;
        above = n >= replicas && (above == 0 || n < above) ? n : above;
    }
    if (below == 0 || above == 0) {
        return (double)NAN;
    }
    return blend(replicas, below, above, iteration_s(p, (key){0, nodes, below}, batch),
                 iteration_s(p, (key){0, nodes, above}, batch));
}

/* The smallest rotation of the placement, as the profiles write it; 0 if it has no such number. */
static int64_t placement_id(const int *nodes, int n)
{
    int64_t best = 0;

    for (int first = 0; first < n && n <= MAX_NODES; first++) {
        int64_t id = 0;

        for (int i = 0; i < n; i++) {
            int replicas = nodes[(first + i) % n];

            if (replicas > 9) {
                return 0;
            }
            id = id * 10 + replicas;
        }
        best = best == 0 || id < best ? id : best;
    }
    return best;
}

/* Iterations a second on `nodes` nodes of `size` devices: full but the last, or evenly. */
static double rate_on(const profile *p, int replicas, int nodes, int size, bool evenly,
                      double batch)
{
    int on[MAX_NODES], left = replicas;
    int64_t id = 0;
    double t = (double)NAN;

    for (int i = 0; i < nodes && nodes <= MAX_NODES; i++) {
        int fair = (left + nodes - i - 1) / (nodes - i);

        on[i] = evenly ? fair : left < size ? left : size;
        left -= on[i];
    }
    id = nodes <= MAX_NODES ? placement_id(on, nodes) : 0;
    if (id > 0) {
        t = iteration_s(p, (key){.placement = id}, batch);
    }
    if (isnan(t)) {
        t = iteration_by_number_s(p, nodes, replicas, batch);
    }
    return t > 0 ? 1 / t : 0;
}

/*
 * The rate over the least number of nodes above `nodes` for which there is a measurement; 0 if
 * there is none, and `rate` where the gang cannot span more nodes.
 */
static double spread_rate(const profile *p, int replicas, int nodes, int size, double batch,
                          double rate)
{
    double spread = nodes < replicas ? 0 : rate;

    for (int n = nodes + 1; n <= replicas && n <= MAX_NODES && !(spread > 0); n++) {
        spread = rate_on(p, replicas, n, size, true, batch);
    }
    return spread;
}

/* Devices of the largest node with that chip. */
static int node_size(const fy_site *site, int chip)
{
    int size = 0;

    for (int i = 0; i < site->n_pools; i++) {
        if (site->pools[i].chip == chip && site->pools[i].devices > size) {
            size = site->pools[i].devices;
        }
    }
    return size;
}

int fy_sia_rates_of(fy_sia_rates *rates, const char *name, int replicas, int batch,
                    fy_accept *accept, int *n_accept, int *n_absent, fy_err *err)
{
    double local = (double)batch / replicas;
    application *a;
    int n = 0, rc = find_application(rates, name, &a, err);

    *n_accept = *n_absent = 0;
    if (rc < 0) {
        return rc;
    }
    for (int i = 0; i < N_TYPES; i++) {
        int chip = a->measured[i] ? fy_site_chip(rates->site, types[i], strlen(types[i]))
                                  : FY_CHIP_UNKNOWN;
        int size = chip >= 0 ? node_size(rates->site, chip) : 0;

        if (chip == FY_CHIP_ABSENT) {
            ++*n_absent;
        } else if (size > 0) {
            int nodes = (replicas + size - 1) / size;
            double rate = rate_on(&a->profiles[i], replicas, nodes, size, false, local);
            double spread = spread_rate(&a->profiles[i], replicas, nodes, size, local, rate);

            if (rate > 0) {
                accept[n++] = (fy_accept){
                    .chip = chip, .rate = rate, .rate_spread = spread, .grade = FY_GRADE_MEASURED};
            }
        }
    }
    fy_sort_by_rate(accept, n);
    *n_accept = n;
    if (n == 0 && *n_absent == 0) {
        return fy_fail(err, FY_ERANGE,
                       "'%s' with %d replicas and batch %d lies outside what was measured on every "
                       "chip of this fleet",
                       name, replicas, batch);
    }
    return 0;
}
