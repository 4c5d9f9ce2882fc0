/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <libsmartcols.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cli_table {
    struct libscols_table *scols;
    struct libscols_line *line;
    size_t cell; /* next cell of the line */
};

/* libsmartcols fails only for want of memory. */
static void must(int rc)
{
    if (rc != 0) {
        abort();
    }
}

cli_table *cli_table_new(void)
{
    cli_table *table = calloc(1, sizeof *table);
    if (table == NULL || (table->scols = scols_new_table()) == NULL) {
        abort();
    }
    if (isatty(STDOUT_FILENO) == 0) {
        must(scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_NEVER));
    }
    return table;
}

void cli_table_column(cli_table *table, const char *header, cli_align align)
{
    int flags = align == CLI_RIGHT ? SCOLS_FL_RIGHT : align == CLI_WRAP ? SCOLS_FL_WRAP : 0;
    if (scols_table_new_column(table->scols, header, 0, flags) == NULL) {
        abort();
    }
}

void cli_table_row(cli_table *table)
{
    table->line = scols_table_new_line(table->scols, NULL);
    if (table->line == NULL) {
        abort();
    }
    table->cell = 0;
}

void cli_table_cell(cli_table *table, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    must(scols_line_set_data(table->line, table->cell++, text));
}

void cli_table_print(cli_table *table)
{
    char *text = NULL;
    must(scols_print_table_to_string(table->scols, &text));
    for (const char *line = text; line != NULL && *line != '\0';) {
        size_t len = strcspn(line, "\n"), shown = len;
        while (shown > 0 && line[shown - 1] == ' ') {
            shown--; /* libsmartcols pads the columns before an empty last one */
        }
        printf("%.*s\n", (int)shown, line); /* a failed write shows in ferror(stdout) */
        line += len + (line[len] == '\n' ? 1 : 0);
    }
    free(text);
    cli_table_free(table);
}

void cli_table_free(cli_table *table)
{
    scols_unref_table(table->scols);
    free(table);
}
