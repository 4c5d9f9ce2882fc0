/* SPDX-License-Identifier: MIT */
/* What auth.c (the table) and auth_token.c (the tokens) share. */
#ifndef FUYAO_DAEMON_AUTH_INTERNAL_H
#define FUYAO_DAEMON_AUTH_INTERNAL_H

#include "daemon/auth.h"

#include <nettle/sha2.h>

typedef struct fy_auth_token {
    char name[FY_AUTH_NAME], tenant[FY_AUTH_NAME];
    uid_t uid;
    fy_scope scope;
    int64_t created_us;
    uint8_t hash[SHA256_DIGEST_SIZE];
} fy_auth_token;

struct fy_auth {
    fy_store *store;             /* borrowed */
    struct fy_auth_table *table; /* owned, as is: */
    fy_auth_token *tokens;       /* [n_tokens] */
    size_t n_tokens, room;
    unsigned generation;
};

/* Read all tokens from the store. */
int fy_auth_tokens_read(fy_auth *auth, fy_err *err) FY_NODISCARD;

/* The user's name; "uid-N" where the machine knows none. */
void fy_auth_user_name(uid_t uid, char out[FY_AUTH_NAME]);

#endif
