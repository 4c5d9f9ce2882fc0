/* SPDX-License-Identifier: MIT */
/*
 * What the local engine survives: its own death, the zygote's, a shim that is stopped or killed,
 * and both at once. Jobs write the marks themselves: who ran, which attempt, when it began.
 */
#include "live/engine_end.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>

static const fy_run_key one = {1, 1};

/* A job that marks its begin, waits until the file `go` is there, and ends with 0. */
#define WAITER                                                                                     \
    "echo \"began=$$\" >> $HOME_DIR/marks\n"                                                       \
    "while [ ! -e $HOME_DIR/go ]; do sleep 0.02; done\necho done >> $HOME_DIR/marks\n"

static order waiter(const rig *r, fy_pair *home)
{
    *home = (fy_pair){"HOME_DIR", r->folder};
    return (order){.script = WAITER, .environment = home, .n_environment = 1};
}

static void go(const rig *r)
{
    char path[100];

    (void)snprintf(path, sizeof path, "%s/go", r->folder);
    (void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

static char *marks(const rig *r)
{
    static char path[100];

    (void)snprintf(path, sizeof path, "%s/marks", r->folder);
    return path;
}

/* A process of its own opens the engine and starts a run; returns the owner's pid once the run
 * runs. */
static pid_t owner_with_a_run(rig *r)
{
    fy_pair home;
    int pipes[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        rig_open(r);
        start(r, one, waiter(r, &home));
        while (seen(r, one).state != FY_RUN_RUNNING) {
            wait_for_news(r);
        }
        (void)!write(pipes[1], "r", 1);
        for (;;) {
            (void)pause();
        }
    }
    (void)close(pipes[1]);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    (void)close(pipes[0]);
    return pid;
}

static void kill_and_reap(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_run_is_adopted_after_its_owner_is_killed(void **state)
{
    fy_run_key keys[8];
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    kill_and_reap(owner_with_a_run(&r));
    rig_open(&r);
    keys[0].job = -1;
    assert_int_equal(r.engine->ops->list(r.engine, each_ends, keys, NULL), 0);
    assert_true(fy_run_key_equal(keys[0], one) && keys[1].job == -1);
    assert_int_equal(seen(&r, one).state, FY_RUN_RUNNING);
    start(&r, one, (order){.script = "echo began twice\n"});
    go(&r);
    run = wait_state(&r, one, FY_RUN_EXITED);
    assert_true(run.exit_code == 0 && !run.lost && run.started_us > 0);
    assert_null(strstr(text_of(r.out), "twice"));
    assert_non_null(strstr(text_of(marks(&r)), "done"));
    rig_free(&r);
}

/* A run that ends while nobody owns the engine is told to the next owner. */
static void an_end_is_kept_for_the_next_owner(void **state)
{
    double until_s = now_s() + DEADLINE_S;
    pid_t shim;
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    kill_and_reap(owner_with_a_run(&r));
    shim = shim_of(&r, one);
    go(&r);
    while (is_alive(shim) && now_s() < until_s) {
        (void)poll(NULL, 0, 5);
    }
    rig_open(&r);
    run = seen(&r, one);
    assert_true(run.state == FY_RUN_EXITED && run.exit_code == 0 && !run.lost);
    rig_free(&r);
}

static void a_shim_outlives_the_close_and_can_be_killed(void **state)
{
    fy_pair home;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    start(&r, one, waiter(&r, &home));
    (void)wait_state(&r, one, FY_RUN_RUNNING);
    r.engine->ops->close(r.engine);
    rig_open(&r);
    assert_int_equal(seen(&r, one).state, FY_RUN_RUNNING);
    assert_int_equal(end_run(&r, one).exit_signal, SIGKILL);
    rig_free(&r);
}

/* ------------------------------------------------------------------ the shim */

static void a_frozen_shim_is_seen_and_goes_on(void **state)
{
    double until_s = now_s() + DEADLINE_S;
    fy_pair home;
    pid_t shim;
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    start(&r, one, waiter(&r, &home));
    (void)wait_state(&r, one, FY_RUN_RUNNING);
    shim = shim_of(&r, one);
    assert_int_equal(kill(shim, SIGSTOP), 0);
    while (!seen(&r, one).frozen && now_s() < until_s) {
        wait_for_news(&r);
    }
    run = seen(&r, one);
    assert_true(run.frozen && run.state == FY_RUN_RUNNING);
    go(&r);
    wait_text(&r, marks(&r), "done");
    assert_int_equal(seen(&r, one).state, FY_RUN_RUNNING); /* nobody has seen it end */
    assert_int_equal(kill(shim, SIGCONT), 0);
    run = wait_state(&r, one, FY_RUN_EXITED);
    assert_true(run.exit_code == 0 && !run.lost && !run.frozen);
    rig_free(&r);
}

static void a_frozen_shim_can_be_killed(void **state)
{
    double until_s = now_s() + DEADLINE_S;
    fy_pair home;
    pid_t shim, job;
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    start(&r, one, waiter(&r, &home));
    wait_text(&r, marks(&r), "began=");
    shim = shim_of(&r, one);
    job = number_in(marks(&r), "began=");
    assert_int_equal(kill(shim, SIGSTOP), 0);
    while (!seen(&r, one).frozen && now_s() < until_s) {
        wait_for_news(&r);
    }
    run = end_run(&r, one);
    assert_true(run.lost);
    assert_non_null(run.text);
    assert_false(is_alive(shim) || is_alive(job));
    rig_free(&r);
}

/* Its children die with it by the kernel's hand, what has run away by ours. */
static void what_a_vanished_shim_leaves_is_killed(void **state)
{
    double until_s = now_s() + DEADLINE_S;
    pid_t shim, job, child;
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    start(&r, one, (order){.script = "setsid sleep 1000 &\necho child=$! job=$$\nwait\n"});
    wait_text(&r, r.out, "job=");
    shim = shim_of(&r, one);
    job = number_in(r.out, "job=");
    child = number_in(r.out, "child=");
    assert_int_equal(kill(shim, SIGKILL), 0);
    do {
        wait_for_news(&r);
        run = seen(&r, one);
    } while (run.state != FY_RUN_EXITED && now_s() < until_s);
    assert_true(run.state == FY_RUN_EXITED && run.lost && !run.refused && !run.checkpointed);
    assert_string_equal(run.text, "its shim was killed; nobody saw how it ended");
    assert_false(is_alive(shim) || is_alive(job) || is_alive(child));
    start(&r, one, (order){.script = "echo again\n"});
    assert_true(seen(&r, one).lost);
    assert_null(strstr(text_of(r.out), "again"));
    rig_free(&r);
}

static void owner_and_shim_killed_at_once(void **state)
{
    pid_t owner, job;
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    owner = owner_with_a_run(&r);
    wait_text(&r, marks(&r), "began=");
    job = number_in(marks(&r), "began=");
    assert_int_equal(kill(shim_of(&r, one), SIGKILL), 0);
    kill_and_reap(owner);
    rig_open(&r);
    run = end_run(&r, one);
    assert_true(run.lost);
    assert_false(is_alive(job));
    rig_free(&r);
}

/* The record names a process; whoever has its number now is left alone. */
static void a_reused_pid_is_never_killed(void **state)
{
    char folder[200], path[220], boot[FY_BOOT_ID];
    pid_t bystander = fork();
    fy_process seen_now;
    FILE *file;
    rig r;

    (void)state;
    if (bystander == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;) {
            (void)pause();
        }
    }
    rig_new(&r);
    rig_open(&r);
    fy_boot_id(boot);
    assert_true(fy_process_read(bystander, &seen_now));
    (void)snprintf(folder, sizeof folder, "%s/run/1.1", r.state);
    (void)snprintf(path, sizeof path, "%s/run", folder);
    assert_int_equal(mkdir(folder, 0711), 0);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "fuyao-run 1 %s %d %llu 5\njob %d %llu 6\n", boot, (int)bystander,
                  (unsigned long long)seen_now.start - 1, (int)bystander,
                  (unsigned long long)seen_now.start - 1);
    assert_int_equal(fclose(file), 0);
    assert_true(end_run(&r, one).lost);
    assert_true(is_alive(bystander));
    kill_and_reap(bystander);
    rig_free(&r);
}

static void another_boot_means_lost(void **state)
{
    char folder[200], path[220];
    fy_run run;
    FILE *file;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    (void)snprintf(folder, sizeof folder, "%s/run/1.1", r.state);
    (void)snprintf(path, sizeof path, "%s/run", folder);
    assert_int_equal(mkdir(folder, 0711), 0);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "fuyao-run 1 0-0 %d 1 5\njob %d 1 6\n", (int)getpid(), (int)getpid());
    assert_int_equal(fclose(file), 0);
    run = seen(&r, one);
    assert_true(run.state == FY_RUN_EXITED && run.lost);
    assert_string_equal(run.text, "the machine was restarted");
    rig_free(&r);
}

