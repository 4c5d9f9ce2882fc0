/* SPDX-License-Identifier: MIT */
/*
 * Placements on nodes made by hand, racks and tight gangs, and fgd's cached scores against the
 * naive ones after random changes.
 */
#include "base/rng.h"
#include "world.h"

#include <stdio.h>

/* Place and, if found, start. Writes "node*workers ..." and devices into `out`. */
static const char *put(world *w, fy_placer *placer, const fy_job *job, char out[200])
{
    fy_place place;
    fy_event e = world_event(w, FY_EV_STARTING);
    int n = 0;

    if (!fy_placer_find(placer, w->fleet, job, ~(uint64_t)0, job->rec.workers, &place)) {
        return "none";
    }
    for (int c = 0; c < place.n_chunks; c++) {
        n += snprintf(out + n, (size_t)(200 - n), "%s%d*%d", c > 0 ? " " : "", place.chunks[c].node,
                      place.chunks[c].workers);
    }
    n += snprintf(out + n, (size_t)(200 - n), ":");
    for (int d = 0; d < place.n_devices; d++) {
        n += snprintf(out + n, (size_t)(200 - n), "%s%d", d > 0 ? "," : "", place.devices[d]);
    }
    e.job = job->id;
    e.attempt = job->attempt + 1;
    e.place = &place;
    world_must(w, &e);
    return out;
}

/* Submit a gang of `workers` of `devices` (or a share) and place it. */
static const char *place(world *w, fy_placer *placer, int workers, int devices, int milli)
{
    static char text[200];
    fy_job_record rec = world_record(workers);

    rec.devices = devices;
    rec.milli = milli;
    return put(w, placer, world_submit(w, &rec), text);
}

static void end(world *w, fy_placer *placer)
{
    fy_placer_free(placer);
    fy_fleet_free(w->fleet);
}

/* ------------------------------------------------------------------ pack and spread */

static void pack_fills_the_fullest_node(void **state)
{
    world w;
    fy_placer *placer = fy_placer_new(FY_PLACE_PACK);

    (void)state;
    world_begin(&w, 3, 4); /* devices 0-3, 4-7, 8-11 */
    assert_string_equal(place(&w, placer, 1, 3, 0), "0*1:0,1,2");
    assert_string_equal(place(&w, placer, 1, 2, 0), "1*1:4,5");
    assert_string_equal(place(&w, placer, 1, 1, 0), "0*1:3");   /* one left there */
    assert_string_equal(place(&w, placer, 2, 1, 0), "1*2:6,7"); /* the gang on one node */
    assert_string_equal(place(&w, placer, 1, 1, 300), "2*1:8"); /* a fresh device */
    assert_string_equal(place(&w, placer, 1, 1, 600), "2*1:8"); /* the same one */
    assert_string_equal(place(&w, placer, 1, 1, 200), "2*1:9"); /* 100 are too few */
    assert_string_equal(place(&w, placer, 1, 1, 100), "2*1:8"); /* the fullest that fits */
    assert_string_equal(place(&w, placer, 1, 3, 0), "none");
    assert_string_equal(place(&w, placer, 2, 1, 0), "2*2:10,11");
    end(&w, placer);
}

static void pack_takes_few_nodes(void **state)
{
    world w;
    fy_placer *placer = fy_placer_new(FY_PLACE_PACK);

    (void)state;
    world_begin(&w, 4, 4);
    assert_string_equal(place(&w, placer, 1, 2, 0), "0*1:0,1");
    /* 10 of 14: two whole nodes, and the rest where it just fits */
    assert_string_equal(place(&w, placer, 10, 1, 0), "0*2 1*4 2*4:2,3,4,5,6,7,8,9,10,11");
    assert_string_equal(place(&w, placer, 2, 2, 0), "3*2:12,13,14,15");
    end(&w, placer);
}

