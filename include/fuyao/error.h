/* SPDX-License-Identifier: MIT */
/*
 * Errors of the whole library: a code for the program, a line for the person.
 *
 * Every fallible function returns 0 or one of the negative codes below and takes a caller-owned
 * `fy_err *` as its last argument, which may be NULL. The text says what is wrong, where, and what
 * would be right. The lowest layer writes it; upper layers may put a prefix before it, never
 * replace it. "No plan fits" and "the cluster is full" are results, not errors.
 */
#ifndef FUYAO_ERROR_H
#define FUYAO_ERROR_H

enum {
    FY_EINVAL = -1,      /* an argument or a value makes no sense */
    FY_EPARSE = -2,      /* input text is malformed */
    FY_ENOENT = -3,      /* a file or a named thing does not exist */
    FY_ERANGE = -4,      /* a number lies outside what is possible or representable */
    FY_EINFEASIBLE = -5, /* the request contradicts itself */
    FY_EIO = -6,         /* the operating system refused to read or write */
};

enum { FY_ERR_TEXT = 240 };

typedef struct fy_err {
    int code;
    char text[FY_ERR_TEXT];
} fy_err;

#define FY_NODISCARD          __attribute__((warn_unused_result))
#define FY_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/*
 * Write code and formatted text into `err` (NULL allowed) and return `code`, so that a caller can
 * say `return fy_fail(err, FY_EPARSE, ...)`. Text that does not fit is cut.
 */
int fy_fail(fy_err *err, int code, const char *fmt, ...) FY_PRINTF(3, 4);

/*
 * Put formatted text and ": " before the text in `err` and return err->code (`code` if err is
 * NULL).
 */
int fy_fail_prefix(fy_err *err, int code, const char *fmt, ...) FY_PRINTF(3, 4);

#endif
