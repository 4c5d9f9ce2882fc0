/* SPDX-License-Identifier: MIT */
/* Work side by side on the processors there are: independent pieces, handed out in order. */
#include "cli/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { MOST_THREADS = 64 };

typedef struct pool {
    bool (*work)(void *ctx, int i);
    void *ctx;
    int n;
    atomic_int next;
} pool;

static void *worker(void *arg)
{
    pool *p = arg;
    int i;

    while ((i = atomic_fetch_add(&p->next, 1)) < p->n) {
        if (!p->work(p->ctx, i)) {
            atomic_store(&p->next, p->n);
        }
    }
    return NULL;
}

static int processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return n < MOST_THREADS ? n : MOST_THREADS;
}

void cli_parallel(int n, bool (*work)(void *ctx, int i), void *ctx)
{
    pool p = {.work = work, .ctx = ctx, .n = n};
    pthread_t threads[MOST_THREADS];
    int want = processors() < n ? processors() : n;
    int started = 0;

    while (started < want - 1 && pthread_create(&threads[started], NULL, worker, &p) == 0) {
        started++;
    }
    (void)worker(&p); /* this thread works too */
    for (int i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}
