/* SPDX-License-Identifier: MIT */
/* `fuyao plan WORKLOAD`: one question asked and answered. */
#include "cli/cmd.h"
#include "cli/plan_ask.h"

#include <stdio.h>
#include <string.h>

static int answer_one(const plan_question *q)
{
    plan_answer a;
    int code = plan_answer_find(&a, q, q->high);
    if (code != 0) {
        return code;
    }
    if (a.found.n_top == 0) {
        code = plan_show_nothing(q, &a);
    } else if (q->ask->emit != NULL) {
        code = plan_emit(q, &a);
    } else if (q->ask->json) {
        plan_json(q, &a);
    } else {
        plan_show(q, &a);
    }
    plan_answer_free(&a);
    return code;
}

static int answer(const plan_question *q)
{
    bool many = fy_known(q->ask->deadline_s) || q->low < q->high;
    if (many && q->ask->emit != NULL) {
        return cli_fail(CLI_USAGE, "plan: --emit goes with one count of devices, not with a range "
                                   "or a deadline");
    }
    if (fy_known(q->ask->deadline_s)) {
        return plan_deadline(q);
    }
    if (q->low < q->high) {
        return plan_curve(q);
    }
    int code = answer_one(q);
    return code == 0 && q->ask->fix != NULL && !q->ask->json && q->ask->emit == NULL
               ? plan_show_mine(q)
               : code;
}

int plan_question_run(int argc, char **argv)
{
    plan_ask ask;
    plan_data data = {0};
    plan_question q = {0};
    bool stop = false;
    int code = plan_ask_read(argc, argv, &ask, &stop);
    if (code != 0 || stop) {
        return code;
    }
    code = plan_data_open(&data, ask.constants);
    if (code == 0 && strchr(ask.on, '+') != NULL) {
        code = plan_mixed_run(&ask, &data);
    } else {
        code = code ? code : plan_question_open(&q, &ask, &data);
        code = code ? code : answer(&q);
    }
    plan_question_close(&q);
    plan_data_close(&data);
    return code;
}
