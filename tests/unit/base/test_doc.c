/* SPDX-License-Identifier: MIT */
/* YAML documents: what is refused, with file and line, and what is loaded. */
#include "base/doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct item {
    char *id, *tdp;
} item;

typedef struct file {
    item *items;
    unsigned n_items;
} file;

static const cyaml_schema_field_t item_fields[] = {
    CYAML_FIELD_STRING_PTR("id", CYAML_FLAG_POINTER, item, id, 1, 10),
    CYAML_FIELD_STRING_PTR("tdp", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, item, tdp, 1, 10),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t item_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, item, item_fields)};
static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("items", CYAML_FLAG_POINTER, file, items, n_items, &item_schema, 0,
                               100),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, file, file_fields)};

static void a_document_is_loaded(void **state)
{
    static const char text[] = "items:\n  - id: a\n    tdp: 4 W\n  - {id: b}\n";
    fy_doc *doc = NULL;
    fy_err err = {0};

    (void)state;
    assert_int_equal(fy_doc_parse(&doc, "f", text, sizeof text - 1, &file_schema, &err), 0);
    const file *f = fy_doc_data(doc);
    assert_int_equal(f->n_items, 2);
    assert_string_equal(f->items[0].tdp, "4 W");
    assert_null(f->items[1].tdp);
    assert_int_equal(fy_doc_line(doc, "items[0].tdp"), 3);
    assert_int_equal(fy_doc_line(doc, "items[1].id"), 4);
    assert_int_equal(fy_doc_line(doc, "items[1].tdp"), 4); /* absent: its item's line */
    assert_int_equal(fy_doc_line(doc, "nothing[7]"), 1);
    assert_int_equal(fy_doc_fail(doc, "items[0].tdp", &err, FY_ERANGE, "no %d", 5), FY_ERANGE);
    assert_string_equal(err.text, "f:3: no 5");
    fy_doc_free(doc);
}

static void bad_text_gives_one_line(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "f: the file is empty"},
        {"# only a comment\n", "f: the file is empty"},
        {"items:\n  - id: a\n    foo: 3\n", "f:3: unknown key \"foo\""},
        {"items:\n  - id: a\n    id: b\n", "f:3: duplicate key \"id\""},
        {"items:\n  - tdp: 4 W\n", "the key \"id\" is missing"},
        {"items: 3\n", "f:1: expected a list"},
        {"items:\n  - id: [a]\n", "f:2: expected one value"},
        {"items:\n  - id:\n", "f:2: empty value"},
        {"items:\n  - id: abcdefghijklmnop\n", "f:2: text too long"},
        {"items:\n  - id: \"a\n", "f:2: not valid YAML"},
        {"items:\n  - id: a\n - b\n", "not valid YAML"},
        {"- a\n", "f:1: expected `key: value`"},
        {"just text", "f:1: expected `key: value`"},
        {"\001\002", "not a text file"},
        {"\xff\xfe\xff\xff", "not a text file"},
        {"items: &x []\n", "f:1: anchors and tags"},
        {"items:\n  - id: *x\n", "f:2: aliases"},
        {"items:\n  - !!str id: a\n", "anchors and tags"},
        {"items: []\n---\nitems: []\n", "f:2: a second document"},
        {"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", "nested too deeply"},
        {"? [a]\n: b\n", "a key must be a plain text"},
        {"items:\n  - id: \"a\\0b\"\n", "NUL"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_doc *doc = NULL;
        fy_err err = {0};
        int rc = fy_doc_parse(&doc, "f", cases[i].text, strlen(cases[i].text), &file_schema, &err);
        if (rc != FY_EPARSE || strstr(err.text, cases[i].says) == NULL) {
            fprintf(stderr, "case %zu: %s\n", i, err.text);
        }
        assert_int_equal(rc, FY_EPARSE);
        assert_non_null(strstr(err.text, cases[i].says));
        assert_null(strchr(err.text, '\n'));
        assert_null(doc);
    }
}

static void sizes_are_limited(void **state)
{
    size_t len = FY_DOC_MAX_BYTES + 1;
    char *text = malloc(len);
    fy_doc *doc = NULL;
    fy_err err = {0};

    (void)state;
    assert_non_null(text);
    memset(text, '#', len);
    assert_int_equal(fy_doc_parse(&doc, "f", text, len, &file_schema, &err), FY_EPARSE);
    assert_non_null(strstr(err.text, "larger than"));
    memset(text, ',', len);
    text[0] = '[';
    for (size_t i = 2; i < 2 * FY_DOC_MAX_NODES + 4; i += 2) {
        text[i - 1] = 'a';
    }
    assert_int_equal(fy_doc_parse(&doc, "f", text, FY_DOC_MAX_BYTES / 2, &file_schema, &err),
                     FY_EPARSE);
    assert_non_null(strstr(err.text, "too many values"));
    free(text);
}

static void files_that_cannot_be_read(void **state)
{
    fy_doc *doc = NULL;
    fy_err err = {0};

    (void)state;
    assert_int_equal(fy_doc_load(&doc, "/nonexistent/x.yaml", &file_schema, &err), FY_ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/x.yaml"));
    assert_int_equal(fy_doc_load(&doc, "/tmp", &file_schema, &err), FY_EIO);
    assert_int_equal(fy_doc_load(&doc, "/dev/null", &file_schema, &err), FY_EPARSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_loaded),
        cmocka_unit_test(bad_text_gives_one_line),
        cmocka_unit_test(sizes_are_limited),
        cmocka_unit_test(files_that_cannot_be_read),
    };
    return cmocka_run_group_tests_name("base/doc", tests, NULL, NULL);
}
