/* SPDX-License-Identifier: MIT */
/*
 * Filling the blanks of a run that need no search: from the shipped workload of that name (or of
 * exactly these sizes), by convention, from the catalogue's servers and from the stack's defaults.
 * Each filled cell says where its value comes from. Refuses to fill what has no convention: layers,
 * hidden size, heads, batch, chip.
 */
#include "base/num.h"
#include "model/runs.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ the workload */

/* By name; else without what follows an opening parenthesis; else without a last word of letters.
 */
static const fy_workload *workload_called(const fy_workloads *workloads, const char *name)
{
    char shorter[128];
    char *cut;
    const fy_workload *w = fy_workloads_find(workloads, name);

    if (w != NULL || name[0] == '\0' || strlen(name) >= sizeof shorter) {
        return w;
    }
    strcpy(shorter, name);
    cut = strchr(shorter, '(');
    if (cut != NULL) {
        *cut = '\0';
        w = fy_workloads_find(workloads, shorter);
    }
    cut = strrchr(shorter, ' ');
    if (w == NULL && cut != NULL && strpbrk(cut, "0123456789") == NULL) {
        *cut = '\0'; /* `Llama-2 7B SFT`, but not `GPT-3 13B` */
        w = fy_workloads_find(workloads, shorter);
    }
    return w;
}

/* Cells that say which architecture it is; a blank one fits any. */
static const fy_run_cell sizes[] = {FY_CELL_LAYERS,   FY_CELL_HIDDEN, FY_CELL_HEADS,
                                    FY_CELL_KV_HEADS, FY_CELL_FFN,    FY_CELL_GATED,
                                    FY_CELL_EXPERTS,  FY_CELL_VOCAB};

enum { N_SIZES = sizeof sizes / sizeof *sizes };

static bool same_cell(const fy_run_spec *spec, const fy_run_spec *other, fy_run_cell cell)
{
    return spec->origin[cell] != FY_ORIGIN_GIVEN ||
           fy_run_cell_int(spec, cell) == fy_run_cell_int(other, cell);
}

static const fy_workload *workload_sized(const fy_workloads *workloads, const fy_run_spec *spec)
{
    if (fy_run_blank(spec, FY_CELL_LAYERS) || fy_run_blank(spec, FY_CELL_HIDDEN) ||
        fy_run_blank(spec, FY_CELL_HEADS) || fy_run_blank(spec, FY_CELL_VOCAB)) {
        return NULL;
    }
    for (int i = 0; i < fy_workloads_count(workloads); i++) {
        const fy_workload *w = fy_workloads_at(workloads, i);
        fy_run_spec shipped = {.model = w->model};
        bool same = w->kind == FY_LANGUAGE;

        for (int k = 0; k < N_SIZES && same; k++) {
            same = same_cell(spec, &shipped, sizes[k]);
        }
        if (same) {
            return w;
        }
    }
    return NULL;
}

/*
 * Take from the workload what the row leaves blank, all that has no column included. Sizes that
 * follow from the width are taken only where the row's width is the workload's.
 */
static void fill_from_workload(fy_run_spec *spec, const fy_workload *w)
{
    fy_run_spec given = *spec, shipped = {.model = w->model};
    bool same_width =
        same_cell(spec, &shipped, FY_CELL_HIDDEN) && same_cell(spec, &shipped, FY_CELL_HEADS);
    bool moe = fy_run_blank(spec, FY_CELL_EXPERTS) ? w->model.experts > 0 : spec->model.experts > 0;

    spec->model = w->model;
    spec->model.lora_rank = given.model.lora_rank > 0 ? given.model.lora_rank : w->model.lora_rank;
    spec->origin[FY_CELL_DETAILS] = FY_ORIGIN_WORKLOAD;
    spec->workload = w->id;
    for (int i = FY_CELL_LAYERS; i <= FY_CELL_ATTENTION; i++) {
        fy_run_cell cell = (fy_run_cell)i;
        bool by_width = cell == FY_CELL_KV_HEADS || cell == FY_CELL_HEAD_DIM ||
                        cell == FY_CELL_FFN || cell == FY_CELL_EXPERT_FFN;
        bool by_experts = cell >= FY_CELL_EXPERTS && cell <= FY_CELL_DENSE_LAYERS;
        int value = fy_run_cell_int(fy_run_blank(spec, cell) ? &shipped : &given, cell);

        if (!fy_run_blank(spec, cell)) {
            spec->origin[cell] = FY_ORIGIN_BLANK; /* put the row's value back, as it was given */
            fy_run_cell_fill(spec, cell, value, given.origin[cell]);
        } else if ((!by_width || same_width) && (!by_experts || moe)) {
            fy_run_cell_fill(spec, cell, value, FY_ORIGIN_WORKLOAD);
        }
    }
    fy_run_cell_fill(spec, FY_CELL_PRECISION, (int)w->precision, FY_ORIGIN_WORKLOAD);
    if (w->global_batch > 0) {
        fy_run_cell_fill(spec, FY_CELL_GLOBAL_BATCH, w->global_batch, FY_ORIGIN_WORKLOAD);
    }
}

