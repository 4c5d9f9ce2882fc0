/* SPDX-License-Identifier: MIT */
#include "model/collective.h"

fy_group fy_group_make(int size, int stride, int per_node)
{
    int in_node = stride < per_node ? per_node / stride : 1;
    if (in_node > size) {
        in_node = size;
    }
    if (in_node < 1) {
        in_node = 1;
    }
    int sharing = per_node / in_node;
    if (size > in_node && size % in_node != 0) { /* ends of two groups meet in a node */
        sharing++;
    }
    return (fy_group){.size = size,
                      .in_node = in_node,
                      .reach = (in_node - 1) * stride + 1,
                      .sharing = sharing > 0 ? sharing : 1};
}

bool fy_group_crosses(fy_group g)
{
    return g.size > g.in_node;
}

/* Between neighbours of a node: their link if it joins so many, else PCIe [B/s]. */
static double inside_bps(const fy_machine *mc, int reach)
{
    return mc->link_group == 0 || reach <= mc->link_group ? mc->link_bps : mc->pcie_bps;
}

/* Bandwidth that each member's ring sees [B/s]: the link, and its share of the node's NICs. */
static double ring_bps(const fy_machine *mc, fy_group g)
{
    double link = inside_bps(mc, g.reach);
    if (!fy_group_crosses(g)) {
        return link;
    }
    double net = mc->net_bps / g.sharing;
    /* several members a node pass its link too; an unknown network stays unknown */
    return net >= link && g.in_node > 1 ? link : net;
}

/* Latency of passing once around, or up a tree between nodes, whichever is less. */
static double once_latency_s(const fy_machine *mc, fy_group g)
{
    double inside = (g.in_node - 1) * mc->link_latency_s;
    if (!fy_group_crosses(g)) {
        return inside;
    }
    double nodes = (double)g.size / g.in_node;
    return inside + fy_doublings(nodes) * mc->net_latency_s;
}

/* Latency of a ring through all members, node by node: gathers and scatters have no tree. */
static double ring_latency_s(const fy_machine *mc, fy_group g)
{
    double nodes = (double)g.size / g.in_node;
    return (g.size - nodes) * mc->link_latency_s +
           (fy_group_crosses(g) ? (nodes - 1) * mc->net_latency_s : 0);
}

double fy_all_gather_s(const fy_machine *mc, fy_group g, double bytes)
{
    if (g.size <= 1 || !(bytes > 0)) {
        return 0;
    }
    double share = (double)(g.size - 1) / g.size;
    return share * bytes / ring_bps(mc, g) + ring_latency_s(mc, g) + mc->sync_s;
}

double fy_all_reduce_s(const fy_machine *mc, fy_group g, double bytes)
{
    if (g.size <= 1 || !(bytes > 0)) {
        return 0;
    }
    double share = 2.0 * (g.size - 1) / g.size;
    double ring = share * bytes / ring_bps(mc, g) + 2 * once_latency_s(mc, g);
    if (!fy_group_crosses(g) &&
        mc->reduce_bps > 0) { /* the switch adds: each sends and receives once */
        double tree = bytes / mc->reduce_bps + 2 * mc->link_latency_s;
        ring = tree < ring ? tree : ring;
    }
    return ring + mc->sync_s;
}

/* Of n equal places those that `copies` thrown at random hit. */
static double hit(double n, double copies)
{
    double missed = 1; /* (1 - 1/n)^copies */
    for (int i = 0; i < (int)copies; i++) {
        missed *= 1 - 1 / n;
    }
    return n * (1 - missed);
}

double fy_places_hit(double places, fy_choice c)
{
    if (c.groups <= 0 || c.chosen <= 0) {
        return hit(places, c.copies);
    }
    if (places < c.groups) { /* a place holds whole groups, of which the chosen ones are hit */
        return hit(places, c.chosen);
    }
    double each = c.copies / c.chosen;
    double hits = c.chosen * hit(places / c.groups, each < 1 ? 1 : each);
    return hits < c.copies ? hits : c.copies;
}

fy_route fy_route_each(const fy_machine *mc)
{
    return (fy_route){.far = 1, .near = 1, .net_bps = mc->net_bps};
}

fy_route fy_route_once(const fy_machine *mc, fy_group g, fy_choice choice)
{
    double k = choice.copies;
    if (!(k > 0)) {
        return fy_route_each(mc);
    }
    return (fy_route){.far = fy_places_hit((double)g.size / g.in_node, choice) / k,
                      .near = fy_places_hit(g.size, choice) / k,
                      .net_bps = mc->dispatch_bps};
}

double fy_dispatch_s(const fy_machine *mc, fy_group g, double bytes, fy_route route)
{
    if (g.size <= 1 || !(bytes > 0)) {
        return 0;
    }
    double others = (double)(g.size - 1) / g.size;
    double away = (double)(g.size - g.in_node) / g.size;
    double near = bytes * (others * route.near - away * route.far) / inside_bps(mc, g.reach);
    double far = 0;
    if (fy_group_crosses(g)) { /* all devices of a node send at once through its NICs */
        far = bytes * away * route.far / (route.net_bps / mc->per_node);
    }
    double latency = g.in_node * mc->link_latency_s +
                     (fy_group_crosses(g) ? fy_doublings(g.size) * mc->net_latency_s : 0);
    return (near > far ? near : far) + latency + mc->sync_s;
}

double fy_send_s(const fy_machine *mc, bool same_node, double bytes)
{
    double bps = same_node ? inside_bps(mc, mc->per_node) : mc->net_bps / mc->per_node;
    return bytes / bps + (same_node ? mc->link_latency_s : mc->net_latency_s);
}

double fy_paid_s(const fy_machine *mc, double comm_s, double behind_s)
{
    double hidden = comm_s < behind_s ? comm_s : behind_s;
    return comm_s - hidden * (1 - mc->exposed);
}
