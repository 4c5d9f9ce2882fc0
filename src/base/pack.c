/* SPDX-License-Identifier: MIT */
#include "base/pack.h"

#include "base/arena.h"

#include <string.h>

static void put_fixed(unsigned char *out, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (unsigned char)(value >> (8 * i));
    }
}

static uint64_t get_fixed(const unsigned char *in)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++) {
        value |= (uint64_t)in[i] << (8 * i);
    }
    return value;
}

/* The end of the text, with room for `more` bytes and a NUL. */
static char *make_room(fy_str *out, size_t more)
{
    if (out->room - out->len <= more) {
        out->text = fy_grow(out->text, &out->room, out->len + more + 1, 1);
    }
    return out->text + out->len;
}

void fy_pack_count(fy_str *out, uint64_t value)
{
    char *at = make_room(out, 10);

    for (; value >= 0x80; value >>= 7) {
        *at++ = (char)(value | 0x80);
    }
    *at++ = (char)value;
    *at = '\0';
    out->len = (size_t)(at - out->text);
}

void fy_pack_int(fy_str *out, int64_t value)
{
    fy_pack_count(out, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void fy_pack_double(fy_str *out, double value)
{
    unsigned char bytes[8];
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    put_fixed(bytes, bits);
    fy_str_add(out, (const char *)bytes, sizeof bytes);
}

void fy_pack_wide_int(fy_str *out, fy_pack_wide value)
{
    fy_pack_uwide left = (fy_pack_uwide)value << 1 ^ (value < 0 ? ~(fy_pack_uwide)0 : 0);
    char *at = make_room(out, 19);

    for (; left >= 0x80; left >>= 7) {
        *at++ = (char)(left | 0x80);
    }
    *at++ = (char)left;
    *at = '\0';
    out->len = (size_t)(at - out->text);
}

void fy_pack_text(fy_str *out, const char *text)
{
    size_t len = strlen(text);

    fy_pack_count(out, len);
    fy_str_add(out, text, len);
}

/* ------------------------------------------------------------------ frames */

/* Eight bytes at a time, multiplied and folded: every bit of a word reaches every bit of the sum.
 */
uint64_t fy_pack_hash(const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint64_t h = 0x9e3779b97f4a7c15u ^ (uint64_t)len;
    unsigned char tail[8] = {0};

    for (; len >= 8; p += 8, len -= 8) {
        h = (h ^ get_fixed(p)) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    memcpy(tail, p, len);
    h = (h ^ get_fixed(tail)) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 29;
}

size_t fy_pack_begin(fy_str *out, const char magic[FY_PACK_MAGIC])
{
    static const char room[8];

    fy_str_add(out, magic, FY_PACK_MAGIC);
    fy_str_add(out, room, sizeof room);
    return out->len;
}

void fy_pack_end(fy_str *out, size_t begin)
{
    unsigned char bytes[8];
    size_t len = out->len - begin;

    put_fixed((unsigned char *)out->text + begin - 8, len);
    put_fixed(bytes, fy_pack_hash(out->text + begin, len));
    fy_str_add(out, (const char *)bytes, sizeof bytes);
}

int fy_unpack_frame(fy_unpack *in, const void *bytes, size_t len, const char magic[FY_PACK_MAGIC],
                    bool trusted, const char *what, fy_err *err)
{
    const unsigned char *p = bytes;
    uint64_t body;

    if (len < FY_PACK_FRAME || memcmp(p, magic, FY_PACK_MAGIC - 1) != 0) {
        return fy_fail(err, FY_EPARSE, "%s: not one, or cut off at its beginning (%zu bytes)", what,
                       len);
    }
    if (p[FY_PACK_MAGIC - 1] != (unsigned char)magic[FY_PACK_MAGIC - 1]) {
        return fy_fail(
            err, FY_EPARSE, "%s: of version %c; this program reads version %c", what,
            p[FY_PACK_MAGIC - 1] >= ' ' && p[FY_PACK_MAGIC - 1] < 0x7f ? p[FY_PACK_MAGIC - 1] : '?',
            magic[FY_PACK_MAGIC - 1]);
    }
    body = get_fixed(p + FY_PACK_MAGIC);
    if (body != len - FY_PACK_FRAME) {
        return fy_fail(err, FY_EPARSE, "%s: %zu bytes long, but it says %llu: torn", what, len,
                       (unsigned long long)(body + FY_PACK_FRAME));
    }
    p += FY_PACK_MAGIC + 8;
    if (!trusted && get_fixed(p + body) != fy_pack_hash(p, (size_t)body)) {
        return fy_fail(err, FY_EPARSE, "%s: its hash is another than it says: damaged", what);
    }
    *in = (fy_unpack){.at = p, .end = p + body};
    return 0;
}

/* ------------------------------------------------------------------ reading */

static uint64_t fail(fy_unpack *in)
{
    in->failed = true;
    in->at = in->end;
    return 0;
}

uint64_t fy_unpack_u64(fy_unpack *in)
{
    uint64_t value = 0;

    if (in->at < in->end && *in->at < 0x80) { /* most are small */
        return *in->at++;
    }
    for (int shift = 0; in->at < in->end; shift += 7) {
        unsigned char byte = *in->at++;
        bool last = byte < 0x80;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (last) { /* no byte too many, and none beyond 64 bits */
            return (byte == 0 && shift > 0) || (shift == 63 && byte > 1) ? fail(in) : value;
        }
        if (shift == 63) {
            break;
        }
    }
    return fail(in);
}

size_t fy_unpack_count(fy_unpack *in)
{
    uint64_t n = fy_unpack_u64(in);

    return n <= (uint64_t)(in->end - in->at) ? (size_t)n : (size_t)fail(in);
}

int64_t fy_unpack_int(fy_unpack *in)
{
    uint64_t folded = fy_unpack_u64(in);

    return (int64_t)(folded >> 1 ^ ((folded & 1) != 0 ? UINT64_MAX : 0));
}

int64_t fy_unpack_in(fy_unpack *in, int64_t low, int64_t high)
{
    int64_t value = fy_unpack_int(in);

    if (!in->failed && (value < low || value > high)) {
        (void)fail(in);
    }
    return in->failed ? 0 : value;
}

const unsigned char *fy_unpack_bytes(fy_unpack *in, size_t len)
{
    const unsigned char *p = in->at;

    if (len > (size_t)(in->end - in->at)) {
        (void)fail(in);
        return NULL;
    }
    in->at += len;
    return p;
}

double fy_unpack_double(fy_unpack *in)
{
    const unsigned char *p = fy_unpack_bytes(in, 8);
    double value = 0;

    if (p != NULL) {
        uint64_t bits = get_fixed(p);

        memcpy(&value, &bits, sizeof value);
    }
    return value;
}

fy_pack_wide fy_unpack_wide_int(fy_unpack *in)
{
    fy_pack_uwide value = 0;

    for (int shift = 0; in->at < in->end && shift < 128; shift += 7) {
        unsigned char byte = *in->at++;

        value |= (fy_pack_uwide)(byte & 0x7f) << shift;
        if (byte < 0x80) { /* no byte too many, and none beyond 128 bits */
            value = (byte == 0 && shift > 0) || (shift == 126 && byte > 3) ? fail(in) : value;
            return (fy_pack_wide)(value >> 1 ^ ((value & 1) != 0 ? ~(fy_pack_uwide)0 : 0));
        }
    }
    return (fy_pack_wide)fail(in);
}

const char *fy_unpack_text(fy_unpack *in, size_t *len)
{
    const unsigned char *p;

    *len = fy_unpack_count(in);
    p = fy_unpack_bytes(in, *len);
    if (p != NULL && *len > 0 && memchr(p, 0, *len) != NULL) {
        (void)fail(in);
    }
    *len = in->failed ? 0 : *len;
    return in->failed ? "" : (const char *)p;
}
