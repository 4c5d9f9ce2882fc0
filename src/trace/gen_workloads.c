/* SPDX-License-Identifier: MIT */
/*
 * Which workload a generated training job names, and its rates by the planner. The usual mix is
 * invented, one rule behind it: of the shipped models with a published batch those that a gang of
 * that size trains in practice, about one to ten billion parameters on a node and up to 175 billion
 * on 128 devices; adapters (LoRA) and continued training for fine-tuning, vision transformers for
 * vision. A kind and size none of whose workloads fits any chip keeps its roofline mix.
 */
#include "trace/gen_model.h"

#include <string.h>

enum { PRETRAIN, FINETUNE, VISION, N_PLANNED };

/* By kind and gang of 1, 2, 4, 8, 16, 32, 64, 128 devices; each a quarter of the jobs. */
static const char *const usual[N_PLANNED][FY_GEN_SIZES][FY_GEN_VARIANTS] = {
    [PRETRAIN] = {{"gpt3-125m", "gpt3-350m", "opt-350m", "mpt-125m"},
                  {"gpt3-350m", "gpt3-760m", "opt-1.3b", "mpt-760m"},
                  {"gpt3-1.3b", "opt-1.3b", "mpt-1b", "bloom-1b7"},
                  {"llama2-7b", "bloom-7b1", "gpt3-2.7b", "mpt-3b"},
                  {"llama2-7b", "llama2-13b", "mpt-7b", "gpt3-6.7b"},
                  {"llama2-13b", "mpt-30b", "gpt3-13b", "llama1-33b"},
                  {"llama2-70b", "mpt-30b", "llama1-65b", "llama2-34b"},
                  {"llama2-70b", "gpt3-175b", "bloom-176b", "llama1-65b"}},
    [FINETUNE] = {{"llama2-7b-lora", "llama3-8b-lora", "llama2-7b-lora", "llama3-8b-lora"},
                  {"llama2-7b-lora", "llama3-8b-lora", "llama2-7b-lora", "llama3-8b-lora"},
                  {"llama2-7b-lora", "llama3-8b-lora", "llama2-70b-lora", "llama2-7b"},
                  {"llama2-70b-lora", "llama3-70b-lora", "llama2-7b", "llama2-13b"},
                  {"llama2-70b-lora", "llama3-70b-lora", "llama2-7b", "llama2-13b"},
                  {"llama2-70b-lora", "llama3-70b-lora", "llama2-13b", "llama1-33b"},
                  {"llama2-70b", "llama2-13b", "llama1-33b", "llama1-65b"},
                  {"llama2-70b", "llama2-34b", "llama1-33b", "llama1-65b"}},
    [VISION] = {{"vit-b-16", "vit-l-16", "vit-b-16", "vit-h-14"},
                {"vit-b-16", "vit-l-16", "vit-b-16", "vit-h-14"},
                {"vit-b-16", "vit-l-16", "vit-h-14", "vit-g-14"},
                {"vit-l-16", "vit-h-14", "vit-g-14", "vit-gigantic-14"},
                {"vit-l-16", "vit-h-14", "vit-g-14", "vit-gigantic-14"},
                {"vit-h-14", "vit-g-14", "vit-gigantic-14", "vit-g-14"},
                {"vit-g-14", "vit-gigantic-14", "vit-g-14", "vit-gigantic-14"},
                {"vit-g-14", "vit-gigantic-14", "vit-22b", "vit-22b"}},
};

/* Rates on every rated chip of which the gang takes at most half, fastest first. */
static int list_planned(const fy_planner *planner, const fy_site *site, const fy_gen_offer *o,
                        const fy_workload *w, int devices, fy_accept *list)
{
    fy_rate_ask ask = {.workload = w, .devices = devices};
    int n = 0;

    for (int c = 0; c < site->n_chips; c++) {
        fy_accept accept = {.chip = c};

        ask.chip = c;
        if (o->rated[c] && o->devices[c] >= (devices > 1 ? 2 * devices : 1) &&
            planner->rate(planner->ctx, &ask, &accept)) {
            fy_gen_add_accept(list, &n, accept);
        }
    }
    return n;
}

/* Tokens a second on the reference chip or, where it cannot run, on the most numerous that can. */
static double unit_of(const fy_gen_offer *o, const fy_accept *list, int n)
{
    const fy_accept *best = &list[0];

    for (int i = 1; i < n; i++) {
        bool ref = best->chip == o->ref;

        if (!ref && (list[i].chip == o->ref || o->devices[list[i].chip] > o->devices[best->chip])) {
            best = &list[i];
        }
    }
    return best->rate;
}

static bool suits(const fy_workload *w, int kind)
{
    int own = w->kind == FY_VISION ? VISION : w->model.lora_rank > 0 ? FINETUNE : PRETRAIN;

    return own == kind;
}

/* Of the caller's list those that suit the kind, or all where none does; returns their number. */
static int of_list(const fy_gen_options *o, int kind, const fy_workload **out)
{
    int n = 0;

    for (int pass = 0; pass < 2 && n == 0; pass++) {
        for (int i = 0; i < o->n_workloads; i++) {
            if (pass > 0 || suits(o->workloads[i], kind)) {
                out[n++] = o->workloads[i];
            }
        }
    }
    return n;
}

static int of_usual(const fy_planner *planner, int kind, int size, const fy_workload **out,
                    fy_err *err)
{
    for (int v = 0; v < FY_GEN_VARIANTS; v++) {
        const char *name = usual[kind][size][v];
        int rc = planner->find(planner->ctx, name, &out[v], err);

        if (rc < 0) {
            return rc;
        }
        if (out[v] == NULL) {
            return fy_fail(err, FY_ENOENT,
                           "data/workloads has no %s, which the usual mix draws; name workloads",
                           name);
        }
    }
    return FY_GEN_VARIANTS;
}

int fy_gen_plan_profile(fy_gen_model *model, const fy_gen_options *options, const fy_gen_offer *o,
                        int kind, int variant, int size, fy_accept *list, fy_err *err)
{
    const fy_workload *candidates[FY_GEN_MAX_WORKLOADS];
    fy_gen_profile *p = &model->profiles[kind][variant][size];
    int n;

    if (options->planner == NULL || kind >= N_PLANNED) {
        return 0;
    }
    n = options->n_workloads > 0 ? of_list(options, kind, candidates)
                                 : of_usual(options->planner, kind, size, candidates, err);
    for (int i = 0; i < n; i++) {
        const fy_workload *w = candidates[(variant + i) % n];
        int n_accept = list_planned(options->planner, model->site, o, w, fy_gen_size(size), list);

        if (n_accept > 0) {
            p->workload = w;
            p->unit = unit_of(o, list, n_accept);
            return n_accept;
        }
    }
    return n < 0 ? n : 0;
}
