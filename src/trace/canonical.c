/* SPDX-License-Identifier: MIT */
/*
 * The canonical CSV: everything a job can state, one row a job, in order of submission, read as a
 * stream. docs/traces.md describes the columns. Only job, submit_s and one of duration_s, work
 * and a workload's tokens, steps or samples are needed (none for a service); a column that is
 * absent or empty means the default. A header with an unknown column is refused, so that a misspelt
 * one is not read as absent.
 */
#include "trace/canonical.h"

#include <math.h>
#include <string.h>

const fy_column fy_canonical_columns[FY_COL_COUNT + 1] = {
    [FY_COL_JOB] = {"job", true},
    [FY_COL_SUBMIT] = {"submit_s", true},
    [FY_COL_DURATION] = {"duration_s", false},
    [FY_COL_WORK] = {"work", false},
    [FY_COL_WORKLOAD] = {"workload", false},
    [FY_COL_TOKENS] = {"tokens", false},
    [FY_COL_STEPS] = {"steps", false},
    [FY_COL_SAMPLES] = {"samples", false},
    [FY_COL_BATCH] = {"batch", false},
    [FY_COL_TENANT] = {"tenant", false},
    [FY_COL_PRIORITY] = {"priority", false},
    [FY_COL_WORKERS] = {"workers", false},
    [FY_COL_MIN_WORKERS] = {"min_workers", false},
    [FY_COL_MAX_WORKERS] = {"max_workers", false},
    [FY_COL_DEVICES] = {"devices", false},
    [FY_COL_MILLI] = {"milli", false},
    [FY_COL_CPU] = {"cpu_milli", false},
    [FY_COL_MEMORY] = {"memory_mib", false},
    [FY_COL_SPARES] = {"spares", false},
    [FY_COL_CHIPS] = {"chips", false},
    [FY_COL_RATES] = {"rates", false},
    [FY_COL_MIX] = {"mix", false},
    [FY_COL_REF] = {"ref", false},
    [FY_COL_CHECKPOINT] = {"checkpoint_s", false},
    [FY_COL_CHECKPOINT_COST] = {"checkpoint_cost_s", false},
    [FY_COL_RESTART] = {"restart_s", false},
    [FY_COL_LIMIT] = {"limit_s", false},
    [FY_COL_DEADLINE] = {"deadline_s", false},
    [FY_COL_MIN_RUN] = {"min_run_s", false},
    [FY_COL_AFTER] = {"after", false},
    [FY_COL_ARRAY] = {"array", false},
    [FY_COL_END] = {"end", false},
    [FY_COL_CANCEL] = {"cancel_s", false},
    [FY_COL_SERVICE] = {"service", false},
    [FY_COL_COUNT] = {NULL, false},
};

/* ------------------------------------------------------------------ reading */

/* Index of the field's text in `words` (ended by NULL), 0 if absent; else an error. */
static int read_word(fy_row *row, int column, const char *const *words, const char *right)
{
    fy_field field = fy_row_field(row, column);

    for (int i = 0; field.len > 0; i++) {
        if (words[i] == NULL) {
            (void)fy_row_wrong(row, column, FY_EPARSE, right);
            return 0;
        }
        if (fy_field_is(field, words[i])) {
            return i;
        }
    }
    return 0;
}

static void read_work(fy_row *row, fy_trace *trace, fy_job_spec *job)
{
    static const char *const yes[] = {"", "yes", NULL};
    static const int columns[] = {FY_COL_DURATION, FY_COL_WORK, FY_COL_TOKENS, FY_COL_STEPS,
                                  FY_COL_SAMPLES};
    int given = 0;

    job->service = read_word(row, FY_COL_SERVICE, yes, "yes or empty") == 1;
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        given += fy_row_has(row, columns[i]);
    }
    if (row->rc == 0 && given != (job->service ? 0 : 1)) {
        row->rc = fy_row_fail(row->trace, row->err, FY_EPARSE,
                              "%s; a job has one of duration_s and work, or with a workload one of "
                              "tokens, steps, samples and duration_s, a service none",
                              job->service ? "a service with an end"
                              : given > 1  ? "more than one of the columns that say how much work"
                                           : "nothing says how much work there is");
    }
    if (fy_row_has(row, FY_COL_DURATION)) {
        fy_job_set_duration(job, fy_row_us(row, FY_COL_DURATION, FY_NUM_EXACT));
    } else if (fy_row_has(row, FY_COL_WORK)) {
        job->work = fy_row_double(row, FY_COL_WORK, 0, 1e24);
    }
    fy_canonical_workload(row, trace, job);
}

