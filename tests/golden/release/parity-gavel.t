# Gavel's traces give Gavel's answers: 360 s rounds, no switching cost, strict fifo. Figures are mean
# JCT in hours; `near` prints ok within the tolerance.

  $ [ -n "$SHARED" ] || exit 80
  $ traces=$SHARED/traces/gavel
  $ jct() { fuyao sim --rates $traces/simulation_throughputs.json --round 360 --set costs=none --json "$@" | awk '/"jct_s"/ {here = 1} here && /"mean"/ {sub(/,/, "", $2); printf "%.3f\n", $2 / 3600; exit}'; }
  $ near() { awk -v x="$1" -v want="$2" -v off="$3" 'BEGIN {d = x - want; d = d < 0 ? -d : d; print d <= off ? "ok" : x " is not within " off " of " want}'; }
  $ within() { near "$1" "$2" "$(awk "BEGIN {print $2 * 0.02}")"; }
  $ most() { awk -v x="$1" -v y="$2" 'BEGIN {print x <= y ? "ok" : x " is more than " y}'; }
  $ one() { jct --fleet $ROOT/data/fleets/gavel-36x3.yaml --trace $traces/generated_36x36x36_lam600_seed0_400jobs.trace "$@"; }
  $ two() { jct --fleet $ROOT/data/fleets/gavel-12x3.yaml --trace $traces/msr_e13805_seed0_newformat.trace "$@"; }

The fastest chip with room, chosen anew at each decision.

  $ within $(one --policy fifo --set fifo.anew=yes) 15.9
  ok
  $ within $(two --policy fifo --set fifo.anew=yes) 28.6
  ok

Decisions held and whole steps: Gavel's own figures.

  $ held="--policy fifo --set fifo.anew=yes --set round.hold=1920 --set round.whole_steps=yes"
  $ within $(one $held) 16.26
  ok
  $ within $(two $held) 28.77
  ok

One of the chips with room, drawn and kept.

  $ near $(one --policy fifo --set fifo.chip=draw --seeds 20) 30.4 1.5
  ok

gain, against 15.78 and 22.17 of Gavel's linear program.

  $ most $(one --policy gain) 15.4
  ok
  $ most $(two --policy gain) 21.4
  ok
  $ most 14.70 $(one --policy gain)
  ok
  $ most 16.48 $(two --policy gain)
  ok

Perturbed: another seed, a tenth more or less capacity.

  $ near $(one --policy fifo --set fifo.chip=draw --seed 4711) 30.4 6
  ok
  $ for devices in 40 32; do sed "s/devices: 36/devices: $devices/" $ROOT/data/fleets/gavel-36x3.yaml > $devices.yaml; done
  $ for devices in 13 11; do sed "s/devices: 12/devices: $devices/" $ROOT/data/fleets/gavel-12x3.yaml > $devices.yaml; done
  $ try() { jct --fleet $1.yaml --trace $traces/$2 "${@:3}"; }
  $ t=generated_36x36x36_lam600_seed0_400jobs.trace
  $ most $(try 40 $t --policy fifo --set fifo.anew=yes) $(one --policy fifo --set fifo.anew=yes)
  ok
  $ most $(one --policy fifo --set fifo.anew=yes) $(try 32 $t --policy fifo --set fifo.anew=yes)
  ok
  $ most $(try 40 $t --policy gain) $(one --policy gain)
  ok
  $ most $(one --policy gain) $(try 32 $t --policy gain)
  ok
  $ t=msr_e13805_seed0_newformat.trace
  $ most $(try 13 $t --policy fifo --set fifo.anew=yes) $(two --policy fifo --set fifo.anew=yes)
  ok
  $ most $(two --policy fifo --set fifo.anew=yes) $(try 11 $t --policy fifo --set fifo.anew=yes)
  ok
  $ most $(try 13 $t --policy gain) $(two --policy gain)
  ok
  $ most $(two --policy gain) $(try 11 $t --policy gain)
  ok

Arrivals a tenth further apart.

  $ awk 'BEGIN {FS = OFS = "\t"} {$10 = sprintf("%.3f", $10 * 1.1); print}' $traces/$t > sparse.trace
  $ sparse() { jct --fleet $ROOT/data/fleets/gavel-12x3.yaml --trace sparse.trace "$@"; }
  $ most $(sparse --policy fifo --set fifo.anew=yes) $(two --policy fifo --set fifo.anew=yes)
  ok
  $ most $(sparse --policy gain) $(two --policy gain)
  ok
