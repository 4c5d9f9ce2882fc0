/* SPDX-License-Identifier: MIT */
/* Tables of measured runs: what is read, what is refused, and how blanks are filled. */
#include "fuyao/runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static fy_run_world world;

static int open_world(void **state)
{
    const char *data = getenv("FUYAO_DATA");
    fy_catalog *catalog;
    fy_workloads *workloads;
    fy_stacks *stacks;
    fy_err err = {0};

    (void)state;
    data = data != NULL ? data : "data";
    if (fy_catalog_load(&catalog, data, &err) != 0 ||
        fy_workloads_load(&workloads, data, &err) != 0 ||
        fy_stacks_load(&stacks, data, &err) != 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    world = (fy_run_world){catalog, workloads, stacks};
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    fy_catalog_free((fy_catalog *)(uintptr_t)world.catalog);
    fy_workloads_free((fy_workloads *)(uintptr_t)world.workloads);
    fy_stacks_free((fy_stacks *)(uintptr_t)world.stacks);
    return 0;
}

static fy_runs *parse(const char *text)
{
    fy_runs *runs;
    fy_err err = {0};

    if (fy_runs_parse(&runs, "t.csv", text, strlen(text), &err) != 0) {
        fail_msg("%s", err.text);
    }
    return runs;
}

/* The first row of a table with these columns. */
#define HEADER "model,chip,n_chips,stack,global_batch,step_s,set,"

static const char *text_of(const fy_run_spec *spec, fy_run_cell cell)
{
    static char texts[4][FY_CELL_TEXT];
    static int next;

    next = (next + 1) % 4;
    return fy_run_cell_text(texts[next], spec, cell);
}

/* ------------------------------------------------------------------ reading */

static void columns_are_found_by_name(void **state)
{
    fy_runs *runs = parse("colour,step_s,overlap,stack,nic_gbps_per_node,global_batch,chip,zero,"
                          "model,n_chips,tp,recompute,precision,gated,id,set,memory_kind,"
                          "peak_memory_gib,metric,value\n"
                          "red,1.5,tp;dp,nemo,3200,64,h100-sxm5,1,M,8.0,2,selective,fp8,1,x,s,"
                          "torch-peak,2,mfu,40\n"
                          ",,,,,,,,,,,,,,,,,,,\n");
    const fy_run *run = fy_runs_at(runs, 0);

    (void)state;
    assert_int_equal(fy_runs_count(runs), 2);
    assert_int_equal(run->status, FY_RUN_OK);
    assert_null(run->reason);
    assert_string_equal(run->id, "x");
    assert_string_equal(run->set, "s");
    assert_string_equal(run->spec.model_name, "M");
    assert_string_equal(run->spec.chip, "h100-sxm5");
    assert_string_equal(run->spec.stack, "nemo");
    assert_int_equal(run->spec.n_chips, 8); /* tables with blanks write 8 as 8.0 */
    assert_int_equal(run->spec.layout.tp, 2);
    assert_int_equal(run->spec.layout.zero, 1);
    assert_true(run->spec.model.gated);
    assert_int_equal(run->spec.layout.recompute, FY_RECOMPUTE_SELECTIVE);
    assert_int_equal(run->spec.layout.precision, FY_PREC_FP8);
    assert_int_equal(run->spec.layout.overlap, FY_OVERLAP_TP | FY_OVERLAP_DP);
    assert_true(run->spec.nic_bytes_per_s == 400e9);
    assert_int_equal(run->spec.origin[FY_CELL_TP], FY_ORIGIN_GIVEN);
    assert_int_equal(run->spec.origin[FY_CELL_PP], FY_ORIGIN_BLANK);
    assert_true(run->measured.step_s == 1.5);
    assert_true(run->measured.peak_memory_bytes == 2147483648.0);
    assert_int_equal(run->measured.memory_kind, FY_MEMORY_TORCH_PEAK);
    assert_string_equal(run->measured.metric, "mfu");
    run = fy_runs_at(runs, 1);
    assert_int_equal(run->status, FY_RUN_NOT_COMPARABLE);
    assert_string_equal(run->id, "line-3");
    assert_string_equal(run->spec.model_name, "");
    fy_runs_free(runs);
}

static void a_bad_cell_skips_its_row(void **state)
{
    static const struct {
        const char *column, *value, *reason;
    } cases[] = {
        {"layers", "x", "layers is 'x'; it must be a whole number from 1 to 100000"},
        {"layers", "0", "layers is '0'; it must be a whole number from 1 to 100000"},
        {"layers", "2.5", "layers is '2.5'; it must be a whole number from 1 to 100000"},
        {"tp", " 2", "tp is ' 2'; it must be a whole number from 1 to 10000000"},
        {"tp", "1e99", "tp is '1e99'; it must be a whole number from 1 to 10000000"},
        {"tp", "nan", "tp is 'nan'; it must be a whole number from 1 to 10000000"},
        {"zero", "4", "zero is '4'; it must be a whole number from 0 to 3"},
        {"gated", "yes", "gated is 'yes'; it must be a whole number from 0 to 1"},
        {"nic_gbps_per_node", "-1",
         "nic_gbps_per_node is '-1'; it must be a number from 0.001 to 1e+09"},
        {"attention", "flash", "attention is 'flash'; it must be mha, gqa, mqa or mla"},
        {"recompute", "Full", "recompute is 'Full'; it must be none, selective or full"},
        {"precision", "int8",
         "precision is 'int8'; it must be fp32, tf32, fp16, bf16, bf16-pure or fp8"},
        {"overlap", "tp,dp",
         "overlap is 'tp,dp'; it must be none, or any of tp, dp, pp, ep joined by ;"},
        {"overlap", "tp;",
         "overlap is 'tp;'; it must be none, or any of tp, dp, pp, ep joined by ;"},
        {"peak_memory_gib", "much",
         "peak_memory_gib is 'much'; it must be a number above 0, at most 1e12"},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_runs *runs;

        (void)snprintf(text, sizeof text,
                       HEADER "%s\nM,h100-sxm5,8,nemo,64,1,s,\"%s\"\n"
                              "M,h100-sxm5,8,nemo,64,1,s,\n",
                       cases[i].column, cases[i].value);
        runs = parse(text);
        assert_int_equal(fy_runs_at(runs, 0)->status, FY_RUN_SKIPPED);
        assert_string_equal(fy_runs_at(runs, 0)->reason, cases[i].reason);
        assert_string_equal(fy_runs_at(runs, 0)->set, "s");
        assert_int_equal(fy_runs_at(runs, 1)->status, FY_RUN_OK);
        fy_runs_free(runs);
    }
}

static void a_bad_file_is_refused(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "t.csv: is empty"},
        {"model,chip,stack,global_batch,step_s\n",
         "t.csv:1: no column n_chips; a table of runs has at least chip, n_chips and global_batch"},
        {"n_chips,micro_batch\n", "t.csv:1: no column global_batch; a table of runs has at least "
                                  "chip, n_chips and global_batch"},
        {"model,model\n", NULL},
        {HEADER "id\nM,h100-sxm5,8,nemo,64,1,s,\"never closed\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_runs *runs;
        fy_err err = {0};

        assert_true(fy_runs_parse(&runs, "t.csv", cases[i].text, strlen(cases[i].text), &err) < 0);
        assert_null(runs);
        assert_memory_equal(err.text, "t.csv:", 6);
        if (cases[i].error != NULL) {
            assert_string_equal(err.text, cases[i].error);
        }
    }
}

