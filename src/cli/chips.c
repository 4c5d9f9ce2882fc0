/* SPDX-License-Identifier: MIT */
/* `fuyao chips`: the catalogue as a list, one chip in full, or chips compared. */
#include "cli/chips.h"

#include "base/num.h"
#include "cli/cmd.h"
#include "cli/table.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define FIELD(key, label, member, dim, unit)                                                       \
    {                                                                                              \
        key, label, offsetof(fy_chip, member), dim, unit                                           \
    }

const chips_field chips_fields[] = {
    FIELD("bf16", "dense BF16", bf16, FY_DIM_FLOP_PER_S, "FLOP/s"),
    FIELD("fp16", "dense FP16", fp16, FY_DIM_FLOP_PER_S, "FLOP/s"),
    FIELD("fp8", "dense FP8", fp8, FY_DIM_FLOP_PER_S, "FLOP/s"),
    FIELD("fp4", "dense FP4", fp4, FY_DIM_FLOP_PER_S, "FLOP/s"),
    FIELD("int8", "dense INT8", int8, FY_DIM_OP_PER_S, "OP/s"),
    FIELD("tf32", "dense TF32", tf32, FY_DIM_FLOP_PER_S, "FLOP/s"),
    FIELD("fp32", "vector FP32", fp32, FY_DIM_FLOP_PER_S, "FLOP/s"),
    FIELD("fp64", "vector FP64", fp64, FY_DIM_FLOP_PER_S, "FLOP/s"),
    FIELD("memory", "memory", memory_bytes, FY_DIM_BYTES, "B"),
    FIELD("bandwidth", "memory bandwidth", memory_bytes_per_s, FY_DIM_BYTES_PER_S, "B/s"),
    FIELD("l2", "L2 cache", l2_bytes, FY_DIM_CACHE, "B"),
    FIELD("link", "device link", link_bytes_per_s, FY_DIM_BYTES_PER_S, "B/s"),
    FIELD("pcie", "PCIe generation", pcie_gen, FY_DIM_COUNT, ""),
    FIELD("tdp", "power limit", tdp_w, FY_DIM_POWER, "W"),
    FIELD("active", "power in training", active_w, FY_DIM_POWER, "W"),
    FIELD("idle", "power at idle", idle_w, FY_DIM_POWER, "W"),
    FIELD("sms", "cores (SM or like)", sms, FY_DIM_COUNT, ""),
    FIELD("boost", "clock of the peak", boost_hz, FY_DIM_FREQUENCY, "Hz"),
    FIELD("die", "die area", die_mm2, FY_DIM_AREA, "mm2"),
    FIELD("node", "process", node_nm, FY_DIM_LENGTH, "nm"),
    FIELD("tpp", "TPP", tpp, FY_DIM_RATIO, ""),
    FIELD("performance_density", "TPP by die area", performance_density, FY_DIM_RATIO, "1/mm2"),
    FIELD("price", "price", price_usd, FY_DIM_USD, "USD"),
    FIELD("year", "year", year, FY_DIM_COUNT, ""),
};
const int chips_n_fields = sizeof chips_fields / sizeof *chips_fields;

fy_range chips_number(const fy_chip *chip, const chips_field *field, fy_strictness strict)
{
    fy_range r = *(const fy_range *)(const void *)((const char *)chip + field->at);
    if (strict == FY_STRICT && r.grade == FY_GRADE_ASSUMED) {
        r = (fy_range){.low = NAN, .mid = NAN, .high = NAN, .grade = FY_GRADE_UNKNOWN};
    }
    return r;
}

const char *chips_grade_letter(fy_grade grade)
{
    static const char *const letters[] = {"", "", " m", " r", " d", " f", " a"};
    return letters[grade];
}

const char *chips_grade_word(fy_grade grade)
{
    static const char *const words[] = {"unknown", "datasheet", "measured", "recalled",
                                        "derived", "fitted",    "assumed"};
    return words[grade];
}

char *chips_text(char out[CHIPS_TEXT], fy_range value, fy_dim dim)
{
    char low[FY_UNITS_TEXT], high[FY_UNITS_TEXT];
    const char *grade = chips_grade_letter(value.grade);
    fy_units_format(low, value.low, dim);
    fy_units_format(high, value.high, dim);
    if (!fy_known(value.mid)) {
        snprintf(out, CHIPS_TEXT, "unknown");
    } else if (dim == FY_DIM_BYTES_PER_S && value.high == 0) {
        snprintf(out, CHIPS_TEXT, "none%s", grade); /* a known absence, not an unknown */
    } else if (dim == FY_DIM_COUNT) {
        snprintf(out, CHIPS_TEXT, "%.0f%s", value.mid, grade);
    } else if (value.low == value.high) {
        snprintf(out, CHIPS_TEXT, "%s%s", high, grade);
    } else {
        char *unit = strchr(low, ' ');
        const char *unit_high = strchr(high, ' ');
        if (unit != NULL && unit_high != NULL && strcmp(unit, unit_high) == 0) {
            *unit = '\0';
        }
        snprintf(out, CHIPS_TEXT, "%s .. %s%s", low, high, grade);
    }
    return out;
}

