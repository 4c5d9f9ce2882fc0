/* SPDX-License-Identifier: MIT */
/* Hooks: real programs beside the runs of a fake engine in simulated time. Each program writes one
 * line to a log; what must happen is waited for, with a deadline. */
#include "centre.h"
#include "daemon/hook_process.h"
#include "fleet/state.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DEADLINE_S = 60 };

typedef struct rig {
    centre c;
    fy_hooks *hooks;
    fy_hooks_options options;
    char marks[100], log[100];
    char programs[FY_N_HOOKS][120];
    char text[20000]; /* of the log */
} rig;

static const fy_who lin = {
    .uid = 1001, .gid = 1001, .user = "lin", .tenant = "t0", .scope = FY_SCOPE_SUBMIT};

/* A program that says what it sees, then does `body`. */
static void program(rig *r, fy_hook_kind kind, const char *body)
{
    FILE *f;

    (void)snprintf(r->programs[kind], sizeof r->programs[kind], "%s/%s.sh", r->c.folder,
                   fy_hook_name(kind));
    f = fopen(r->programs[kind], "w");
    assert_non_null(f);
    fprintf(f,
            "#!/bin/sh\necho \"%s $FUYAO_NODE ${FUYAO_JOB_ID-} ${FUYAO_ATTEMPT-} "
            "${FUYAO_DEVICES-} ${HOME-nothing}\" >>%s\n%s\n",
            fy_hook_name(kind), r->log, body);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(r->programs[kind], 0700), 0);
    r->options.programs[kind].path = r->programs[kind];
}

static void rig_new(rig *r)
{
    fy_fake_options honest = fy_fake_honest();

    memset(r, 0, sizeof *r);
    centre_init(&r->c, "fifo", &honest);
    (void)snprintf(r->marks, sizeof r->marks, "%s/hooks", r->c.folder);
    (void)snprintf(r->log, sizeof r->log, "%s/log", r->c.folder);
    r->options = fy_hooks_defaults();
}

static void rig_open(rig *r)
{
    fy_err err = {0};

    assert_int_equal(fy_hooks_check(&r->options, &err), 0);
    assert_int_equal(fy_hooks_open(&r->hooks, r->marks, &err), 0);
    fy_hooks_set(r->hooks, &r->options);
    r->c.options.hooks = r->hooks;
    assert_int_equal(centre_open(&r->c), 0);
}

static void rig_free(rig *r)
{
    fy_hooks_close(r->hooks);
    assert_null(fy_fake_violation(r->c.fake));
    centre_free(&r->c);
}

static int64_t submit(rig *r, int devices)
{
    static const char *const args[] = {"/bin/true"};
    fy_submission job = fy_submission_default();
    int64_t first;
    int count;
    bool again;

    job.args = args;
    job.n_args = 1;
    job.devices = devices;
    job.estimate_us = 10 * (int64_t)HAND_US;
    assert_int_equal(fy_ctl_submit(r->c.ctl, &lin, &job, &first, &count, &again, &r->c.err), 0);
    return first;
}

static const char *log_text(rig *r)
{
    FILE *f = fopen(r->log, "r");
    size_t n = f != NULL ? fread(r->text, 1, sizeof r->text - 1, f) : 0;

    r->text[n] = '\0';
    if (f != NULL) {
        (void)fclose(f);
    }
    return r->text;
}

/* One turn of simulated time, and a look at what the programs did in real time. */
static void step(rig *r)
{
    struct pollfd p = {.fd = fy_hooks_fd(r->hooks), .events = POLLIN};

    if (centre_turn(&r->c, r->c.now_us + HAND_US) != 0) {
        fail_msg("%s", r->c.err.text);
    }
    (void)poll(&p, 1, 20);
}

