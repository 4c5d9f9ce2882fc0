/* SPDX-License-Identifier: MIT */
/* Names of events and reasons. */
#include "fuyao/event.h"

static const struct {
    const char *name;
    bool ours;
} kinds[FY_N_EVENT_KINDS] = {
    [FY_EV_CHIP_ADDED] = {"chip", false},
    [FY_EV_NODE_ADDED] = {"node", false},
    [FY_EV_NODE_DOWN] = {"node-down", false},
    [FY_EV_NODE_UP] = {"node-up", false},
    [FY_EV_NODE_DRAINED] = {"node-drained", false},
    [FY_EV_NODE_RESUMED] = {"node-resumed", false},
    [FY_EV_NODE_RESERVED] = {"node-reserved", false},
    [FY_EV_TENANT_SET] = {"tenant", false},
    [FY_EV_SUBMITTED] = {"submitted", false},
    [FY_EV_CANCELLED] = {"cancelled", false},
    [FY_EV_FINISHED] = {"finished", false},
    [FY_EV_FAILED] = {"failed", false},
    [FY_EV_PROGRESS] = {"progress", false},
    [FY_EV_LIMITS] = {"limits", false},
    [FY_EV_HELD] = {"held", false},
    [FY_EV_RELEASED] = {"released", false},
    [FY_EV_MIX] = {"mix", false},
    [FY_EV_ROUND] = {"round", true},
    [FY_EV_STARTING] = {"starting", true},
    [FY_EV_STARTED] = {"started", true},
    [FY_EV_STOPPING] = {"stopping", true},
    [FY_EV_STOPPED] = {"stopped", true},
    [FY_EV_RESIZING] = {"resizing", true},
    [FY_EV_MOVED] = {"moved", true},
    [FY_EV_CHECKPOINTED] = {"checkpointed", true},
    [FY_EV_RATED] = {"rated", true},
};

const char *fy_event_name(fy_event_kind kind)
{
    return (int)kind >= 0 && kind < FY_N_EVENT_KINDS ? kinds[kind].name : "unknown";
}

bool fy_event_is_ours(fy_event_kind kind)
{
    return (int)kind >= 0 && kind < FY_N_EVENT_KINDS && kinds[kind].ours;
}

static const struct {
    const char *name, *text;
} reasons[FY_N_REASONS] = {
    [FY_WHY_NONE] = {"none", "no reason recorded"},
    [FY_WHY_FIRST] = {"first", "first in the policy's order, and it fits"},
    [FY_WHY_BACKFILL] = {"backfill", "fits without delaying the reservation of another job"},
    [FY_WHY_GUARANTEE] = {"guarantee", "its tenant is below its guarantee"},
    [FY_WHY_GAIN] = {"gain", "loses most without this chip"},
    [FY_WHY_PREEMPT_LEVEL] = {"preempt-level", "makes room for a job that has attained less"},
    [FY_WHY_PREEMPT_RECLAIM] = {"preempt-reclaim", "makes room for a tenant below its guarantee"},
    [FY_WHY_PREEMPT_ORDER] = {"preempt-order", "makes room for a job that comes first"},
    [FY_WHY_BETTER_CHIP] = {"better-chip", "moves to a chip on which it gains more"},
    [FY_WHY_NO_DEVICES] = {"no-devices", "too few free devices of the chips it accepts"},
    [FY_WHY_FRAGMENTED] = {"fragmented", "enough devices are free, but not on suitable nodes"},
    [FY_WHY_BEHIND] = {"behind", "another job stands before it and must go first"},
    [FY_WHY_RESERVED] = {"reserved", "would delay the reservation of another job"},
    [FY_WHY_TENANT_LIMIT] = {"tenant-limit", "its tenant has reached its borrowing limit"},
    [FY_WHY_ARRAY_LIMIT] = {"array-limit", "its array already runs as many tasks as it may"},
    [FY_WHY_POWER_CAP] = {"power-cap", "would exceed the power cap"},
    [FY_WHY_DEPENDS] = {"depends", "waits for another job to finish well"},
    [FY_WHY_HELD] = {"held", "is held"},
    [FY_WHY_NEVER_CHIP] = {"never-chip", "accepts no chip of this fleet that it has a rate for"},
    [FY_WHY_NEVER_SIZE] = {"never-size", "is larger than the fleet"},
    [FY_WHY_NEVER_TIGHT] = {"never-tight", "fits on no nodes as few as it must keep to"},
    [FY_WHY_NEVER_POWER] = {"never-power", "needs more power than the cap leaves an idle fleet"},
    [FY_WHY_NEVER_DEPENDS] = {"never-depends", "waits for a job that did not finish well"},
    [FY_WHY_WINDOW] = {"window", "a maintenance window or reservation is too near"},
    [FY_WHY_NEXT_ROUND] = {"next-round", "the next round has not come yet"},
    [FY_WHY_CANCELLED] = {"cancelled", "is cancelled"},
    [FY_WHY_TIME_LIMIT] = {"time-limit", "has reached its time limit"},
    [FY_WHY_REQUEUED] = {"requeued", "goes back to the queue, as somebody asked"},
};

const char *fy_reason_name(fy_reason reason)
{
    return (int)reason >= 0 && reason < FY_N_REASONS ? reasons[reason].name : "unknown";
}

const char *fy_reason_text(fy_reason reason)
{
    return (int)reason >= 0 && reason < FY_N_REASONS ? reasons[reason].text : "unknown";
}
