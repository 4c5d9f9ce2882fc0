/* SPDX-License-Identifier: MIT */
/* How live tests of the local engine end what they started, and read what it left in files. */
#ifndef FUYAO_TESTS_LIVE_ENGINE_END_H
#define FUYAO_TESTS_LIVE_ENGINE_END_H

#include "live/engine.h"

/* Kill a run until it has ended. */
static inline fy_run end_run(rig *r, fy_run_key key)
{
    double until_s = now_s() + DEADLINE_S;
    fy_run run = seen(r, key);

    while (run.state != FY_RUN_EXITED) {
        if (now_s() > until_s) {
            fail_msg("job %lld cannot be killed", (long long)key.job);
        }
        verb(r, r->engine->ops->kill, key);
        wait_for_news(r);
        run = seen(r, key);
    }
    return run;
}

static inline void each_ends(void *ctx, const fy_run *run)
{
    fy_run_key *keys = ctx;
    int n = 0;

    while (keys[n].job != -1) {
        n++;
    }
    keys[n] = run->key;
    keys[n + 1].job = -1;
}

/* Nothing is left: every run is ended and forgotten, the folder removed. */
static inline void rig_free(rig *r)
{
    fy_run_key keys[64];
    fy_err err = {0};

    keys[0].job = -1;
    assert_int_equal(r->engine->ops->list(r->engine, each_ends, keys, &err), 0);
    for (int i = 0; keys[i].job != -1; i++) {
        (void)end_run(r, keys[i]);
        verb(r, r->engine->ops->forget, keys[i]);
    }
    r->engine->ops->close(r->engine);
    assert_int_equal(nftw(r->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* A file's text; "" where there is none. */
static inline const char *text_of(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "r");
    size_t n = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;

    if (file != NULL) {
        (void)fclose(file);
    }
    text[n] = '\0';
    return text;
}

/* Wait until a file holds `what`. */
static inline void wait_text(rig *r, const char *path, const char *what)
{
    double until_s = now_s() + DEADLINE_S;

    while (strstr(text_of(path), what) == NULL) {
        if (now_s() > until_s) {
            fail_msg("%s never held %s", path, what);
        }
        wait_for_news(r);
    }
}

/* The number behind `name` in the output. */
static inline pid_t number_in(const char *path, const char *name)
{
    const char *at = strstr(text_of(path), name);

    assert_non_null(at);
    return (pid_t)strtol(at + strlen(name), NULL, 10);
}

static inline bool is_alive(pid_t pid)
{
    fy_process now;

    return fy_process_read(pid, &now) && now.state != 'Z' && now.state != 'X';
}

/* The shim of a run, from its record. */
static inline pid_t shim_of(rig *r, fy_run_key key)
{
    char path[200];
    int pid = 0;

    (void)snprintf(path, sizeof path, "%s/run/%lld.%d/run", r->state, (long long)key.job,
                   (int)key.attempt);
    assert_int_equal(sscanf(text_of(path), "fuyao-run 1 %*s %d", &pid), 1);
    return (pid_t)pid;
}

#endif