static void spread_takes_many_nodes(void **state)
{
    world w;
    fy_placer *placer = fy_placer_new(FY_PLACE_SPREAD);

    (void)state;
    world_begin(&w, 3, 4);
    assert_string_equal(place(&w, placer, 1, 1, 0), "0*1:0");
    assert_string_equal(place(&w, placer, 1, 1, 0), "1*1:4");
    assert_string_equal(place(&w, placer, 2, 1, 0), "0*1 2*1:1,8"); /* emptiest, then first */
    assert_string_equal(place(&w, placer, 5, 1, 0), "0*1 1*2 2*2:2,5,6,9,10");
    assert_string_equal(place(&w, placer, 4, 1, 0), "none");
    end(&w, placer);
}

static void bestfit_leaves_least(void **state)
{
    world w;
    fy_placer *placer = fy_placer_new(FY_PLACE_BESTFIT);

    (void)state;
    world_begin(&w, 0, 0);
    (void)world_node(&w, 0, 4, 64000, FY_RACK_NEW);
    (void)world_node(&w, 0, 4, 32000, FY_RACK_NEW);
    assert_string_equal(place(&w, placer, 1, 1, 0), "1*1:4"); /* less CPU is left */
    assert_string_equal(place(&w, placer, 1, 1, 0), "1*1:5");
    assert_string_equal(place(&w, placer, 1, 3, 0), "0*1:0,1,2");
    assert_string_equal(place(&w, placer, 1, 1, 500), "1*1:6"); /* .25 + .1875 < .5 + .0625 */
    assert_string_equal(place(&w, placer, 1, 1, 500), "1*1:6");
    end(&w, placer);
}

/* ------------------------------------------------------------------ racks, gangs, chips */

static void gangs_stay_in_a_rack_that_holds_them(void **state)
{
    world w;
    fy_placer *placer = fy_placer_new(FY_PLACE_PACK);

    (void)state;
    world_begin(&w, 0, 0);
    for (int i = 0; i < 6; i++) { /* three racks of two nodes of two devices */
        (void)world_node(&w, 0, 2, FY_PLENTY, i % 2 == 0 ? FY_RACK_NEW : FY_RACK_LAST);
    }
    assert_int_equal(w.fleet->pools[0].n_racks, 3);
    assert_string_equal(place(&w, placer, 1, 1, 0), "0*1:0");
    assert_string_equal(place(&w, placer, 3, 1, 0),
                        "0*1 1*2:1,2,3"); /* the fullest that holds it */
    assert_string_equal(place(&w, placer, 4, 1, 0), "2*2 3*2:4,5,6,7");
    end(&w, placer);
}

static void tight_gangs_take_no_more_nodes_than_they_must(void **state)
{
    static const fy_rate tight = {.chip = 0, .rate_q = 10, .spread_q = 0};
    world w;
    fy_placer *placer = fy_placer_new(FY_PLACE_PACK);
    fy_job_record rec = world_record(4);
    char text[200];

    (void)state;
    world_begin(&w, 3, 4);
    rec.rates = &tight;
    for (int i = 0; i < 3; i++) {
        (void)place(&w, placer, 1, 2, 0); /* two of them fill node 0 */
    }
    (void)place(&w, placer, 1, 3, 0); /* 2 left on node 1, 1 on node 2 */
    rec.workers = rec.min_workers = rec.max_workers = 3;
    assert_string_equal(put(&w, placer, world_submit(&w, &rec), text), "none");
    assert_string_equal(place(&w, placer, 3, 1, 0), "1*2 2*1:6,7,11"); /* others may spread */
    end(&w, placer);
}

static void chips_of_the_mask_only(void **state)
{
    static const fy_rate both[] = {{.chip = 0, .rate_q = 10, .spread_q = 10},
                                   {.chip = 1, .rate_q = 10, .spread_q = 10}};
    world w;
    fy_placer *placer = fy_placer_new(FY_PLACE_PACK);
    fy_job_record rec = world_record(1);
    const fy_job *job;
    fy_place place_;

    (void)state;
    world_begin(&w, 1, 1);
    world_chip(&w, "b");
    (void)world_node(&w, 1, 2, FY_PLENTY, FY_RACK_NEW);
    rec.rates = both;
    rec.n_rates = 2;
    job = world_submit(&w, &rec);
    assert_true(fy_placer_find(placer, w.fleet, job, 2, 1, &place_));
    assert_int_equal(place_.chip, 1);
    assert_true(fy_placer_find(placer, w.fleet, job, 3, 1, &place_));
    assert_int_equal(place_.chip, 0); /* the fuller node */
    assert_false(fy_placer_find(placer, w.fleet, job, 4, 1, &place_));
    assert_false(fy_placer_find(placer, w.fleet, job, 0, 1, &place_));
    end(&w, placer);
}

