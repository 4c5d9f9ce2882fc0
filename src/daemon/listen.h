/* SPDX-License-Identifier: MIT */
/* Listening sockets: a Unix socket at a path, and TCP on loopback, nothing wider. */
#ifndef FUYAO_DAEMON_LISTEN_H
#define FUYAO_DAEMON_LISTEN_H

#include "fuyao/error.h"

/*
 * Listen at a path, taking over the file of a daemon that is gone. Returns the socket, or
 * FY_EINVAL: the path is too long, is no socket, or somebody answers there; FY_EIO.
 */
int fy_listen_unix(const char *path, unsigned mode, fy_err *err) FY_NODISCARD;

/*
 * Listen at "ADDRESS:PORT", ADDRESS in 127.0.0.0/8 or "[::1]"; port 0 takes a free one. Returns the
 * socket, or FY_EINVAL (anything else), FY_EIO.
 */
int fy_listen_loopback(const char *address, fy_err *err) FY_NODISCARD;

#endif
