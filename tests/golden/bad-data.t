# A data folder that is missing, broken or unreadable, and output that cannot be written.

  $ FUYAO_DATA=/nonexistent fuyao chips
  fuyao: FUYAO_DATA is /nonexistent, but there is no catalog.yaml in it
  [3]
  $ cp -r "$FUYAO_DATA" data && export FUYAO_DATA=data
  $ break_chip() { cp "$ROOT"/data/chips/amd.yaml data/chips/amd.yaml; sed -i "$1" data/chips/amd.yaml; fuyao chips >out; echo "exit $?, $(wc -c <out) bytes of output"; }
  $ break_chip 's/tdp: 560 W/tdp: 560/'
  fuyao: data/chips/amd.yaml:23: tdp: "560" has no unit; write for example 400 W or 10.2 kW
  exit 2, 0 bytes of output
  $ break_chip 's/tdp: 560 W/tdp: -560 W/'
  fuyao: data/chips/amd.yaml:23: tdp: "-560 W" is negative; a power must be positive, for example 400 W or 10.2 kW
  exit 2, 0 bytes of output
  $ break_chip 's/tdp: 560 W/tdp: nan W/'
  fuyao: data/chips/amd.yaml:23: tdp: "nan W" is not a power; write for example 400 W or 10.2 kW
  exit 2, 0 bytes of output
  $ break_chip 's/tdp: 560 W/tdp: 1e999 W/'
  fuyao: data/chips/amd.yaml:23: tdp: "1e999 W" is too large for a power
  exit 2, 0 bytes of output
  $ break_chip 's/tdp: 560 W/tdp: 560 GB/'
  fuyao: data/chips/amd.yaml:23: tdp: "560 GB" is not a power; write for example 400 W or 10.2 kW
  exit 2, 0 bytes of output
  $ break_chip 's/tdp: 560 W/watts: 560 W/'
  fuyao: data/chips/amd.yaml:23: unknown key "watts"
  exit 2, 0 bytes of output
  $ break_chip 's/tdp: 560 W/tdp:/'
  fuyao: data/chips/amd.yaml:23: empty value; leave out what is unknown
  exit 2, 0 bytes of output
  $ break_chip 's/memory: 128 GB/memory: 0 GB/'
  fuyao: data/chips/amd.yaml:17: memory: "0 GB" must be positive; leave out what is unknown
  exit 2, 0 bytes of output
  $ break_chip 's/id: mi300x/id: mi250x/'
  fuyao: data/chips/amd.yaml:37: chip "mi250x" is there twice
  exit 2, 0 bytes of output
  $ break_chip 's/id: mi300x/id: t4/'
  fuyao: data/chips/amd.yaml:37: chip "t4" is there twice
  exit 2, 0 bytes of output
  $ break_chip 's/confidence: recalled/confidence: sure/'
  fuyao: data/chips/amd.yaml:30: confidence "sure" is none of datasheet, measured, recalled, derived
  exit 2, 0 bytes of output
  $ break_chip 's/cell: sms/cell: cores/'
  fuyao: data/chips/amd.yaml:32: a note on an unknown cell "cores"
  exit 2, 0 bytes of output
  $ break_chip '5q'
  fuyao: data/chips/amd.yaml:5: the key "source" is missing
  exit 2, 0 bytes of output
  $ break_chip '1,$d'
  fuyao: data/chips/amd.yaml: the file is empty
  exit 2, 0 bytes of output
  $ break_chip 's/name: "*Instinct MI250X"*/name: "Instinct/'
  fuyao: data/chips/amd.yaml:28: not valid YAML: did not find expected key
  exit 2, 0 bytes of output
  $ printf '\200\201\0\1binary' >data/chips/amd.yaml; fuyao chips; echo "exit $?"
  fuyao: data/chips/amd.yaml: not a text file (invalid leading UTF-8 octet)
  exit 2
  $ cp "$ROOT"/data/chips/amd.yaml data/chips/amd.yaml
  $ sed -i 's/range: 0.08 .. 0.12 .. 0.2,/range: 0.2 .. 0.12 .. 0.08,/' data/assumptions.yaml; fuyao chips; echo "exit $?"
  fuyao: data/assumptions.yaml:74: range: "0.2 .. 0.12 .. 0.08" is out of order; write LOW .. MID .. HIGH
  exit 2
  $ cp "$ROOT"/data/assumptions.yaml data/
  $ sed -i 's/compute: 75 %/compute: 70 %/' data/evidence.yaml; fuyao chips; echo "exit $?"
  fuyao: data/evidence.yaml:98: the shares of dense-training sum to 0.95; they must sum to 1
  exit 2
  $ rm data/evidence.yaml; fuyao chips; echo "exit $?"
  fuyao: data/evidence.yaml: No such file or directory
  exit 2
  $ cp "$ROOT"/data/evidence.yaml data/
  $ fuyao chips >/dev/full; echo "exit $?"
  fuyao: cannot write to standard output: No space left on device
  exit 3
  $ fuyao chips show t4 --json >/dev/full; echo "exit $?"
  fuyao: cannot write to standard output: No space left on device
  exit 3
  $ python3 -c 'import os; r, w = os.pipe(); os.close(r); os.dup2(w, 1); os.execvp("fuyao", ["fuyao", "chips"])'; echo "exit $?"
  exit 3
