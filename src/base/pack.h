/* SPDX-License-Identifier: MIT */
/*
 * Numbers and text packed into bytes and read back, for snapshots: whole numbers, 128-bit sums too,
 * in as few bytes as they need, seven bits a byte, least first (LEB128; signed ones folded, so that
 * -1 takes one byte), doubles in eight bytes, little-endian. One value has one form: what reads
 * back writes the same bytes again.
 *
 *     |magic 8 bytes|length of the body, 8 bytes|body ...|hash of the body, 8 bytes|
 *
 * Reading is sticky: after the first fault every read gives 0 and changes nothing, so a reader may
 * read a whole record and ask once.
 */
#ifndef FUYAO_BASE_PACK_H
#define FUYAO_BASE_PACK_H

#include "base/str.h"
#include "fuyao/error.h"

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef __int128 fy_pack_wide;
__extension__ typedef unsigned __int128 fy_pack_uwide;

enum { FY_PACK_MAGIC = 8, FY_PACK_FRAME = FY_PACK_MAGIC + 16 };

void fy_pack_count(fy_str *out, uint64_t value); /* never negative */
void fy_pack_int(fy_str *out, int64_t value);
void fy_pack_double(fy_str *out, double value);
void fy_pack_wide_int(fy_str *out, fy_pack_wide value);
void fy_pack_text(fy_str *out, const char *text);

/* Begin a frame: returns the offset to hand to fy_pack_end, which fills in length and hash. */
size_t fy_pack_begin(fy_str *out, const char magic[FY_PACK_MAGIC]);
void fy_pack_end(fy_str *out, size_t begin);

/* The hash of a frame's body: for telling damage, not for keeping out who means harm. */
uint64_t fy_pack_hash(const void *bytes, size_t len);

typedef struct fy_unpack {
    const unsigned char *at, *end;
    bool failed;
} fy_unpack;

/*
 * Read a frame that fills `bytes` whole. `trusted`: the hash is not compared, for bytes just made.
 * Errors: FY_EPARSE where magic, length or hash are wrong; `what` names the thing in the text.
 */
int fy_unpack_frame(fy_unpack *in, const void *bytes, size_t len, const char magic[FY_PACK_MAGIC],
                    bool trusted, const char *what, fy_err *err) FY_NODISCARD;

/* A number of things that follow, each at least one byte long: more than are left is a fault. */
size_t fy_unpack_count(fy_unpack *in);
uint64_t fy_unpack_u64(fy_unpack *in);
int64_t fy_unpack_int(fy_unpack *in);
int64_t fy_unpack_in(fy_unpack *in, int64_t low, int64_t high); /* outside is a fault */
double fy_unpack_double(fy_unpack *in);
fy_pack_wide fy_unpack_wide_int(fy_unpack *in);
/* Text without NUL inside, borrowed from the bytes and not NUL-terminated. */
const char *fy_unpack_text(fy_unpack *in, size_t *len);
const unsigned char *fy_unpack_bytes(fy_unpack *in, size_t len); /* NULL on a fault */

#endif
