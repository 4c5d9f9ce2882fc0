/* SPDX-License-Identifier: MIT */
/*
 * The cells of a run, one line of the table below for each: its column, where it is kept, and what
 * may stand there.
 */
#include "base/num.h"
#include "model/runs.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

typedef enum cell_kind {
    CELL_NONE, /* no column, or text kept by the reader */
    CELL_INT,
    CELL_BOOL,
    CELL_REAL, /* times `unit` */
    CELL_ATTENTION,
    CELL_RECOMPUTE,
    CELL_PRECISION,
    CELL_OVERLAP,
} cell_kind;

typedef struct cell {
    const char *name;
    cell_kind kind;
    size_t at; /* in fy_run_spec */
    double low, high, unit;
} cell;

#define AT(member) offsetof(fy_run_spec, member)

static const cell cells[FY_N_CELLS] = {
    [FY_CELL_LAYERS] = {"layers", CELL_INT, AT(model.layers), 1, 1e5, 0},
    [FY_CELL_HIDDEN] = {"hidden", CELL_INT, AT(model.hidden), 1, 1e7, 0},
    [FY_CELL_HEADS] = {"heads", CELL_INT, AT(model.heads), 1, 1e6, 0},
    [FY_CELL_KV_HEADS] = {"kv_heads", CELL_INT, AT(model.kv_heads), 1, 1e6, 0},
    [FY_CELL_HEAD_DIM] = {"head_dim", CELL_INT, AT(model.head_dim), 1, 1e6, 0},
    [FY_CELL_FFN] = {"ffn", CELL_INT, AT(model.ffn), 0, 1e7, 0},
    [FY_CELL_GATED] = {"gated", CELL_BOOL, AT(model.gated), 0, 1, 0},
    [FY_CELL_SEQ_LEN] = {"seq_len", CELL_INT, AT(model.seq_len), 1, 1e7, 0},
    [FY_CELL_VOCAB] = {"vocab", CELL_INT, AT(model.vocab), 1, 1e7, 0},
    [FY_CELL_EXPERTS] = {"experts", CELL_INT, AT(model.experts), 0, 1e5, 0},
    [FY_CELL_SHARED_EXPERTS] = {"shared_experts", CELL_INT, AT(model.shared_experts), 0, 1e4, 0},
    [FY_CELL_EXPERTS_PER_TOKEN] = {"experts_per_token", CELL_INT, AT(model.experts_per_token), 0,
                                   1e4, 0},
    [FY_CELL_EXPERT_FFN] = {"expert_ffn", CELL_INT, AT(model.expert_ffn), 0, 1e7, 0},
    [FY_CELL_DENSE_LAYERS] = {"dense_layers", CELL_INT, AT(model.dense_layers), 0, 1e5, 0},
    [FY_CELL_ATTENTION] = {"attention", CELL_ATTENTION, AT(model.attention), 0, 0, 0},
    [FY_CELL_TOTAL_PARAMS] = {"total_params_b", CELL_REAL, AT(total_params), 1e-6, 1e6, 1e9},
    [FY_CELL_DETAILS] = {"details", CELL_NONE, 0, 0, 0, 0},
    [FY_CELL_CHIP] = {"chip", CELL_NONE, 0, 0, 0, 0},
    [FY_CELL_N_CHIPS] = {"n_chips", CELL_INT, AT(n_chips), 1, 1e7, 0},
    [FY_CELL_CHIPS_PER_NODE] = {"chips_per_node", CELL_INT, AT(chips_per_node), 1, 1e5, 0},
    [FY_CELL_NIC] = {"nic_gbps_per_node", CELL_REAL, AT(nic_bytes_per_s), 1e-3, 1e9, 1e9 / 8},
    [FY_CELL_STACK] = {"stack", CELL_NONE, 0, 0, 0, 0},
    [FY_CELL_TP] = {"tp", CELL_INT, AT(layout.tp), 1, 1e7, 0},
    [FY_CELL_PP] = {"pp", CELL_INT, AT(layout.pp), 1, 1e7, 0},
    [FY_CELL_DP] = {"dp", CELL_INT, AT(layout.dp), 1, 1e7, 0},
    [FY_CELL_EP] = {"ep", CELL_INT, AT(layout.ep), 1, 1e7, 0},
    [FY_CELL_CP] = {"cp", CELL_INT, AT(layout.cp), 1, 1e7, 0},
    [FY_CELL_VPP] = {"vpp", CELL_INT, AT(layout.vpp), 1, 1e5, 0},
    [FY_CELL_MICROBATCH] = {"microbatch", CELL_INT, AT(layout.microbatch), 1, 1e7, 0},
    [FY_CELL_GLOBAL_BATCH] = {"global_batch", CELL_INT, AT(layout.global_batch), 1, 1e8, 0},
    [FY_CELL_RECOMPUTE] = {"recompute", CELL_RECOMPUTE, AT(layout.recompute), 0, 0, 0},
    [FY_CELL_SEQ_PARALLEL] = {"seq_parallel", CELL_BOOL, AT(layout.seq_parallel), 0, 1, 0},
    [FY_CELL_ZERO] = {"zero", CELL_INT, AT(layout.zero), 0, 3, 0},
    [FY_CELL_PRECISION] = {"precision", CELL_PRECISION, AT(layout.precision), 0, 0, 0},
    [FY_CELL_OVERLAP] = {"overlap", CELL_OVERLAP, AT(layout.overlap), 0, 0, 0},
};

