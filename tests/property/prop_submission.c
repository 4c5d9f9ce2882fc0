/* SPDX-License-Identifier: MIT */
/*
 * Random submissions: written, read back, equal member by member, and written again to the same
 * bytes; and with one random key changed to nonsense, refused or read, never otherwise.
 */
#include "base/rng.h"
#include "daemon/submission.h"
#include "daemon/submission_fields.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { CASES = 2000 };

static bool maybe(fy_rng *rng)
{
    return fy_rng_below(rng, 2) == 0;
}

static int64_t between(fy_rng *rng, int64_t low, int64_t high)
{
    /* the ends more often than chance would have them */
    switch (fy_rng_below(rng, 8)) {
    case 0:
        return low;
    case 1:
        return high;
    default:
        return low + (int64_t)fy_rng_below(rng, (uint64_t)(high - low) + 1);
    }
}

/* `lines`: with newlines and quotes. Owned by the arena. */
static const char *random_text(fy_rng *rng, fy_arena *arena, bool lines)
{
    static const char *const parts[] = {"a", "Z9", "-", "_", "扶摇", "é", " ", "/", "\"", "\\"};
    char text[64] = "x";
    int n = (int)fy_rng_below(rng, 9);

    for (int i = 0; i < n; i++) {
        strcat(text, parts[fy_rng_below(rng, 10)]);
        strcat(text, lines && maybe(rng) ? "\n\t" : "");
    }
    return fy_arena_strdup(arena, text);
}

static double random_real(fy_rng *rng)
{
    return (1 + fy_rng_unit(rng)) * (maybe(rng) ? 1e-9 : 1e12);
}

static void random_lists(fy_rng *rng, fy_arena *arena, fy_submission *s)
{
    const char **args = fy_arena_alloc(arena, 4 * sizeof *args);
    fy_pair *pairs = fy_arena_alloc(arena, 4 * sizeof *pairs);
    fy_chip_rate *chips = fy_arena_alloc(arena, 4 * sizeof *chips);
    int64_t *after = fy_arena_alloc(arena, 4 * sizeof *after);
    int *array = fy_arena_alloc(arena, 40 * sizeof *array);

    s->n_args = (int)fy_rng_below(rng, 4) + (s->script == NULL ? 1 : 0);
    s->n_environment = (int)fy_rng_below(rng, 4);
    s->n_chips = (int)fy_rng_below(rng, 4);
    s->n_after = (int)fy_rng_below(rng, 4);
    s->n_array = maybe(rng) ? 0 : (int)fy_rng_below(rng, 40);
    for (int i = 0; i < 4; i++) {
        args[i] = random_text(rng, arena, true);
        pairs[i] = (fy_pair){fy_arena_printf(arena, "V_%d", i), random_text(rng, arena, true)};
        chips[i] = (fy_chip_rate){fy_arena_printf(arena, "chip-%d", i),
                                  maybe(rng) ? random_real(rng) : (double)NAN};
        after[i] = between(rng, 0, INT64_MAX / 2);
    }
    for (int i = 0, at = 0; i < s->n_array; i++) {
        at += 1 + (maybe(rng) ? 0 : (int)fy_rng_below(rng, 99));
        array[i] = at - 1;
    }
    s->args = args;
    s->environment = pairs;
    s->chips = chips;
    s->after = after;
    s->array = array;
    s->array_limit = s->n_array > 0 && maybe(rng) ? (int)between(rng, 1, 1000) : 0;
}

