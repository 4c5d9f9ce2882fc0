/* SPDX-License-Identifier: MIT */
/*
 * Talking to the daemon: HTTP by libcurl over its Unix socket (or, with a token, over loopback
 * TCP), JSON in and out. Whoever asks gets the answer's JSON or an exit code after one clear line:
 * no daemon 3, refused 1, wrong 2.
 */
#ifndef FUYAO_CLI_CLIENT_H
#define FUYAO_CLI_CLIENT_H

#include "base/str.h"
#include "fuyao/error.h"

#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct cli_client cli_client;

/*
 * `where`: NULL ($FUYAO_SOCKET, else /run/fuyao/socket for root and for whoever finds it there,
 * else $XDG_RUNTIME_DIR/fuyao/socket), a socket's path, or http://127.0.0.1:PORT with $FUYAO_TOKEN.
 *   program   the name before messages: fuyao, sbatch, ...
 */
int cli_client_open(cli_client **out, const char *where, const char *program) FY_NODISCARD;
void cli_client_close(cli_client *client); /* NULL allowed */

/* What was answered. */
typedef struct cli_answer {
    long status; /* of HTTP */
    fy_str body;
    int64_t size; /* of the whole output (Fuyao-Size), -1 = not said */
} cli_answer;

/*
 * One request; `body` NULL: GET, else POST. Returns 0 whatever was answered, or CLI_ENVIRONMENT
 * after saying that nobody did. The answer is freed by the caller: fy_str_free(&answer.body).
 */
int cli_request(cli_client *client, const char *path, const char *body, size_t len,
                cli_answer *out) FY_NODISCARD;

/* The exit code of an answer that is no success, after printing its error; 0 for a success. */
int cli_refused(const cli_client *client, const cli_answer *answer);

/* Ask and parse. *out is owned by the caller. Returns 0 or an exit code after printing why. */
int cli_get(cli_client *client, const char *path, json_t **out) FY_NODISCARD;
/* `body` NULL posts {}; *out may be NULL: then the answer is dropped. */
int cli_post(cli_client *client, const char *path, json_t *body, json_t **out) FY_NODISCARD;

/* Add `text` to a path or query, percent-encoded. */
void cli_escape(fy_str *url, const char *text);
/* Add ?KEY=TEXT or &KEY=TEXT unless `text` is NULL. */
void cli_query(fy_str *url, const char *key, const char *text);

/* ------------------------------------------------------------------ arguments */

typedef struct cli_common {
    const char *socket;
    bool json;
} cli_common;

struct option;
/*
 * getopt_long for a command: takes --socket, --json and --help itself. Returns the next option, -1
 * after the last, or -2 when there is nothing more to do; *code is then the exit code.
 */
int cli_next_option(int argc, char **argv, const char *letters, const struct option *options,
                    const char *usage, cli_common *common, int *code);
#define CLI_COMMON_OPTIONS                                                                         \
    {"socket", required_argument, NULL, 1001}, {"json", no_argument, NULL, 1002},                  \
        {"help", no_argument, NULL, 'h'},                                                          \
    {                                                                                              \
        NULL, 0, NULL, 0                                                                           \
    }

/* A job's id; returns 0, or an exit code after printing. */
int cli_read_id(const char *command, const char *text, int64_t *id);

/* ------------------------------------------------------------------ members of JSON */

/* Text, number or flag of a member; NULL, NAN, false where there is none. */
const char *cli_text_of(const json_t *object, const char *key);
double cli_number_of(const json_t *object, const char *key);
int64_t cli_int_of(const json_t *object, const char *key, int64_t otherwise);
bool cli_flag_of(const json_t *object, const char *key);

/* Print an answer as indented JSON. */
void cli_print_json(const json_t *value);
/* A text for the screen: control characters become '?'. Returns `out`. */
char *cli_shown(char *out, size_t room, const char *text);
/* Seconds as D-HH:MM:SS or MM:SS, "-" where unknown. */
enum { CLI_CLOCK = 32 };
char *cli_clock(char out[CLI_CLOCK], double s);
/* Seconds since 1970 as local time, "-" where unknown. */
char *cli_date(char out[CLI_CLOCK], double s);
/* Say on standard output that the devices are virtual, if the answer says so. */
void cli_say_virtual(const json_t *answer);

/* A command that takes no argument and shows one answer: by `print`, or as JSON. */
int cli_view(const char *command, const char *path, const char *usage,
             void (*print)(const json_t *answer), int argc, char **argv);

/* Is it one of the states after which a job does nothing more? */
bool cli_has_ended(const char *state);

#endif
