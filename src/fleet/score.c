/* SPDX-License-Identifier: MIT */
#include "fleet/score.h"

#include "base/rng.h"
#include "fleet/frag.h"

#include <stdlib.h>
#include <string.h>

struct fy_score_cache {
    int64_t cpu_milli;
    int devices, milli;
    int32_t next;      /* in the hash chain */
    size_t n;          /* nodes covered */
    uint32_t *version; /* [n] of the node when it was scored; 0 = never */
    int16_t *score;    /* [n] -1 = does not fit */
    int16_t *device;   /* [n] place of the share's device on the node */
};

/* The score is floor(100 / (1 + exp(-x))): it reaches s at x = ln(s / (100 - s)). */
void fy_scorer_init(fy_scorer *scorer)
{
    *scorer = (fy_scorer){0};
    scorer->at[0] = -(double)INFINITY;
    for (int s = 1; s < 100; s++) {
        scorer->at[s] = s == 50 ? 0 : fy_rng_log(s / (100.0 - s));
    }
}

void fy_scorer_free(fy_scorer *scorer)
{
    for (size_t i = 0; i < scorer->n; i++) {
        free(scorer->caches[i].version);
        free(scorer->caches[i].score);
        free(scorer->caches[i].device);
    }
    free(scorer->caches);
    free(scorer->hash);
    *scorer = (fy_scorer){0};
}

static int score_of(const double at[100], double x)
{
    int lo = 0;
    int hi = 99;

    while (lo < hi) {
        int mid = (lo + hi + 1) / 2;

        if (x >= at[mid]) {
            lo = mid;
        } else {
            hi = mid - 1;
        }
    }
    return lo;
}

bool fy_node_fits(const fy_fleet *fleet, const fy_node *node, const fy_want *want)
{
    if (node->cpu_free < want->cpu_milli || node->memory_free < want->memory_mib) {
        return false;
    }
    if (want->milli > 0) {
        return node->n_whole > 0 || fy_fullest_device(fleet, node, want->milli) >= 0;
    }
    return node->n_whole >= want->devices;
}

int fy_fullest_device(const fy_fleet *fleet, const fy_node *node, int milli)
{
    const int16_t *idle = fleet->idle_milli + node->first_device;
    int best = -1;

    for (int d = 0; d < node->n_devices; d++) {
        if (idle[d] >= milli && (best < 0 || idle[d] < idle[best])) {
            best = d;
        }
    }
    return best < 0 ? -1 : node->first_device + best;
}

static int score_share(const double at[100], const fy_fleet *fleet, const fy_node *node,
                       int64_t cpu_left, int milli, int64_t before, int *device)
{
    double scale = 1000.0 * (double)fleet->mix.total;
    const int16_t *own = fleet->idle_milli + node->first_device;
    int16_t idle[4096];
    int best = -1;

    for (int d = 0; d < node->n_devices; d++) {
        idle[d] = own[d];
    }
    for (int d = 0; d < node->n_devices; d++) {
        bool seen = false;
        int64_t after;
        int score;

        for (int e = 0; e < d; e++) {
            seen |= own[e] == own[d]; /* an equal device gives an equal score */
        }
        if (seen || own[d] < milli) {
            continue;
        }
        idle[d] = (int16_t)(own[d] - milli);
        after = fy_frag(&fleet->mix, cpu_left, idle, node->n_devices);
        idle[d] = own[d];
        score = score_of(at, (double)(before - after) / scale);
        if (score > best) {
            best = score;
            *device = d;
        }
    }
    return best;
}

static int score_whole(const double at[100], const fy_fleet *fleet, const fy_node *node,
                       int64_t cpu_left, int devices, int64_t before)
{
    double scale = 1000.0 * (double)fleet->mix.total;
    const int16_t *own = fleet->idle_milli + node->first_device;
    int16_t idle[4096];
    int left = devices;

    for (int d = 0; d < node->n_devices; d++) {
        bool take = left > 0 && own[d] == FY_WHOLE;

        idle[d] = take ? 0 : own[d];
        left -= take;
    }
    return score_of(at, (double)(before - fy_frag(&fleet->mix, cpu_left, idle, node->n_devices)) /
                            scale);
}

static int score_node(const double at[100], const fy_fleet *fleet, const fy_node *node,
                      int64_t cpu_milli, int devices, int milli, int *device)
{
    fy_want want = {.cpu_milli = cpu_milli, .devices = devices, .milli = milli};
    int64_t before;

    *device = -1;
    if (!node->up || !fy_node_fits(fleet, node, &want)) {
        return -1;
    }
    before = node->frag_stale ? fy_frag(&fleet->mix, node->cpu_free,
                                        fleet->idle_milli + node->first_device, node->n_devices)
                              : node->frag;
    if (milli > 0) {
        return score_share(at, fleet, node, node->cpu_free - cpu_milli, milli, before, device);
    }
    return score_whole(at, fleet, node, node->cpu_free - cpu_milli, devices, before);
}

int fy_fgd_score(const fy_fleet *fleet, const fy_node *node, int64_t cpu_milli, int devices,
                 int milli, int *device)
{
    fy_scorer scorer;
    int score;

    fy_scorer_init(&scorer);
    score = score_node(scorer.at, fleet, node, cpu_milli, devices, milli, device);
    if (*device >= 0) {
        *device += node->first_device;
    }
    return score;
}