static void read_shape(fy_row *row, fy_job_spec *job)
{
    static const char *const words[] = {"normal", "high", "spot", NULL};
    static const fy_priority priorities[] = {FY_NORMAL, FY_HIGH, FY_SPOT};

    job->priority = priorities[read_word(row, FY_COL_PRIORITY, words, "high, normal or spot")];
    job->workers = (int)fy_row_int_or(row, FY_COL_WORKERS, 1, FY_MAX_WORKERS, 1);
    job->min_workers = (int)fy_row_int_or(row, FY_COL_MIN_WORKERS, 1, job->workers, job->workers);
    job->max_workers =
        (int)fy_row_int_or(row, FY_COL_MAX_WORKERS, job->workers, FY_MAX_WORKERS, job->workers);
    job->devices = (int)fy_row_int_or(row, FY_COL_DEVICES, 0, FY_MAX_DEVICES, 1);
    job->milli = (int)fy_row_int_or(row, FY_COL_MILLI, 0, 999, 0);
    job->cpu_milli = fy_row_int_or(row, FY_COL_CPU, 0, FY_MAX_MILLI, 0);
    job->memory_mib = fy_row_int_or(row, FY_COL_MEMORY, 0, FY_MAX_MIB, 0);
    job->spares = (int)fy_row_int_or(row, FY_COL_SPARES, 0, FY_MAX_WORKERS, 0);
    if (row->rc == 0 && job->milli > 0 && (job->max_workers != 1 || job->devices != 1)) {
        (void)fy_row_wrong(row, FY_COL_MILLI, FY_EPARSE,
                           "empty, or the job one worker with one device");
    }
}

static void read_times(fy_row *row, fy_job_spec *job)
{
    static const char *const ends[] = {"finish", "fail", "cancel", NULL};

    job->checkpoint_interval_us = fy_row_us_or(row, FY_COL_CHECKPOINT, FY_NUM_EXACT, -1);
    job->checkpoint_cost_us = fy_row_us_or(row, FY_COL_CHECKPOINT_COST, FY_NUM_EXACT, -1);
    job->restart_cost_us = fy_row_us_or(row, FY_COL_RESTART, FY_NUM_EXACT, -1);
    job->limit_us = fy_row_us_or(row, FY_COL_LIMIT, FY_NUM_EXACT, -1);
    job->deadline_us = fy_row_us_or(row, FY_COL_DEADLINE, FY_NUM_EXACT, -1);
    job->min_run_us = fy_row_us_or(row, FY_COL_MIN_RUN, FY_NUM_EXACT, 0);
    job->cancel_us = fy_row_us_or(row, FY_COL_CANCEL, FY_NUM_EXACT, -1);
    job->end = (fy_end)read_word(row, FY_COL_END, ends, "finish, fail or cancel");
}

/* The part of *rest up to the separator, which is taken too; false if *rest is used up. */
static bool next_part(fy_field *rest, char separator, fy_field *part)
{
    const char *stop;

    if (rest->text == NULL) {
        return false;
    }
    stop = rest->len > 0 ? memchr(rest->text, separator, rest->len) : NULL;
    *part = (fy_field){rest->text, stop != NULL ? (size_t)(stop - rest->text) : rest->len};
    *rest = stop != NULL ? (fy_field){stop + 1, rest->len - part->len - 1} : (fy_field){NULL, 0};
    return true;
}

static void read_mix(fy_row *row, fy_job_spec *job)
{
    fy_field rest = fy_row_field(row, FY_COL_MIX), part;
    double sum = 0;
    int n = 0;
    bool ok = true;

    if (rest.len == 0) {
        return;
    }
    while (ok && n < FY_N_BOUNDS && next_part(&rest, '/', &part)) {
        ok = fy_num_double(part.text, part.len, &job->mix[n]) == FY_NUM_OK && job->mix[n] >= 0;
        sum += ok ? job->mix[n] : 0;
        n++;
    }
    if (!ok || n < FY_N_BOUNDS || rest.text != NULL || !(sum > 1 - 1e-6 && sum < 1 + 1e-6)) {
        (void)fy_row_wrong(row, FY_COL_MIX, FY_EPARSE,
                           "four shares of compute, memory, link and host that sum to 1, such as "
                           "0.6/0.2/0.2/0");
    }
}

/* `rate` or `rate/spread`. */
static bool read_rate(fy_field part, double *rate, double *spread)
{
    const char *slash = part.len > 0 ? memchr(part.text, '/', part.len) : NULL;
    size_t len = slash != NULL ? (size_t)(slash - part.text) : part.len;

    if (fy_num_double(part.text, len, rate) != FY_NUM_OK || !(*rate >= 0 && *rate <= 1e18)) {
        return false;
    }
    *spread = *rate;
    if (slash == NULL) {
        return true;
    }
    return fy_num_double(slash + 1, part.len - len - 1, spread) == FY_NUM_OK && *spread >= 0 &&
           *spread <= 1e18;
}

