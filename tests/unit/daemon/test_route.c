/* SPDX-License-Identifier: MIT */
/* Targets, bulk bodies, the route table, and that docs/rest.md and the table say the same. */
#include "base/str.h"
#include "daemon/json_text.h"
#include "daemon/request.h"
#include "daemon/route.h"

#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The refusal's line, or NULL where the target is taken. */
static const char *refusal(const char *target, fy_uri *uri, char room[256])
{
    static fy_err err;

    (void)snprintf(room, 256, "%s", target);
    return fy_uri_parse(uri, room, &err) != 0 ? err.text : NULL;
}

static void targets_are_taken_apart(void **state)
{
    fy_uri uri;
    char room[256];

    (void)state;
    assert_null(refusal("/v1/nodes/a%20b%2e?x=1%26+2&flag&y=%C3%A9/", &uri, room));
    assert_int_equal(uri.n_segments, 3);
    assert_string_equal(uri.segments[2], "a b.");
    assert_string_equal(fy_uri_get(&uri, "x"), "1& 2");
    assert_string_equal(fy_uri_get(&uri, "flag"), "");
    assert_string_equal(fy_uri_get(&uri, "y"), "\xc3\xa9/");
    assert_null(fy_uri_get(&uri, "z"));
    assert_null(refusal("/", &uri, room));
    assert_int_equal(uri.n_segments, 0);
    assert_null(refusal("/v1/jobs/?", &uri, room));
    assert_int_equal(uri.n_segments, 2);
}

static void bad_targets_are_refused(void **state)
{
    static const char *const bad[][2] = {
        {"", "must begin with /"},
        {"v1/jobs", "must begin with /"},
        {"http://host/v1", "must begin with /"},
        {"*", "must begin with /"},
        {"//v1", "empty part"},
        {"/v1//jobs", "empty part"},
        {"/v1/%2e%2", "bad escape"},
        {"/v1/%", "bad escape"},
        {"/v1/%g0", "bad escape"},
        {"/v1/a%2Fb", "escaped /"},
        {"/v1/a%00b", "control character"},
        {"/v1/a%0ab", "control character"},
        {"/v1/jobs?a=%7f", "control character"},
        {"/v1#x", "a #"},
        {"/v1?a=1&a=2", "given twice"},
        {"/1/2/3/4/5/6/7/8/9", "more than 8 parts"},
        {"/?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", "more than 16 parameters"},
    };
    fy_uri uri;
    char room[256];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *line = refusal(bad[i][0], &uri, room);
        if (line == NULL || strstr(line, bad[i][1]) == NULL) {
            fail_msg("%s: %s", bad[i][0], line != NULL ? line : "taken");
        }
    }
}

static void routes_are_found(void **state)
{
    fy_uri uri;
    char room[256];

    (void)state;
    for (int i = 0; fy_route_at(i) != NULL; i++) {
        const fy_route *route = fy_route_at(i);
        char path[128];
        assert_int_equal(route->id, i);
        (void)snprintf(path, sizeof path, "%s", route->path);
        for (char *brace; (brace = strchr(path, '{')) != NULL;) { /* {id} and {name} become 7 */
            *brace = '7';
            memmove(brace + 1, strchr(brace, '}') + 1, strlen(strchr(brace, '}')));
        }
        assert_null(refusal(path, &uri, room));
        fy_match match = fy_route_match(route->method, &uri);
        assert_ptr_equal(match.route, route);
        assert_int_equal(match.id, strstr(route->path, "{id}") != NULL ? 7 : -1);
        assert_int_equal(match.name != NULL, strstr(route->path, "{name}") != NULL);
        assert_true(fy_route_match("PATCH", &uri).path_known);
        assert_true(strcmp(route->method, "GET") != 0 ||
                    fy_route_match("HEAD", &uri).route == route);
    }
    assert_null(refusal("/v1/jobs/-1", &uri, room));
    assert_false(fy_route_match("GET", &uri).path_known);
    assert_null(refusal("/v1/jobs/99999999999999999999", &uri, room));
    assert_false(fy_route_match("GET", &uri).path_known);
    assert_null(refusal("/v1/jobs", &uri, room));
    assert_string_equal(fy_route_allow(&uri), "GET, HEAD, POST");
}

static int collect(void *ctx, int i, const char *text, size_t len, fy_err *err)
{
    fy_str *out = ctx;

    (void)i;
    (void)err;
    fy_str_add(out, text, len);
    fy_str_puts(out, "|");
    return 0;
}