static void a_row_of_wrong_length_is_skipped(void **state)
{
    fy_runs *runs = parse(HEADER "id\nM,h100-sxm5\nM,h100-sxm5,8,nemo,64,1,s,x\n");

    (void)state;
    assert_int_equal(fy_runs_at(runs, 0)->status, FY_RUN_SKIPPED);
    assert_string_equal(fy_runs_at(runs, 0)->id, "line-2");
    assert_int_equal(fy_runs_at(runs, 1)->status, FY_RUN_OK);
    fy_runs_free(runs);
}

static void what_is_not_comparable(void **state)
{
    fy_runs *runs = parse(HEADER "id\nM,h100-sxm5,8,nemo,64,,s,a\nM,h100-sxm5,8,nemo,64,1,other,b\n"
                                 "M,h100-sxm5,8,nemo,64,0,s,c\n");

    (void)state;
    assert_int_equal(fy_runs_at(runs, 0)->status, FY_RUN_NOT_COMPARABLE);
    assert_int_equal(fy_runs_at(runs, 1)->status, FY_RUN_NOT_COMPARABLE);
    assert_int_equal(fy_runs_at(runs, 2)->status, FY_RUN_SKIPPED);
    fy_runs_free(runs);
}

/* Pipelines of mixtures run one sequence at a time unless the row says otherwise. */
static void mixtures_run_one_sequence(void **state)
{
    static const struct {
        const char *row; /* model, pp, microbatch */
        int microbatch;
        fy_origin origin;
    } cases[] = {
        {"mixtral-8x7b,2,", 1, FY_ORIGIN_CONVENTION},
        {"mixtral-8x7b,2,2", 2, FY_ORIGIN_GIVEN},
        {"llama2-7b,2,", 0, FY_ORIGIN_SEARCH},
        {"mixtral-8x7b,1,", 0, FY_ORIGIN_SEARCH},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        fy_prediction p;
        fy_err err = {0};

        snprintf(text, sizeof text,
                 "model,pp,microbatch,chip,n_chips,global_batch,step_s,tp,stack\n"
                 "%s,h100-sxm5,32,256,1,4,megatron-core\n",
                 cases[i].row);
        fy_runs *runs = parse(text);
        const fy_run *run = fy_runs_at(runs, 0);
        if (fy_run_predict(&p, &run->spec, &world, NULL, &err) != 0) {
            fail_msg("%s: %s", cases[i].row, err.text);
        }
        assert_int_equal(p.spec.origin[FY_CELL_MICROBATCH], cases[i].origin);
        if (cases[i].microbatch > 0) {
            assert_int_equal(p.spec.layout.microbatch, cases[i].microbatch);
        }
        fy_runs_free(runs);
    }
}

