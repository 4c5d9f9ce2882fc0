/* SPDX-License-Identifier: MIT */
#include "daemon/auth.h"

#include "base/arena.h"
#include "base/num.h"
#include "daemon/auth_internal.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct rule {
    bool any_user, any_group, refuse;
    uid_t uid;
    gid_t gid;
    char tenant[FY_AUTH_NAME]; /* "" = the user's own name */
    fy_scope scope;
} rule;

struct fy_auth_table {
    int n;
    rule rules[];
};

static bool is_number(const char *text, int64_t *out)
{
    return fy_num_int(text, strlen(text), 0, INT32_MAX, out) == FY_NUM_OK;
}

static int find_user(const char *name, uid_t *out, fy_err *err)
{
    struct passwd entry, *found = NULL;
    char room[4096];
    int64_t number;

    if (is_number(name, &number)) {
        *out = (uid_t)number;
        return 0;
    }
    (void)getpwnam_r(name, &entry, room, sizeof room, &found);
    if (found == NULL) {
        return fy_fail(err, FY_ENOENT, "this machine has no user '%.60s'", name);
    }
    *out = found->pw_uid;
    return 0;
}

static int find_group(const char *name, gid_t *out, fy_err *err)
{
    struct group entry, *found = NULL;
    enum { ROOM = 1 << 16 }; /* it holds the group's members */
    int64_t number;

    if (is_number(name, &number)) {
        *out = (gid_t)number;
        return 0;
    }
    char *room = fy_calloc(1, ROOM);
    (void)getgrnam_r(name, &entry, room, ROOM, &found);
    if (found != NULL) {
        *out = found->gr_gid;
    }
    free(room);
    return found != NULL ? 0 : fy_fail(err, FY_ENOENT, "this machine has no group '%.60s'", name);
}

static int read_rule(rule *out, const fy_auth_rule *in, fy_err *err)
{
    int code = 0;

    out->any_user = in->user == NULL;
    out->any_group = in->group == NULL;
    out->refuse = in->refuse;
    out->scope = in->scope;
    if (in->tenant != NULL && strlen(in->tenant) >= sizeof out->tenant) {
        return fy_fail(err, FY_EINVAL, "tenant '%.40s...' is too long", in->tenant);
    }
    (void)snprintf(out->tenant, sizeof out->tenant, "%s", in->tenant != NULL ? in->tenant : "");
    if (in->user != NULL) {
        code = find_user(in->user, &out->uid, err);
    }
    if (code == 0 && in->group != NULL) {
        code = find_group(in->group, &out->gid, err);
    }
    return code;
}

int fy_auth_rules(fy_auth *auth, const fy_auth_rule *rules, int n_rules, fy_err *err)
{
    struct fy_auth_table *table =
        fy_calloc(1, sizeof *table + (size_t)n_rules * sizeof table->rules[0]);

    for (int i = 0; i < n_rules; i++) {
        int code = read_rule(&table->rules[i], &rules[i], err);
        if (code != 0) {
            free(table);
            return fy_fail_prefix(err, code, "rule %d of the users' table", i + 1);
        }
    }
    table->n = n_rules;
    free(auth->table);
    auth->table = table;
    auth->generation++;
    return 0;
}

int fy_auth_open(fy_auth **out, const fy_auth_rule *rules, int n_rules, fy_store *store,
                 fy_err *err)
{
    fy_auth *auth = fy_calloc(1, sizeof *auth);
    int code;

    *out = NULL;
    auth->store = store;
    code = fy_auth_rules(auth, rules, n_rules, err);
    if (code == 0 && store != NULL) {
        code = fy_auth_tokens_read(auth, err);
    }
    if (code != 0) {
        fy_auth_close(auth);
        return code;
    }
    *out = auth;
    return 0;
}

unsigned fy_auth_generation(const fy_auth *auth)
{
    return auth->generation;
}

void fy_auth_close(fy_auth *auth)
{
    if (auth == NULL) {
        return;
    }
    free(auth->tokens);
    free(auth->table);
    free(auth);
}

static bool in_group(gid_t wanted, gid_t gid, const gid_t *groups, int n_groups)
{
    for (int i = 0; i < n_groups; i++) {
        if (groups[i] == wanted) {
            return true;
        }
    }
    return gid == wanted;
}

void fy_auth_user_name(uid_t uid, char out[FY_AUTH_NAME])
{
    struct passwd entry, *found = NULL;
    char room[4096];

    (void)getpwuid_r(uid, &entry, room, sizeof room, &found);
    if (found != NULL && strlen(found->pw_name) < FY_AUTH_NAME) {
        (void)snprintf(out, FY_AUTH_NAME, "%s", found->pw_name);
    } else {
        (void)snprintf(out, FY_AUTH_NAME, "uid-%lu", (unsigned long)uid);
    }
}

int fy_auth_map(const fy_auth *auth, uid_t uid, gid_t gid, const gid_t *groups, int n_groups,
                fy_identity *out, fy_err *err)
{
    const rule *fit = NULL;
    bool operates = uid == 0 || uid == geteuid();

    for (int i = 0; fit == NULL && i < auth->table->n; i++) {
        const rule *r = &auth->table->rules[i];
        if ((r->any_user || r->uid == uid) &&
            (r->any_group || in_group(r->gid, gid, groups, n_groups))) {
            fit = r;
        }
    }
    fy_auth_user_name(uid, out->user);
    if (fit != NULL && fit->refuse && !operates) {
        return fy_fail(err, FY_EINVAL, "user %s may not use this daemon", out->user);
    }
    (void)snprintf(out->tenant, sizeof out->tenant, "%s",
                   fit != NULL && fit->tenant[0] != '\0' ? fit->tenant : out->user);
    out->who = (fy_who){.uid = (int64_t)uid,
                        .gid = (int64_t)gid,
                        .user = out->user,
                        .tenant = out->tenant,
                        .scope = operates      ? FY_SCOPE_OPERATE
                                 : fit != NULL ? fit->scope
                                               : FY_SCOPE_SUBMIT};
    return 0;
}

int fy_auth_peer(fy_auth *auth, int fd, fy_identity *out, fy_err *err)
{
    struct ucred peer;
    gid_t few[64], *groups = few;
    socklen_t len = sizeof peer, room = sizeof few;
    int n = 0, code;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        return fy_fail(err, FY_EIO, "who connected cannot be told: %s", strerror(errno));
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &room) == 0) {
        n = (int)(room / sizeof *groups);
    } else if (errno == ERANGE) { /* more than 64: `room` now says how many bytes */
        groups = fy_calloc(1, room);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &room) == 0) {
            n = (int)(room / sizeof *groups);
        }
    }
    code = fy_auth_map(auth, peer.uid, peer.gid, groups, n, out, err);
    if (groups != few) {
        free(groups);
    }
    return code;
}