/* ------------------------------------------------------------------ sizes by convention */

/*
 * Width of one branch of a gated feed-forward: 8/3 hidden in the family of Llama 1 and 2, 7/2 where
 * keys are shared (Llama 3, Mistral), rounded up to 256.
 */
static int gated_ffn(const fy_model *m)
{
    long long ffn = m->kv_heads < m->heads ? 7LL * m->hidden / 2 : (8LL * m->hidden + 2) / 3;

    return (int)((ffn + 255) / 256 * 256);
}

/* Ranks of latent attention by the sizes of DeepSeek-V2 and V3; head_dim with its rotary part. */
static void fill_latent(fy_model *m)
{
    if (m->kv_rank == 0) {
        m->nope_dim = m->v_dim = m->head_dim;
        m->rope_dim = m->head_dim / 2;
        m->kv_rank = 4 * m->head_dim;
        m->q_rank = m->hidden >= 4096 ? 12 * m->head_dim : 0;
    }
    m->head_dim = m->nope_dim + m->rope_dim; /* tables give the width without that part */
}

/* What has no column: the family of GPT, or of Llama where the feed-forward is gated. */
static void fill_details(fy_run_spec *spec)
{
    fy_model *m = &spec->model;
    fy_params untied;
    double tied_total;

    m->causal = true;
    m->bias = !m->gated;
    m->norm = m->gated ? FY_RMS_NORM : FY_LAYER_NORM;
    m->position = m->gated ? FY_ROTARY : FY_POSITION_LEARNED;
    m->tied = false;
    untied = fy_model_params(m);
    tied_total = untied.total - untied.head;
    m->tied = fy_known(spec->total_params)
                  ? fabs(tied_total - spec->total_params) < fabs(untied.total - spec->total_params)
                  : !m->gated;
    spec->origin[FY_CELL_DETAILS] = FY_ORIGIN_CONVENTION;
}

/* Do the workload's groups of experts go with the experts of this row? */
static bool groups_hold(const fy_model *m)
{
    int groups = m->expert_groups;

    return groups == 0 || (m->experts % groups == 0 &&
                           m->experts / groups * m->chosen_groups >= m->experts_per_token);
}

static void fill_experts(fy_run_spec *spec)
{
    fy_model *m = &spec->model;
    const fy_origin how = FY_ORIGIN_CONVENTION;

    fy_run_cell_fill(spec, FY_CELL_EXPERTS, 0, how);
    if (m->experts == 0) {
        m->shared_experts = m->experts_per_token = m->expert_ffn = m->dense_layers = 0;
        m->expert_groups = m->chosen_groups = 0;
        for (int i = FY_CELL_SHARED_EXPERTS; i <= FY_CELL_DENSE_LAYERS; i++) {
            spec->origin[i] = how;
        }
    } else {
        fy_run_cell_fill(spec, FY_CELL_SHARED_EXPERTS, 0, how);
        fy_run_cell_fill(spec, FY_CELL_EXPERTS_PER_TOKEN, m->experts > 1 ? 2 : 1, how);
        fy_run_cell_fill(spec, FY_CELL_DENSE_LAYERS, 0, how);
        if (!fy_run_blank(spec, FY_CELL_FFN) && m->ffn > 0 && m->dense_layers == 0) {
            fy_run_cell_fill(spec, FY_CELL_EXPERT_FFN, m->ffn, how);
        }
        if (!groups_hold(m)) { /* the workload's, but the row has other experts */
            m->expert_groups = m->chosen_groups = 0;
        }
    }
}

/* Keys are shared by how many heads? Where the two cells differ the number decides. */
static void fill_attention(fy_run_spec *spec)
{
    fy_model *m = &spec->model;
    int usual = m->attention == FY_MQA ? 1 : m->attention == FY_GQA && m->heads % 8 == 0 ? 8 : 0;

    fy_run_cell_fill(spec, FY_CELL_KV_HEADS, usual > 0 ? usual : m->heads, FY_ORIGIN_CONVENTION);
    fy_run_cell_fill(spec, FY_CELL_ATTENTION, (int)FY_MHA, FY_ORIGIN_CONVENTION);
    if (m->attention != FY_MLA) {
        m->attention = m->kv_heads >= m->heads ? FY_MHA : m->kv_heads == 1 ? FY_MQA : FY_GQA;
        m->q_rank = m->kv_rank = m->nope_dim = m->rope_dim = m->v_dim = 0;
    }
}

