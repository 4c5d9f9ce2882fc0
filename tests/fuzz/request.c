/* SPDX-License-Identifier: MIT */
/*
 * What a client may send and we take apart: any text as a target, found and refused by the route
 * table; any text as a bulk body, cut as Jansson cuts it wherever Jansson takes it.
 */
#include "daemon/request.h"

#include "base/str.h"
#include "daemon/route.h"

#include <jansson.h>

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void target(const char *bytes, size_t size)
{
    char *text = malloc(size + 1);
    fy_uri uri;
    fy_err err = {0};

    assert(text != NULL);
    memcpy(text, bytes, size);
    text[size] = '\0';
    if (fy_uri_parse(&uri, text, &err) != 0) {
        assert(err.text[0] != '\0');
    } else {
        assert(uri.n_segments <= FY_URI_SEGMENTS && uri.n_args <= FY_URI_ARGS);
        for (int i = 0; i < uri.n_segments; i++) {
            assert(uri.segments[i][0] != '\0' && strchr(uri.segments[i], '/') == NULL);
        }
        fy_match match = fy_route_match("GET", &uri);
        if (match.route != NULL && fy_route_check(match.route, &uri, &err) == 0) {
            assert(uri.n_args == 0 || match.route->params->name != NULL);
        }
        (void)fy_route_allow(&uri);
    }
    free(text);
}

static int compare(void *ctx, int i, const char *text, size_t len, fy_err *err)
{
    const json_t *array = ctx;

    (void)err;
    if (array != NULL) {
        json_t *part = json_loadb(text, len, JSON_DECODE_ANY, NULL);
        assert(part != NULL && json_equal(part, json_array_get(array, (size_t)i)));
        json_decref(part);
    }
    return 0;
}

static void bulk(const char *text, size_t size)
{
    json_t *array = json_loadb(text, size, 0, NULL);
    fy_err err = {0};

    if (!json_is_array(array)) {
        json_decref(array);
        array = NULL;
    }
    int n = fy_json_split(text, size, 1000, compare, array, &err);
    assert(n >= 0 || err.text[0] != '\0');
    assert(array == NULL || n == (int)json_array_size(array) || n == FY_ERANGE);
    json_decref(array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    target((const char *)data, size);
    bulk((const char *)data, size);
    return 0;
}
