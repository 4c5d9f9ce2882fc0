/* SPDX-License-Identifier: MIT */
/*
 * A controller of a few lines for tests of the server: jobs are names of tenants, their records go
 * to a real store, and a turn commits. Includes no policy and no engine.
 */
#ifndef FUYAO_TESTS_STANDIN_CTL_H
#define FUYAO_TESTS_STANDIN_CTL_H

#include "base/arena.h"
#include "daemon/ctl.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef struct standin_job {
    char tenant[64], name[128];
    int64_t uid;
    bool ended;
} standin_job;

struct fy_ctl {
    fy_store *store; /* NULL: nothing is durable, tickets are committed by hand */
    standin_job *jobs;
    size_t n_jobs, room;
    int64_t ticket, committed;
    const char *output; /* path of every job's */
    _Atomic int
        watch_fd; /* a client's end: nothing may have arrived there before a commit; 0 = none */
    _Atomic int early, commits;
    _Atomic bool broken; /* the next commit fails */
};

static bool standin_sees(const fy_who *who, const standin_job *job)
{
    return who->scope == FY_SCOPE_OPERATE || strcmp(who->tenant, job->tenant) == 0;
}

static standin_job *standin_find(fy_ctl *ctl, const fy_who *who, int64_t id, fy_err *err)
{
    if (id < 1 || id > (int64_t)ctl->n_jobs || !standin_sees(who, &ctl->jobs[id - 1])) {
        (void)fy_fail(err, FY_ENOENT, "there is no job %lld", (long long)id);
        return NULL;
    }
    return &ctl->jobs[id - 1];
}

static void standin_record(fy_ctl *ctl, const char *kind, int64_t id, const char *body, size_t len)
{
    char line[64];
    int n = snprintf(line, sizeof line, "%s,%lld", kind, (long long)id);

    ctl->ticket = ctl->store != NULL ? fy_store_append(ctl->store, line, (size_t)n, body, len)
                                     : ctl->ticket + 1;
}

int fy_ctl_submit(fy_ctl *ctl, const fy_who *who, const fy_submission *what, int64_t *first,
                  int *count, bool *again, fy_err *err)
{
    fy_arena arena = {0};
    size_t len = 0;

    if (what->devices > 1000) {
        return fy_fail(err, FY_EINVAL, "no node has %d devices", what->devices);
    }
    ctl->jobs = fy_grow(ctl->jobs, &ctl->room, ctl->n_jobs + 1, sizeof *ctl->jobs);
    standin_job *job = &ctl->jobs[ctl->n_jobs++];
    *job = (standin_job){.uid = who->uid};
    (void)snprintf(job->tenant, sizeof job->tenant, "%s", who->tenant);
    (void)snprintf(job->name, sizeof job->name, "%s", what->name != NULL ? what->name : "job");
    const char *body = fy_submission_write(what, &arena, &len);
    standin_record(ctl, "submitted", (int64_t)ctl->n_jobs, body, len);
    fy_arena_free(&arena);
    *first = (int64_t)ctl->n_jobs;
    *count = 1;
    *again = false;
    return 0;
}

int fy_ctl_try(fy_ctl *ctl, const fy_who *who, const fy_submission *what, fy_str *json, fy_err *err)
{
    (void)ctl;
    (void)who;
    (void)what;
    (void)err;
    fy_str_puts(json, "{\"starts\": \"now\"}");
    return 0;
}

int fy_ctl_job(fy_ctl *ctl, const fy_who *who, int64_t id, fy_job_verb verb, fy_err *err)
{
    standin_job *job = standin_find(ctl, who, id, err);

    if (job == NULL) {
        return FY_ENOENT;
    }
    if (job->ended) {
        return fy_fail(err, FY_EINVAL, "job %lld has ended", (long long)id);
    }
    job->ended = verb == FY_VERB_CANCEL;
    standin_record(ctl, "verb", id, NULL, 0);
    return 0;
}

int fy_ctl_signal(fy_ctl *ctl, const fy_who *who, int64_t id, int signo, fy_err *err)
{
    (void)signo;
    return standin_find(ctl, who, id, err) != NULL ? 0 : FY_ENOENT;
}

int fy_ctl_progress(fy_ctl *ctl, fy_run_key key, const char *token, double done, fy_err *err)
{
    (void)done;
    if (key.job > (int64_t)ctl->n_jobs || strcmp(token, "right") != 0) {
        return fy_fail(err, FY_ENOENT, "no such run");
    }
    standin_record(ctl, "progress", key.job, NULL, 0);
    return 0;
}

int fy_ctl_node(fy_ctl *ctl, const fy_who *who, const char *node, fy_node_verb verb,
                const char *reason, fy_err *err)
{
    (void)who;
    (void)verb;
    (void)reason;
    if (strcmp(node, "n0") != 0) {
        return fy_fail(err, FY_ENOENT, "there is no node %s", node);
    }
    standin_record(ctl, "node", 0, NULL, 0);
    return 0;
}

int fy_ctl_reserve(fy_ctl *ctl, const fy_who *who, const char *node, const char *tenant,
                   int64_t from_us, int64_t to_us, fy_err *err)
{
    (void)tenant;
    (void)from_us;
    (void)to_us;
    return fy_ctl_node(ctl, who, node, FY_NODE_DRAIN, NULL, err);
}

