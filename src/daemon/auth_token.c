/* SPDX-License-Identifier: MIT */
/* Bearer tokens: made, kept as hashes, compared in constant time. */
#include "base/arena.h"
#include "daemon/auth_internal.h"
#include "daemon/json_text.h"
#include "daemon/route.h"

#include <nettle/memops.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { SECRET_BYTES = 32 };
static const char prefix[] = "fuyao_";
static const char digits[] = "0123456789abcdef";

static void to_hex(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

static bool from_hex(const char *text, uint8_t *out, size_t n)
{
    if (strlen(text) != 2 * n || strspn(text, digits) != 2 * n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) << 4 |
                           (strchr(digits, text[2 * i + 1]) - digits));
    }
    return true;
}

static void hash_of(const char *secret, uint8_t out[SHA256_DIGEST_SIZE])
{
    struct sha256_ctx ctx;

    sha256_init(&ctx);
    sha256_update(&ctx, strlen(secret), (const uint8_t *)secret);
    sha256_digest(&ctx, SHA256_DIGEST_SIZE, out);
}

static int keep(void *arg, const fy_token *token, fy_err *err)
{
    fy_auth *auth = arg;
    fy_auth_token kept = {.uid = (uid_t)token->uid, .created_us = token->created_us};
    int code = fy_scope_read(token->scope, &kept.scope, err);

    if (code != 0) {
        return fy_fail_prefix(err, code, "token %.60s", token->name);
    }
    if (token->uid <= 0 || token->uid > INT32_MAX || strlen(token->name) >= sizeof kept.name ||
        strlen(token->tenant) >= sizeof kept.tenant ||
        !from_hex(token->hash, kept.hash, sizeof kept.hash)) {
        return fy_fail(err, FY_EPARSE, "token %.60s in the store is damaged", token->name);
    }
    (void)snprintf(kept.name, sizeof kept.name, "%s", token->name);
    (void)snprintf(kept.tenant, sizeof kept.tenant, "%s", token->tenant);
    auth->tokens = fy_grow(auth->tokens, &auth->room, auth->n_tokens + 1, sizeof kept);
    auth->tokens[auth->n_tokens++] = kept;
    return 0;
}

int fy_auth_tokens_read(fy_auth *auth, fy_err *err)
{
    auth->n_tokens = 0;
    return fy_store_token_list(auth->store, keep, auth, err);
}

int fy_auth_bearer(const fy_auth *auth, const char *header, fy_identity *out, fy_err *err)
{
    const fy_auth_token *found = NULL;
    uint8_t hash[SHA256_DIGEST_SIZE];

    if (strncasecmp(header, "Bearer ", 7) == 0) {
        header += 7;
        header += strspn(header, " ");
        hash_of(header, hash);
        for (size_t i = 0; i < auth->n_tokens; i++) { /* all of them: the time tells nothing */
            if (memeql_sec(auth->tokens[i].hash, hash, sizeof hash)) {
                found = &auth->tokens[i];
            }
        }
    }
    if (found == NULL) {
        return fy_fail(err, FY_EINVAL,
                       "no such access token: send \"Authorization: Bearer "
                       "TOKEN\" with one that an operator made");
    }
    struct passwd entry, *user = NULL;
    char room[4096];
    (void)getpwuid_r(found->uid, &entry, room, sizeof room, &user);
    fy_auth_user_name(found->uid, out->user);
    (void)snprintf(out->tenant, sizeof out->tenant, "%s", found->tenant);
    out->who = (fy_who){.uid = (int64_t)found->uid,
                        .gid = user != NULL ? (int64_t)user->pw_gid : 65534,
                        .user = out->user,
                        .tenant = out->tenant,
                        .scope = found->scope};
    return 0;
}

static fy_auth_token *find(const fy_auth *auth, const char *name)
{
    for (size_t i = 0; i < auth->n_tokens; i++) {
        if (strcmp(auth->tokens[i].name, name) == 0) {
            return &auth->tokens[i];
        }
    }
    return NULL;
}

static int check_new(const fy_auth *auth, const char *name, const char *tenant, int64_t uid,
                     fy_err *err)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);

    if (auth->store == NULL) {
        return fy_fail(err, FY_EINVAL, "this daemon keeps no tokens");
    }
    if (len == 0 || len > 60 || strspn(name, good) != len) {
        return fy_fail(err, FY_EINVAL, "a token's name is 1 to 60 letters, digits, . _ -");
    }
    if (tenant[0] == '\0' || strlen(tenant) >= FY_AUTH_NAME) {
        return fy_fail(err, FY_EINVAL, "a token's tenant is 1 to %d bytes", FY_AUTH_NAME - 1);
    }
    if (uid <= 0 || uid > INT32_MAX) {
        return fy_fail(err, FY_EINVAL, "a token's uid is 1 to %d: nothing runs as root by a token",
                       INT32_MAX);
    }
    if (find(auth, name) != NULL) {
        return fy_fail(err, FY_EINVAL, "there is a token %s: drop it first", name);
    }
    return 0;
}

int fy_auth_token_new(fy_auth *auth, const char *name, const char *tenant, int64_t uid,
                      fy_scope scope, int64_t now_us, char secret[FY_TOKEN_TEXT], fy_err *err)
{
    uint8_t random[SECRET_BYTES], hash[SHA256_DIGEST_SIZE];
    char hex[2 * SHA256_DIGEST_SIZE + 1];
    int code = check_new(auth, name, tenant, uid, err);

    if (code != 0) {
        return code;
    }
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return fy_fail(err, FY_EIO, "no random numbers: %s", strerror(errno));
    }
    memcpy(secret, prefix, sizeof prefix - 1);
    to_hex(random, sizeof random, secret + sizeof prefix - 1);
    explicit_bzero(random, sizeof random);
    hash_of(secret, hash);
    to_hex(hash, sizeof hash, hex);
    fy_token token = {.name = name,
                      .tenant = tenant,
                      .scope = fy_scope_name(scope),
                      .uid = uid,
                      .hash = hex,
                      .created_us = now_us};
    code = fy_store_token_put(auth->store, &token, err);
    if (code == 0) {
        code = keep(auth, &token, err);
    }
    return code;
}

int fy_auth_token_drop(fy_auth *auth, const char *name, fy_err *err)
{
    fy_auth_token *token = find(auth, name);
    int code;

    if (token == NULL) {
        return fy_fail(err, FY_ENOENT, "there is no token %.60s", name);
    }
    code = fy_store_token_drop(auth->store, name, err);
    if (code == 0) {
        *token = auth->tokens[--auth->n_tokens];
        auth->generation++;
    }
    return code;
}

void fy_auth_token_list(const fy_auth *auth, fy_str *json)
{
    fy_str_puts(json, "{\"tokens\": [");
    for (size_t i = 0; i < auth->n_tokens; i++) {
        const fy_auth_token *token = &auth->tokens[i];
        fy_str_puts(json, i > 0 ? ",\n  {\"name\": " : "\n  {\"name\": ");
        fy_json_text(json, token->name);
        fy_str_puts(json, ", \"tenant\": ");
        fy_json_text(json, token->tenant);
        fy_str_printf(json, ", \"uid\": %lu, \"scope\": \"%s\", \"created_us\": %lld}",
                      (unsigned long)token->uid, fy_scope_name(token->scope),
                      (long long)token->created_us);
    }
    fy_str_puts(json, auth->n_tokens > 0 ? "\n]}\n" : "]}\n");
}