/* A stack of a laboratory's own hides the dispatch to experts unless the row says otherwise. */
static void own_stacks_hide_dispatch(void **state)
{
    static const struct {
        const char *row;
        unsigned overlap;
    } cases[] = {
        {"deepseek-v3,other,", FY_OVERLAP_EP},
        {"deepseek-v3,other,dp", FY_OVERLAP_EP},
        {"deepseek-v3,other,none", 0},
        {"deepseek-v3,megatron-core,", 0},
        {"llama2-7b,other,", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        fy_prediction p;
        fy_err err = {0};

        snprintf(text, sizeof text,
                 "model,stack,overlap,chip,n_chips,global_batch,step_s,tp,pp,ep,microbatch\n"
                 "%s,h800-sxm5,256,256,1,1,8,8,1\n",
                 cases[i].row);
        fy_runs *runs = parse(text);
        const fy_run *run = fy_runs_at(runs, 0);
        if (fy_run_predict(&p, &run->spec, &world, NULL, &err) != 0) {
            fail_msg("%s: %s", cases[i].row, err.text);
        }
        if ((p.spec.layout.overlap & FY_OVERLAP_EP) != cases[i].overlap) {
            fail_msg("%s: overlap %u", cases[i].row, p.spec.layout.overlap);
        }
        fy_runs_free(runs);
    }
}

static void a_table_without_measurements(void **state)
{
    fy_runs *runs = parse("chip,n_chips,global_batch\nh100-sxm5,8,64\n");
    const fy_run *run = fy_runs_at(runs, 0);

    (void)state;
    assert_int_equal(run->status, FY_RUN_NOT_COMPARABLE);
    assert_string_equal(run->set, "");
    assert_true(isnan(run->measured.step_s));
    fy_runs_free(runs);
}

static void the_single_node_format(void **state)
{
    fy_runs *runs = parse("tp,dp,pp,n_chips,global_batch,micro_batch,hidden,heads,layers,seq_len,"
                          "iteration_ms\n2,2,2,8,16,4,2048,16,24,1024,250.5\n");
    const fy_run *run = fy_runs_at(runs, 0);
    fy_prediction p;
    fy_err err = {0};

    (void)state;
    assert_string_equal(run->id, "line-2");
    assert_string_equal(run->set, "single-node-a100");
    assert_string_equal(run->spec.chip, "a100-80-sxm4");
    assert_string_equal(run->spec.stack, "megatron-deepspeed");
    assert_true(run->measured.step_s == 250.5 * 1e-3);
    assert_int_equal(run->spec.layout.microbatch, 4);
    assert_int_equal(fy_run_predict(&p, &run->spec, &world, NULL, &err), 0);
    assert_int_equal(p.spec.model.vocab, 51200);
    assert_int_equal(p.spec.model.ffn, 8192);
    assert_int_equal(p.spec.model.kv_heads, 16);
    assert_int_equal(p.spec.layout.vpp, 1);
    assert_int_equal(p.spec.layout.recompute, FY_RECOMPUTE_FULL);
    assert_int_equal(p.spec.layout.precision, FY_PREC_FP16);
    assert_int_equal(p.layouts, 1);
    fy_runs_free(runs);
}

/* ------------------------------------------------------------------ filling */

static fy_run_spec filled(fy_runs **runs, const char *columns, const char *row)
{
    char text[512];
    fy_run_spec spec;
    fy_err err = {0};

    (void)snprintf(text, sizeof text, HEADER "%s\n%s\n", columns, row);
    *runs = parse(text);
    assert_null(fy_runs_at(*runs, 0)->reason);
    spec = fy_runs_at(*runs, 0)->spec;
    if (fy_run_fill(&spec, &world, &err) != 0) {
        fail_msg("%s: %s", row, err.text);
    }
    return spec;
}

static void sizes_come_from_the_workload_of_that_name(void **state)
{
    static const char *const names[] = {"llama2-7b", "Llama-2 7B", "LLAMA2_7B",
                                        "Llama-2 7B (somewhere)", "Llama-2 7B tuning"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char row[128];
        fy_runs *runs;
        fy_run_spec s;

        (void)snprintf(row, sizeof row, "%s,h100-sxm5,8,nemo,64,1,s,1024", names[i]);
        s = filled(&runs, "seq_len", row);
        assert_int_equal(s.model.hidden, 4096);
        assert_int_equal(s.model.ffn, 11008);
        assert_int_equal(s.model.vocab, 32000);
        assert_true(s.model.gated);
        assert_false(s.model.tied);
        assert_int_equal(s.origin[FY_CELL_HIDDEN], FY_ORIGIN_WORKLOAD);
        assert_int_equal(s.origin[FY_CELL_DETAILS], FY_ORIGIN_WORKLOAD);
        assert_int_equal(s.model.seq_len, 1024); /* the row's own */
        assert_int_equal(s.origin[FY_CELL_SEQ_LEN], FY_ORIGIN_GIVEN);
        assert_int_equal(s.chips_per_node, 8);
        assert_true(s.nic_bytes_per_s == 400e9);
        assert_int_equal(s.origin[FY_CELL_NIC], FY_ORIGIN_CATALOG);
        fy_runs_free(runs);
    }
}

static void a_model_without_a_name_is_known_by_its_sizes(void **state)
{
    fy_runs *runs;
    fy_run_spec s = filled(&runs, "layers,hidden,heads,kv_heads,ffn,gated,vocab",
                           ",h100-sxm5,8,nemo,64,1,s,32,4096,32,32,11008,1,32000");

    (void)state;
    assert_int_equal(s.origin[FY_CELL_DETAILS], FY_ORIGIN_WORKLOAD);
    assert_int_equal(s.model.position, FY_ROTARY);
    fy_runs_free(runs);
}

static void sizes_by_convention(void **state)
{
    static const struct {
        const char *columns, *row;
        int ffn, kv_heads;
        bool tied;
    } cases[] = {
        {"layers,hidden,heads", "x,h100-sxm5,8,nemo,64,1,s,7,1280,20", 5120, 20, true},
        /* 8/3 hidden up to 256: Llama 7B, 13B, 65B; 7/2 where keys are shared: Llama 3 8B, 70B */
        {"layers,hidden,heads,gated", "x,h100-sxm5,8,nemo,64,1,s,7,4096,32,1", 11008, 32, false},
        {"layers,hidden,heads,gated", "x,h100-sxm5,8,nemo,64,1,s,7,5120,40,1", 13824, 40, false},
        {"layers,hidden,heads,gated", "x,h100-sxm5,8,nemo,64,1,s,7,8192,64,1", 22016, 64, false},
        {"layers,hidden,heads,gated,attention", "x,h100-sxm5,8,nemo,64,1,s,7,4096,32,1,gqa", 14336,
         8, false},
        {"layers,hidden,heads,gated,kv_heads", "x,h100-sxm5,8,nemo,64,1,s,7,8192,64,1,8", 28672, 8,
         false},
        /* parameters as published tell whether the output matrix is the embedding */
        {"layers,hidden,heads,vocab,total_params_b",
         "x,h100-sxm5,8,nemo,64,1,s,12,768,12,50000,0.124", 3072, 12, true},
        {"layers,hidden,heads,vocab,total_params_b",
         "x,h100-sxm5,8,nemo,64,1,s,12,768,12,50000,0.163", 3072, 12, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_runs *runs;
        fy_run_spec s = filled(&runs, cases[i].columns, cases[i].row);

        assert_int_equal(s.model.ffn, cases[i].ffn);
        assert_int_equal(s.model.kv_heads, cases[i].kv_heads);
        assert_int_equal(s.model.tied, cases[i].tied);
        assert_int_equal(s.origin[FY_CELL_FFN], FY_ORIGIN_CONVENTION);
        fy_runs_free(runs);
    }
}

static void latent_attention_by_convention(void **state)
{
    fy_runs *runs;
    fy_run_spec s = filled(&runs, "layers,hidden,heads,head_dim,attention,gated",
                           "x,h100-sxm5,8,nemo,64,1,s,20,7168,128,128,mla,1");

    (void)state;
    assert_int_equal(s.model.kv_rank, 512);
    assert_int_equal(s.model.q_rank, 1536);
    assert_int_equal(s.model.rope_dim, 64);
    assert_int_equal(s.model.head_dim, 192);
    fy_runs_free(runs);
}

static void what_cannot_be_filled(void **state)
{
    static const struct {
        const char *row, *reason;
    } cases[] = {
        {"nobody,h100-sxm5,8,nemo,64,1,s,",
         "layers is blank, and no shipped workload is called 'nobody'"},
        {"llama2-7b,,8,nemo,64,1,s,", "chip is blank"},
        {"llama2-7b,h100,8,nemo,64,1,s,",
         "chip 'h100' is not in the catalogue; `fuyao chips` lists what is"},
        {"llama2-7b,h100-sxm5:x+a,8,nemo,64,1,s,",
         "chip is 'h100-sxm5:x+a'; it must be an id, or id:count joined by +"},
        {"llama2-7b,h100-sxm5:4+h800-sxm5:4,9,nemo,64,1,s,",
         "chip names 8 devices, but n_chips is 9"},
        {"llama2-7b,h100-sxm5,,nemo,64,1,s,",
         "n_chips is blank, and so is a degree of parallelism"},
        {"llama2-7b,h100-sxm5,8,kubric,64,1,s,",
         "stack 'kubric' is not known; data/stacks has those that are"},
        {"llama2-7b,h100-sxm5,8,nemo,64,1,s,16",
         "tp x pp x dp x cp makes 16 devices, but n_chips is 8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        fy_prediction p;
        fy_runs *runs;
        fy_err err = {0};

        (void)snprintf(text, sizeof text, HEADER "tp\n%s\n", cases[i].row);
        runs = parse(text);
        assert_true(fy_run_predict(&p, &fy_runs_at(runs, 0)->spec, &world, NULL, &err) < 0);
        assert_string_equal(err.text, cases[i].reason);
        fy_runs_free(runs);
    }
}

/* ------------------------------------------------------------------ searching */

static fy_prediction predicted(fy_runs **runs, const char *columns, const char *row)
{
    char text[512];
    fy_prediction p;
    fy_err err = {0};

    (void)snprintf(text, sizeof text, HEADER "%s\n%s\n", columns, row);
    *runs = parse(text);
    if (fy_run_predict(&p, &fy_runs_at(*runs, 0)->spec, &world, NULL, &err) != 0) {
        fail_msg("%s: %s", row, err.text);
    }
    return p;
}

static void the_search_finds_the_fastest_that_fits(void **state)
{
    fy_runs *runs, *other;
    fy_prediction p = predicted(&runs, "tp,cp,recompute",
                                "llama2-13b,a100-80-sxm4,16,megatron-core,64,1,s,2,1,full");

    (void)state;
    assert_true(p.layouts > 10);
    assert_true(p.fitting > 0 && p.fitting <= p.layouts);
    assert_true(p.estimate.memory.fits);
    assert_true(p.estimate.step_s == p.fastest_s && p.fastest_s <= p.slowest_s);
    assert_int_equal(p.spec.origin[FY_CELL_TP], FY_ORIGIN_GIVEN);
    assert_int_equal(p.spec.origin[FY_CELL_PP], FY_ORIGIN_SEARCH);
    assert_string_equal(text_of(&p.spec, FY_CELL_RECOMPUTE), "full");
    /* no single layout given by hand is faster */
    for (int pp = 1; pp <= 8; pp *= 2) {
        for (int micro = 1; micro <= 64 / (8 / pp); micro *= 2) {
            char row[128];
            fy_prediction one;

            (void)snprintf(row, sizeof row,
                           "llama2-13b,a100-80-sxm4,16,megatron-core,64,1,s,2,%d,1,full,%d,1", pp,
                           micro);
            one = predicted(&other, "tp,pp,cp,recompute,microbatch,vpp", row);
            assert_int_equal(one.layouts, 1);
            assert_true(!one.estimate.memory.fits || one.estimate.step_s >= p.fastest_s);
            fy_runs_free(other);
        }
    }
    fy_runs_free(runs);
}

static void a_layout_that_ran_is_timed_even_where_it_does_not_fit(void **state)
{
    fy_runs *runs;
    fy_prediction p = predicted(&runs, "tp,pp,microbatch,recompute,zero",
                                "llama3-70b,a100-40-sxm4,8,megatron-core,64,1,s,1,1,8,none,0");

    (void)state;
    assert_false(p.estimate.memory.fits);
    assert_int_equal(p.fitting, 0);
    assert_true(p.estimate.step_s > 0);
    assert_int_equal(p.spec.layout.dp, 8);
    fy_runs_free(runs);
}

static void odd_layouts(void **state)
{
    fy_runs *runs;
    /* without a pipeline virtual stages mean nothing */
    fy_prediction p = predicted(&runs, "tp,pp,dp,vpp,microbatch,recompute",
                                "llama2-7b,h100-sxm5,8,nemo,64,1,s,1,1,8,5,1,full");

    (void)state;
    assert_int_equal(p.spec.layout.vpp, 1);
    fy_runs_free(runs);
    /* three degrees given leave a fourth */
    p = predicted(&runs, "tp,pp,dp,microbatch,recompute",
                  "llama2-7b,h100-sxm5,32,nemo,64,1,s,2,1,4,1,full");
    assert_int_equal(p.spec.layout.cp, 4);
    fy_runs_free(runs);
    /* a batch that microbatches do not divide */
    p = predicted(&runs, "tp,pp,dp,microbatch,recompute",
                  "llama2-7b,h100-sxm5,8,nemo,100,1,s,1,1,8,3,full");
    assert_true(p.estimate.step_s > 0);
    fy_runs_free(runs);
    /* 126 layers and 2 ends over 16 chunks */
    p = predicted(&runs, "tp,pp,dp,microbatch,recompute",
                  "llama3-405b,h100-sxm5,128,megatron-core,64,1,s,8,8,2,1,full");
    assert_true(p.spec.layout.vpp > 1);
    assert_int_equal(p.spec.origin[FY_CELL_VPP], FY_ORIGIN_SEARCH);
    fy_runs_free(runs);
}

static void another_size_is_another_model(void **state)
{
    fy_runs *runs = parse(HEADER "tp\nGPT-3 999B,h100-sxm5,8,nemo,64,1,s,1\n");
    fy_prediction p;
    fy_err err = {0};

    (void)state;
    assert_true(fy_run_predict(&p, &fy_runs_at(runs, 0)->spec, &world, NULL, &err) < 0);
    assert_string_equal(err.text,
                        "layers is blank, and no shipped workload is called 'GPT-3 999B'");
    fy_runs_free(runs);
}

static void a_mixed_job_goes_as_its_slowest_chip(void **state)
{
    fy_runs *runs, *alone;
    fy_prediction p = predicted(&runs, "tp,pp,microbatch",
                                "llama2-7b,a100-80-sxm4:8+h100-sxm5:8,,nemo,64,1,s,8,2,1");
    fy_prediction slow = predicted(&alone, "tp,pp,microbatch,chips_per_node,nic_gbps_per_node",
                                   "llama2-7b,a100-80-sxm4,16,nemo,64,1,s,8,2,1,8,1600");

    (void)state;
    assert_int_equal(p.spec.n_chips, 16);
    assert_string_equal(p.chip->id, "a100-80-sxm4");
    assert_true(p.estimate.step_s == slow.estimate.step_s);
    fy_runs_free(alone);
    fy_runs_free(runs);
}

static void an_unknown_stack_has_a_wider_interval(void **state)
{
    static const char *const columns = "tp,pp,microbatch,recompute,zero,seq_parallel,vpp";
    fy_runs *runs, *known;
    fy_prediction p =
        predicted(&runs, columns, "llama2-7b,h100-sxm5,8,other,64,1,s,1,1,1,full,1,0,1");
    fy_prediction core =
        predicted(&known, columns, "llama2-7b,h100-sxm5,8,megatron-core,64,1,s,1,1,1,full,1,0,1");

    (void)state;
    assert_true(p.estimate.step_s == core.estimate.step_s);
    assert_true(p.estimate.high_s - p.estimate.low_s > core.estimate.high_s - core.estimate.low_s);
    fy_runs_free(known);
    fy_runs_free(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(a_bad_cell_skips_its_row),
        cmocka_unit_test(a_bad_file_is_refused),
        cmocka_unit_test(a_row_of_wrong_length_is_skipped),
        cmocka_unit_test(what_is_not_comparable),
        cmocka_unit_test(own_stacks_hide_dispatch),
        cmocka_unit_test(mixtures_run_one_sequence),
        cmocka_unit_test(a_table_without_measurements),
        cmocka_unit_test(the_single_node_format),
        cmocka_unit_test(sizes_come_from_the_workload_of_that_name),
        cmocka_unit_test(a_model_without_a_name_is_known_by_its_sizes),
        cmocka_unit_test(sizes_by_convention),
        cmocka_unit_test(latent_attention_by_convention),
        cmocka_unit_test(what_cannot_be_filled),
        cmocka_unit_test(the_search_finds_the_fastest_that_fits),
        cmocka_unit_test(a_layout_that_ran_is_timed_even_where_it_does_not_fit),
        cmocka_unit_test(odd_layouts),
        cmocka_unit_test(another_size_is_another_model),
        cmocka_unit_test(a_mixed_job_goes_as_its_slowest_chip),
        cmocka_unit_test(an_unknown_stack_has_a_wider_interval),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