static int fill_sizes(fy_run_spec *spec, fy_err *err)
{
    static const fy_run_cell needed[] = {FY_CELL_LAYERS, FY_CELL_HIDDEN, FY_CELL_HEADS};
    fy_model *m = &spec->model;
    const fy_origin how = FY_ORIGIN_CONVENTION;
    int ffn;

    for (int i = 0; i < 3; i++) {
        if (fy_run_blank(spec, needed[i])) {
            return fy_fail(err, FY_EINVAL, "%s is blank, and no shipped workload is called '%.60s'",
                           fy_run_cell_name(needed[i]), spec->model_name);
        }
    }
    fill_attention(spec);
    if (fy_run_blank(spec, FY_CELL_HEAD_DIM) && m->hidden % m->heads != 0) {
        return fy_fail(err, FY_EINVAL,
                       "head_dim is blank, and hidden %d is not a multiple of "
                       "heads %d",
                       m->hidden, m->heads);
    }
    fy_run_cell_fill(spec, FY_CELL_HEAD_DIM, m->hidden / m->heads, how);
    fy_run_cell_fill(spec, FY_CELL_GATED, 0, how);
    fy_run_cell_fill(spec, FY_CELL_SEQ_LEN, 2048, how);
    fy_run_cell_fill(spec, FY_CELL_VOCAB, m->gated ? 32000 : 51200, how);
    fill_experts(spec);
    ffn = m->gated ? gated_ffn(m) : m->hidden > INT32_MAX / 4 ? INT32_MAX : 4 * m->hidden;
    if (m->experts > 0) {
        fy_run_cell_fill(spec, FY_CELL_EXPERT_FFN, ffn, how);
    }
    fy_run_cell_fill(spec, FY_CELL_FFN, m->experts > 0 && m->dense_layers == 0 ? 0 : ffn, how);
    if (m->attention == FY_MLA) {
        fill_latent(m);
    }
    if (fy_run_blank(spec, FY_CELL_DETAILS)) {
        fill_details(spec);
    }
    return fy_model_check(m, m->patch_dim > 0 ? FY_VISION : FY_LANGUAGE, err);
}

/* ------------------------------------------------------------------ chips and nodes */

int fy_run_chips(const char *text, const fy_catalog *catalog,
                 const fy_chip *chips[FY_MAX_RUN_CHIPS], int *total, fy_err *err)
{
    int n = 0;

    *total = 0;
    for (const char *from = text;; from++) {
        size_t len = strcspn(from, "+"), id_len = strcspn(from, ":+");
        char id[64] = "";
        int64_t count = 0;

        if (id_len < len &&
            fy_num_int(from + id_len + 1, len - id_len - 1, 1, 10000000, &count) != FY_NUM_OK) {
            return fy_fail(err, FY_EINVAL,
                           "chip is '%.60s'; it must be an id, or id:count joined by +", text);
        }
        memcpy(id, from, id_len < sizeof id ? id_len : sizeof id - 1);
        if (n == FY_MAX_RUN_CHIPS) {
            return fy_fail(err, FY_EINVAL, "chip names more than %d kinds", FY_MAX_RUN_CHIPS);
        }
        chips[n] = fy_catalog_find_chip(catalog, id);
        if (chips[n] == NULL) {
            return fy_fail(err, FY_EINVAL,
                           "chip '%s' is not in the catalogue; `fuyao chips` lists "
                           "what is",
                           id);
        }
        n++;
        *total += (int)count;
        from += len;
        if (*from == '\0') {
            return n;
        }
    }
}

/* A server of that chip, one whose network is known before others; NULL if none. */
static const fy_server *server_of(const fy_catalog *catalog, const char *chip)
{
    const fy_server *found = NULL;

    for (int i = 0; i < fy_catalog_n_servers(catalog); i++) {
        const fy_server *s = fy_catalog_server(catalog, i);

        if (strcmp(s->chip, chip) == 0 && (found == NULL || (!fy_known(found->nic_bits_per_s.mid) &&
                                                             fy_known(s->nic_bits_per_s.mid)))) {
            found = s;
        }
    }
    return found;
}

