/* SPDX-License-Identifier: MIT */
/* The stacks as their loader fills them; private to the model. */
#ifndef FUYAO_MODEL_STACK_H
#define FUYAO_MODEL_STACK_H

#include "base/arena.h"
#include "fuyao/plan.h"

/* Constants fitted for one family and stack, perhaps without the rows of one set. */
typedef struct fy_fitted {
    const char *chip;    /* id: for this chip alone; NULL = for the family */
    const char *family;  /* fy_chip.arch */
    const char *stack;   /* id */
    const char *without; /* "" = all rows */
    bool site;           /* measured on a site: few rows count */
    fy_constants constants;
} fy_fitted;

struct fy_stacks {
    fy_arena arena;
    fy_stack *stacks;  /* [n_stacks], as in the file */
    const char **near; /* [n_stacks] id of the stack whose constants stand in; NULL = none */
    int n_stacks;
    fy_fitted *fitted; /* [n_fitted] */
    int n_fitted;
    fy_constants prior; /* where nothing was fitted */
};

/*
 * As fy_stacks_load from memory: the text of a stacks file, and of a file of constants that has a
 * prior. The names stand for the files in errors.
 */
int fy_stacks_parse(fy_stacks **out, const char *stacks_name, const char *stacks, size_t len,
                    const char *constants_name, const char *constants, size_t constants_len,
                    fy_err *err) FY_NODISCARD;

#endif
