/* SPDX-License-Identifier: MIT */
/*
 * `fuyao plan WORKLOAD --on ...`: what is asked, as typed and as resolved against the data, and
 * the answer. Private to the command. The parts, in order: plan_ask (options), plan_question (the
 * data behind them), plan_search (answers), then plan_show, plan_why, plan_curve, plan_json and
 * plan_emit print. A job of several chip types asks one question a type and is
 * answered in plan_mixed.
 */
#ifndef FUYAO_CLI_PLAN_ASK_H
#define FUYAO_CLI_PLAN_ASK_H

#include "cli/plan.h"
#include "fuyao/goodput.h"
#include "fuyao/search.h"
#include "fuyao/site.h"

/* As typed. NULL, 0 and NAN: not given. */
typedef struct plan_ask {
    const char *workload, *on, *fleet, *stack, *server, *precision, *fix, *emit, *constants;
    fy_objective objective;
    int batch, seq, top, per_node;
    double network_bps, power_cap_w; /* of a node, one direction; of a device */
    double oversubscription;         /* 0: not given */
    double deadline_s, tokens;
    double device_hour, kwh, pue; /* prices of the caller */
    double mtbf_s, checkpoint_s, restart_s;
    bool json, strict, brute_force;
} plan_ask;

enum { PLAN_RIVALS = 4 };

typedef struct plan_question {
    const plan_ask *ask;
    const plan_data *data;
    fy_site *site; /* of --fleet; NULL without */
    const fy_workload *workload;
    fy_model model; /* with --seq */
    const fy_chip *chip;
    int low, high;           /* devices; equal where one count is asked */
    const fy_server *server; /* the catalogue's; NULL where none has the chip */
    fy_cluster cluster;      /* of `high` devices */
    const char *shape_from;  /* where devices a node come from */
    const fy_stack *stack;
    fy_constants constants;
    fy_precision precision;
    int batch;
    double tokens; /* of the whole training; NAN = unknown */
    fy_pins pins;
    fy_prices prices;     /* for the objective */
    fy_range device_hour; /* [currency/h] with grade */
    fy_range kwh;         /* of the site; shown apart where device hours include it */
    const char *currency;
    fy_failures failures;
    fy_grade failures_grade;
} plan_question;

/* One count of devices, answered. */
typedef struct plan_answer {
    int devices; /* used: fewer than asked where that is faster */
    fy_cluster cluster;
    fy_search_result found;
    fy_prices prices;
} plan_answer;

/* What a step and a training cost. NAN = unknown. */
typedef struct plan_costs {
    double site_j, money, money_low, money_high; /* a step */
    double electricity;                          /* of it, or beside it [currency] */
    double steps, work_s;                        /* of the training */
    fy_goodput goodput;
} plan_costs;

/* One count of a scaling curve, or one that meets a deadline. */
typedef struct plan_point {
    fy_ranked best;
    plan_costs costs;
    int devices;
    bool fits; /* else only `devices` is set */
} plan_point;

/* Options. Returns 0, or an exit code after printing; *stop: there is nothing more to do. */
int plan_ask_read(int argc, char **argv, plan_ask *ask, bool *stop);
int plan_question_open(plan_question *q, const plan_ask *ask, const plan_data *data);
void plan_question_close(plan_question *q);

/* Pins as `tp=8,pp=4,recompute=full,overlap=tp+dp`. Returns 0 or an exit code after printing. */
int plan_pins_read(const char *text, fy_pins *pins);
bool plan_pins_all(const fy_pins *pins, const fy_model *model);

fy_search_spec plan_spec(const plan_question *q, const fy_cluster *cluster);
fy_cluster plan_cluster(const plan_question *q, int devices);
/* Search `devices`, or fewer where that is faster. Returns 0 or an exit code after printing. */
int plan_answer_find(plan_answer *out, const plan_question *q, int devices);
void plan_answer_free(plan_answer *answer);
plan_costs plan_costs_of(const plan_question *q, const fy_estimate *estimate, int devices);

void plan_show(const plan_question *q, const plan_answer *answer);
void plan_show_why(const plan_question *q, const plan_answer *answer);
int plan_question_run(int argc, char **argv); /* the whole command; returns an exit code */
int plan_show_nothing(const plan_question *q, const plan_answer *answer); /* exit code */
int plan_show_mine(const plan_question *q);
int plan_curve(const plan_question *q);
int plan_deadline(const plan_question *q);
int plan_mixed_run(const plan_ask *ask, const plan_data *data); /* --on A:N+B:M; exit code */
void plan_json(const plan_question *q, const plan_answer *answer);
void plan_json_curve(const plan_question *q, const plan_point *points, int n);
/* [3]: fewest devices, least money, least energy, of the counts that meet the deadline. */
void plan_json_deadline(const plan_question *q, const plan_point *const *points, int tried,
                        int meeting);
int plan_emit(const plan_question *q, const plan_answer *answer);
/* The same with so many layers on each of pp stages; NULL: as the layout has them. */
int plan_emit_stages(const plan_question *q, const plan_answer *answer, const int *layers);

/* A line where the stack's constants were never fitted on the chip's family; else nothing. */
void plan_show_grade(const plan_question *q);

/* Text for people. */
enum { PLAN_TEXT = 200 };
char *plan_layout_text(char out[PLAN_TEXT], const fy_layout *layout);
char *plan_money_text(char out[PLAN_TEXT], const plan_question *q, double value);
char *plan_time_text(char out[PLAN_TEXT], double seconds);
char *plan_energy_text(char out[PLAN_TEXT], double joules);
const char *plan_overlap_text(char out[PLAN_TEXT], unsigned overlap);

#endif
