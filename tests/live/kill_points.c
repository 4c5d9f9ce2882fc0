/* SPDX-License-Identifier: MIT */
/*
 * The daemon dies at thousands of seeded points while tenants submit, cancel and hold jobs and a
 * hostile engine shows the truth badly. A checker then proves from the journal and from the
 * engine's own marks: no acknowledged job is lost, none ran twice at once, no device was
 * over-committed, and a fresh reading of the journal leads to the same state.
 *
 *     FUYAO_LIVES=5000 build/tests/live_kill_points      more of them
 */
#include "live/prove.h"

#include <stdlib.h>

#ifdef FY_CHECK /* a recount after every event, and sanitizers besides */
enum { LIVES = 120 };
#else
enum { LIVES = 400 };
#endif
enum { STEPS = 40 };

static void reopen(centre *c, tally *seen)
{
    uint64_t before = digest_now(c);
    int64_t ticket = fy_ctl_ticket(c->ctl);
    bool same = ticket == fy_ctl_committed(c->ctl);

    centre_kill(c);
    if (centre_open(c) != 0) {
        fail_msg("%s", c->err.text);
    }
    if (same) { /* it stands where it stood, its policy too: nothing new is in the journal */
        assert_int_equal(fy_ctl_ticket(c->ctl), ticket);
        assert_true(digest_now(c) == before);
    }
    seen->deaths++;
}

static void one_step(centre *c, fy_rng *rng, tally *seen)
{
    int64_t first, cancelled;

    random_command(c, rng, seen, &first, &cancelled);
    if (fy_rng_u64(rng) % 8 == 0) { /* it dies before the commit: nobody was told */
        reopen(c, seen);
        return;
    }
    if (centre_turn(c, c->now_us + (int64_t)(fy_rng_u64(rng) % 8) * HAND_US / 4) != 0) {
        fail_msg("%s", c->err.text);
    }
    if (first >= 0) {
        seen->acknowledged[first] = true;
        seen->n = first + 1;
    }
    if (cancelled >= 0) {
        seen->cancelled[cancelled] = true;
    }
    if (fy_rng_u64(rng) % 8 == 0) {
        reopen(c, seen);
    }
}

static int whole_life(uint64_t seed)
{
    fy_rng rng = fy_rng_seed(seed);
    centre c;
    tally *seen = fy_calloc(1, sizeof *seen);
    fy_fake_options hostile = fy_fake_hostile(seed);
    int deaths;

    centre_init(&c, policies[seed % 5], &hostile);
    c.options.snapshot_every = 60;
    if (centre_open(&c) != 0) {
        fail_msg("seed %d: %s", (int)seed, c.err.text);
    }
    for (int i = 0; i < STEPS; i++) {
        one_step(&c, &rng, seen);
        check(&c, seen);
    }
    drain(&c);
    prove_all(&c, seen);
    deaths = seen->deaths;
    free(seen);
    centre_free(&c);
    return deaths;
}

static void no_acknowledged_job_is_lost_and_none_runs_twice(void **state)
{
    const char *asked = getenv("FUYAO_LIVES");
    uint64_t lives = asked != NULL ? strtoull(asked, NULL, 10) : LIVES;
    int deaths = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= lives; seed++) {
        deaths += whole_life(seed);
    }
    print_message("# %d deaths\n", deaths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_acknowledged_job_is_lost_and_none_runs_twice),
    };

    return cmocka_run_group_tests_name("kill points", tests, NULL, NULL);
}
