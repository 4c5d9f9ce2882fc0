/* SPDX-License-Identifier: MIT */
#include "model/stack.h"

#include "fuyao/calibrate.h"

#include <string.h>

static const char *const names[FY_N_CONSTANTS] = {
    [FY_C_MATMUL] = "matmul",   [FY_C_MEMORY] = "memory",   [FY_C_ATTENTION] = "attention",
    [FY_C_GAP] = "gap",         [FY_C_LAUNCH] = "launch",   [FY_C_LINK] = "link",
    [FY_C_NETWORK] = "network", [FY_C_LATENCY] = "latency", [FY_C_EXPOSED] = "exposed",
    [FY_C_STEP] = "step",       [FY_C_MICRO] = "micro",     [FY_C_JITTER] = "jitter",
};

const char *fy_constant_name(fy_constant constant)
{
    return names[constant];
}

int fy_stacks_count(const fy_stacks *stacks)
{
    return stacks->n_stacks;
}

const fy_stack *fy_stacks_at(const fy_stacks *stacks, int i)
{
    return &stacks->stacks[i];
}

const fy_stack *fy_stacks_find(const fy_stacks *stacks, const char *id)
{
    for (int i = 0; i < stacks->n_stacks; i++) {
        if (strcmp(stacks->stacks[i].id, id) == 0) {
            return &stacks->stacks[i];
        }
    }
    return NULL;
}

/* A pair with fewer rows than this says hardly more than the prior: another's constants stand in.
 */
enum { FEW_ROWS = 8 };

/* Constants measured on this very chip under this stack, the last file's first. */
static const fy_fitted *find_own(const fy_stacks *stacks, const char *chip, const char *stack)
{
    for (int i = stacks->n_fitted - 1; i >= 0; i--) {
        const fy_fitted *f = &stacks->fitted[i];
        if (f->chip != NULL && strcmp(f->chip, chip) == 0 && strcmp(f->stack, stack) == 0) {
            return f;
        }
    }
    return NULL;
}

/* Constants of one family and stack; those without `without` where it took part. */
static const fy_fitted *find_fitted(const fy_stacks *stacks, const char *family, const char *stack,
                                    const char *without)
{
    const fy_fitted *all = NULL;
    for (int i = 0; i < stacks->n_fitted; i++) {
        const fy_fitted *f = &stacks->fitted[i];
        if (f->chip != NULL || strcmp(f->stack, stack) != 0 || strcmp(f->family, family) != 0) {
            continue;
        }
        if (without != NULL && strcmp(f->without, without) == 0) {
            return f->site || f->constants.rows >= FEW_ROWS ? f : NULL;
        }
        if (f->without[0] == '\0' && (f->site || f->constants.rows >= FEW_ROWS)) {
            all = f; /* the last */
        }
    }
    return all;
}

/* The same of whichever family has most rows. */
static const fy_fitted *find_any(const fy_stacks *stacks, const char *stack, const char *without)
{
    const fy_fitted *most = NULL;
    for (int i = 0; i < stacks->n_fitted; i++) {
        const fy_fitted *f = &stacks->fitted[i];
        if (f->chip == NULL && strcmp(f->stack, stack) == 0) {
            f = find_fitted(stacks, f->family, stack, without);
            if (f != NULL && (most == NULL || f->constants.rows > most->constants.rows)) {
                most = f;
            }
        }
    }
    return most;
}

static const char *near_of(const fy_stacks *stacks, const char *id)
{
    for (int i = 0; i < stacks->n_stacks; i++) {
        if (strcmp(stacks->stacks[i].id, id) == 0) {
            return stacks->near[i];
        }
    }
    return NULL;
}

/* Deviation where constants are another pair's, beside what interval.c adds for every term: the
 * chip's generation differs; the framework; or the chip's maker is another than NVIDIA. */
static const double family_spread = 0.05;
static const double stack_spread = 0.07;
static const double foreign_spread = 0.15;

/* What is known of a stack that runs on another family or of another stack is less sure. */
static fy_constants borrowed(const fy_fitted *f, const fy_chip *chip, bool other_stack)
{
    fy_constants c = f->constants;
    bool foreign = chip->vendor == NULL || strcmp(chip->vendor, "NVIDIA") != 0;
    c.grade = FY_GRADE_ASSUMED;
    c.spread = foreign ? foreign_spread : other_stack ? stack_spread : family_spread;
    memset(&c.reach, 0, sizeof c.reach); /* of other runs: nothing is known to be like them */
    return c;
}

fy_constants fy_stacks_constants(const fy_stacks *stacks, const fy_stack *stack,
                                 const fy_chip *chip, const char *without)
{
    const char *family = chip->arch != NULL ? chip->arch : "";
    const fy_fitted *own = find_own(stacks, chip->id, stack->id);
    own = own != NULL ? own : find_fitted(stacks, family, stack->id, without);
    if (own != NULL) {
        return own->constants;
    }
    const char *id = stack->id;
    for (int hops = 0; id != NULL && hops < stacks->n_stacks; hops++) {
        const fy_fitted *f = hops > 0 ? find_fitted(stacks, family, id, without) : NULL;
        f = f != NULL ? f : find_any(stacks, id, without);
        if (f != NULL) {
            return borrowed(f, chip, hops > 0);
        }
        id = near_of(stacks, id);
    }
    return stacks->prior;
}