/* NICs of a node of chips like this one (same architecture and form) [B/s]; NAN if none known. */
static double kindred_nic(const fy_catalog *catalog, const fy_chip *chip)
{
    for (int i = 0; i < fy_catalog_n_servers(catalog); i++) {
        const fy_server *s = fy_catalog_server(catalog, i);
        const fy_chip *other = fy_catalog_find_chip(catalog, s->chip);

        if (other != NULL && strcmp(other->arch, chip->arch) == 0 &&
            strcmp(other->form, chip->form) == 0 && fy_known(s->nic_bits_per_s.mid)) {
            return s->nic_bits_per_s.mid / 8;
        }
    }
    return NAN;
}

static void fill_node(fy_run_spec *spec, const fy_catalog *catalog, const fy_chip *chip)
{
    const fy_server *server = server_of(catalog, chip->id);

    if (server != NULL) {
        fy_run_cell_fill(spec, FY_CELL_CHIPS_PER_NODE, server->chips, FY_ORIGIN_CATALOG);
    }
    fy_run_cell_fill(spec, FY_CELL_CHIPS_PER_NODE, 8, FY_ORIGIN_CONVENTION);
    if (!fy_run_blank(spec, FY_CELL_NIC)) {
        return;
    }
    if (server != NULL) {
        spec->nic_bytes_per_s = server->nic_bits_per_s.mid / 8;
        spec->origin[FY_CELL_NIC] = FY_ORIGIN_CATALOG;
    }
    if (!fy_known(spec->nic_bytes_per_s)) {
        spec->nic_bytes_per_s = kindred_nic(catalog, chip);
        spec->origin[FY_CELL_NIC] = FY_ORIGIN_CONVENTION;
    }
    if (!fy_known(spec->nic_bytes_per_s)) {
        spec->nic_bytes_per_s = 100e9 / 8; /* one adapter of 100 Gbit/s a node */
    }
}

/* The product of the degrees, 0 where one of them is blank. */
static int product(const fy_run_spec *spec)
{
    long long n = 1;

    for (int i = FY_CELL_TP; i <= FY_CELL_CP; i++) {
        if (i != FY_CELL_EP) {
            n *= fy_run_blank(spec, (fy_run_cell)i) ? 0 : fy_run_cell_int(spec, (fy_run_cell)i);
            n = n > 10000000 ? 0 : n;
        }
    }
    return (int)n;
}

static int fill_machine(fy_run_spec *spec, const fy_catalog *catalog, fy_err *err)
{
    const fy_chip *chips[FY_MAX_RUN_CHIPS] = {NULL};
    int total, n;

    if (spec->chip[0] == '\0') {
        return fy_fail(err, FY_EINVAL, "chip is blank");
    }
    n = fy_run_chips(spec->chip, catalog, chips, &total, err);
    if (n < 0 || chips[0] == NULL) {
        return n;
    }
    if (total > 0) {
        fy_run_cell_fill(spec, FY_CELL_N_CHIPS, total, FY_ORIGIN_CONVENTION);
        if (spec->n_chips != total) {
            return fy_fail(err, FY_EINFEASIBLE, "chip names %d devices, but n_chips is %d", total,
                           spec->n_chips);
        }
    }
    if (product(spec) > 0) {
        fy_run_cell_fill(spec, FY_CELL_N_CHIPS, product(spec), FY_ORIGIN_CONVENTION);
    }
    if (fy_run_blank(spec, FY_CELL_N_CHIPS)) {
        return fy_fail(err, FY_EINVAL, "n_chips is blank, and so is a degree of parallelism");
    }
    fill_node(spec, catalog, chips[0]);
    return 0;
}

/* ------------------------------------------------------------------ stack and layout */

const fy_stack *fy_run_stack(const char *id, const fy_stacks *stacks)
{
    bool other = id[0] == '\0' || strcmp(id, "other") == 0;

    return fy_stacks_find(stacks, other ? "megatron-core" : id);
}

/* FSDP shards over data parallel ranks alone, unless a run says otherwise. */
static bool is_fsdp(const fy_stack *stack)
{
    return strncmp(stack->id, "fsdp", 4) == 0;
}

/* Frameworks without an interleaved schedule, or that use it only when told to: DeepSpeed's
 * pipeline engine, FSDP, PaddleNLP. */
static bool interleaves(const fy_stack *stack)
{
    return !is_fsdp(stack) && strcmp(stack->id, "deepspeed") != 0 &&
           strcmp(stack->id, "paddle") != 0 && strcmp(stack->id, "megatron-deepspeed") != 0;
}

