/* SPDX-License-Identifier: MIT */
#include "model/machine.h"

#include <stddef.h>
#include <string.h>

/*
 * Of one generation, dynamic power at full matrix rate over dense fp16 peak [W per TFLOP/s], from
 * the share that one chip sustains in its best product:
 *   Ampere  A100 SXM 400 W: 271 of 312 TFLOP/s (MAMF, stas00/ml-engineering) -> f 0.869,
 *           (400 - 55) / 0.869^3 / 312 = 1.69
 *   Hopper  H100 SXM 700 W: 794 of 989 -> f 0.803, (700 - 70) / 0.803^3 / 989 = 1.23;
 *           H800 PCIe 350 W: this gives 0.68, measured 0.70 (a public microbenchmark, 2026-08)
 *   Ada: not measured, the Hopper figure, as made in a like process
 * Where power was not seen to limit, the best share of the peak alone: MI300X 668 of 1,307 TFLOP/s,
 * B200 1,745 of 2,250, Gaudi 3 1,243 of 1,835 (MAMF, stas00/ml-engineering); A100 PCIe 253 of 312.
 * Others have not been measured: 0.80.
 * Wider formats move more bits: tf32 as fp16 at half the rate, fp8 as fp16 at twice.
 */
typedef struct generation {
    const char *arch;
    double w_per_tflops; /* dense fp16 */
    double issue;        /* best share of peak when power does not limit */
    double fp8;          /* further share in fp8: scaling and casts inside the product */
} generation;

static const generation generations[] = {
    {"Ampere", 1.69, 0.92, 0.9},   {"Hopper", 1.23, 0.95, 0.93}, {"Ada", 1.23, 0.92, 0.93},
    {"Blackwell", 0, 0.776, 0.93}, {"CDNA3", 0, 0.514, 0.93},    {"CDNA2", 0, 0.60, 0.9},
    {"Gaudi3", 0, 0.68, 0.93},     {"Volta", 2.6, 0.80, 0.9},    {"Turing", 2.6, 0.80, 0.9},
};
static const generation other = {"", 0, 0.80, 0.90};

/* Streams reach at most this share of the data sheet's memory bandwidth (STREAM on A100 and H100
 * gives 0.88 to 0.93); the operands of products come at the same. */
static const double operand_share = 0.90;

/* Of the link's rate, what reductions in the switch reach: NCCL's bus bandwidth of 8 H100 rises
 * from about 370 to 480 GB/s, of 450 each way (nccl-tests, published runs): 480 / 1.75 / 370 =
 * 0.74. */
static const double switch_share = 0.74;

/*
 * Of the NICs' rate, what kernels made for dispatch reach: DeepEP on H800 with one 400 Gbit/s NIC
 * each shows 58 and 51 GB/s on 4 and 8 nodes, copies to the own node counted (deepseek-ai/DeepEP,
 * README): 43.5 and 44.6 of 50 GB/s leave the node.
 */
static const double dispatch_share = 0.88;

/* A collective runs on a stream of its own: two events and a launch lie between it and the kernel
 * that waits, and members wait for the one whose host is last. In launches of a kernel. */
static const double sync_launches = 4;

/* One direction of PCIe x16 by generation [B/s]: 16 lanes x 8, 16, 32 GT/s x 128/130 / 8. */
static double pcie_bps(double gen)
{
    return gen >= 5 ? 63.0e9 : gen >= 4 ? 31.5e9 : gen >= 3 ? 15.75e9 : (double)NAN;
}

double fy_cbrt(double x)
{
    if (!(x > 0)) {
        return 0;
    }
    double scale = 1;
    while (x > 8) {
        x /= 8;
        scale *= 2;
    }
    while (x < 1) {
        x *= 8;
        scale /= 2;
    }
    double y = 1.5;
    for (int i = 0; i < 6; i++) { /* Newton; error below 1e-15 after five */
        y -= (y * y * y - x) / (3 * y * y);
    }
    return y * scale;
}

double fy_doublings(double n)
{
    double whole = 0;
    while (n >= 2) {
        n /= 2;
        whole++;
    }
    return n > 1 ? whole + (n - 1) : whole;
}

fy_format fy_precision_format(fy_precision precision)
{
    switch (precision) {
    case FY_PREC_FP32:
        return FY_F32;
    case FY_PREC_TF32:
        return FY_T32;
    case FY_PREC_FP8:
        return FY_F8;
    case FY_PREC_FP16:
    case FY_PREC_BF16:
    case FY_PREC_BF16_PURE:
    case FY_N_PRECISIONS:
        break;
    }
    return FY_F16;
}