static void windows_let_their_tenant_in(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *theirs;
    fy_event e;
    char text[200];

    (void)state;
    for (int kind = 0; kind < FY_N_PLACEMENTS; kind++) {
        fy_placer *placer = fy_placer_new((fy_placement)kind);

        world_begin(&w, 1, 2);
        (void)world_tenant(&w, 1, 0, -1);
        rec.tenant = 1;
        theirs = world_submit(&w, &rec);
        e = world_event(&w, FY_EV_NODE_RESERVED);
        e.node = 0;
        e.tenant = 1;
        e.a = 0;
        e.b = 100 * S;
        world_must(&w, &e);
        assert_string_equal(place(&w, placer, 1, 1, 0), "none");
        assert_string_equal(put(&w, placer, theirs, text), "0*1:0");
        end(&w, placer);
    }
}

/* ------------------------------------------------------------------ fgd */

static void set_mix(world *w, const fy_mix_class *classes, int n)
{
    fy_event e = world_event(w, FY_EV_MIX);
    fy_mix_record mix = {.classes = classes, .n = n};

    e.mix = &mix;
    world_must(w, &e);
}

/*
 * The mix asks for whole devices only. 500 milli free on device 0 are lost to it already; taking
 * them from there lowers F, taking them from a whole device raises it.
 */
static void fgd_mends_what_is_broken(void **state)
{
    static const fy_mix_class whole[] = {{.devices = 1, .weight = 3}};
    world w;
    fy_placer *placer = fy_placer_new(FY_PLACE_FGD);
    int device;

    (void)state;
    world_begin(&w, 2, 2);
    set_mix(&w, whole, 1);
    assert_string_equal(place(&w, placer, 1, 1, 500), "0*1:0");
    fy_fleet_tick(w.fleet, S);
    assert_int_equal(w.fleet->frag, 500 * 3);
    /* F falls by 500: sigmoid(0.5) = 0.622; it would grow by 500: sigmoid(-0.5) = 0.378 */
    assert_int_equal(fy_fgd_score(w.fleet, &w.fleet->nodes[0], 0, 1, 500, &device), 62);
    assert_int_equal(device, 0);
    assert_int_equal(fy_fgd_score(w.fleet, &w.fleet->nodes[1], 0, 1, 500, &device), 37);
    assert_int_equal(device, 2);
    assert_int_equal(fy_fgd_score(w.fleet, &w.fleet->nodes[0], 0, 2, 0, &device), -1);
    w.now_us = S;
    assert_string_equal(place(&w, placer, 1, 1, 500), "0*1:0");
    fy_fleet_tick(w.fleet, 2 * S);
    assert_int_equal(w.fleet->frag, 0);
    end(&w, placer);
}

/* What the placer chooses from its cache is what the naive scores say: best, then lowest node. */
static void check_choice(world *w, fy_placer *placer, const fy_job *job)
{
    const fy_job_record *rec = &job->rec;
    fy_place found;
    int best = -1;
    int best_score = -1;
    int best_device = -1;

    for (size_t n = 0; n < w->fleet->n_nodes; n++) {
        const fy_node *node = &w->fleet->nodes[n];
        int device;
        int score = fy_fgd_score(w->fleet, node, rec->cpu_milli, rec->devices, rec->milli, &device);

        if (score > best_score && fy_node_open(node, job, w->fleet->now_us)) {
            best = (int)n;
            best_score = score;
            best_device = device;
        }
    }
    if (!fy_placer_find(placer, w->fleet, job, ~(uint64_t)0, 1, &found)) {
        assert_int_equal(best, -1);
        return;
    }
    assert_int_equal(found.chunks[0].node, best);
    if (rec->milli > 0) {
        assert_int_equal(found.devices[0], best_device);
    }
}

