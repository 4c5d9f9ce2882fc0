/* SPDX-License-Identifier: MIT */
/*
 * Random small sites, jobs of every kind and faults through the simulator, under every policy and
 * placement: what must hold whatever is decided. In debug builds fy_fleet_check runs after every
 * event as well.
 */
#include "scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { CASES = 100 };

/* ------------------------------------------------------------------ what must hold */

/* Fail with what it takes to run the case again. */
static void demand(bool holds, const scenario *s, const char *what)
{
    if (!holds) {
        fail_msg("%s; policy %s, placement %s, seed %llu", what, s->options.sched.policy,
                 s->options.sched.placement, (unsigned long long)s->options.seed);
    }
}

/* Utilization counts available devices, allocated all there are: the same where all are up. */
static void check_shares(const fy_sim_result *r, const scenario *s)
{
    const double slack = 1e-9;
    bool all_up = s->options.mtbf_s <= 0 && s->options.n_happenings == 0;
    double most = all_up ? r->allocated : 1;

    if (r->makespan_s <= 0) {
        return; /* nothing took time: shares of nothing */
    }
    demand(r->allocated >= 0 && r->allocated <= 1 + slack, s, "allocated is a share");
    demand(r->utilization >= 0 && r->utilization <= most + slack, s, "utilization is a share");
    demand(!(r->fragmented < 0) && !(r->fragmented > 1 - r->allocated + slack), s,
           "fragmented devices are idle ones");
    for (int p = 0; p < r->n_pools; p++) {
        const fy_sim_pool *pool = &r->pools[p];

        demand(pool->allocated <= 1 + slack, s, "a pool's allocated is a share");
        demand(pool->utilization <= (all_up ? pool->allocated : 1) + slack, s,
               "a pool's utilization is a share");
    }
    demand(r->energy_kwh.low <= r->energy_kwh.mid + slack &&
               r->energy_kwh.mid <= r->energy_kwh.high + slack,
           s, "energy lies within its range");
}

static void check_counts(const fy_sim_result *r, const scenario *s)
{
    int64_t tenants = 0;

    demand(r->jobs == r->finished + r->unfinished + r->never_placeable, s, "every job is counted");
    demand(r->jobs <= s->jobs.n && r->unfinished >= 0 && r->never_placeable >= 0, s,
           "no count is negative");
    for (int t = 0; t < r->n_tenants; t++) {
        tenants += r->tenants[t].jobs;
    }
    demand(tenants == r->jobs, s, "tenants' jobs are all jobs");
}

static fy_sim_result *run(scenario *s, hand_text *journal)
{
    fy_sim_result *result = NULL;
    fy_err err = {0};
    int status;

    s->options.source = hand_source(&s->jobs);
    s->options.journal = hand_journal;
    s->options.journal_ctx = journal;
    status = fy_sim_run(&result, &s->options, &err);
    demand(status == 0, s, err.text);
    return result;
}

static void check_replay(const hand_text *journal, const fy_sim_result *result, const scenario *s)
{
    fy_err err = {0};
    fy_fleet *fleet = hand_replay(journal, &err);

    demand(fleet != NULL && fy_fleet_check(fleet, &err) == 0, s, err.text);
    demand(fy_fleet_digest(fleet) == result->digest, s, "the journal leads to the same state");
    fy_fleet_free(fleet);
}

static void one(scenario *s, const char *policy, const char *placement, bool twice)
{
    hand_text journal = {0};
    hand_text again = {0};
    fy_sim_result *result;

    s->options.sched =
        (fy_sched_options){.policy = policy, .placement = placement, .seed = s->options.seed};
    result = run(s, &journal);
    check_shares(result, s);
    check_counts(result, s);
    check_replay(&journal, result, s);
    if (twice) {
        fy_sim_result_free(run(s, &again));
        demand(again.len == journal.len && memcmp(again.text, journal.text, journal.len) == 0, s,
               "equal runs give equal bytes");
    }
    fy_sim_result_free(result);
    free(journal.text);
    free(again.text);
}

static void every_policy_keeps_the_fleet_whole(void **state)
{
    static const char *const placements[] = {"pack", "spread", "bestfit", "fgd"};
    static scenario s;

    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        random_scenario(&s, seed);
        const fy_policy_info *p;

        for (int i = 0; (p = fy_policy_at(i)) != NULL; i++) {
            for (int k = 0; k < 4; k++) {
                one(&s, p->name, placements[k], k == (int)(seed % 4));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_keeps_the_fleet_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