#define WAIT_UNTIL(r, condition)                                                                   \
    do {                                                                                           \
        int64_t end_us = fy_hook_now_us() + DEADLINE_S * 1000000LL;                                \
        while (!(condition)) {                                                                     \
            if (fy_hook_now_us() > end_us) {                                                       \
                fail_msg("never came: %s; log: %s", #condition, log_text(r));                      \
            }                                                                                      \
            step(r);                                                                               \
        }                                                                                          \
    } while (0)

static bool ended(rig *r, int64_t id)
{
    return fy_fleet_job(fy_ctl_fleet(r->c.ctl), id) == NULL;
}

static bool job_says(rig *r, int64_t id, const char *text)
{
    fy_str json = {0};
    fy_err err = {0};
    bool found = fy_ctl_view_job(r->c.ctl, &centre_root, id, &json, &err) == 0 &&
                 strstr(json.text, text) != NULL;

    fy_str_free(&json);
    return found;
}

static bool nodes_say(rig *r, const char *text)
{
    fy_str json = {0};
    bool found;

    fy_ctl_view_nodes(r->c.ctl, &centre_root, &json);
    found = strstr(json.text, text) != NULL;
    fy_str_free(&json);
    return found;
}

static bool drained(rig *r, int node)
{
    return fy_ctl_fleet(r->c.ctl)->nodes[node].drained;
}

/* ------------------------------------------------------------------ the tests */

static void around_a_run(void **state)
{
    rig r;
    int64_t id;

    (void)state;
    rig_new(&r);
    program(&r, FY_HOOK_PROLOG, "exit 0");
    program(&r, FY_HOOK_EPILOG, "exit 0");
    rig_open(&r);
    id = submit(&r, 2);
    WAIT_UNTIL(&r, ended(&r, id));
    assert_true(job_says(&r, id, "\"finished\""));
    assert_string_equal(log_text(&r), "prolog p0-0000 1 1 0,1 nothing\n"
                                      "epilog p0-0000 1 1 0,1 nothing\n");
    step(&r);
    step(&r); /* the end is committed: the marks may go */
    assert_int_not_equal(access(strcat(r.marks, "/prolog-1.1"), F_OK), 0);
    rig_free(&r);
}

/* It fails on one node: the job runs on another, although it is not to be requeued. */
static void failing_prolog(void **state)
{
    rig r;
    int64_t id;

    (void)state;
    rig_new(&r);
    program(&r, FY_HOOK_PROLOG,
            "[ $FUYAO_NODE = p0-0001 ] || exit 0\n"
            "echo; echo 'GPU 3 has fallen off the bus'; echo more; exit 9");
    rig_open(&r);
    (void)submit(&r, 4);
    id = submit(&r, 4);
    WAIT_UNTIL(&r, ended(&r, id));
    assert_true(job_says(&r, id, "\"finished\""));
    assert_true(drained(&r, 1));
    assert_true(nodes_say(&r, "prolog: GPU 3 has fallen off the bus (job 2)"));
    for (size_t i = 0; i < fy_fake_marks(r.c.fake); i++) { /* nothing was ever asked of it there */
        assert_string_not_equal(fy_fake_mark_get(r.c.fake, i).devices[0].node, "p0-0001");
    }
    rig_free(&r);
}

/* The pid that a program wrote to a file, once it is there. */
static pid_t written_pid(rig *r, const char *name)
{
    char path[160];
    FILE *f;
    int pid = 0;

    (void)snprintf(path, sizeof path, "%s/%s", r->c.folder, name);
    f = fopen(path, "r");
    if (f != NULL) {
        (void)!fscanf(f, "%d", &pid);
        (void)fclose(f);
    }
    return pid;
}

static bool gone(pid_t pid)
{
    char path[40], text[256] = "";
    FILE *f;
    bool there;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "r");
    there = f != NULL && fgets(text, sizeof text, f) != NULL && strstr(text, ") Z ") == NULL;
    if (f != NULL) {
        (void)fclose(f);
    }
    return !there;
}

static void hanging_prolog(void **state)
{
    rig r;
    int64_t id;
    char body[500];

    (void)state;
    rig_new(&r);
    (void)snprintf(body, sizeof body,
                   "[ $FUYAO_NODE = p0-0000 ] || exit 0\n"
                   "sleep 1000 & echo $! >%s/child; echo waiting for the disk; wait",
                   r.c.folder);
    program(&r, FY_HOOK_PROLOG, body);
    r.options.programs[FY_HOOK_PROLOG].limit_us = 300000;
    rig_open(&r);
    id = submit(&r, 4);
    WAIT_UNTIL(&r, drained(&r, 0));
    assert_true(nodes_say(&r, "prolog: not done after 0.3 s: waiting for the disk (job 1)"));
    WAIT_UNTIL(&r, written_pid(&r, "child") > 0 && gone(written_pid(&r, "child")));
    WAIT_UNTIL(&r, ended(&r, id));
    rig_free(&r);
}