static fy_submission random_submission(fy_rng *rng, fy_arena *arena)
{
    fy_submission s = fy_submission_default();

    for (int i = 0; i < fy_submission_n_fields; i++) {
        const fy_submission_field *f = &fy_submission_fields[i];
        void *at = (char *)&s + f->at;

        if (maybe(rng)) {
            continue;
        }
        if (f->kind == FY_FIELD_LINE || f->kind == FY_FIELD_PATTERN) {
            *(const char **)at = random_text(rng, arena, false);
        } else if (f->kind == FY_FIELD_SCRIPT) {
            *(const char **)at = random_text(rng, arena, true);
        } else if (f->kind == FY_FIELD_INT64) {
            *(int64_t *)at = between(rng, f->low, f->high);
        } else if (f->kind == FY_FIELD_REAL) {
            *(double *)at = random_real(rng);
        } else if (f->kind == FY_FIELD_FLAG) {
            *(bool *)at = maybe(rng);
        }
    }
    s.workdir = maybe(rng) ? "/" : fy_arena_printf(arena, "/%s", random_text(rng, arena, false));
    s.priority = (fy_priority)fy_rng_below(rng, 3);
    s.launch = (fy_launch)fy_rng_below(rng, 2);
    s.workers = (int)between(rng, 1, 1000);
    s.min_workers = maybe(rng) ? s.workers : (int)between(rng, 1, s.workers);
    s.max_workers = maybe(rng) ? s.workers : (int)between(rng, s.workers, 2000);
    s.devices = (int)between(rng, 0, 4096);
    s.spares = (int)between(rng, 0, 9);
    s.batch = (int)between(rng, 0, 1 << 20);
    if (fy_rng_below(rng, 8) == 0) {
        s.workers = s.min_workers = s.max_workers = s.devices = 1;
        s.milli = (int)between(rng, 1, 999);
    }
    s.checkpoint_signal = (int)between(rng, 1, 64);
    if (s.service) {
        s.work = NAN;
        s.estimate_us = -1;
    }
    random_lists(rng, arena, &s);
    return s;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_real(double a, double b)
{
    return fy_known(a) ? a == b : !fy_known(b);
}

static bool same_lists(const fy_submission *a, const fy_submission *b)
{
    bool same = a->n_args == b->n_args && a->n_environment == b->n_environment &&
                a->n_chips == b->n_chips && a->n_after == b->n_after && a->n_array == b->n_array;

    for (int i = 0; same && i < a->n_args; i++) {
        same = same_text(a->args[i], b->args[i]);
    }
    for (int i = 0; same && i < a->n_environment; i++) {
        same = same_text(a->environment[i].key, b->environment[i].key) &&
               same_text(a->environment[i].value, b->environment[i].value);
    }
    for (int i = 0; same && i < a->n_chips; i++) {
        same = same_text(a->chips[i].chip, b->chips[i].chip) &&
               same_real(a->chips[i].rate, b->chips[i].rate);
    }
    for (int i = 0; same && i < a->n_after; i++) {
        same = a->after[i] == b->after[i];
    }
    for (int i = 0; same && i < a->n_array; i++) {
        same = a->array[i] == b->array[i];
    }
    return same;
}

/* Written out by hand, so that a member forgotten in the table is seen. */
static bool same(const fy_submission *a, const fy_submission *b)
{
    return same_text(a->name, b->name) && same_text(a->tenant, b->tenant) &&
           same_text(a->key, b->key) && same_text(a->comment, b->comment) &&
           same_text(a->script, b->script) && same_text(a->workdir, b->workdir) &&
           same_text(a->output, b->output) && same_text(a->error, b->error) &&
           a->launch == b->launch && a->priority == b->priority && a->workers == b->workers &&
           a->min_workers == b->min_workers && a->max_workers == b->max_workers &&
           a->devices == b->devices && a->milli == b->milli && a->spares == b->spares &&
           a->cpu_milli == b->cpu_milli && a->memory_mib == b->memory_mib &&
           same_text(a->workload, b->workload) && a->batch == b->batch &&
           same_real(a->work, b->work) && a->service == b->service &&
           a->estimate_us == b->estimate_us && a->time_limit_us == b->time_limit_us &&
           a->deadline_us == b->deadline_us && a->min_run_us == b->min_run_us &&
           a->array_limit == b->array_limit && a->hold == b->hold && a->requeue == b->requeue &&
           a->checkpoint_signal == b->checkpoint_signal && a->signal_script == b->signal_script &&
           a->signal_before_us == b->signal_before_us && a->grace_us == b->grace_us &&
           a->checkpoint_interval_us == b->checkpoint_interval_us &&
           a->checkpoint_cost_us == b->checkpoint_cost_us &&
           a->restart_cost_us == b->restart_cost_us && same_lists(a, b);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        fy_rng rng;
        fy_arena arena = {0};
        fy_submission s, back;
        fy_err err = {0};
        size_t len, again_len;
        const char *json, *again;

        rng = fy_rng_seed(seed);
        s = random_submission(&rng, &arena);
        json = fy_submission_write(&s, &arena, &len);
        if (fy_submission_read(&back, json, len, &arena, &err) != 0) {
            fail_msg("seed %llu: %s\n%s", (unsigned long long)seed, err.text, json);
        }
        again = fy_submission_write(&back, &arena, &again_len);
        if (!same(&s, &back) || len != again_len || memcmp(json, again, len) != 0) {
            fail_msg("seed %llu: not the same\n%s\n%s", (unsigned long long)seed, json, again);
        }
        fy_arena_free(&arena);
    }
}

static void damaged_text_is_refused_or_means_something(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        fy_rng rng;
        fy_arena arena = {0};
        fy_submission s, back;
        fy_err err = {0};
        size_t len;
        char *json;
        int rc;

        rng = fy_rng_seed(seed);
        s = random_submission(&rng, &arena);
        json = fy_arena_strdup(&arena, fy_submission_write(&s, &arena, &len));
        json[fy_rng_below(&rng, len)] = "\"{}[],:0-9\\n"[fy_rng_below(&rng, 11)];
        rc = fy_submission_read(&back, json, len, &arena, &err);
        if (rc == 0) {
            const char *first = fy_submission_write(&back, &arena, &len);

            assert_int_equal(fy_submission_read(&s, first, len, &arena, NULL), 0);
            assert_string_equal(first, fy_submission_write(&s, &arena, NULL));
        } else {
            assert_true(err.text[0] != '\0' && strchr(err.text, '\n') == NULL);
        }
        fy_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(damaged_text_is_refused_or_means_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
