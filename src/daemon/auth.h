/* SPDX-License-Identifier: MIT */
/*
 * Who asks: the peer of a Unix socket by its kernel credentials through a configured table, a
 * client of loopback TCP by its bearer token. Both end in one fy_identity.
 *
 * Table: the first rule that fits says tenant and scope. Where none fits, a user's tenant is its
 * own name and its scope is submit. uid 0 and the daemon's own uid always operate.
 *
 * Tokens: "fuyao_" and 64 hexadecimal digits, 256 random bits, shown once. What is kept is the
 * SHA-256 of that text, which needs no salt and no slow hash since there is nothing to guess.
 */
#ifndef FUYAO_DAEMON_AUTH_H
#define FUYAO_DAEMON_AUTH_H

#include "base/str.h"
#include "daemon/ctl.h"
#include "daemon/store.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct fy_auth fy_auth;

/* A rule of the table; strings are copied. */
typedef struct fy_auth_rule {
    const char *user;   /* a name or a uid in digits; NULL = any */
    const char *group;  /* a name or a gid in digits: any of the peer's groups; NULL = any */
    const char *tenant; /* NULL = the user's own name */
    fy_scope scope;
    bool refuse; /* it may do nothing at all */
} fy_auth_rule;

enum { FY_AUTH_NAME = 128, FY_TOKEN_TEXT = 6 + 64 + 1 };

/* Who asks, self-contained; `who` points into it, so it is not copied by value. */
typedef struct fy_identity {
    fy_who who;
    char user[FY_AUTH_NAME], tenant[FY_AUTH_NAME];
} fy_identity;

/*
 * Open with a table and the tokens of a store (borrowed; NULL = there are no tokens).
 * Errors: FY_ENOENT (no such user or group on this machine), FY_EINVAL, FY_EIO.
 */
int fy_auth_open(fy_auth **out, const fy_auth_rule *rules, int n_rules, fy_store *store,
                 fy_err *err) FY_NODISCARD;
void fy_auth_close(fy_auth *auth); /* NULL allowed */

/* Take another table, as a whole or (on an error, as in open) not at all. */
int fy_auth_rules(fy_auth *auth, const fy_auth_rule *rules, int n_rules, fy_err *err) FY_NODISCARD;

/* Grows with each change of the table and each token dropped: what was found out before is stale.
 * Never 0. */
unsigned fy_auth_generation(const fy_auth *auth);

/* The peer of a connected Unix socket. Errors: FY_EIO; FY_EINVAL: a rule refuses it. */
int fy_auth_peer(fy_auth *auth, int fd, fy_identity *out, fy_err *err) FY_NODISCARD;

/* The same of credentials at hand. groups: [n_groups] supplementary ones. */
int fy_auth_map(const fy_auth *auth, uid_t uid, gid_t gid, const gid_t *groups, int n_groups,
                fy_identity *out, fy_err *err) FY_NODISCARD;

/* The value of an Authorization header. Errors: FY_EINVAL, the same line for every wrong one. */
int fy_auth_bearer(const fy_auth *auth, const char *header, fy_identity *out,
                   fy_err *err) FY_NODISCARD;

/*
 * Make a token, durable before it returns; `secret` is the only place it is ever written to.
 * Errors: FY_EINVAL (name or uid wrong, name taken), FY_EIO.
 */
int fy_auth_token_new(fy_auth *auth, const char *name, const char *tenant, int64_t uid,
                      fy_scope scope, int64_t now_us, char secret[FY_TOKEN_TEXT],
                      fy_err *err) FY_NODISCARD;
int fy_auth_token_drop(fy_auth *auth, const char *name, fy_err *err) FY_NODISCARD;
void fy_auth_token_list(const fy_auth *auth, fy_str *json);

#endif