static void cancelled_in_its_prolog(void **state)
{
    rig r;
    int64_t id;
    char body[500];

    (void)state;
    rig_new(&r);
    (void)snprintf(body, sizeof body, "echo $$ >%s/pid; exec sleep 1000", r.c.folder);
    program(&r, FY_HOOK_PROLOG, body);
    rig_open(&r);
    id = submit(&r, 4);
    WAIT_UNTIL(&r, written_pid(&r, "pid") > 0);
    assert_int_equal(fy_ctl_job(r.c.ctl, &lin, id, FY_VERB_CANCEL, &r.c.err), 0);
    WAIT_UNTIL(&r, ended(&r, id) && gone(written_pid(&r, "pid")));
    assert_true(job_says(&r, id, "\"cancelled\""));
    assert_false(drained(&r, 0));
    rig_free(&r);
}

/* The job's devices stay its own until it is over; its own end stays what it was. */
static void failing_epilog(void **state)
{
    rig r;
    int64_t id;
    char body[500];

    (void)state;
    rig_new(&r);
    (void)snprintf(body, sizeof body, "[ -e %s/go ] || exec sleep 1000; exit 1", r.c.folder);
    program(&r, FY_HOOK_EPILOG, body);
    r.options.programs[FY_HOOK_EPILOG].limit_us = 500000;
    rig_open(&r);
    id = submit(&r, 4);
    WAIT_UNTIL(&r, strstr(log_text(&r), "epilog") != NULL);
    assert_false(ended(&r, id));
    WAIT_UNTIL(&r, ended(&r, id));
    assert_true(job_says(&r, id, "\"finished\""));
    assert_true(nodes_say(&r, "epilog: not done after 0.5 s (job 1)"));
    rig_free(&r);
}

/* A daemon killed while a prolog is at work leaves it behind: the next one ends it, and runs it
 * again. One that has passed is not run again. */
static void next_daemon(void **state)
{
    rig r;
    fy_hooks *dead;
    fy_err err = {0};
    char body[500];
    int64_t id;
    pid_t left;

    (void)state;
    rig_new(&r);
    (void)snprintf(body, sizeof body,
                   "[ -e %s/pid ] && exit 0; echo $$ >%s/fresh; mv %s/fresh %s/pid; sleep 1000",
                   r.c.folder, r.c.folder, r.c.folder, r.c.folder);
    program(&r, FY_HOOK_PROLOG, body);
    rig_open(&r);
    id = submit(&r, 4);
    WAIT_UNTIL(&r, written_pid(&r, "pid") > 0);
    left = written_pid(&r, "pid");
    dead = r.hooks;
    centre_kill(&r.c);
    rig_open(&r);
    while (!gone(left)) {
        (void)poll(NULL, 0, 1);
    }
    WAIT_UNTIL(&r, ended(&r, id));
    assert_true(job_says(&r, id, "\"finished\""));
    assert_false(drained(&r, 0));
    assert_string_equal(log_text(&r), "prolog p0-0000 1 1 0,1,2,3 nothing\n"
                                      "prolog p0-0000 1 1 0,1,2,3 nothing\n");
    fy_hooks_close(dead); /* only now is its child reaped */

    id = submit(&r, 4);
    WAIT_UNTIL(&r, fy_fleet_job(fy_ctl_fleet(r.c.ctl), id)->state == FY_JOB_RUNNING);
    fy_hooks_close(r.hooks);
    centre_kill(&r.c);
    rig_open(&r);
    assert_int_equal(fy_hooks_known(r.hooks, FY_HOOK_PROLOG, (fy_run_key){id, 1}).state,
                     FY_HOOK_PASSED);
    (void)err;
    rig_free(&r);
}

