/* SPDX-License-Identifier: MIT */
/*
 * The text of a request that we take apart ourselves: its target (path and query) and the elements
 * of a bulk body. Everything else is libmicrohttpd's and Jansson's work. Hostile input is expected:
 * what is not plainly right is refused with one line.
 */
#ifndef FUYAO_DAEMON_REQUEST_H
#define FUYAO_DAEMON_REQUEST_H

#include "fuyao/error.h"

#include <stddef.h>

enum { FY_URI_SEGMENTS = 8, FY_URI_ARGS = 16 };

typedef struct fy_uri_arg {
    const char *key, *value; /* value "" where there is no "=" */
} fy_uri_arg;

/* Points into the text that it was read from. */
typedef struct fy_uri {
    const char *segments[FY_URI_SEGMENTS]; /* of the path, decoded; none of "/" */
    int n_segments;
    fy_uri_arg args[FY_URI_ARGS]; /* of the query, decoded, in order */
    int n_args;
} fy_uri;

/*
 * Read a request target such as "/v1/jobs/7?full=1" (RFC 3986, origin form), decoding in place.
 *   text   changed, and must outlive `out`
 * "%XX" is decoded strictly, "+" in the query is a blank. Refused: no leading "/", a bad escape, a
 * control character or a "/" that was escaped, an empty segment (but a last one), a key twice, too
 * much of anything. Errors: FY_EPARSE.
 */
int fy_uri_parse(fy_uri *out, char *text, fy_err *err) FY_NODISCARD;

/* The value of a key, or NULL. */
const char *fy_uri_get(const fy_uri *uri, const char *key);

/* One element of a JSON array as text; returns 0, or a negative code that stops the reading. */
typedef int (*fy_json_part_fn)(void *ctx, int i, const char *text, size_t len, fy_err *err);

/*
 * Cut a JSON array into its elements without reading them: only strings and brackets are looked at,
 * each element is for its own reader to judge. At most `most` elements.
 * Returns the number of elements, or FY_EPARSE: no array, brackets that do not match, an empty
 * element, text after the end; FY_ERANGE: more than `most`; or what `each` returned.
 */
int fy_json_split(const char *text, size_t len, int most, fy_json_part_fn each, void *ctx,
                  fy_err *err) FY_NODISCARD;

/* The first byte of JSON text that is no blank; '\0' where there is none. */
char fy_json_first(const char *text, size_t len);

#endif
