/* SPDX-License-Identifier: MIT */
/* What the client commands share on their way in and out: options, ids, members, times. */
#include "base/num.h"
#include "cli/client.h"
#include "cli/cmd.h"
#include "daemon/submission_fields.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int cli_next_option(int argc, char **argv, const char *letters, const struct option *options,
                    const char *usage, cli_common *common, int *code)
{
    int opt;

    opterr = 0;
    *code = CLI_OK;
    while ((opt = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        switch (opt) {
        case 1001:
            common->socket = optarg;
            break;
        case 1002:
            common->json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return -2;
        case ':':
            *code = cli_fail(CLI_USAGE, "%s: %.60s needs a value", argv[0], argv[optind - 1]);
            return -2;
        case '?':
            *code = cli_fail(CLI_USAGE, "%s: unknown option %.60s; `fuyao %s --help`", argv[0],
                             argv[optind - 1], argv[0]);
            return -2;
        default:
            return opt;
        }
    }
    return -1;
}

int cli_read_id(const char *command, const char *text, int64_t *id)
{
    if (fy_num_int(text, strlen(text), 0, INT64_MAX, id) != FY_NUM_OK) {
        return cli_fail(CLI_USAGE, "%s: \"%.40s\" is no job's id; `fuyao queue` lists them",
                        command, text);
    }
    return 0;
}

const char *cli_text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

double cli_number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

int64_t cli_int_of(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool cli_flag_of(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

void cli_print_json(const json_t *value)
{
    (void)json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
}

char *cli_shown(char *out, size_t room, const char *text)
{
    snprintf(out, room, "%s", text != NULL ? text : "-");
    for (long bad = fy_text_control(out, strlen(out)); bad >= 0;
         bad = fy_text_control(out, strlen(out))) {
        int bytes = (unsigned char)out[bad] == 0xc2 ? 2 : (unsigned char)out[bad] == 0xe2 ? 3 : 1;

        memset(out + bad, '?', (size_t)bytes);
    }
    return out;
}

char *cli_clock(char out[CLI_CLOCK], double s)
{
    long long whole = isfinite(s) && s >= 0 && s < 1e12 ? (long long)s : -1;

    if (whole < 0) {
        snprintf(out, CLI_CLOCK, "-");
    } else if (whole >= 86400) {
        snprintf(out, CLI_CLOCK, "%lld-%02lld:%02lld:%02lld", whole / 86400, whole / 3600 % 24,
                 whole / 60 % 60, whole % 60);
    } else if (whole >= 3600) {
        snprintf(out, CLI_CLOCK, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        snprintf(out, CLI_CLOCK, "%lld:%02lld", whole / 60, whole % 60);
    }
    return out;
}

char *cli_date(char out[CLI_CLOCK], double s)
{
    time_t at = isfinite(s) && s > 0 && s < 1e12 ? (time_t)s : 0;
    struct tm local;

    if (at == 0 || localtime_r(&at, &local) == NULL ||
        strftime(out, CLI_CLOCK, "%Y-%m-%dT%H:%M:%S", &local) == 0) {
        snprintf(out, CLI_CLOCK, "-");
    }
    return out;
}

void cli_say_virtual(const json_t *answer)
{
    if (cli_flag_of(answer, "virtual")) {
        puts("The devices are virtual: no hardware is behind them, and no speed here is measured.");
    }
}

bool cli_has_ended(const char *state)
{
    static const char *const ended[] = {"finished", "failed", "cancelled", "timeout"};

    for (size_t i = 0; state != NULL && i < sizeof ended / sizeof *ended; i++) {
        if (strcmp(state, ended[i]) == 0) {
            return true;
        }
    }
    return false;
}

int cli_view(const char *command, const char *path, const char *usage,
             void (*print)(const json_t *answer), int argc, char **argv)
{
    static const struct option options[] = {CLI_COMMON_OPTIONS};
    cli_common common = {0};
    cli_client *client = NULL;
    json_t *answer = NULL;
    int code = 0;

    if (cli_next_option(argc, argv, ":h", options, usage, &common, &code) == -2) {
        return code;
    }
    if (optind < argc) {
        return cli_fail(CLI_USAGE, "%s: unexpected argument %.60s; `fuyao %s --help`", command,
                        argv[optind], command);
    }
    code = cli_client_open(&client, common.socket, "fuyao");
    if (code == 0) {
        code = cli_get(client, path, &answer);
    }
    if (code == 0 && common.json) {
        cli_print_json(answer);
    } else if (code == 0) {
        print(answer);
    }
    json_decref(answer);
    cli_client_close(client);
    return code;
}