static void health(void **state)
{
    rig r;
    char body[500], sick[160];
    FILE *f;

    (void)state;
    rig_new(&r);
    (void)snprintf(sick, sizeof sick, "%s/sick", r.c.folder);
    (void)snprintf(
        body, sizeof body,
        "[ $FUYAO_NODE != p0-0002 ] || [ ! -e %s ] || { echo 'ECC errors: 17'; exit 1; }", sick);
    program(&r, FY_HOOK_HEALTH, body);
    r.options.health_every_us = 1; /* at every look */
    f = fopen(sick, "w");
    (void)fclose(f);
    rig_open(&r);
    WAIT_UNTIL(&r, drained(&r, 2));
    assert_true(nodes_say(&r, "health check: ECC errors: 17"));
    assert_false(drained(&r, 0));
    assert_int_equal(fy_ctl_node(r.c.ctl, &centre_root, "p0-0002", FY_NODE_RESUME, NULL, &r.c.err),
                     0);
    assert_false(drained(&r, 2));
    WAIT_UNTIL(&r, drained(&r, 2)); /* it is asked anew, and still sick */

    (void)remove(sick);
    fy_hooks_suspect(r.hooks, "p0-0002", true);
    WAIT_UNTIL(&r, fy_hooks_health(r.hooks, "p0-0002").state == FY_HOOK_PASSED);
    step(&r);
    assert_true(drained(&r, 2)); /* until somebody resumes it */
    r.options.auto_resume = true;
    fy_hooks_set(r.hooks, &r.options);
    WAIT_UNTIL(&r, !drained(&r, 2));
    assert_false(nodes_say(&r, "ECC"));
    rig_free(&r);
}

/* A job fails where the next check is an hour away: the node is checked at once. */
static void suspected(void **state)
{
    rig r;
    int64_t id;

    (void)state;
    rig_new(&r);
    program(&r, FY_HOOK_HEALTH, "exit 0");
    r.options.health_every_us = 3600 * 1000000LL;
    rig_open(&r);
    for (int i = 0; i < 6; i++) {
        const char *node = fy_ctl_fleet(r.c.ctl)->nodes[i].name;
        WAIT_UNTIL(&r, fy_hooks_health(r.hooks, node).state == FY_HOOK_PASSED);
    }
    (void)remove(r.log);
    id = submit(&r, 4);
    WAIT_UNTIL(&r, fy_fleet_job(fy_ctl_fleet(r.c.ctl), id)->state == FY_JOB_RUNNING);
    assert_true(fy_fake_finish(r.c.fake, (fy_run_key){id, 1}, 1, 0));
    WAIT_UNTIL(&r, strstr(log_text(&r), "health_check p0-0000") != NULL);
    rig_free(&r);
}

/* Three runs vanish within a minute: the fleet drains the node, and people see why. */
static void blamed(void **state)
{
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    for (int i = 0; i < 3; i++) {
        int64_t id = submit(&r, 1);

        WAIT_UNTIL(&r, fy_fleet_job(fy_ctl_fleet(r.c.ctl), id)->state == FY_JOB_RUNNING);
        assert_true(fy_fake_lose(r.c.fake, (fy_run_key){id, 1}));
        WAIT_UNTIL(&r, fy_fleet_job(fy_ctl_fleet(r.c.ctl), id)->attempt != 1 ||
                           fy_fleet_job(fy_ctl_fleet(r.c.ctl), id)->state != FY_JOB_RUNNING);
    }
    assert_true(drained(&r, 0));
    assert_true(nodes_say(&r, "three jobs failed there within a minute: 1, 2 and 3"));
    rig_free(&r);
}

static void refused(void **state)
{
    rig r;
    fy_err err = {0};

    (void)state;
    rig_new(&r);
    r.options.programs[FY_HOOK_EPILOG].path = "/nowhere/at/all";
    assert_int_equal(fy_hooks_check(&r.options, &err), FY_EINVAL);
    assert_string_equal(err.text, "epilog: /nowhere/at/all is no program that the daemon may run");
    r.options.programs[FY_HOOK_EPILOG].path = NULL;
    rig_open(&r);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(around_a_run),   cmocka_unit_test(failing_prolog),
        cmocka_unit_test(hanging_prolog), cmocka_unit_test(cancelled_in_its_prolog),
        cmocka_unit_test(failing_epilog), cmocka_unit_test(next_daemon),
        cmocka_unit_test(health),         cmocka_unit_test(suspected),
        cmocka_unit_test(blamed),         cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
