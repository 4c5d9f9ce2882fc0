/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a job's output, read as the job's user and never with the daemon's own rights: whoever
 * chose the path could open nothing else by it. The last part of the path may not be a link, and
 * the file must be a plain one that the job's user owns.
 */
#ifndef FUYAO_DAEMON_OUTPUT_H
#define FUYAO_DAEMON_OUTPUT_H

#include "base/str.h"
#include "fuyao/error.h"

#include <stdint.h>

/*
 * Add at most `most` bytes from byte `from` on to `out`; none where the file ends before.
 *   uid    the job's user; where the daemon is not root all jobs run as its own user, and that
 *          one must own the file
 *   size   how long the file is at present
 * Blocks for as long as the file system does. Where the daemon is root, only the calling thread's
 * rights change for the time of the open.
 * Errors: FY_ENOENT (no file yet, or none that this user may read), FY_EINVAL (a link, a folder, a
 * device, somebody else's), FY_EIO.
 */
int fy_output_read(const char *path, int64_t uid, int64_t from, size_t most, fy_str *out,
                   int64_t *size, fy_err *err) FY_NODISCARD;

#endif