char *chips_ratio(char out[CHIPS_TEXT], double value)
{
    if (!fy_known(value)) {
        snprintf(out, CHIPS_TEXT, "unknown");
        return out;
    }
    int decimals = 2; /* 3 significant digits */
    double x = value;
    while (x >= 9.995 && decimals > 0) {
        x /= 10;
        decimals--;
    }
    while (x > 0 && x < 0.9995 && decimals < 8) {
        x *= 10;
        decimals++;
    }
    snprintf(out, CHIPS_TEXT, "%.*f", decimals, value);
    return out;
}

char *chips_ratio_range(char out[CHIPS_TEXT], fy_range value)
{
    char low[CHIPS_TEXT], high[CHIPS_TEXT];
    chips_ratio(low, value.low);
    chips_ratio(high, value.high);
    if (strcmp(low, high) == 0) {
        return chips_ratio(out, value.mid);
    }
    snprintf(out, CHIPS_TEXT, "%.40s .. %.40s", low, high);
    return out;
}

static const chips_field *field_of(const char *key)
{
    for (int i = 0; i < chips_n_fields; i++) {
        if (strcmp(chips_fields[i].key, key) == 0) {
            return &chips_fields[i];
        }
    }
    return NULL;
}

/* The number under `key` as a cell; "-" where unknown. */
static void add_number(cli_table *table, const fy_chip *chip, const char *key,
                       const chips_options *options)
{
    char text[CHIPS_TEXT];
    const chips_field *field = field_of(key);
    fy_range r = chips_number(chip, field, options->strict);
    r.grade = strcmp(key, "year") == 0 ? FY_GRADE_DATASHEET : r.grade;
    cli_table_cell(table, "%s", fy_known(r.mid) ? chips_text(text, r, field->dim) : "-");
}

static json_t *chip_json(const fy_chip *chip, const chips_options *options)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", chip->id, "name",
                          chip->name, "vendor", chip->vendor, "stack", chip->vendor_stack, "arch",
                          chip->arch, "form", chip->form, "memory_type", chip->memory_type,
                          "link_name", chip->link_name, "pci_ids", chip->pci_ids);
    json_t *aliases = json_array();
    for (int i = 0; i < chip->n_aliases; i++) {
        json_array_append_new(aliases, json_string(chip->aliases[i]));
    }
    json_object_set_new(o, "aliases", aliases);
    for (int i = 0; i < chips_n_fields; i++) {
        const chips_field *f = &chips_fields[i];
        json_object_set_new(o, f->key,
                            chips_json_range(chips_number(chip, f, options->strict), f->json_unit));
    }
    json_t *notes = json_array();
    for (int i = 0; i < chip->n_notes; i++) {
        json_array_append_new(notes, json_string(chip->notes[i]));
    }
    json_object_set_new(o, "notes", notes);
    json_object_set_new(o, "source", json_string(chip->source));
    json_object_set_new(o, "confidence", json_string(chip->confidence));
    return o;
}

/*
 * JSON of the list: {"chips": [CHIP...]}; of one: {"chip": CHIP, "servers": [id...]}. CHIP has the
 * texts and, under the keys of the YAML files, numbers {"low", "mid", "high", "unit", "grade"} or
 * null where unknown. Units are SI.
 */
int chips_list(const fy_catalog *catalog, const chips_options *options)
{
    static const char *const headers[] = {"ID",     "YEAR",      "BF16", "FP16", "FP8",
                                          "MEMORY", "BANDWIDTH", "LINK", "TDP",  "ARCH"};
    static const char *const keys[] = {"year",   "bf16",      "fp16", "fp8",
                                       "memory", "bandwidth", "link", "tdp"};
    json_t *list = json_array();
    cli_table *table = cli_table_new();
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        cli_table_column(table, headers[i], CLI_LEFT);
    }
    for (int i = 0; i < fy_catalog_n_chips(catalog); i++) {
        const fy_chip *chip = fy_catalog_chip(catalog, i);
        if (options->json) {
            json_array_append_new(list, chip_json(chip, options));
        }
        cli_table_row(table);
        cli_table_cell(table, "%s", chip->id);
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            add_number(table, chip, keys[k], options);
        }
        cli_table_cell(table, "%s%s%s", chip->vendor[0] != '\0' ? chip->vendor : "-",
                       chip->arch[0] != '\0' ? " " : "", chip->arch);
    }
    if (options->json) {
        cli_table_free(table);
        chips_print_json(json_pack("{s:o}", "chips", list));
        return CLI_OK;
    }
    json_decref(list);
    cli_table_print(table);
    printf("\nTensor rates are dense. After a number: nothing = data sheet or listing, "
           "r = recalled,\nd = derived, m = measured, a = assumed; - = unknown. "
           "`fuyao chips show ID` gives sources.\n");
    return CLI_OK;
}

