/* SPDX-License-Identifier: MIT */
/*
 * An engine that runs nothing: it keeps, in memory and in simulated time, what would truly run, and
 * shows it as badly as docs/engine.md allows an engine to: late, lost, twice, out of order, with
 * runs that nobody asked for, or not at all for ten minutes. Deterministic by its seed. It lives on
 * while the daemon before it is closed and opened again, as real runs do.
 *
 *     what it does (truth): ASKED ─► ALIVE ─► GONE     kept for ever, as marks for a checker
 *     what it shows:        the truth of some earlier instant, hints, lies
 *
 * It never lies where an engine may not: EXITED is shown of a run that was really asked for only
 * once it is gone. It checks itself that no job runs twice at once, that no attempt begins twice,
 * and that no device carries more than one device of work: fy_fake_violation.
 */
#ifndef FUYAO_DAEMON_ENGINE_FAKE_H
#define FUYAO_DAEMON_ENGINE_FAKE_H

#include "daemon/engine.h"

typedef struct fy_fake fy_fake;

/* All chances are of 1 and drawn a run, a verb, a hint or a list; durations in microseconds. */
typedef struct fy_fake_options {
    uint64_t seed;
    int64_t start_us;            /* from the verb to the first process, at most (uniform) */
    int64_t stop_us;             /* from kill to the last process gone, at most */
    int64_t run_us;              /* how long a run takes whose submission states no estimate */
    double run_low, run_high;    /* a run takes its estimate times something in this range, on other
                                    chips as their stated rates say, less what was saved before */
    double fail, crash;          /* exits with 1; dies of a signal */
    double refuse, lose, vanish; /* cannot start; ends and nobody saw how; its shim freezes */
    double deaf;                 /* takes no notice of its checkpoint signal or TERM */
    double late;                 /* a start or an end is shown late, by at most `late_us` */
    int64_t late_us;
    double drop_verb; /* a verb returns 0 and nothing happens */
    double error;     /* a verb or look returns FY_EIO; half of the verbs are carried out */
    double drop_hint, repeat_hint, stray_hint;
    bool reorder; /* hints come in any order */
    double hide;  /* a run is missing from one list */
    double lie;   /* a list shows a run that is none, an old attempt, or an end again */
    double wild;  /* a progress report is NAN, negative, falling or beyond the work */
} fy_fake_options;

fy_fake_options fy_fake_honest(void);           /* prompt, and true: every chance is 0 */
fy_fake_options fy_fake_hostile(uint64_t seed); /* a little of everything */

/* Cannot fail. The engine's own close() does nothing; fy_fake_free ends it. */
fy_fake *fy_fake_new(const fy_fake_options *options);
void fy_fake_free(fy_fake *fake); /* NULL allowed */
fy_engine *fy_fake_engine(fy_fake *fake);

/* Change the chances and durations from now on; the seed and what has been drawn stay. */
void fy_fake_set(fy_fake *fake, const fy_fake_options *options);

/* Let what is due up to `now_us` happen; never goes back. */
void fy_fake_advance(fy_fake *fake, int64_t now_us);
/* The next instant at which something happens or a hint is due; INT64_MAX: nothing. */
int64_t fy_fake_next(const fy_fake *fake);

/* ------------------------------------------------------------------ by hand */

/* Until then each verb, look and list fails (`errors`), or is taken but shows and does nothing. */
void fy_fake_silence(fy_fake *fake, int64_t until_us, bool errors);
/* A run that is alive ends now, or loses its end; false: it is not alive. */
bool fy_fake_finish(fy_fake *fake, fy_run_key key, int exit_code, int exit_signal);
bool fy_fake_lose(fy_fake *fake, fy_run_key key);
/* What nodes() says of a node (copied); of others nothing. A node that goes down takes nothing with
 * it: the daemon decides. */
void fy_fake_node(fy_fake *fake, const char *name, bool up, const char *why);

/* ------------------------------------------------------------------ truth */

typedef struct fy_fake_device {
    const char *node;
    int32_t device;
} fy_fake_device;

/* One for each attempt that was asked for, in that order. */
typedef struct fy_fake_mark {
    fy_run_key key;
    int64_t began_us, ended_us;    /* of its processes; -1 = not (yet) */
    const fy_fake_device *devices; /* [n_devices], borrowed */
    int32_t n_devices;
    int milli; /* share of its device; 0 = whole ones */
    int exit_code, exit_signal;
    bool checkpointed; /* all its work was saved when it ended */
    bool finished;     /* it did all its work */
} fy_fake_mark;

size_t fy_fake_marks(const fy_fake *fake);
fy_fake_mark fy_fake_mark_get(const fy_fake *fake, size_t i);

/* NULL while all is well, else the first breach in one line; borrowed. */
const char *fy_fake_violation(const fy_fake *fake);

#endif