/* ------------------------------------------------------------------ the zygote, and rubbish */

static pid_t find_zygote(void)
{
    fy_process *all;
    size_t n = fy_process_all(&all);
    pid_t found = -1;

    for (size_t i = 0; i < n; i++) {
        char path[40];

        (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)all[i].pid);
        if (all[i].parent == getpid() && all[i].state != 'Z' &&
            strcmp(text_of(path), "fuyao-zygote\n") == 0) {
            found = all[i].pid;
        }
    }
    free(all);
    return found;
}

/* It has its name a moment after it was forked. */
static pid_t zygote_of(rig *r)
{
    double until_s = now_s() + DEADLINE_S;
    pid_t found = find_zygote();

    while (found < 0 && now_s() < until_s) {
        wait_for_news(r);
        found = find_zygote();
    }
    assert_true(found > 0);
    return found;
}

static void a_killed_zygote_is_forked_anew(void **state)
{
    double until_s = now_s() + DEADLINE_S;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    for (int i = 1; i <= 3; i++) {
        fy_run_key key = {i, 1};
        pid_t zygote = zygote_of(&r);

        assert_int_equal(kill(zygote, SIGKILL), 0);
        do { /* it may die with the order in its hands: then there is no run, and one asks again */
            start(&r, key, (order){.args = {"true"}});
            wait_for_news(&r);
        } while (seen(&r, key).state != FY_RUN_EXITED && now_s() < until_s);
        assert_int_equal(seen(&r, key).state, FY_RUN_EXITED);
        assert_int_equal(seen(&r, key).exit_code, 0);
        assert_false(seen(&r, key).lost);
    }
    rig_free(&r);
}