/* Rates as listed, one a named chip. A rate of 0: the job cannot run there. */
static void read_rates(fy_row *row, fy_trace *trace, const fy_chip_list *list, fy_job_spec *job)
{
    fy_field rest = fy_row_field(row, FY_COL_RATES), part;
    int n = 0, kept = 0;

    while (next_part(&rest, '|', &part)) {
        fy_accept *accept = &trace->accept[kept];

        if (n == list->n_named || !read_rate(part, &accept->rate, &accept->rate_spread)) {
            (void)fy_row_wrong(row, FY_COL_RATES, FY_EPARSE,
                               "one rate or rate/spread a name in chips, 0 to 1e18, separated by "
                               "'|'");
            return;
        }
        if (list->chip[n] >= 0 && accept->rate > 0) {
            accept->chip = list->chip[n];
            accept->grade = isnan(job->mix[0]) ? FY_GRADE_MEASURED : FY_GRADE_DERIVED;
            kept++;
        }
        n++;
    }
    if (n < list->n_named) {
        (void)fy_row_wrong(row, FY_COL_RATES, FY_EPARSE, "as long as chips");
        return;
    }
    if (kept == 0 && list->n_absent == 0) {
        (void)fy_row_wrong(row, FY_COL_RATES, FY_ERANGE, "above 0 on some chip");
    }
    job->accept = trace->accept;
    job->n_accept = kept;
}

/* Rates from the roofline mix: a duration counts on chip `ref`, every other one is so much slower.
 */
static void derive_rates(fy_row *row, fy_trace *trace, const fy_chip_list *list, fy_job_spec *job)
{
    const fy_catalog *catalog = trace->site->catalog;
    fy_field name = fy_row_field(row, FY_COL_REF);
    int at = name.len > 0 ? fy_site_chip(trace->site, name.text, name.len) : FY_CHIP_UNKNOWN;
    const fy_chip *ref =
        at >= 0 ? trace->site->chips[at] : fy_catalog_find_chip(catalog, name.text);
    int kept = 0;

    if (ref == NULL || !job->work_is_time) {
        (void)fy_row_wrong(row, FY_COL_REF, FY_EPARSE,
                           "the id of the chip on which duration_s counts (or give rates)");
        return;
    }
    for (int i = 0; i < list->n_accept; i++) {
        const fy_chip *chip = trace->site->chips[list->accept[i].chip];
        double slowdown = chip == ref ? 1 : fy_chip_slowdown_mix(chip, ref, job->mix).mid;

        if (slowdown > 0) {
            trace->accept[kept++] = (fy_accept){.chip = list->accept[i].chip,
                                                .rate = 1 / slowdown,
                                                .rate_spread = 1 / slowdown,
                                                .grade = FY_GRADE_DERIVED};
        } else if (!list->any) {
            row->rc = fy_row_fail(trace, row->err, FY_EPARSE,
                                  "no slowdown is known of %s against %s; leave that chip out or "
                                  "give rates",
                                  chip->id, ref->id);
            return;
        }
    }
    if (kept == 0 && list->n_absent == 0) {
        (void)fy_row_wrong(row, FY_COL_REF, FY_ERANGE,
                           "a chip against which some chip's slowdown is known");
    }
    job->accept = trace->accept;
    job->n_accept = kept;
}

static void read_chips(fy_row *row, fy_trace *trace, fy_job_spec *job)
{
    const fy_chip_list *list;
    fy_err why;

    read_mix(row, job);
    if (row->rc < 0) {
        return;
    }
    if (fy_chip_lists_get(trace->lists, fy_row_field(row, FY_COL_CHIPS), &list, &why) < 0) {
        row->rc = fy_row_fail(trace, row->err, FY_EPARSE, "chips: %s", why.text);
        return;
    }
    job->accept = list->accept;
    job->n_accept = list->n_accept;
    job->n_absent = list->n_absent;
    job->any_chip = list->any;
    if (job->workload != NULL && !fy_row_has(row, FY_COL_RATES)) {
        fy_canonical_plan(row, trace, list, job);
    } else if (fy_row_has(row, FY_COL_RATES)) {
        read_rates(row, trace, list, job);
    } else if (!isnan(job->mix[0])) {
        derive_rates(row, trace, list, job);
    } else if (fy_row_has(row, FY_COL_REF)) {
        (void)fy_row_wrong(row, FY_COL_REF, FY_EPARSE,
                           "empty where neither rates nor mix is given");
    } else if (!job->work_is_time && !job->service) {
        (void)fy_row_wrong(row, FY_COL_RATES, FY_EPARSE,
                           "given with work, in units of work a second of the whole gang");
    }
}