/* ---------------------------------------------------------------------------------- the command */

static const char usage[] =
    "usage: fuyao chips [--strict] [--json]\n"
    "       fuyao chips show ID [--strict] [--json]\n"
    "       fuyao chips compare A B... [--workload W [--devices N]] [--strict] [--json]\n"
    "\n"
    "  compare        every chip is shown relative to the last one named\n"
    "  --workload W   a kind of work of the catalogue (dense-training, decode, ...) or shares of\n"
    "                 the reference's time: compute=0.6,memory=0.3,link=0.1\n"
    "                 or a model of data/workloads (llama2-7b), which the planner lays out on N\n"
    "                 devices of each chip\n"
    "  --devices N    without it the fewest, in doublings from 8, on which it fits on all\n"
    "  --strict       numbers that are assumed count as unknown\n"
    "  --json         JSON instead of tables\n";

static int run_compare(const fy_catalog *catalog, int n, char **ids, const chips_options *options)
{
    const fy_chip *chips[CHIPS_MAX_COMPARED];
    if (n < 2 || n > CHIPS_MAX_COMPARED) {
        return cli_fail(CLI_USAGE,
                        "compare needs 2 to %d chips; every one is shown relative to "
                        "the last",
                        CHIPS_MAX_COMPARED);
    }
    for (int i = 0; i < n; i++) {
        int rc = cli_find_chip(catalog, ids[i], &chips[i]);
        if (rc != 0) {
            return rc;
        }
        for (int k = 0; k < i; k++) {
            if (chips[k] == chips[i]) {
                return cli_fail(CLI_USAGE, "%s is named twice", chips[i]->id);
            }
        }
    }
    return chips_compare(catalog, chips, n, options);
}

static int run(const fy_catalog *catalog, int n, char **words, const chips_options *options)
{
    const char *verb = n > 0 ? words[0] : "";
    if (options->workload != NULL && strcmp(verb, "compare") != 0) {
        return cli_fail(CLI_USAGE, "--workload goes with `fuyao chips compare`");
    }
    if (options->devices > 0 && options->workload == NULL) {
        return cli_fail(CLI_USAGE, "--devices goes with `fuyao chips compare --workload`");
    }
    if (n == 0) {
        return chips_list(catalog, options);
    }
    if (strcmp(verb, "compare") == 0) {
        return run_compare(catalog, n - 1, words + 1, options);
    }
    if (strcmp(verb, "show") == 0) {
        const fy_chip *chip = NULL;
        if (n != 2) {
            return cli_fail(CLI_USAGE, "show takes one chip, for example "
                                       "`fuyao chips show h20-96-sxm5`");
        }
        int rc = cli_find_chip(catalog, words[1], &chip);
        return rc != 0 ? rc : chips_show(catalog, chip, options);
    }
    return cli_fail(CLI_USAGE, "chips: \"%.40s\" is neither show nor compare; `fuyao chips --help`",
                    verb);
}

/* 0 after printing what is wrong. */
static int read_devices(const char *text)
{
    int64_t n = 0;
    if (fy_num_int(text, strlen(text), 1, 1000000, &n) != FY_NUM_OK) {
        (void)cli_fail(CLI_USAGE,
                       "chips: --devices is '%.40s'; it must be a whole number from 1 to 1000000",
                       text);
        return 0;
    }
    return (int)n;
}