static const struct {
    const char *name;
    unsigned bit;
} overlaps[] = {
    {"tp", FY_OVERLAP_TP}, {"dp", FY_OVERLAP_DP}, {"pp", FY_OVERLAP_PP}, {"ep", FY_OVERLAP_EP}};

enum { N_OVERLAPS = sizeof overlaps / sizeof *overlaps };

_Static_assert(sizeof(fy_attention) == sizeof(int) && sizeof(fy_recompute) == sizeof(int) &&
                   sizeof(fy_precision) == sizeof(int) && sizeof(unsigned) == sizeof(int),
               "words are kept where an int fits");

/* ------------------------------------------------------------------ values in and out */

static void store(fy_run_spec *spec, const cell *c, int value)
{
    char *at = (char *)spec + c->at;
    bool yes = value != 0;

    assert(c->kind != CELL_NONE && c->kind != CELL_REAL);
    if (c->kind == CELL_BOOL) {
        memcpy(at, &yes, sizeof yes);
    } else {
        memcpy(at, &value, sizeof value);
    }
}

int fy_run_cell_int(const fy_run_spec *spec, fy_run_cell cell_id)
{
    const cell *c = &cells[cell_id];
    const char *at = (const char *)spec + c->at;
    bool yes;
    int value;

    assert(c->kind != CELL_NONE && c->kind != CELL_REAL);
    if (c->kind == CELL_BOOL) {
        memcpy(&yes, at, sizeof yes);
        return yes;
    }
    memcpy(&value, at, sizeof value);
    return value;
}

void fy_run_cell_fill(fy_run_spec *spec, fy_run_cell cell_id, int value, fy_origin origin)
{
    if (fy_run_blank(spec, cell_id)) {
        store(spec, &cells[cell_id], value);
        spec->origin[cell_id] = origin;
    }
}

/* ------------------------------------------------------------------ fields */

static int refuse(const cell *c, fy_field field, const char *what, fy_err *err)
{
    char shown[FY_SHOWN];

    return fy_fail(err, FY_EPARSE, "%s is '%s'; it must be %s", c->name,
                   fy_field_shown(shown, field), what);
}

/* A whole number; `8.0` is one too, as tables with blanks are often written. */
static int take_int(fy_run_spec *spec, const cell *c, fy_field field, fy_err *err)
{
    char range[64];
    double value;

    if (fy_num_double(field.text, field.len, &value) != FY_NUM_OK ||
        !(value >= c->low && value <= c->high) || value != floor(value)) {
        (void)snprintf(range, sizeof range, "a whole number from %.0f to %.0f", c->low, c->high);
        return refuse(c, field, range, err);
    }
    store(spec, c, (int)value);
    return 0;
}

static int take_real(fy_run_spec *spec, const cell *c, fy_field field, fy_err *err)
{
    char range[64];
    double value;

    if (fy_num_double(field.text, field.len, &value) != FY_NUM_OK ||
        !(value >= c->low && value <= c->high)) {
        (void)snprintf(range, sizeof range, "a number from %g to %g", c->low, c->high);
        return refuse(c, field, range, err);
    }
    value *= c->unit;
    memcpy((char *)spec + c->at, &value, sizeof value);
    return 0;
}

/* The index of a name in an enumeration. */
static int take_word(fy_run_spec *spec, const cell *c, fy_field field, fy_err *err)
{
    char word[FY_SHOWN] = "";
    const char *allowed;
    int value;

    if (field.len < sizeof word) {
        memcpy(word, field.text, field.len);
    }
    if (c->kind == CELL_ATTENTION) {
        value = fy_attention_find(word);
        allowed = "mha, gqa, mqa or mla";
    } else if (c->kind == CELL_RECOMPUTE) {
        value = fy_recompute_find(word);
        allowed = "none, selective or full";
    } else {
        value = fy_precision_find(word);
        allowed = "fp32, tf32, fp16, bf16, bf16-pure or fp8";
    }
    if (value < 0) {
        return refuse(c, field, allowed, err);
    }
    store(spec, c, value);
    return 0;
}