/*
 * What a layout hides unless the row says: what the stack does. A stack of a laboratory's own
 * spreads experts over nodes because it hides their traffic (DeepSeek-V3, arXiv 2412.19437;
 * MegaScale-MoE, arXiv 2505.11432).
 */
static unsigned default_overlap(const fy_run_spec *spec, const fy_stack *stack)
{
    bool own = strcmp(spec->stack, "other") == 0 && spec->model.experts > 0;

    return stack->overlap | (own ? FY_OVERLAP_EP : 0);
}

/* Blank cp is 1, unless the other degrees, all given, leave more devices. */
static int context_left(const fy_run_spec *spec)
{
    fy_run_spec one = *spec;
    int used;

    fy_run_cell_fill(&one, FY_CELL_CP, 1, FY_ORIGIN_CONVENTION);
    used = product(&one);
    return used > 0 && spec->n_chips % used == 0 ? spec->n_chips / used : 1;
}

static int fill_layout(fy_run_spec *spec, const fy_stack *stack, fy_err *err)
{
    const fy_origin how = FY_ORIGIN_CONVENTION;

    if (fy_run_blank(spec, FY_CELL_GLOBAL_BATCH)) {
        return fy_fail(err, FY_EINVAL, "global_batch is blank, and no shipped workload says it");
    }
    fy_run_cell_fill(spec, FY_CELL_PRECISION, FY_PREC_BF16, how);
    fy_run_cell_fill(spec, FY_CELL_CP, context_left(spec), how);
    if (is_fsdp(stack)) {
        fy_run_cell_fill(spec, FY_CELL_TP, 1, FY_ORIGIN_STACK);
        fy_run_cell_fill(spec, FY_CELL_PP, 1, FY_ORIGIN_STACK);
    }
    if (spec->model.experts == 0) {
        spec->layout.ep = 1;
        spec->origin[FY_CELL_EP] = how;
    }
    if (is_fsdp(stack) && spec->layout.pp > 1 && !fy_run_blank(spec, FY_CELL_DP)) {
        int each = spec->layout.global_batch / spec->layout.dp / spec->layout.pp;
        /* PyTorch's pipeline: as many microbatches as stages */
        fy_run_cell_fill(spec, FY_CELL_MICROBATCH, each > 0 ? each : 1, FY_ORIGIN_STACK);
    }
    if (spec->model.experts > 0 && !fy_run_blank(spec, FY_CELL_PP) && spec->layout.pp > 1) {
        /* published pipelines of mixtures run one sequence at a time: what experts keep of more
         * does not fit (Megatron-MoE-ModelZoo, Megatron-Bridge's H100 recipes, DeepSeek-V3) */
        fy_run_cell_fill(spec, FY_CELL_MICROBATCH, 1, how);
    }
    if (!interleaves(stack)) {
        bool said = spec->layout.pp > 1 && strcasestr(spec->model_name, "interleaved") != NULL;
        fy_run_cell_fill(spec, FY_CELL_VPP, said ? 2 : 1, FY_ORIGIN_STACK);
    }
    fy_run_cell_fill(spec, FY_CELL_ZERO, stack->zero, FY_ORIGIN_STACK);
    if (fy_run_blank(spec, FY_CELL_OVERLAP)) {
        fy_run_cell_fill(spec, FY_CELL_OVERLAP, (int)default_overlap(spec, stack), FY_ORIGIN_STACK);
    } else if (spec->layout.overlap != 0) {
        spec->layout.overlap |= default_overlap(spec, stack); /* what a row states comes on top */
    }
    return 0;
}

int fy_run_fill(fy_run_spec *spec, const fy_run_world *world, fy_err *err)
{
    const fy_stack *stack = fy_run_stack(spec->stack, world->stacks);
    const fy_workload *w = workload_called(world->workloads, spec->model_name);
    int rc;

    if (stack == NULL) {
        return fy_fail(err, FY_EINVAL, "stack '%.60s' is not known; data/stacks has those that are",
                       spec->stack);
    }
    if (spec->stack[0] == '\0') {
        spec->stack = "other";
        spec->origin[FY_CELL_STACK] = FY_ORIGIN_CONVENTION;
    }
    w = w == NULL ? workload_sized(world->workloads, spec) : w;
    if (w != NULL && w->kind != FY_BLACK_BOX) {
        fill_from_workload(spec, w);
    }
    rc = fill_sizes(spec, err);
    rc = rc != 0 ? rc : fill_machine(spec, world->catalog, err);
    return rc != 0 ? rc : fill_layout(spec, stack, err);
}