static size_t bucket_of(const fy_scorer *scorer, int64_t cpu_milli, int devices, int milli)
{
    uint64_t h = (uint64_t)cpu_milli * 0x9e3779b97f4a7c15u;

    h = (h ^ (uint64_t)devices << 16 ^ (uint64_t)milli) * 0x9e3779b97f4a7c15u;
    return (h >> 32) & (scorer->buckets - 1);
}

static void grow_hash(fy_scorer *scorer)
{
    scorer->buckets = scorer->buckets > 0 ? scorer->buckets * 4 : 64;
    scorer->hash = fy_realloc(scorer->hash, scorer->buckets, sizeof *scorer->hash);
    memset(scorer->hash, 0xff, scorer->buckets * sizeof *scorer->hash);
    for (size_t i = 0; i < scorer->n; i++) {
        fy_score_cache *c = &scorer->caches[i];
        size_t b = bucket_of(scorer, c->cpu_milli, c->devices, c->milli);

        c->next = scorer->hash[b];
        scorer->hash[b] = (int32_t)i;
    }
}

/* The cache of that ask, made where there is none. */
static fy_score_cache *cache_of(fy_scorer *scorer, const fy_want *want)
{
    fy_score_cache *cache;
    size_t b;

    if (scorer->n >= scorer->buckets) {
        grow_hash(scorer);
    }
    b = bucket_of(scorer, want->cpu_milli, want->devices, want->milli);
    for (int32_t i = scorer->hash[b]; i >= 0; i = scorer->caches[i].next) {
        cache = &scorer->caches[i];
        if (cache->cpu_milli == want->cpu_milli && cache->devices == want->devices &&
            cache->milli == want->milli) {
            return cache;
        }
    }
    scorer->caches = fy_grow(scorer->caches, &scorer->room, scorer->n + 1, sizeof *scorer->caches);
    cache = &scorer->caches[scorer->n];
    *cache = (fy_score_cache){.cpu_milli = want->cpu_milli,
                              .devices = want->devices,
                              .milli = want->milli,
                              .next = scorer->hash[b]};
    scorer->hash[b] = (int32_t)scorer->n++;
    return cache;
}

static fy_score_cache *find_cache(fy_scorer *scorer, const fy_fleet *fleet, const fy_want *want)
{
    fy_score_cache *cache = cache_of(scorer, want);

    if (cache->n < fleet->n_nodes) {
        cache->version = fy_realloc(cache->version, fleet->n_nodes, sizeof *cache->version);
        cache->score = fy_realloc(cache->score, fleet->n_nodes, sizeof *cache->score);
        cache->device = fy_realloc(cache->device, fleet->n_nodes, sizeof *cache->device);
        for (; cache->n < fleet->n_nodes; cache->n++) {
            cache->version[cache->n] = 0;
        }
    }
    return cache;
}

int fy_fgd_best(fy_scorer *scorer, const fy_fleet *fleet, const fy_job *job, const fy_want *want,
                int *device)
{
    fy_score_cache *cache = find_cache(scorer, fleet, want);
    int best = -1;
    int best_score = -1;

    for (size_t i = 0; i < fleet->n_nodes; i++) {
        const fy_node *node = &fleet->nodes[i];

        if (cache->version[i] != fleet->version[i]) {
            int d;

            cache->score[i] = (int16_t)score_node(scorer->at, fleet, node, want->cpu_milli,
                                                  want->devices, want->milli, &d);
            cache->device[i] = (int16_t)d;
            cache->version[i] = fleet->version[i];
        }
        if (cache->score[i] > best_score && (want->mask >> node->chip & 1) != 0 &&
            node->memory_free >= want->memory_mib && fy_node_open(node, job, fleet->now_us)) {
            best = (int)i;
            best_score = cache->score[i];
        }
    }
    *device =
        best >= 0 && want->milli > 0 ? fleet->nodes[best].first_device + cache->device[best] : -1;
    return best;
}

int fy_bestfit_best(const fy_fleet *fleet, const fy_job *job, const fy_want *want)
{
    int best = -1;
    double best_score = 0;
    double most_cpu = 1;
    double most_devices = 1;
    double take = want->milli > 0 ? want->milli / (double)FY_WHOLE : want->devices;

    for (size_t i = 0; i < fleet->n_nodes; i++) {
        double cpu = (double)fleet->nodes[i].cpu_total;

        most_cpu = cpu > most_cpu && cpu < (double)FY_PLENTY ? cpu : most_cpu;
        most_devices =
            fleet->nodes[i].n_devices > most_devices ? fleet->nodes[i].n_devices : most_devices;
    }
    for (size_t i = 0; i < fleet->n_nodes; i++) {
        const fy_node *node = &fleet->nodes[i];
        double cpu = node->cpu_total < FY_PLENTY ? (double)(node->cpu_free - want->cpu_milli) : 0;
        double score = 0.5 * cpu / most_cpu +
                       0.5 * ((double)node->idle_milli / FY_WHOLE - take) / most_devices;

        if ((best < 0 || score < best_score) && (want->mask >> node->chip & 1) != 0 &&
            fy_node_fits(fleet, node, want) && fy_node_open(node, job, fleet->now_us)) {
            best = (int)i;
            best_score = score;
        }
    }
    return best;
}