/* `none`, or names joined by `;`. */
static int take_overlap(fy_run_spec *spec, const cell *c, fy_field field, fy_err *err)
{
    const char *end = field.text + field.len;
    unsigned bits = 0;

    for (const char *from = field.text; !fy_field_is(field, "none") && from <= end;) {
        const char *to = memchr(from, ';', (size_t)(end - from));
        fy_field part = {from, (size_t)((to != NULL ? to : end) - from)};
        unsigned bit = 0;

        for (int i = 0; i < N_OVERLAPS; i++) {
            bit |= fy_field_is(part, overlaps[i].name) ? overlaps[i].bit : 0;
        }
        if (bit == 0) {
            return refuse(c, field, "none, or any of tp, dp, pp, ep joined by ;", err);
        }
        bits |= bit;
        from += part.len + 1;
    }
    store(spec, c, (int)bits);
    return 0;
}

int fy_run_cell_put(fy_run_spec *spec, fy_run_cell cell_id, fy_field field, fy_err *err)
{
    const cell *c = &cells[cell_id];
    int rc = 0;

    switch (c->kind) {
    case CELL_NONE:
        break;
    case CELL_INT:
    case CELL_BOOL:
        rc = take_int(spec, c, field, err);
        break;
    case CELL_REAL:
        rc = take_real(spec, c, field, err);
        break;
    case CELL_ATTENTION:
    case CELL_RECOMPUTE:
    case CELL_PRECISION:
        rc = take_word(spec, c, field, err);
        break;
    case CELL_OVERLAP:
        rc = take_overlap(spec, c, field, err);
        break;
    }
    if (rc == 0) {
        spec->origin[cell_id] = FY_ORIGIN_GIVEN;
    }
    return rc;
}

/* ------------------------------------------------------------------ names and texts */

const char *fy_run_cell_name(fy_run_cell cell_id)
{
    return cells[cell_id].name;
}

const char *fy_origin_name(fy_origin origin)
{
    static const char *const names[FY_N_ORIGINS] = {"blank",     "given", "workload", "convention",
                                                    "catalogue", "stack", "search"};

    return names[origin];
}

const char *fy_memory_kind_name(fy_memory_kind kind)
{
    static const char *const names[FY_N_MEMORY_KINDS] = {"", "torch-peak", "device-used", "stated"};

    return names[kind];
}

const char *fy_run_status_name(fy_run_status status)
{
    static const char *const names[] = {"ok", "skipped", "not_comparable"};

    return names[status];
}

static void overlap_text(char out[FY_CELL_TEXT], unsigned bits)
{
    size_t len = 0;

    (void)snprintf(out, FY_CELL_TEXT, "none");
    for (int i = 0; i < N_OVERLAPS; i++) {
        if ((bits & overlaps[i].bit) != 0) {
            len += (size_t)snprintf(out + len, FY_CELL_TEXT - len, "%s%s", len > 0 ? ";" : "",
                                    overlaps[i].name);
        }
    }
}

/* Cells without a number. */
static const char *word_of(const fy_run_spec *spec, fy_run_cell cell_id)
{
    if (cell_id == FY_CELL_CHIP || cell_id == FY_CELL_STACK) {
        return cell_id == FY_CELL_CHIP ? spec->chip : spec->stack;
    }
    return spec->workload != NULL ? spec->workload : spec->model.gated ? "like Llama" : "like GPT";
}

const char *fy_run_cell_text(char out[FY_CELL_TEXT], const fy_run_spec *spec, fy_run_cell cell_id)
{
    const cell *c = &cells[cell_id];
    double real;

    out[0] = '\0';
    switch (c->kind) {
    case CELL_NONE:
        (void)snprintf(out, FY_CELL_TEXT, "%s", word_of(spec, cell_id));
        break;
    case CELL_INT:
    case CELL_BOOL:
        (void)snprintf(out, FY_CELL_TEXT, "%d", fy_run_cell_int(spec, cell_id));
        break;
    case CELL_REAL:
        memcpy(&real, (const char *)spec + c->at, sizeof real);
        (void)snprintf(out, FY_CELL_TEXT, "%.6g", real / c->unit);
        break;
    case CELL_ATTENTION:
        (void)snprintf(out, FY_CELL_TEXT, "%s", fy_attention_name(spec->model.attention));
        break;
    case CELL_RECOMPUTE:
        (void)snprintf(out, FY_CELL_TEXT, "%s", fy_recompute_name(spec->layout.recompute));
        break;
    case CELL_PRECISION:
        (void)snprintf(out, FY_CELL_TEXT, "%s", fy_precision_name(spec->layout.precision));
        break;
    case CELL_OVERLAP:
        overlap_text(out, spec->layout.overlap);
        break;
    }
    return out;
}