static void bulks_are_cut(void **state)
{
    static const struct {
        const char *text, *parts;
        int n;
    } good[] = {
        {"[]", "", 0},
        {" [ ] ", "", 0},
        {"[1]", "1|", 1},
        {"[ {\"a\": [1, 2]} ,\n\"],\\\"[\" , [[]]]\t", "{\"a\": [1, 2]}|\"],\\\"[\"|[[]]|", 3},
    };
    static const char *const bad[] = {"",      "{}",     "[",    "[1",     "[1,",   "[,1]",
                                      "[1,]",  "[1,,2]", "[1]]", "[1] x",  "[\"a]", "[\"a\\",
                                      "[{1]x", "[}]",    "[1",   "[1 } ]", "[1,2,3"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        fy_str out = {0};
        fy_str_puts(&out, "");
        int n = fy_json_split(good[i].text, strlen(good[i].text), 3, collect, &out, NULL);
        assert_int_equal(n, good[i].n);
        assert_string_equal(out.len > 0 ? out.text : "", good[i].parts);
        fy_str_free(&out);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fy_str out = {0};
        fy_err err = {0};
        if (fy_json_split(bad[i], strlen(bad[i]), 3, collect, &out, &err) != FY_EPARSE) {
            fail_msg("taken: %s", bad[i]);
        }
        assert_true(err.text[0] != '\0');
        fy_str_free(&out);
    }
    fy_str out = {0};
    assert_int_equal(fy_json_split("[1,2,3,4]", 9, 3, collect, &out, NULL), FY_ERANGE);
    fy_str_free(&out);
}

/* Any bytes become JSON that Jansson takes. */
static void errors_are_json(void **state)
{
    static const char *const texts[] = {"plain",
                                        "\"quoted\\\"",
                                        "line\nbreak\t\x01",
                                        "\xff\xc3",
                                        "\xc3\xa9 \xe6\x89\xb6\xe6\x91\x87 \xf0\x9f\x98\x80",
                                        "\xed\xa0\x80 \xf4\x90\x80\x80 \xc0\xaf",
                                        "cut \xe6\x89"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fy_str out = {0};
        fy_json_error(&out, texts[i]);
        json_t *json = json_loads(out.text, 0, NULL);
        if (json == NULL) {
            fail_msg("no JSON: %s", out.text);
        }
        if (i != 3 && i < 5) {
            assert_string_equal(json_string_value(json_object_get(json, "error")), texts[i]);
        }
        json_decref(json);
        fy_str_free(&out);
    }
}

static void the_index_is_json(void **state)
{
    fy_str out = {0};

    (void)state;
    fy_route_index(&out);
    json_t *json = json_loads(out.text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_int_equal(json_array_size(json_object_get(json, "routes")), FY_N_ROUTES);
    json_decref(json);
    fy_str_free(&out);
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    fy_str text = {0};
    char block[4096];

    if (file == NULL) {
        fail_msg("no %s", path);
    }
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;) {
        fy_str_add(&text, block, n);
    }
    (void)fclose(file);
    return text.text;
}

/* The page has one row a route, as below, in the table's order, and a heading with an example. */
static void the_page_has_every_route(void **state)
{
    const char *root = getenv("ROOT");
    char path[512];
    fy_str table = {0};

    (void)state;
    assert_non_null(root);
    (void)snprintf(path, sizeof path, "%s/docs/rest.md", root);
    char *page = read_text(path);
    fy_str_puts(&table, "| method | path | scope | what it does |\n|---|---|---|---|\n");
    for (int i = 0; fy_route_at(i) != NULL; i++) {
        const fy_route *route = fy_route_at(i);
        char heading[160];
        fy_str_printf(&table, "| %s | `%s` | %s | %s |\n", route->method, route->path,
                      route->open ? "none" : fy_scope_name(route->scope), route->summary);
        (void)snprintf(heading, sizeof heading, "\n### %s %s\n", route->method, route->path);
        const char *part = strstr(page, heading);
        if (part == NULL) {
            fail_msg("docs/rest.md has no heading:%s", heading);
        }
        size_t len = strcspn(part + 1, "\n") + 1;
        const char *next = strstr(part + len, "\n### ");
        const char *example = strstr(part + len, "```");
        if (example == NULL || (next != NULL && example > next)) {
            fail_msg("docs/rest.md has no example under%s", heading);
        }
        for (const fy_param *param = route->params; param->name != NULL; param++) {
            char name[80];
            (void)snprintf(name, sizeof name, "`%s`", param->name);
            const char *at = strstr(part + len, name);
            if (param->name[0] != '(' && (at == NULL || (next != NULL && at > next))) {
                fail_msg("docs/rest.md does not say %s under%s", name, heading);
            }
        }
    }
    if (strstr(page, table.text) == NULL) {
        fail_msg("docs/rest.md must hold this table:\n%s", table.text);
    }
    fy_str_free(&table);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_taken_apart),  cmocka_unit_test(bad_targets_are_refused),
        cmocka_unit_test(routes_are_found),         cmocka_unit_test(bulks_are_cut),
        cmocka_unit_test(errors_are_json),          cmocka_unit_test(the_index_is_json),
        cmocka_unit_test(the_page_has_every_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