static const generation *generation_of(const fy_chip *chip)
{
    for (size_t i = 0; i < sizeof generations / sizeof generations[0]; i++) {
        if (chip->arch && strcmp(chip->arch, generations[i].arch) == 0) {
            return &generations[i];
        }
    }
    return &other;
}

/* Dense rate of 16-bit products [FLOP/s]. */
static double half_rate(const fy_chip *chip)
{
    return fy_known(chip->bf16.mid) ? chip->bf16.mid : chip->fp16.mid;
}

double fy_power_limit_w(const fy_cluster *cluster)
{
    double limit = cluster->chip->tdp_w.mid;
    double cap = cluster->power_cap_w;
    return fy_known(cap) && !(cap > limit) ? cap : limit;
}

/* Synchronous matrix instructions on Hopper [FLOP a clock and SM], 0.62 of the asynchronous ones,
 * and the share of a full product's dynamic power that a kernel made of them draws (assumed: the
 * rate's share, and exponentials beside it). An H100 at 700 W runs them at 0.90 of its clock. */
static const double sync_flop_per_clock = 2540;
static const double sync_power = 0.7;

static double idle_w(const fy_chip *chip)
{
    return fy_known(chip->idle_w.mid) ? chip->idle_w.mid : 0.14 * chip->tdp_w.mid;
}

/* Share of the clock that those kernels keep under the power limit. */
static double sync_clock(const fy_cluster *cluster, const generation *gen)
{
    double demand = gen->w_per_tflops * half_rate(cluster->chip) / 1e12 * sync_power;
    double dynamic = fy_power_limit_w(cluster) - idle_w(cluster->chip);
    return demand > dynamic && dynamic > 0 ? fy_cbrt(dynamic / demand) : 1;
}

/* Share of the dense peak that the best product sustains under the power limit. */
static double sustained(const fy_cluster *cluster, const generation *gen)
{
    const fy_chip *chip = cluster->chip;
    double limit = fy_power_limit_w(cluster);
    double half = half_rate(chip);
    double demand = gen->w_per_tflops * half / 1e12;
    double dynamic = limit - idle_w(chip);
    if (!(demand > 0) || !fy_known(dynamic) || demand <= dynamic) {
        return gen->issue;
    }
    /* below a tenth of the demand no clock is slow enough: checked before (fy_layout_check) */
    double share = fy_cbrt((dynamic > 0.1 * demand ? dynamic : 0.1 * demand) / demand);
    return share < gen->issue ? share : gen->issue;
}

double fy_matrix_power(const fy_chip *chip, double limit_w)
{
    const generation *gen = generation_of(chip);
    double half = half_rate(chip);
    double demand = gen->w_per_tflops * half / 1e12 * gen->issue * gen->issue * gen->issue;
    double beside = 0.45 * (chip->tdp_w.mid - chip->idle_w.mid);
    double way = limit_w - chip->idle_w.mid;
    return demand > 0 && demand + beside < way ? (demand + beside) / way : 1;
}

static void set_matrix(fy_machine *m, const fy_chip *chip, const generation *gen, double share)
{
    double half = half_rate(chip);
    m->peak_flops[FY_F32] = chip->fp32.mid;
    m->peak_flops[FY_T32] = chip->tf32.mid;
    m->peak_flops[FY_F16] = half;
    m->peak_flops[FY_F8] = chip->fp8.mid;
    for (int i = 0; i < FY_N_FORMATS; i++) {
        m->matrix_flops[i] = m->peak_flops[i] * share;
    }
    m->matrix_flops[FY_F8] *= gen->fp8;
}

static bool is_arch(const fy_chip *chip, const char *arch)
{
    return chip->arch != NULL && strcmp(chip->arch, arch) == 0;
}

/* What attention's kernels need beside the matrix rate: see attention.c. */
static void set_vector(fy_machine *m, const fy_cluster *cluster, const generation *gen)
{
    const fy_chip *chip = cluster->chip;
    bool hopper = is_arch(chip, "Hopper");
    bool cuda = chip->vendor && strcmp(chip->vendor, "NVIDIA") == 0;
    m->hopper = hopper ? 1 : 0;
    m->units = fy_known(chip->sms.mid) && cuda ? chip->sms.mid : 0;
    m->clock_hz = chip->boost_hz.mid;
    m->mma_sync_flops = m->matrix_flops[FY_F16];
    if (m->units > 0 && fy_known(m->clock_hz)) {
        m->exp_per_s = 16 * m->units * m->clock_hz; /* CUDA programming guide: 16 a clock and SM */
        bool wide = hopper || is_arch(chip, "Ada") || is_arch(chip, "Blackwell");
        m->alu_per_s = (wide ? 128 : 64) * m->units * m->clock_hz;
        if (hopper) {
            double clock = m->clock_hz * sync_clock(cluster, gen);
            double sync = sync_flop_per_clock * m->units * clock;
            m->mma_sync_flops = sync < m->mma_sync_flops ? sync : m->mma_sync_flops;
        }
    } else {
        m->exp_per_s = m->alu_per_s = NAN;
    }
}