int cmd_chips(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"json", no_argument, NULL, 'j'},           {"strict", no_argument, NULL, 's'},
        {"workload", required_argument, NULL, 'w'}, {"devices", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
    };
    chips_options options = {.strict = FY_ASSUME};
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        switch (c) {
        case 'j':
            options.json = true;
            break;
        case 's':
            options.strict = FY_STRICT;
            break;
        case 'w':
            options.workload = optarg;
            break;
        case 'd':
            options.devices = read_devices(optarg);
            if (options.devices == 0) {
                return CLI_USAGE;
            }
            break;
        case 'h':
            fputs(usage, stdout);
            return CLI_OK;
        case ':':
            return cli_fail(CLI_USAGE, "chips: %s needs a value", argv[optind - 1]);
        default:
            return cli_fail(CLI_USAGE, "chips: unknown option %s; `fuyao chips --help`",
                            argv[optind - 1]);
        }
    }
    fy_catalog *catalog = NULL;
    int rc = cli_catalog(&catalog);
    if (rc == 0) {
        rc = run(catalog, argc - optind, argv + optind, &options);
    }
    fy_catalog_free(catalog);
    return rc;
}

/* ----------------------------------------------------------------------------------- one chip */

/* The text of the chip's note on a cell, "" if there is none. */
static const char *note_on(const fy_chip *chip, const char *key)
{
    size_t len = strlen(key);
    for (int i = 0; i < chip->n_notes; i++) {
        if (strncmp(chip->notes[i], key, len) == 0 && strncmp(chip->notes[i] + len, ": ", 2) == 0) {
            return chip->notes[i] + len + 2;
        }
    }
    return "";
}

static int show_json(const fy_catalog *catalog, const fy_chip *chip, const chips_options *options)
{
    json_t *servers = json_array();
    for (int i = 0; i < fy_catalog_n_servers(catalog); i++) {
        const fy_server *s = fy_catalog_server(catalog, i);
        if (strcmp(s->chip, chip->id) == 0) {
            json_array_append_new(servers, json_string(s->id));
        }
    }
    chips_print_json(json_pack("{s:o, s:o}", "chip", chip_json(chip, options), "servers", servers));
    return CLI_OK;
}

static void print_servers(const fy_catalog *catalog, const fy_chip *chip)
{
    bool first = true;
    for (int i = 0; i < fy_catalog_n_servers(catalog); i++) {
        const fy_server *s = fy_catalog_server(catalog, i);
        if (strcmp(s->chip, chip->id) == 0) {
            printf("%s %s (%d a server)", first ? "servers: " : ",", s->id, s->chips);
            first = false;
        }
    }
    fputs(first ? "" : "\n", stdout);
}

static void print_texts(const fy_chip *chip)
{
    const struct {
        const char *label, *text;
    } texts[] = {
        {"software", chip->vendor_stack},   {"form", chip->form},
        {"memory type", chip->memory_type}, {"device link", chip->link_name},
        {"PCI ids", chip->pci_ids},
    };
    printf("%s: %s%s%s%s%s\n", chip->id, chip->name, chip->vendor[0] != '\0' ? ", " : "",
           chip->vendor, chip->arch[0] != '\0' ? " " : "", chip->arch);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].text[0] != '\0') {
            printf("%s%s: %s", i > 0 ? ", " : "", texts[i].label, texts[i].text);
        }
    }
    fputs(chip->vendor_stack[0] != '\0' ? "\n" : "", stdout);
    for (int i = 0; i < chip->n_aliases; i++) {
        printf("%s%s%s", i == 0 ? "in traces: " : ", ", chip->aliases[i],
               i == chip->n_aliases - 1 ? "\n" : "");
    }
}

int chips_show(const fy_catalog *catalog, const fy_chip *chip, const chips_options *options)
{
    if (options->json) {
        return show_json(catalog, chip, options);
    }
    print_texts(chip);
    fputc('\n', stdout);
    cli_table *table = cli_table_new();
    cli_table_column(table, "QUANTITY", CLI_LEFT);
    cli_table_column(table, "VALUE", CLI_LEFT);
    cli_table_column(table, "GRADE", CLI_LEFT);
    cli_table_column(table, "NOTE", CLI_WRAP);
    for (int i = 0; i < chips_n_fields; i++) {
        const chips_field *f = &chips_fields[i];
        char text[CHIPS_TEXT];
        fy_range r = chips_number(chip, f, options->strict);
        fy_range plain = r;
        plain.grade = FY_GRADE_DATASHEET; /* the grade has its own column */
        cli_table_row(table);
        cli_table_cell(table, "%s", f->label);
        cli_table_cell(table, "%s", chips_text(text, plain, f->dim));
        cli_table_cell(table, "%s", fy_known(r.mid) ? chips_grade_word(r.grade) : "");
        cli_table_cell(table, "%s",
                       r.grade == FY_GRADE_ASSUMED && r.source != NULL ? r.source
                                                                       : note_on(chip, f->key));
    }
    cli_table_print(table);
    printf("\nsource: %s\n", chip->source);
    print_servers(catalog, chip);
    return CLI_OK;
}