int fy_ctl_policy(fy_ctl *ctl, const fy_who *who, const fy_sched_options *sched, fy_err *err)
{
    (void)who;
    if (strcmp(sched->policy, "las") != 0) {
        return fy_fail(err, FY_EINVAL, "no policy %s", sched->policy);
    }
    standin_record(ctl, "policy", 0, NULL, 0);
    return 0;
}

int64_t fy_ctl_ticket(const fy_ctl *ctl)
{
    return ctl->ticket;
}

int64_t fy_ctl_committed(const fy_ctl *ctl)
{
    return ctl->committed;
}

int fy_ctl_turn(fy_ctl *ctl, int64_t now_us, fy_err *err)
{
    (void)now_us;
    if (ctl->committed == ctl->ticket) {
        return 0;
    }
    char byte;
    if (ctl->watch_fd > 0 && recv(ctl->watch_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) {
        ctl->early++;
    }
    if (ctl->broken) {
        return fy_fail(err, FY_EIO, "the disk is gone");
    }
    ctl->commits++;
    int code = ctl->store != NULL ? fy_store_commit(ctl->store, err) : 0;
    if (code == 0) {
        ctl->committed = ctl->ticket;
    }
    return code;
}

int64_t fy_ctl_now(const fy_ctl *ctl)
{
    (void)ctl;
    return 0;
}

void fy_ctl_clock(fy_ctl *ctl, int64_t (*now)(void *ctx), void *ctx)
{
    (void)ctl;
    (void)now;
    (void)ctx;
}

int64_t fy_ctl_wake(const fy_ctl *ctl)
{
    (void)ctl;
    return INT64_MAX;
}

void fy_ctl_view_jobs(fy_ctl *ctl, const fy_who *who, const fy_job_filter *filter, fy_str *json)
{
    int n = 0;

    fy_str_puts(json, "{\"jobs\": [");
    for (size_t i = (size_t)(filter->after < 0 ? 0 : filter->after); i < ctl->n_jobs; i++) {
        const standin_job *job = &ctl->jobs[i];
        if (standin_sees(who, job) && !job->ended &&
            (filter->name == NULL || strcmp(filter->name, job->name) == 0) &&
            (filter->limit == 0 || n < filter->limit)) {
            fy_str_printf(json, "%s{\"id\": %zu}", n++ > 0 ? ", " : "", i + 1);
        }
    }
    fy_str_puts(json, "]}\n");
}

int fy_ctl_view_job(fy_ctl *ctl, const fy_who *who, int64_t id, fy_str *json, fy_err *err)
{
    const standin_job *job = standin_find(ctl, who, id, err);

    if (job == NULL) {
        return FY_ENOENT;
    }
    fy_str_printf(json, "{\"id\": %lld, \"tenant\": \"%s\"}\n", (long long)id, job->tenant);
    return 0;
}

int fy_ctl_view_explain(fy_ctl *ctl, const fy_who *who, int64_t id, fy_str *json, fy_err *err)
{
    return fy_ctl_view_job(ctl, who, id, json, err);
}

static void standin_view(fy_ctl *ctl, const fy_who *who, fy_str *json)
{
    fy_str_printf(json, "{\"jobs\": %zu, \"tenant\": \"%s\", \"user\": \"%s\"}\n", ctl->n_jobs,
                  who->tenant, who->user);
}

void fy_ctl_view_nodes(fy_ctl *ctl, const fy_who *who, fy_str *json)
{
    standin_view(ctl, who, json);
}

void fy_ctl_view_tenants(fy_ctl *ctl, const fy_who *who, fy_str *json)
{
    standin_view(ctl, who, json);
}

void fy_ctl_view_usage(fy_ctl *ctl, const fy_who *who, fy_str *json)
{
    standin_view(ctl, who, json);
}

void fy_ctl_view_status(fy_ctl *ctl, const fy_who *who, fy_str *json)
{
    standin_view(ctl, who, json);
}

void fy_ctl_view_metrics(fy_ctl *ctl, fy_str *text)
{
    fy_str_printf(text, "fuyao_jobs %zu\nfuyao_held{tenant=\"a\"} 1\nfuyao_held{tenant=\"ab\"} 2\n",
                  ctl->n_jobs);
}

int fy_ctl_view_events(fy_ctl *ctl, const fy_who *who, int64_t seq, int most, fy_str *lines,
                       int64_t *last, fy_err *err)
{
    (void)who;
    if (seq > ctl->committed) {
        return fy_fail(err, FY_ENOENT, "there is no record %lld yet", (long long)seq);
    }
    for (*last = seq; *last < ctl->committed && most > 0; most--) {
        fy_str_printf(lines, "{\"seq\":%lld,\"kind\":\"test\"}\n", (long long)++*last);
    }
    return 0;
}

int fy_ctl_output(fy_ctl *ctl, const fy_who *who, int64_t id, fy_arena *arena, const char **path,
                  int64_t *uid, fy_err *err)
{
    const standin_job *job = standin_find(ctl, who, id, err);

    (void)arena;
    if (job == NULL) {
        return FY_ENOENT;
    }
    *path = ctl->output;
    *uid = job->uid;
    return 0;
}

#endif
