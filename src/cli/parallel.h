/* SPDX-License-Identifier: MIT */
#ifndef FUYAO_CLI_PARALLEL_H
#define FUYAO_CLI_PARALLEL_H

#include <stdbool.h>

/*
 * Call work(ctx, i) for each 0 <= i < n, begun in order, on as many threads as there are processors
 * (at most 64). A call that returns false keeps those not yet begun from being made. Cannot fail:
 * where no thread can be had, the caller's does it all.
 */
void cli_parallel(int n, bool (*work)(void *ctx, int i), void *ctx);

#endif
