/* SPDX-License-Identifier: MIT */
#include "cli/client.h"

#include "base/arena.h"
#include "cli/cmd.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_BYTES = 256 << 20 };

struct cli_client {
    CURL *curl;
    struct curl_slist *headers;
    char *where; /* as it is shown */
    char *base;  /* http://... without the path */
    const char *program;
};

static int complain(const cli_client *client, int code, const char *text)
{
    fprintf(stderr, "%s%s%s\n", client->program,
            strcmp(client->program, "fuyao") == 0 ? ": " : ": error: ", text);
    return code;
}

/* ------------------------------------------------------------------ where it listens */

static char *default_socket(void)
{
    static const char system[] = "/run/fuyao/socket";
    const char *named = getenv("FUYAO_SOCKET"), *runtime = getenv("XDG_RUNTIME_DIR");
    fy_str path = {0};

    if (named != NULL && named[0] != '\0') {
        fy_str_puts(&path, named);
    } else if (geteuid() == 0 || access(system, F_OK) == 0 || runtime == NULL) {
        fy_str_puts(&path, system);
    } else {
        fy_str_printf(&path, "%s/fuyao/socket", runtime);
    }
    return path.text;
}

static bool is_url(const char *where)
{
    return strncmp(where, "http://", 7) == 0 || strncmp(where, "https://", 8) == 0;
}

int cli_client_open(cli_client **out, const char *where, const char *program)
{
    cli_client *client = fy_calloc(1, sizeof *client);
    const char *token = getenv("FUYAO_TOKEN");

    client->program = program;
    client->where = where != NULL ? strdup(where) : default_socket();
    client->curl = curl_easy_init();
    *out = client;
    if (client->curl == NULL || client->where == NULL) {
        return complain(client, CLI_ENVIRONMENT, "libcurl does not start");
    }
    curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->curl, CURLOPT_PROXY, ""); /* the daemon is on this machine */
    client->headers = curl_slist_append(NULL, "Content-Type: application/json");
    client->headers = curl_slist_append(client->headers, "Expect:");
    if (is_url(client->where)) {
        size_t len = strlen(client->where);

        client->base = strndup(client->where, client->where[len - 1] == '/' ? len - 1 : len);
        if (token != NULL) {
            fy_str header = {0};

            fy_str_printf(&header, "Authorization: Bearer %s", token);
            client->headers = curl_slist_append(client->headers, header.text);
            fy_str_free(&header);
        }
    } else {
        client->base = strdup("http://fuyao");
        curl_easy_setopt(client->curl, CURLOPT_UNIX_SOCKET_PATH, client->where);
    }
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers);
    return 0;
}

void cli_client_close(cli_client *client)
{
    if (client != NULL) {
        curl_slist_free_all(client->headers);
        curl_easy_cleanup(client->curl);
        free(client->where);
        free(client->base);
        free(client);
    }
}

/* ------------------------------------------------------------------ requests */

static size_t take_body(char *bytes, size_t size, size_t n, void *ctx)
{
    cli_answer *answer = ctx;

    if (answer->body.len + size * n > MOST_BYTES) {
        return 0;
    }
    fy_str_add(&answer->body, bytes, size * n);
    return size * n;
}

static size_t take_header(char *bytes, size_t size, size_t n, void *ctx)
{
    static const char name[] = "Fuyao-Size:";
    cli_answer *answer = ctx;
    char line[64];

    if (size * n < sizeof line && size * n > sizeof name &&
        strncasecmp(bytes, name, sizeof name - 1) == 0) {
        memcpy(line, bytes, size * n);
        line[size * n] = '\0';
        answer->size = strtoll(line + sizeof name - 1, NULL, 10);
    }
    return size * n;
}

static int nobody(const cli_client *client, CURLcode rc)
{
    long os = 0;
    char text[700];

    curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &os);
    snprintf(text, sizeof text,
             "no daemon answers on %.400s (%s); start one with `fuyao serve`, or name its socket "
             "by --socket or FUYAO_SOCKET",
             client->where,
             rc == CURLE_COULDNT_CONNECT && os != 0 ? strerror((int)os) : curl_easy_strerror(rc));
    return complain(client, CLI_ENVIRONMENT, text);
}

int cli_request(cli_client *client, const char *path, const char *body, size_t len, cli_answer *out)
{
    fy_str url = {0};
    CURLcode rc;

    *out = (cli_answer){.size = -1};
    fy_str_printf(&url, "%s%s", client->base, path);
    curl_easy_setopt(client->curl, CURLOPT_URL, url.text);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(client->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(client->curl, CURLOPT_HEADERDATA, out);
    curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, 120L);
    if (body != NULL) {
        curl_easy_setopt(client->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
    } else {
        curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
    }
    rc = curl_easy_perform(client->curl);
    fy_str_free(&url);
    if (rc != CURLE_OK) {
        fy_str_free(&out->body);
        return nobody(client, rc);
    }
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &out->status);
    return 0;
}

int cli_refused(const cli_client *client, const cli_answer *answer)
{
    json_t *json;
    const char *why;
    char text[600], shown[500];
    int code = answer->status >= 500                            ? CLI_ENVIRONMENT
               : answer->status == 400 || answer->status == 413 ? CLI_USAGE
                                                                : CLI_NO;

    if (answer->status >= 200 && answer->status < 300) {
        return 0;
    }
    json =
        json_loadb(answer->body.text != NULL ? answer->body.text : "", answer->body.len, 0, NULL);
    why = json_string_value(json_object_get(json, "error"));
    if (why != NULL) {
        snprintf(text, sizeof text, "%s", cli_shown(shown, sizeof shown, why));
    } else {
        snprintf(text, sizeof text, "the daemon answered %ld and did not say why", answer->status);
    }
    json_decref(json);
    return complain(client, code, text);
}

static int parse_answer(const cli_client *client, const cli_answer *answer, json_t **out)
{
    json_error_t why;

    *out =
        json_loadb(answer->body.text != NULL ? answer->body.text : "", answer->body.len, 0, &why);
    if (*out == NULL) {
        return complain(client, CLI_ENVIRONMENT,
                        "the daemon's answer is no JSON; is something "
                        "else listening there?");
    }
    return 0;
}

static int ask(cli_client *client, const char *path, const char *body, size_t len, json_t **out)
{
    cli_answer answer;
    int code = cli_request(client, path, body, len, &answer);

    if (code == 0) {
        code = cli_refused(client, &answer);
        if (code == 0 && out != NULL) {
            code = parse_answer(client, &answer, out);
        }
        fy_str_free(&answer.body);
    }
    return code;
}

int cli_get(cli_client *client, const char *path, json_t **out)
{
    return ask(client, path, NULL, 0, out);
}

int cli_post(cli_client *client, const char *path, json_t *body, json_t **out)
{
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : strdup("{}");
    int code;

    if (text == NULL) {
        return complain(client, CLI_USAGE, "the request is no UTF-8");
    }
    code = ask(client, path, text, strlen(text), out);
    free(text);
    return code;
}

void cli_escape(fy_str *url, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL) {
            fy_str_add(url, text, 1);
        } else {
            fy_str_printf(url, "%%%02X", (unsigned char)*text);
        }
    }
}

void cli_query(fy_str *url, const char *key, const char *text)
{
    if (text != NULL) {
        fy_str_printf(url, "%c%s=", strchr(url->text, '?') == NULL ? '?' : '&', key);
        cli_escape(url, text);
    }
}
