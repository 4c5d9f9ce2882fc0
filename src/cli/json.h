/* SPDX-License-Identifier: MIT */
/* Values that every JSON answer of the commands states alike. */
#ifndef FUYAO_CLI_JSON_H
#define FUYAO_CLI_JSON_H

#include <jansson.h>

/* A number, null where it is unknown or not finite. */
json_t *cli_json_real(double value);

/*
 * A text, null for NULL. A name from outside need not be UTF-8, which JSON must be: then its odd
 * bytes show as '?'.
 */
json_t *cli_json_text(const char *text);

#endif