static void the_zygote_dies_with_its_owner(void **state)
{
    double until_s = now_s() + DEADLINE_S;
    pid_t zygote;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    zygote = zygote_of(&r);
    r.engine->ops->close(r.engine);
    while (is_alive(zygote) && now_s() < until_s) {
        (void)poll(NULL, 0, 5);
    }
    assert_false(is_alive(zygote));
    rig_open(&r);
    rig_free(&r);
}

static void rubbish_among_the_runs_is_passed_over(void **state)
{
    static const char *const names[] = {"1",
                                        "1.",
                                        ".1",
                                        "1.0",
                                        "-1.1",
                                        "1.1.1",
                                        "x.y",
                                        " ",
                                        "1.1 ",
                                        "01.x",
                                        "9999999999999999999.1",
                                        "2.1"};
    fy_run_key keys[8], key;
    char path[300];
    rig r;
    int fifo;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/run/%s", r.state, names[i]);
        assert_int_equal(mkdir(path, 0711), 0);
    }
    keys[0].job = -1;
    assert_int_equal(r.engine->ops->list(r.engine, each_ends, keys, NULL), 0);
    assert_int_equal(keys[0].job, -1);
    (void)snprintf(path, sizeof path, "%s/hints", r.state);
    fifo = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fifo >= 0);
    assert_int_equal(write(fifo, "\n\n7.x\n8.1\nno newline", 20), 20);
    (void)close(fifo);
    assert_true(r.engine->ops->hint(r.engine, &key));
    assert_true(key.job == 8 && key.attempt == 1);
    assert_false(r.engine->ops->hint(r.engine, &key));
    assert_int_equal(seen(&r, key).state, FY_RUN_NONE);
    rig_free(&r);
}