/*
 * What programs can have of the maker's figure, which says GB and means GiB: the driver, firmware
 * and page tables keep 0.8 % (an A100 80 GB shows 79.3 GiB, an H20 97,871 MiB of 96 GiB). GDDR6
 * holds its error correction itself, a sixteenth (A10: 23,028 of 24,576 MiB, L40S 46,068 of
 * 49,152), consumer cards have none; of Blackwell's stacks a part is kept back (B200: 183,359 MiB
 * of 192 GB). Recalled from nvidia-smi listings.
 */
static double usable_share(const fy_chip *chip)
{
    const char *type = chip->memory_type != NULL ? chip->memory_type : "";
    bool consumer = chip->form != NULL && strstr(chip->form, "consumer") != NULL;
    bool own_parity = strcmp(type, "GDDR6") == 0 && !consumer;
    if (is_arch(chip, "Blackwell") && strncmp(type, "HBM", 3) == 0) {
        return 0.929;
    }
    return own_parity ? 0.9375 * 0.987 : 0.992;
}

bool fy_cluster_linked(const fy_cluster *cluster, int devices)
{
    int group = cluster->link_group > 0 ? cluster->link_group : cluster->per_node;
    return cluster->chip->link_bytes_per_s.mid > 0 && devices <= group &&
           devices <= cluster->per_node;
}

fy_machine fy_machine_make(const fy_cluster *cluster, const fy_constants *constants)
{
    const fy_chip *chip = cluster->chip;
    const double *c = constants->value;
    const generation *gen = generation_of(chip);
    double share = sustained(cluster, gen) * c[FY_C_MATMUL];
    fy_machine m = {.per_node = cluster->per_node};
    set_matrix(&m, chip, gen, share);
    set_vector(&m, cluster, gen);
    m.memory_bps = chip->memory_bytes_per_s.mid * c[FY_C_MEMORY];
    m.gemm_memory_bps = chip->memory_bytes_per_s.mid * operand_share;
    m.usable_bytes = chip->memory_bytes.mid / 1e9 * 1073741824.0 * usable_share(chip);
    m.gap_s = c[FY_C_GAP];
    m.launch_s = c[FY_C_LAUNCH];
    m.sync_s = c[FY_C_GAP] + sync_launches * c[FY_C_LAUNCH];
    m.step_s = c[FY_C_STEP];
    m.micro_s = c[FY_C_MICRO];
    double link = chip->link_bytes_per_s.mid;
    double one_way = link > 0 ? link / 2 : pcie_bps(chip->pcie_gen.mid);
    m.link_bps = one_way * c[FY_C_LINK];
    m.pcie_bps = pcie_bps(chip->pcie_gen.mid) * c[FY_C_LINK];
    bool bridged = cluster->link_group > 0 && cluster->link_group < cluster->per_node;
    m.link_group = !(link > 0) ? 0 : bridged ? cluster->link_group : cluster->per_node;
    m.reduce_bps = m.hopper > 0 && link > 0 && !bridged ? m.link_bps * switch_share : 0;
    double carried = cluster->oversubscribed > 1 ? 1 / cluster->oversubscribed : 1;
    m.net_bps = cluster->nic_bytes_per_s * carried * c[FY_C_NETWORK];
    m.dispatch_bps = cluster->nic_bytes_per_s * carried * dispatch_share;
    m.link_latency_s = c[FY_C_LATENCY];
    m.net_latency_s = 3 * c[FY_C_LATENCY];
    m.attention = c[FY_C_ATTENTION];
    m.exposed = c[FY_C_EXPOSED];
    m.jitter = c[FY_C_JITTER];
    return m;
}

const char *fy_machine_unknown(const fy_machine *machine, fy_format format, int devices)
{
    if (!fy_known(machine->matrix_flops[format])) {
        return format == FY_F8 ? "dense fp8 rate" : "dense rate";
    }
    if (!fy_known(machine->memory_bps)) {
        return "memory bandwidth";
    }
    if (devices > 1 && machine->per_node > 1 && !fy_known(machine->link_bps)) {
        return "link bandwidth";
    }
    if (devices > machine->per_node && !fy_known(machine->net_bps)) {
        return "network bandwidth of a node";
    }
    return NULL;
}
