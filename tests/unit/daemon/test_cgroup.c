/* SPDX-License-Identifier: MIT */
/* Control groups on folders that stand for a mount: what is prepared, written and said. The
 * kernel's part of it is not tested here. */
#include "daemon/cgroup.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char base[64];

static const char *at(const char *name)
{
    static char path[200];

    (void)snprintf(path, sizeof path, "%s/%s", base, name);
    return path;
}

static void never(void *ctx)
{
    (void)ctx;
    _Exit(9);
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(at(name), "w");

    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void assert_holds(const char *name, const char *text)
{
    char found[100] = "";
    FILE *file = fopen(at(name), "r");

    assert_non_null(file);
    (void)!fread(found, 1, sizeof found - 1, file);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(found, text);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    (void)strcpy(base, "/tmp/fuyao-cgroup-XXXXXX");
    return mkdtemp(base) == NULL || mkdir(at("own"), 0755) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void without_the_right_it_says_so(void **state)
{
    fy_cgroups groups;

    (void)state;
    fy_cgroups_open(&groups, base, "/own"); /* the new group has no cgroup.procs to enter by */
    assert_null(groups.runs);
    assert_non_null(strstr(groups.why, "may not be used here"));
    fy_cgroups_close(&groups);
    fy_cgroups_open(&groups, base, "/no/such/group");
    assert_null(groups.runs);
    fy_cgroups_close(&groups);
}

static void limits_are_written_where_there_are_files_for_them(void **state)
{
    fy_cgroups groups;

    (void)state;
    assert_int_equal(mkdir(at("own/fuyao-daemon"), 0755), 0);
    assert_int_equal(mkdir(at("own/fuyao-runs"), 0755), 0);
    put("own/fuyao-daemon/cgroup.procs", "");
    /* what is asked for lands on the first word; the others stand for the kernel's answer */
    put("own/fuyao-runs/cgroup.subtree_control", "-------- memory pids\n");
    fy_cgroups_open(&groups, base, "/own");
    assert_string_equal(groups.runs, at("own/fuyao-runs"));
    assert_holds("own/fuyao-daemon/cgroup.procs", "0");
    assert_true(groups.memory && groups.pids && !groups.cpu);
    assert_non_null(strstr(groups.why, "not limited by them here: CPU"));

    assert_true(fy_cgroup_make(at("own/fuyao-runs/1.1"), 0, 0, 0));
    put("own/fuyao-runs/1.1/memory.max", "");
    put("own/fuyao-runs/1.1/pids.max", "");
    put("own/fuyao-runs/1.1/cpu.max", "");
    assert_true(fy_cgroup_make(at("own/fuyao-runs/1.1"), 3, 40, 1500));
    assert_holds("own/fuyao-runs/1.1/memory.max", "3145728");
    assert_holds("own/fuyao-runs/1.1/pids.max", "40");
    assert_holds("own/fuyao-runs/1.1/cpu.max", "150000 100000");
    assert_false(fy_cgroup_kill(at("own/fuyao-runs/1.1"))); /* an old kernel's */
    assert_int_equal(fy_cgroup_fork(at("own/fuyao-runs/1.1"), never, NULL),
                     -1); /* no group, but a folder */
    assert_int_equal(fy_cgroup_fork(at("own/fuyao-runs/none"), never, NULL), -1);
    fy_cgroups_close(&groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_the_right_it_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_are_written_where_there_are_files_for_them, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
