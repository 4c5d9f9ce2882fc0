/* SPDX-License-Identifier: MIT */
#include "base/pack.h"
#include "fleet/snapshot.h"
#include "hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A fleet in the middle of a day: some run, some wait, one waits for another, one is an array's,
 * and devices are shared. Owned by caller. */
static fy_fleet *busy_fleet(void)
{
    static hand_site hand;
    static hand_jobs jobs;
    fy_sim_result *result = NULL;
    fy_sim_options o;
    hand_text journal = {0};
    fy_fleet *fleet;
    fy_err err = {0};

    jobs = (hand_jobs){0};
    hand_site_init(&hand, 2);
    hand_pool(&hand, 0, 3, 4);
    hand_pool(&hand, 1, 1, 8);
    hand_tenant(&hand, 1, 4, -1);
    hand_tenant(&hand, 2, 0, 6);
    for (int i = 0; i < 9; i++) {
        fy_job_spec *job = hand_job(&jobs, i, 1 + i % 3, 40 + i);

        job->tenant = hand.tenants[i % 2].name;
        job->min_workers = 1;
    }
    jobs.jobs[3].milli = 300;
    jobs.jobs[3].workers = jobs.jobs[3].max_workers = 1;
    jobs.jobs[5].n_after = 1;
    jobs.after[5][0] = 4;
    jobs.jobs[6].array_of = 6;
    jobs.jobs[6].array_limit = 1;
    jobs.jobs[8].service = true;
    jobs.jobs[8].work = NAN;
    o = fy_sim_options_default(&hand.site);
    o.source = hand_source(&jobs);
    o.until_us = 25LL * HAND_US;
    o.journal = hand_journal;
    o.journal_ctx = &journal;
    o.mix_jobs = jobs.jobs;
    o.n_mix_jobs = jobs.n;
    assert_int_equal(fy_sim_run(&result, &o, &err), 0);
    fy_sim_result_free(result);
    fleet = hand_replay(&journal, &err);
    assert_non_null(fleet);
    assert_true(fleet->n_running > 2 && fleet->n_waiting > 0);
    free(journal.text);
    return fleet;
}

static int load(const void *bytes, size_t len, fy_err *err)
{
    fy_fleet *fleet = NULL;
    int status = fy_fleet_load(&fleet, bytes, len, err);

    assert_true((status == 0) == (fleet != NULL));
    fy_fleet_free(fleet);
    return status;
}

static void the_same_state_comes_back(void **state)
{
    fy_fleet *fleet = busy_fleet();
    fy_fleet *copy = fy_fleet_copy(fleet);
    fy_err err = {0};

    (void)state;
    assert_int_equal(fy_fleet_check(copy, &err), 0);
    assert_true(fy_fleet_digest(copy) == fy_fleet_digest(fleet));
    fy_fleet_integrate(fleet, 90LL * HAND_US);
    fy_fleet_integrate(copy, 90LL * HAND_US);
    for (int c = 0; c < fleet->n_chips; c++) {
        assert_true(copy->pools[c].held_int == fleet->pools[c].held_int);
        assert_true(copy->pools[c].energy_int[FY_MID] == fleet->pools[c].energy_int[FY_MID]);
        assert_int_equal(copy->pools[c].releases, fleet->pools[c].releases);
    }
    assert_true(copy->frag_int == fleet->frag_int && copy->frag_int > 0);
    assert_true(copy->tenants[1].held_int == fleet->tenants[1].held_int);
    fy_fleet_free(copy);
    fy_fleet_free(fleet);
}

static void an_empty_fleet_is_one(void **state)
{
    fy_fleet *fleet = fy_fleet_new();
    fy_fleet *copy = fy_fleet_copy(fleet);
    fy_str bytes = {0};
    fy_err err = {0};

    (void)state;
    fy_fleet_save(copy, &bytes);
    assert_int_equal(load(bytes.text, bytes.len, &err), 0);
    assert_true(fy_fleet_digest(copy) == fy_fleet_digest(fleet));
    fy_str_free(&bytes);
    fy_fleet_free(copy);
    fy_fleet_free(fleet);
}

static void torn_damaged_and_other_versions_are_refused(void **state)
{
    fy_fleet *fleet = busy_fleet();
    fy_str bytes = {0};
    fy_err err = {0};

    (void)state;
    fy_fleet_save(fleet, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_equal(load(bytes.text, len, &err), FY_EPARSE);
    }
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.text[i] = (char)(bytes.text[i] ^ 4);
        assert_int_equal(load(bytes.text, bytes.len, &err), FY_EPARSE);
        bytes.text[i] = (char)(bytes.text[i] ^ 4);
    }
    bytes.text[7] = '2';
    assert_int_equal(load(bytes.text, bytes.len, &err), FY_EPARSE);
    assert_string_equal(err.text, "snapshot: of version 2; this program reads version 1");
    bytes.text[7] = '1';
    fy_str_add(&bytes, "x", 1);
    assert_int_equal(load(bytes.text, bytes.len, &err), FY_EPARSE);
    assert_non_null(strstr(err.text, "torn"));
    fy_str_free(&bytes);
    fy_fleet_free(fleet);
}

/* Bytes changed by somebody who mends the hash: an error or a fleet, never more. */
static void what_means_harm_is_refused_or_is_a_fleet(void **state)
{
    static const unsigned char wrong[] = {0, 1, 2, 0x7f, 0x80, 0xff};
    fy_fleet *fleet = busy_fleet();
    fy_str bytes = {0};
    fy_err err = {0};
    int refused = 0;

    (void)state;
    fy_fleet_save(fleet, &bytes);
    for (size_t i = 16; i < bytes.len - 8; i++) {
        for (size_t k = 0; k < sizeof wrong; k++) {
            fy_str framed = {0};
            size_t begin = fy_pack_begin(&framed, fy_snapshot_magic);

            fy_str_add(&framed, bytes.text + 16, bytes.len - 24);
            framed.text[i] = (char)wrong[k];
            fy_pack_end(&framed, begin);
            if (load(framed.text, framed.len, &err) != 0) {
                assert_true(err.text[0] != '\0');
                refused++;
            }
            fy_str_free(&framed);
        }
    }
    assert_true(refused > 1000);
    fy_str_free(&bytes);
    fy_fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_state_comes_back),
        cmocka_unit_test(an_empty_fleet_is_one),
        cmocka_unit_test(torn_damaged_and_other_versions_are_refused),
        cmocka_unit_test(what_means_harm_is_refused_or_is_a_fleet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
