/* SPDX-License-Identifier: MIT */
/*
 * A centre for tests: controller, store in a scratch folder, and the fake engine, driven by
 * simulated time. It can be killed at any instant and opened again; the engine lives on.
 */
#ifndef FUYAO_TESTS_LIVE_CENTRE_H
#define FUYAO_TESTS_LIVE_CENTRE_H

#include "daemon/ctl.h"
#include "daemon/engine_fake.h"
#include "hand.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct centre {
    hand_site hand;
    char folder[64];
    fy_store_options disk; /* where it is not the system's: its folder, too */
    fy_ctl_options options;
    fy_fake *fake;
    fy_store *store;
    fy_ctl *ctl;
    int64_t now_us;
    fy_err err;
} centre;

static const fy_who centre_root = {.user = "root", .tenant = "root", .scope = FY_SCOPE_OPERATE};

/* Two chips, six nodes of four devices, three tenants. */
static inline void centre_init(centre *c, const char *policy, const fy_fake_options *engine)
{
    memset(c, 0, sizeof *c);
    hand_site_init(&c->hand, 2);
    (void)hand_pool(&c->hand, 0, 3, 4);
    (void)hand_pool(&c->hand, 1, 3, 4);
    (void)hand_tenant(&c->hand, 1, 4, -1);
    (void)hand_tenant(&c->hand, 1, 4, -1);
    (void)hand_tenant(&c->hand, 2, 0, 12);
    /* where a sync costs nothing, if there is such a place: power loss is not played here */
    (void)snprintf(c->folder, sizeof c->folder, "%s/fuyao-centre-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(c->folder) == NULL) {
        abort();
    }
    c->options = fy_ctl_defaults();
    c->options.site = &c->hand.site;
    c->options.virtual_devices = true;
    c->options.sched.policy = policy;
    c->options.secret = "a secret of the test";
    c->fake = fy_fake_new(engine);
    c->now_us = 1000 * (int64_t)HAND_US;
}

static inline int centre_open(centre *c)
{
    fy_store_options options = c->disk;
    int status;

    options.folder = c->disk.folder != NULL ? c->disk.folder : c->folder;
    status = fy_store_open(&c->store, &options, &c->err);
    if (status == 0) {
        status = fy_ctl_open(&c->ctl, &c->options, c->store, fy_fake_engine(c->fake), c->now_us,
                             &c->err);
    }
    return status;
}

/* As kill -9 does it: what was not committed is gone. */
static inline void centre_kill(centre *c)
{
    fy_ctl_close(c->ctl);
    fy_store_close(c->store);
    c->ctl = NULL;
    c->store = NULL;
}

/* Let time go on to `t_us` and take one turn. */
static inline int centre_turn(centre *c, int64_t t_us)
{
    c->now_us = t_us > c->now_us ? t_us : c->now_us;
    fy_fake_advance(c->fake, c->now_us);
    return fy_ctl_turn(c->ctl, c->now_us, &c->err) != 0 || fy_ctl_tidy(c->ctl, &c->err) < 0 ? FY_EIO
                                                                                            : 0;
}

static inline int centre_remove_one(const char *path, const struct stat *st, int kind,
                                    struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void centre_free(centre *c)
{
    centre_kill(c);
    fy_fake_free(c->fake);
    (void)nftw(c->folder, centre_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
