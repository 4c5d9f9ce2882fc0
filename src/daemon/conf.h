/* SPDX-License-Identifier: MIT */
/*
 * The daemon's configuration: one YAML file, every key optional; docs/operate.md is its reference.
 * Parsed strictly and as a whole: a file with one mistake is refused and what runs goes on.
 */
#ifndef FUYAO_DAEMON_CONF_H
#define FUYAO_DAEMON_CONF_H

#include "base/arena.h"
#include "daemon/auth.h"
#include "daemon/ctl.h"
#include "daemon/http.h"

typedef struct fy_conf {
    const char *state, *socket, *listen, *fleet; /* NULL = not stated */
    bool real_devices;                           /* the fleet file describes devices that exist */
    fy_sched_options sched;                      /* policy NULL = not stated */
    int64_t default_estimate_us;                 /* -1 = not stated, as below */
    int snapshot_every;
    unsigned socket_mode;
    const fy_auth_rule *rules; /* [n_rules] */
    int n_rules;
    const fy_quota *quotas; /* [n_quotas] */
    int n_quotas;
    fy_hooks_options hooks;
    double power_cap_w;   /* of the whole facility; NAN = not stated */
    const char *shadow;   /* a policy that runs beside the other; NULL = none */
    fy_http_options http; /* limits filled in, defaults where not stated */
    fy_arena arena;       /* owns everything */
} fy_conf;

/* Nothing stated. */
fy_conf fy_conf_defaults(void);

/* Errors: FY_ENOENT, FY_EIO, FY_EPARSE, FY_ERANGE: "file:line: key: what is wrong". */
int fy_conf_load(fy_conf *out, const char *path, fy_err *err) FY_NODISCARD;

/* The same from memory; `name` stands for the file in errors. */
int fy_conf_parse(fy_conf *out, const char *name, const char *text, size_t len,
                  fy_err *err) FY_NODISCARD;

void fy_conf_free(fy_conf *conf);

/* The i-th key there is, then those within `users` and `quotas`; NULL after the last. */
const char *fy_conf_key(int i);

#endif