/* A process of the run's user, outside of the run; it begins to hold something, says so, and stays.
 */
static pid_t holder(pid_t traced, const char *leased)
{
    int pipes[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        bool held = false;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        (void)signal(SIGIO, SIG_IGN); /* asked for the lease back: no */
        if (traced > 0) {
            held = ptrace(PTRACE_SEIZE, traced, NULL, NULL) == 0;
        } else {
            int fd = open(leased, O_RDWR | O_CLOEXEC);

            held = fd >= 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
        }
        (void)!write(pipes[1], held ? "y" : "n", 1);
        for (;;) {
            (void)pause();
        }
    }
    (void)close(pipes[1]);
    if (read(pipes[0], &byte, 1) != 1 || byte != 'y') { /* not every machine lets one */
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        pid = -1;
    }
    (void)close(pipes[0]);
    return pid;
}

static void let_go(pid_t holder)
{
    (void)kill(holder, SIGKILL);
    (void)waitpid(holder, NULL, 0);
}

/* A debugger that does not wait for a dead job keeps it a zombie, but not its devices. */
static void a_traced_job_ends(void **state)
{
    pid_t tracer, job;
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    start(&r, one, (order){.script = "echo job=$$.\nexec sleep 1000\n"});
    wait_text(&r, r.out, ".");
    job = number_in(r.out, "job=");
    tracer = holder(job, NULL);
    if (tracer > 0) {
        run = end_run(&r, one);
        assert_int_equal(run.exit_signal, SIGKILL);
        assert_false(is_alive(job));
        let_go(tracer);
    }
    rig_free(&r);
    if (tracer < 0) {
        print_message("# skipped: nobody may be traced here\n");
    }
}

/* Its user can keep a job from ever becoming its program: by a lease on that, or a stop in between.
 * The shim waits for it and hears nothing meanwhile. */
static void a_job_kept_from_its_program_can_be_killed(void **state)
{
    enum { LESS_THAN_A_LEASE_S = 30 }; /* the kernel takes one back after 45 s */
    char program[100], copy[220];
    double until_s;
    pid_t keeper;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    (void)snprintf(program, sizeof program, "%s/program", r.folder);
    (void)snprintf(copy, sizeof copy, "cp /bin/sleep %s", program);
    assert_int_equal(system(copy), 0);
    keeper = holder(0, program);
    if (keeper > 0) {
        start(&r, one, (order){.args = {program, "1000"}});
        (void)wait_state(&r, one, FY_RUN_STARTING);
        for (until_s = now_s() + LESS_THAN_A_LEASE_S; seen(&r, one).state != FY_RUN_EXITED;) {
            assert_true(now_s() < until_s);
            verb(&r, r.engine->ops->kill, one);
            wait_for_news(&r);
        }
        let_go(keeper);
    }
    rig_free(&r);
    if (keeper < 0) {
        print_message("# skipped: no lease may be taken here\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_adopted_after_its_owner_is_killed),
        cmocka_unit_test(an_end_is_kept_for_the_next_owner),
        cmocka_unit_test(a_shim_outlives_the_close_and_can_be_killed),
        cmocka_unit_test(a_frozen_shim_is_seen_and_goes_on),
        cmocka_unit_test(a_frozen_shim_can_be_killed),
        cmocka_unit_test(what_a_vanished_shim_leaves_is_killed),
        cmocka_unit_test(owner_and_shim_killed_at_once),
        cmocka_unit_test(a_reused_pid_is_never_killed),
        cmocka_unit_test(another_boot_means_lost),
        cmocka_unit_test(a_killed_zygote_is_forked_anew),
        cmocka_unit_test(the_zygote_dies_with_its_owner),
        cmocka_unit_test(a_traced_job_ends),
        cmocka_unit_test(a_job_kept_from_its_program_can_be_killed),
        cmocka_unit_test(rubbish_among_the_runs_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
