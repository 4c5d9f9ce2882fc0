/* SPDX-License-Identifier: MIT */
/* The independent reader of journals finds what it is there to find. */
#include "support/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NODE                                                                                       \
    " chip=0 devices=2 cpu_milli=8000 memory_mib=1000 rack=new idle_mw=0,0,0 active_mw=0,0,0 "     \
    "overhead_mw=0,0,0"
#define ASK(after, each)                                                                           \
    " name=j tenant=0 priority=normal workers=1 min=1 max=1 spares=0 devices=" each                \
    " milli=0 cpu_milli=1000 memory_mib=10 rates=0:5:5:0 work_q=9 unit_q=1 end=finish "            \
    "interval_us=0 checkpoint_us=0 restart_us=0 limit_us=-1 deadline_us=-1 min_run_us=0 "          \
    "after=" after " array=-1 array_limit=0"

static const char *const site[] = {
    "0 chip chip=0 name=a",
    "0 node name=n0" NODE,
    "0 node name=n1" NODE,
    "0 tenant tenant=0 name=t weight=1 borrow_milli=-1 guarantee_milli=",
    "5 submitted job=0" ASK("", "1"),
    "5 submitted job=1" ASK("0", "2"),
};
enum { N_SITE = sizeof site / sizeof site[0] };

#define START0    "10 starting job=0 attempt=1 reason=first chip=0 place=0*1:1"
#define STARTED0  "11 started job=0 attempt=1 rate_q=5 pause_us=0"
#define FINISHED0 "20 finished job=0 attempt=1"
#define START1    "30 starting job=1 attempt=1 reason=first chip=0 place=1*1:2,3"

/* The first breach after the site and these lines, NULL-ended; its text is static. */
static const char *told(const char *const *lines)
{
    static char text[300];
    history *h = history_new();
    int64_t seq = 0;

    for (int i = 0; i < N_SITE; i++) {
        history_line(h, ++seq, site[i], strlen(site[i]));
    }
    for (int i = 0; lines[i] != NULL; i++) {
        history_line(h, ++seq, lines[i], strlen(lines[i]));
    }
    history_close(h, 100);
    text[0] = '\0';
    if (history_broken(h) != NULL) {
        (void)strncpy(text, history_broken(h), sizeof text - 1);
    }
    history_free(h);
    return text;
}

#define TOLD(...) told((const char *const[]){__VA_ARGS__, NULL})

static void a_true_history_is_believed(void **state)
{
    (void)state;
    assert_string_equal(TOLD(START0, STARTED0, FINISHED0, START1), "");
    assert_string_equal(TOLD(START0, "12 stopping job=0 attempt=1 reason=requeued for=-1",
                             "13 stopped job=0 attempt=1 saved=0",
                             "13 starting job=0 attempt=2 reason=first chip=0 place=0*1:1"),
                        "");
}

static void each_breach_is_named(void **state)
{
    (void)state;
    assert_string_equal(TOLD(START0, START0), "record 8: job 0 starts in state 3");
    assert_string_equal(TOLD("10 starting job=0 attempt=2 reason=first chip=0 place=0*1:1"),
                        "record 7: job 0 has had 0 attempts");
    assert_string_equal(TOLD(START1), "record 7: job 1 starts before job 0 finished");
    assert_string_equal(TOLD("5 submitted job=1" ASK("", "1")),
                        "record 7: job 1 is submitted where 2 is next");
    assert_string_equal(TOLD("4 round hash=0 policy=p config="),
                        "record 7: time goes back from 5 to 4");
    assert_string_equal(TOLD("10 starting job=0 attempt=1 reason=first chip=0 place=0*1:3"),
                        "record 7: device 3 is not of node 0");
    assert_string_equal(TOLD("10 starting job=0 attempt=1 reason=first chip=0 place=0*1:0,1"),
                        "record 7: 1 workers on 2 devices, 1 each");
    assert_string_equal(TOLD("9 node-down node=0", START0),
                        "record 8: a start on node 0, which is down or drained");
    assert_string_equal(TOLD(START0, STARTED0, FINISHED0, FINISHED0),
                        "record 10: job 0 is over: \"finished job=0 attempt=1\"");
    assert_string_equal(TOLD(START0, "10 finished job=0 attempt=2"),
                        "record 8: job 0 is at attempt 1");
    assert_string_equal(TOLD("6 submitted job=2" ASK("", "2"), START0,
                             "10 starting job=2 attempt=1 reason=first chip=0 place=0*1:0,1"),
                        "record 9: device 1 has 2000 milli lent");
}

static void a_gap_in_the_records_is_found(void **state)
{
    history *h = history_new();

    (void)state;
    history_line(h, 1, site[0], strlen(site[0]));
    history_line(h, 3, site[1], strlen(site[1]));
    assert_string_equal(history_broken(h), "record 1: record 3 follows");
    history_free(h);
}

static void held_time_adds_up(void **state)
{
    static const char *const lines[] = {START0, STARTED0, FINISHED0, START1};
    history *h = history_new();
    int64_t seq = 0, from_us, to_us;

    (void)state;
    for (int i = 0; i < N_SITE; i++) {
        history_line(h, ++seq, site[i], strlen(site[i]));
    }
    for (int i = 0; i < 4; i++) {
        history_line(h, ++seq, lines[i], strlen(lines[i]));
    }
    history_close(h, 100);
    assert_null(history_broken(h));
    assert_true(history_held_job(h, 0) == 10 * 1000);
    assert_true(history_held_job(h, 1) == 70 * 2000);
    assert_true(history_held_tenant(h, 0) == 150 * 1000 && history_held_chip(h, 0) == 150 * 1000);
    assert_true(history_span(h, 0, 1, &from_us, &to_us) && from_us == 10 && to_us == 20);
    assert_true(history_span(h, 1, 1, &from_us, &to_us) && from_us == 30 && to_us == -1);
    assert_int_equal(history_job(h, 1), HISTORY_STARTING);
    history_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_true_history_is_believed),
        cmocka_unit_test(each_breach_is_named),
        cmocka_unit_test(a_gap_in_the_records_is_found),
        cmocka_unit_test(held_time_adds_up),
    };

    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
