/* SPDX-License-Identifier: MIT */
/* `fuyao plan WORKLOAD --on A:N+B:M`: one training on several types of chip. */
#include "cli/plan_mixed.h"

#include "cli/cmd.h"
#include "cli/plan_ask.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { ON_TEXT = 128 };

/* What one type alone is asked, and its text. */
typedef struct one_type {
    plan_ask ask;
    char on[ON_TEXT];
} one_type;

static int refuse(const plan_ask *ask)
{
    const char *what = ask->top > 0          ? "--top"
                       : ask->server != NULL ? "--server"
                       : ask->per_node > 0   ? "--per-node"
                       : ask->brute_force    ? "--brute-force"
                                             : NULL;
    return what == NULL
               ? 0
               : cli_fail(CLI_USAGE,
                          "plan: %s is not offered for several types of chip, only for one", what);
}

/* Split `A:N+B:M` and ask for each by itself. */
static int open_types(plan_mixed *m, one_type types[FY_MAX_TYPES], const plan_ask *ask,
                      const plan_data *data)
{
    const char *at = ask->on;
    while (true) {
        size_t n = strcspn(at, "+");
        if (m->n == FY_MAX_TYPES || n >= ON_TEXT) {
            return cli_fail(CLI_USAGE, "plan: --on %.60s: at most %d types of chip", ask->on,
                            FY_MAX_TYPES);
        }
        one_type *t = &types[m->n];
        t->ask = *ask;
        snprintf(t->on, sizeof t->on, "%.*s", (int)n, at);
        t->ask.on = t->on;
        plan_question *q = &m->type[m->n++];
        int code = plan_question_open(q, &t->ask, data);
        if (code != 0) {
            return code;
        }
        for (int k = 0; k + 1 < m->n; k++) {
            if (m->type[k].chip == q->chip) {
                return cli_fail(CLI_USAGE, "plan: --on %.60s: %s twice", ask->on, q->chip->id);
            }
        }
        if (at[n] == '\0') {
            return 0;
        }
        at += n + 1;
    }
}

static fy_mixed_spec spec_of(const plan_mixed *m)
{
    const plan_question *q = &m->type[0];
    fy_mixed_spec spec = {.model = &q->model,
                          .stack = q->stack,
                          .n_types = m->n,
                          .global_batch = q->batch,
                          .precision = q->precision,
                          .pins = q->pins,
                          .objective = q->ask->objective};
    for (int k = 0; k < m->n; k++) {
        const plan_question *t = &m->type[k];
        spec.types[k] = (fy_mixed_type){t->cluster, t->constants, t->prices};
    }
    return spec;
}

/* The best without one of the types; value INFINITY where nothing fits. */
static int find_without(plan_mixed *m, fy_err *err)
{
    for (int k = 0; k < m->n; k++) {
        fy_mixed_spec spec = m->spec;
        fy_mixed_result found;
        spec.n_types = 0;
        for (int i = 0; i < m->n; i++) {
            if (i != k) {
                spec.types[spec.n_types++] = m->spec.types[i];
            }
        }
        int rc = fy_mixed_run(&found, &spec, err);
        if (rc != 0) {
            return rc;
        }
        m->without[k] = found.found ? found.best.estimate.value : (double)INFINITY;
    }
    return 0;
}

static int answer(plan_mixed *m)
{
    fy_err err = {0};
    m->spec = spec_of(m);
    int rc = fy_mixed_run(&m->found, &m->spec, &err);
    if (rc == 0 && m->found.unknown != NULL) {
        return cli_fail(CLI_NO, "unknown: %s of %s", m->found.unknown,
                        m->type[m->found.unknown_type].chip->id);
    }
    if (rc == 0 && !m->found.found) {
        return cli_fail(CLI_NO, "%s does not fit on %s in any plan; more devices would help",
                        m->type[0].workload->id, m->on);
    }
    if (rc == 0) {
        rc = find_without(m, &err);
    }
    if (rc != 0) {
        return cli_fail_err(&err);
    }
    if (m->type[0].ask->emit != NULL) {
        return plan_mixed_emit(m);
    }
    plan_training t = plan_mixed_training(m, &m->found.best);
    if (m->json) {
        plan_mixed_json(m);
    } else {
        plan_mixed_show(m);
    }
    return plan_mixed_meets(m, &t) ? CLI_OK : CLI_NO;
}

/* A range of counts, or one answer. */
static int answer_all(plan_mixed *m)
{
    const plan_ask *ask = m->type[0].ask;
    bool ranged = false;
    for (int k = 0; k < m->n; k++) {
        ranged = ranged || m->type[k].low < m->type[k].high;
    }
    if (fy_known(ask->deadline_s) && !fy_known(m->type[0].tokens)) {
        return cli_fail(CLI_NO, "unknown: the tokens of the training; give --tokens");
    }
    if (ranged && ask->emit != NULL) {
        return cli_fail(CLI_USAGE, "plan: --emit goes with one count of devices, not with a range");
    }
    if (!ranged) {
        return answer(m);
    }
    m->spec = spec_of(m);
    return plan_mixed_curve(m);
}

int plan_mixed_run(const plan_ask *ask, const plan_data *data)
{
    plan_mixed m = {.on = ask->on, .json = ask->json};
    one_type types[FY_MAX_TYPES];
    int code = refuse(ask);
    code = code ? code : open_types(&m, types, ask, data);
    assert(code != 0 || m.type[0].ask != NULL);
    code = code ? code : answer_all(&m);
    for (int k = 0; k < m.n; k++) {
        plan_question_close(&m.type[k]);
    }
    return code;
}
