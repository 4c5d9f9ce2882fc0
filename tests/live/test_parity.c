/* SPDX-License-Identifier: MIT */
/*
 * Parity: a day of jobs on a live controller with an honest engine, then
 *   - `fuyao replay STATE --verify` takes every decision again, bit for bit,
 *   - `fuyao replay STATE --policy SAME` simulates the same submissions, and its makespan is within
 *     2 % of the live one.
 * The daemon dies twice on the way. The program is the first argument.
 *
 * Fleet and jobs are such that many wait. Where ten times more come than the fleet can take, a
 * millisecond may turn a choice of las or fair, and the ends of some days lie 2 to 4 % apart.
 */
#include "live/drive.h"

#include <jansson.h>

#include <math.h>
#include <sys/wait.h>

enum { DAY_JOBS = 300, DAY_S = 60000 };

static const char *program = "build/fuyao";

typedef struct day {
    centre c;
    int64_t first_us, last_us;
    int preempted;
} day;

/* Gangs of 1 to 8 devices for 1 to 40 minutes, on either chip or one of them. */
static fy_submission day_job(fy_rng *rng)
{
    static const fy_chip_rate chips[3][2] = {{{"chip-a", 2}, {"chip-b", 1}},
                                             {{"chip-b", 3}, {"chip-a", 1}},
                                             {{"chip-a", 1}, {"chip-b", 1}}};
    static const int gangs[] = {1, 1, 1, 2, 2, 4, 8};
    fy_submission job = drive_job(60 + (int64_t)fy_rng_below(rng, 2340));
    int workers = gangs[fy_rng_below(rng, 7)];

    job.workers = job.min_workers = job.max_workers = workers;
    job.chips = chips[fy_rng_below(rng, 3)];
    job.n_chips = fy_rng_below(rng, 4) > 0 ? 2 : 1;
    job.checkpoint_signal = 10;
    job.grace_us = 30 * (int64_t)HAND_US;
    job.priority = fy_rng_below(rng, 8) == 0 ? FY_HIGH : FY_NORMAL;
    return job;
}

static void run_day(day *d, const char *policy, uint64_t seed)
{
    fy_fake_options honest = fy_fake_honest();
    fy_rng rng = fy_rng_seed(seed);
    int64_t at_us;

    drive_begin(&d->c, policy, &honest);
    at_us = d->first_us = d->c.now_us;
    for (int i = 0; i < DAY_JOBS; i++) {
        fy_submission job = day_job(&rng);

        drive_to(&d->c, at_us);
        (void)drive_submit(&d->c, (int)fy_rng_below(&rng, 3), &job);
        at_us += (int64_t)fy_rng_below(&rng, 2 * DAY_S / DAY_JOBS * (uint64_t)HAND_US);
        if (i == DAY_JOBS / 3 || i == DAY_JOBS / 2) {
            drive_to(&d->c, d->c.now_us + 1);
            drive_restart(&d->c);
        }
    }
    drive_out(&d->c, 100 * DAY_S);
    d->last_us = d->first_us;
    for (size_t i = 0; i < fy_fake_marks(d->c.fake); i++) {
        fy_fake_mark mark = fy_fake_mark_get(d->c.fake, i);

        d->last_us = mark.ended_us > d->last_us ? mark.ended_us : d->last_us;
        d->preempted += mark.key.attempt > 1;
    }
}

/* The output of `fuyao replay STATE ARGS... --json`, which must succeed. */
static json_t *replay(const centre *c, const char *a, const char *b)
{
    char *const argv[] = {(char *)(uintptr_t)program,
                          "replay",
                          (char *)(uintptr_t)c->folder,
                          "--json",
                          (char *)(uintptr_t)a,
                          (char *)(uintptr_t)b,
                          NULL};
    json_error_t error;
    json_t *json;
    int ends[2], status;
    FILE *out;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], 1);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execv(program, argv);
        _exit(127);
    }
    assert_true(pid > 0);
    (void)close(ends[1]);
    out = fdopen(ends[0], "r");
    json = json_loadf(out, 0, &error);
    (void)fclose(out);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0 || json == NULL) {
        fail_msg("%s replay %s %s %s: status %d, %s", program, c->folder, a, b != NULL ? b : "",
                 WEXITSTATUS(status), json == NULL ? error.text : "");
    }
    return json;
}

static void decides_the_same(day *d, const char *policy)
{
    json_t *json = replay(&d->c, "--verify", NULL);
    json_t *verified = json_object_get(json, "verified");
    char digest[20];

    (void)snprintf(digest, sizeof digest, "%016llx",
                   (unsigned long long)fy_fleet_digest(fy_ctl_fleet(d->c.ctl)));
    assert_string_equal(json_string_value(json_object_get(json, "digest")), digest);
    assert_true(json_integer_value(json_object_get(verified, "decisions")) >= DAY_JOBS);
    print_message("# %s: %lld decisions in %lld rounds taken again\n", policy,
                  (long long)json_integer_value(json_object_get(verified, "decisions")),
                  (long long)json_integer_value(json_object_get(verified, "rounds")));
    json_decref(json);
}

static double number_in(const json_t *json, const char *key)
{
    const json_t *found = json_object_get(json, key);
    const char *name;
    json_t *value;

    if (found != NULL) {
        return json_number_value(found);
    }
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        double inside = json_is_object(value) ? number_in(value, key) : (double)NAN;

        if (!isnan(inside)) {
            return inside;
        }
    }
    return NAN;
}

static void simulates_the_same(day *d, const char *policy)
{
    json_t *json = replay(&d->c, "--policy", policy);
    double live_s = (double)(d->last_us - d->first_us) / HAND_US;
    double simulated_s = number_in(json, "makespan_s");
    double off = simulated_s / live_s - 1;

    print_message("# %s: live %.0f s with %d restarts, simulated %.0f s: %+.2f %%\n", policy,
                  live_s, d->preempted, simulated_s, off * 100);
    if (!(fabs(off) <= 0.02)) {
        fail_msg("%s: makespan %.0f s live, %.0f s simulated", policy, live_s, simulated_s);
    }
    json_decref(json);
}

static void a_day_under(const char *policy)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        day d = {0};

        run_day(&d, policy, seed);
        decides_the_same(&d, policy);
        simulates_the_same(&d, policy);
        drive_end(&d.c);
    }
}

static void fifo_lives_as_it_simulates(void **state)
{
    (void)state;
    a_day_under("fifo");
}

static void backfill_lives_as_it_simulates(void **state)
{
    (void)state;
    a_day_under("backfill");
}

static void las_lives_as_it_simulates(void **state)
{
    (void)state;
    a_day_under("las");
}

static void fair_lives_as_it_simulates(void **state)
{
    (void)state;
    a_day_under("fair");
}

/* gain stops the jobs that it moves and takes up its plan at the same instant, which it finds in a
 * simulation only: where stops take time, it fills what they free in its order instead, and the
 * makespans are apart by up to 23 % here (live is the shorter). Its decisions are the same. */
static void gain_decides_in_replay_as_it_did(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        day d = {0};

        run_day(&d, "gain", seed);
        decides_the_same(&d, "gain");
        drive_end(&d.c);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifo_lives_as_it_simulates),
        cmocka_unit_test(backfill_lives_as_it_simulates),
        cmocka_unit_test(las_lives_as_it_simulates),
        cmocka_unit_test(fair_lives_as_it_simulates),
        cmocka_unit_test(gain_decides_in_replay_as_it_did),
    };

    program = argc > 1 ? argv[1] : program;
    return cmocka_run_group_tests_name("parity", tests, NULL, NULL);
}
