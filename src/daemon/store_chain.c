/* SPDX-License-Identifier: MIT */
/* The chain: SHA-256 over the predecessor's hash, the line and the body, each with its length. */
#include "daemon/store_internal.h"

#include <nettle/sha2.h>

#include <string.h>

static void add_length(struct sha256_ctx *sha, uint64_t n)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(n >> (8 * i));
    }
    sha256_update(sha, sizeof bytes, bytes);
}

void fy_chain(fy_link *link, const char *line, size_t len, const char *body, size_t body_len)
{
    struct sha256_ctx sha;

    sha256_init(&sha);
    sha256_update(&sha, FY_HASH_BYTES, link->hash);
    add_length(&sha, len);
    sha256_update(&sha, len, (const uint8_t *)line);
    if (body != NULL) { /* an empty body is not none */
        add_length(&sha, body_len);
        sha256_update(&sha, body_len, (const uint8_t *)body);
    }
    sha256_digest(&sha, FY_HASH_BYTES, link->hash);
    link->seq++;
}

void fy_chain_bytes(uint8_t hash[FY_HASH_BYTES], const void *bytes, size_t len)
{
    struct sha256_ctx sha;

    sha256_init(&sha);
    sha256_update(&sha, len, bytes);
    sha256_digest(&sha, FY_HASH_BYTES, hash);
}

void fy_chain_hex(char hex[FY_HASH_HEX], const uint8_t hash[FY_HASH_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < FY_HASH_BYTES; i++) {
        hex[2 * i] = digits[hash[i] >> 4];
        hex[2 * i + 1] = digits[hash[i] & 15];
    }
    hex[FY_HASH_HEX - 1] = '\0';
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool fy_chain_unhex(uint8_t hash[FY_HASH_BYTES], const char *hex, size_t len)
{
    if (len != FY_HASH_HEX - 1) {
        return false;
    }
    for (size_t i = 0; i < FY_HASH_BYTES; i++) {
        int high = digit(hex[2 * i]);
        int low = digit(hex[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        hash[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

int fy_chain_broken(const char *where, int64_t seq, fy_err *err)
{
    return fy_fail(err, FY_EPARSE,
                   "%s: record %lld does not match its hash: it was changed, or the disk returned "
                   "other bytes than were written; restore a backup (docs/operate.md, Recovery)",
                   where, (long long)seq);
}
