/* SPDX-License-Identifier: MIT */
#include "daemon/loop.h"

#include "base/arena.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { N_SIGNALS = 3 };
static const int signals[N_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

struct fy_loop {
    uv_loop_t uv;
    fy_loop_options options;
    fy_ctl *ctl;
    fy_engine *engine;
    fy_http *http;
    uv_check_t check;
    uv_idle_t soon; /* active while a turn is due: the loop then looks at its sockets, no longer */
    uv_timer_t wake, poll_engine;
    uv_poll_t engine_fd, hooks_fd;
    uv_async_t stop;
    uv_signal_t signals[N_SIGNALS];
    int64_t start_us; /* the journal's time at the monotonic clock's zero */
    bool due, failed;
    fy_err err;
};

fy_loop_options fy_loop_defaults(void)
{
    return (fy_loop_options){.http = fy_http_defaults(), .engine_poll_ms = 100};
}

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The journal's time: the wall clock at the start, never before the journal's end, and from there
 * on as steadily as the machine counts. A wall clock that is set moves no deadline. */
static int64_t journal_us(const fy_loop *loop)
{
    return loop->start_us + clock_us(CLOCK_MONOTONIC);
}

static int64_t ask_clock(void *ctx)
{
    return journal_us(ctx);
}

static void start_clock(fy_loop *loop)
{
    int64_t wall_us = clock_us(CLOCK_REALTIME);
    int64_t last_us = fy_ctl_now(loop->ctl);

    loop->start_us = (wall_us > last_us ? wall_us : last_us) - clock_us(CLOCK_MONOTONIC);
    fy_ctl_clock(loop->ctl, ask_clock, loop);
}

static void on_wake(uv_timer_t *timer);

static void on_soon(uv_idle_t *idle)
{
    (void)idle;
}

/* A turn is due: after what is readable now was read, that it may share the commit. */
static void set_due(fy_loop *loop)
{
    loop->due = true;
    (void)uv_idle_start(&loop->soon, on_soon);
}

/* One turn and its answers; then sleep until the controller's next instant. */
static void turn(fy_loop *loop)
{
    int64_t now_us = journal_us(loop), wake_us;
    int more;

    loop->due = false;
    (void)uv_idle_stop(&loop->soon);
    if (fy_ctl_turn(loop->ctl, now_us, &loop->err) != 0) {
        loop->failed = true;
        uv_stop(&loop->uv);
        return;
    }
    uv_update_time(&loop->uv); /* a commit takes its time */
    fy_http_answer(loop->http);
    more = fy_ctl_tidy(loop->ctl, &loop->err);
    if (more < 0) {
        loop->failed = true;
        uv_stop(&loop->uv);
        return;
    }
    wake_us = more > 0 ? journal_us(loop) : fy_ctl_wake(loop->ctl);
    if (wake_us == INT64_MAX) {
        (void)uv_timer_stop(&loop->wake);
    } else {
        int64_t wait_us = wake_us - journal_us(loop);
        uint64_t wait_ms = wait_us <= 0          ? 0
                           : wait_us >= 60000000 ? 60000
                                                 : (uint64_t)(wait_us + 999) / 1000;
        (void)uv_timer_start(&loop->wake, on_wake, wait_ms, 0);
    }
}

static void on_wake(uv_timer_t *timer)
{
    set_due(timer->data);
}

static void on_check(uv_check_t *check)
{
    fy_loop *loop = check->data;

    if (loop->due && !loop->failed) {
        turn(loop);
    }
}

static void on_due(void *ctx)
{
    set_due(ctx);
}

static void look_at_engine(fy_loop *loop)
{
    loop->engine->ops->work(loop->engine);
    set_due(loop);
}

static void on_engine(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    look_at_engine(poll->data);
}

/* The turn does the work. */
static void on_hooks(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    set_due(poll->data);
}

static void on_engine_time(uv_timer_t *timer)
{
    look_at_engine(timer->data);
}

static void on_stop(uv_async_t *async)
{
    fy_loop *loop = async->data;

    uv_stop(&loop->uv);
}

static void on_signal(uv_signal_t *handle, int signo)
{
    fy_loop *loop = handle->data;

    if (signo != SIGHUP) {
        uv_stop(&loop->uv);
    } else if (loop->options.hup != NULL) {
        loop->options.hup(loop->options.ctx);
        set_due(loop);
    }
}

static void add_handles(fy_loop *loop)
{
    uv_loop_t *uv = &loop->uv;

    loop->check.data = loop->wake.data = loop->poll_engine.data = loop;
    loop->engine_fd.data = loop->stop.data = loop;
    (void)uv_idle_init(uv, &loop->soon);
    (void)uv_check_init(uv, &loop->check);
    (void)uv_check_start(&loop->check, on_check);
    (void)uv_timer_init(uv, &loop->wake);
    (void)uv_timer_start(&loop->wake, on_wake, 0, 0); /* the first turn */
    (void)uv_async_init(uv, &loop->stop, on_stop);
    for (int i = 0; i < N_SIGNALS; i++) {
        loop->signals[i].data = loop;
        (void)uv_signal_init(uv, &loop->signals[i]);
        (void)uv_signal_start(&loop->signals[i], on_signal, signals[i]);
    }
    if (loop->options.hooks != NULL) {
        loop->hooks_fd.data = loop;
        (void)uv_poll_init(uv, &loop->hooks_fd, fy_hooks_fd(loop->options.hooks));
        (void)uv_poll_start(&loop->hooks_fd, UV_READABLE, on_hooks);
    }
    if (loop->engine != NULL) {
        int fd = loop->engine->ops->fd(loop->engine);
        if (fd >= 0) {
            (void)uv_poll_init(uv, &loop->engine_fd, fd);
            (void)uv_poll_start(&loop->engine_fd, UV_READABLE, on_engine);
        } else {
            uint64_t period_ms = (uint64_t)loop->options.engine_poll_ms;
            (void)uv_timer_init(uv, &loop->poll_engine);
            (void)uv_timer_start(&loop->poll_engine, on_engine_time, period_ms, period_ms);
        }
    }
}

int fy_loop_open(fy_loop **out, const fy_loop_options *options, fy_ctl *ctl, fy_engine *engine,
                 fy_auth *auth, fy_err *err)
{
    fy_loop *loop = fy_calloc(1, sizeof *loop);
    int code;

    *out = NULL;
    loop->options = *options;
    loop->options.http.due = on_due;
    loop->options.http.ctx = loop;
    loop->ctl = ctl;
    loop->engine = engine;
    if (uv_loop_init(&loop->uv) != 0) {
        free(loop);
        return fy_fail(err, FY_EIO, "no event loop: too many open files?");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    code = fy_http_open(&loop->http, &loop->options.http, &loop->uv, ctl, auth, err);
    if (code == 0) {
        start_clock(loop); /* only a loop that lives on: the controller keeps a pointer to it */
        add_handles(loop);
        *out = loop;
    } else {
        fy_loop_close(loop);
    }
    return code;
}

int fy_loop_run(fy_loop *loop, fy_err *err)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    return loop->failed ? fy_fail(err, loop->err.code, "%s", loop->err.text) : 0;
}

void fy_loop_stop(fy_loop *loop)
{
    (void)uv_async_send(&loop->stop);
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void fy_loop_close(fy_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    fy_http_close(loop->http);
    uv_walk(&loop->uv, close_handle, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    int left = uv_loop_close(&loop->uv);
    assert(left == 0);
    free(loop);
}

const fy_http *fy_loop_http(const fy_loop *loop)
{
    return loop->http;
}