/*
 * The sequence number of a job by name, or by `#` and its number counted from 0: one above this
 * row, or up to number `last`; -1 if there is none.
 */
static int64_t find_job(const fy_trace *trace, fy_field name, int64_t last)
{
    int64_t sequence = -1;

    if (name.len > 1 && name.text[0] == '#') {
        (void)fy_num_int(name.text + 1, name.len - 1, 0, last, &sequence);
        return sequence;
    }
    return fy_names_find(trace->names, name.text, name.len);
}

static void read_after(fy_row *row, fy_trace *trace, fy_job_spec *job)
{
    fy_field rest = fy_row_field(row, FY_COL_AFTER), part;
    int64_t *after = trace->state;
    int n = 0;

    if (rest.len == 0 || row->rc < 0) {
        return;
    }
    while (next_part(&rest, '|', &part)) {
        char shown[FY_SHOWN];
        int64_t sequence = find_job(trace, part, trace->info.rows - 1);

        if (sequence < 0) {
            row->rc =
                fy_row_fail(trace, row->err, FY_EPARSE,
                            "after names '%s', which no row above has; name earlier jobs only",
                            fy_field_shown(shown, part));
            return;
        }
        if (n == FY_MAX_AFTER) {
            row->rc = fy_row_fail(trace, row->err, FY_ERANGE, "after names more than %d jobs",
                                  FY_MAX_AFTER);
            return;
        }
        after[n++] = sequence;
    }
    job->after = after;
    job->n_after = n;
}

/* `first:index` or `first:index:limit`; the array's first task names itself. */
static void read_array(fy_row *row, const fy_trace *trace, fy_job_spec *job)
{
    fy_field rest = fy_row_field(row, FY_COL_ARRAY), first, index, limit;
    int64_t i = 0, n = 0;
    bool ok = true;

    if (rest.len == 0 || row->rc < 0) {
        return;
    }
    ok = next_part(&rest, ':', &first) && next_part(&rest, ':', &index) &&
         fy_num_int(index.text, index.len, 0, 1000000000, &i) == FY_NUM_OK;
    if (ok && next_part(&rest, ':', &limit)) {
        ok = rest.text == NULL && fy_num_int(limit.text, limit.len, 1, 1000000000, &n) == FY_NUM_OK;
    }
    if (!ok) {
        (void)fy_row_wrong(row, FY_COL_ARRAY, FY_EPARSE,
                           "the array's first task:index or first task:index:limit");
        return;
    }
    job->array_of =
        fy_field_is(first, job->name) ? trace->info.rows : find_job(trace, first, trace->info.rows);
    if (job->array_of < 0) {
        (void)fy_row_wrong(row, FY_COL_ARRAY, FY_EPARSE, "led by this job or one in a row above");
    }
    job->array_index = (int)i;
    job->array_limit = (int)n;
}

static int canonical_row(fy_trace *trace, fy_job_spec *job, fy_err *err)
{
    fy_row row = fy_row_begin(trace, err);

    *job = fy_row_job(trace);
    job->name = fy_row_name(&row, FY_COL_JOB);
    if (strchr(job->name, ':') != NULL) {
        (void)fy_row_wrong(&row, FY_COL_JOB, FY_EPARSE, "a name without ':'");
    }
    job->submit_us = fy_row_us(&row, FY_COL_SUBMIT, FY_NUM_EXACT);
    job->tenant = fy_row_name_or_empty(&row, FY_COL_TENANT);
    read_work(&row, trace, job);
    read_shape(&row, job);
    read_times(&row, job);
    read_chips(&row, trace, job);
    read_after(&row, trace, job);
    read_array(&row, trace, job);
    return row.rc < 0 ? row.rc : 1;
}

static int canonical_open(fy_trace *trace, fy_err *err)
{
    if (trace->rates_path != NULL) {
        return fy_fail(err, FY_EINVAL,
                       "the canonical format takes no rates file; its column is rates");
    }
    trace->state = fy_arena_alloc(&trace->arena, FY_MAX_AFTER * sizeof(int64_t));
    return 0;
}

const fy_reader fy_reader_canonical = {
    .name = "canonical",
    .tested = "real data",
    .separator = ',',
    .quotes = true,
    .columns = fy_canonical_columns,
    .only_columns = true,
    .streamed = true,
    .named = true,
    .open = canonical_open,
    .row = canonical_row,
};