static void random_change(world *w, fy_placer *placer, fy_rng *rng)
{
    fy_job_record rec = world_record(1);
    const fy_job *job =
        w->fleet->n_slots > 0 ? w->fleet->jobs[fy_rng_below(rng, w->fleet->n_slots)] : NULL;
    fy_event e;
    char text[200];

    w->now_us += (int64_t)fy_rng_below(rng, 3) * S;
    switch (fy_rng_below(rng, 8)) {
    case 0:
    case 1:
    case 2:
        if (job != NULL && job->state != FY_JOB_GONE) {
            assert_true(world_job(w, FY_EV_CANCELLED, job, -1, 0));
        }
        break;
    case 3:
        e = world_event(w, (fy_event_kind)(FY_EV_NODE_DOWN + (int)fy_rng_below(rng, 4)));
        e.node = (int32_t)fy_rng_below(rng, w->fleet->n_nodes);
        world_must(w, &e);
        break;
    default:
        rec.devices = fy_rng_below(rng, 2) == 0 ? 1 : 1 + (int)fy_rng_below(rng, 4);
        rec.milli = rec.devices == 1 ? (int)fy_rng_below(rng, 5) * 200 : 0;
        rec.cpu_milli = (int64_t)fy_rng_below(rng, 4) * 3000;
        job = world_submit(w, &rec);
        check_choice(w, placer, job);
        (void)put(w, placer, job, text);
        break;
    }
}

static void cached_scores_equal_naive_ones(void **state)
{
    static const fy_mix_class mix[] = {{.devices = 1, .milli = 200, .weight = 30},
                                       {.devices = 1, .milli = 600, .cpu_milli = 6000, .weight = 9},
                                       {.devices = 1, .weight = 20},
                                       {.devices = 2, .cpu_milli = 12000, .weight = 8},
                                       {.devices = 4, .weight = 5},
                                       {.devices = 0, .cpu_milli = 8000, .weight = 4}};

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        fy_rng rng = fy_rng_seed(seed);
        fy_placer *placer = fy_placer_new(FY_PLACE_FGD);
        world w;

        world_begin(&w, 0, 0);
        for (int i = 0; i < 6; i++) {
            (void)world_node(&w, 0, 1 + (int)fy_rng_below(&rng, 8),
                             10000 + (int64_t)fy_rng_below(&rng, 50000), FY_RACK_NEW);
        }
        for (int step = 0; step < 120; step++) {
            if (step % 60 == 0) { /* another mix: every score changes */
                set_mix(&w, mix, step == 0 ? 6 : 3);
            }
            random_change(&w, placer, &rng);
        }
        end(&w, placer);
    }
}

static void names_are_known(void **state)
{
    (void)state;
    for (int k = 0; k < FY_N_PLACEMENTS; k++) {
        assert_int_equal(fy_placement_find(fy_placement_name((fy_placement)k)), k);
        assert_non_null(fy_placement_summary((fy_placement)k));
    }
    assert_int_equal(fy_placement_find("best"), FY_N_PLACEMENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pack_fills_the_fullest_node),
        cmocka_unit_test(pack_takes_few_nodes),
        cmocka_unit_test(spread_takes_many_nodes),
        cmocka_unit_test(bestfit_leaves_least),
        cmocka_unit_test(gangs_stay_in_a_rack_that_holds_them),
        cmocka_unit_test(tight_gangs_take_no_more_nodes_than_they_must),
        cmocka_unit_test(chips_of_the_mask_only),
        cmocka_unit_test(windows_let_their_tenant_in),
        cmocka_unit_test(fgd_mends_what_is_broken),
        cmocka_unit_test(cached_scores_equal_naive_ones),
        cmocka_unit_test(names_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
