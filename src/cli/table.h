/* SPDX-License-Identifier: MIT */
/*
 * A table on standard output, by libsmartcols: aligned columns, cut or wrapped to a terminal's
 * width and never elsewhere. Cells are copied.
 */
#ifndef FUYAO_CLI_TABLE_H
#define FUYAO_CLI_TABLE_H

#include "fuyao/error.h"

typedef struct cli_table cli_table;

typedef enum cli_align { CLI_LEFT, CLI_RIGHT, CLI_WRAP } cli_align;

cli_table *cli_table_new(void);
void cli_table_column(cli_table *table, const char *header, cli_align align);
void cli_table_row(cli_table *table); /* then its cells in order */
void cli_table_cell(cli_table *table, const char *fmt, ...) FY_PRINTF(2, 3);
void cli_table_print(cli_table *table); /* and free it */
void cli_table_free(cli_table *table);  /* without printing */

#endif
