# What fuyao sim refuses: one line each, exit 2 for input and use, 3 for the environment.

  $ fleet=$ROOT/data/fleets/small-mixed.yaml
  $ cp $ROOT/tests/data/small.csv .
  $ try() { fuyao sim "$@" > out; echo "exit $?"; [ ! -s out ] || echo "printed something"; }
  $ sim() { try --fleet $fleet --trace small.csv "$@"; }

Options.

  $ try
  fuyao: sim: give --fleet FILE and --trace FILE; `fuyao sim --help`
  exit 2
  $ sim --frobnicate
  fuyao: sim: unknown option --frobnicate; `fuyao sim --help`
  exit 2
  $ sim extra
  fuyao: sim: unexpected "extra"; `fuyao sim --help`
  exit 2
  $ sim --round
  fuyao: sim: --round needs a value
  exit 2
  $ sim --round nan
  fuyao: sim: --round nan: give a time above 0, in seconds or with a unit, at most 1e12 s
  exit 2
  $ sim --round -360
  fuyao: sim: --round -360: give a time above 0, in seconds or with a unit, at most 1e12 s
  exit 2
  $ sim --round 0x10
  fuyao: sim: --round 0x10: give a time above 0, in seconds or with a unit, at most 1e12 s
  exit 2
  $ sim --mtbf 1e999
  fuyao: sim: --mtbf 1e999: give a time above 0, in seconds or with a unit, at most 1e12 s
  exit 2
  $ sim --until "3 kg"
  fuyao: sim: --until 3 kg: give a time from 0 to 1e12 s, in seconds or with a unit
  exit 2
  $ sim --power-cap -5
  fuyao: sim: --power-cap -5: give a power from 1 W to 1e12 W, in watts or with a unit
  exit 2
  $ sim --power-cap inf
  fuyao: sim: --power-cap inf: give a power from 1 W to 1e12 W, in watts or with a unit
  exit 2
  $ sim --power-cap "1 kW"
  fuyao: power cap 1000 W: the idle fleet alone may draw 51465 W (PUE included)
  exit 2
  $ sim --seed -1
  fuyao: sim: --seed -1: give a whole number from 0 to 9223372036854775807
  exit 2
  $ sim --seed 99999999999999999999
  fuyao: sim: --seed 99999999999999999999: give a whole number from 0 to 9223372036854775807
  exit 2
  $ sim --seeds 0
  fuyao: sim: --seeds 0: give a whole number from 1 to 1000
  exit 2
  $ sim --seeds 3 --seed 4
  fuyao: sim: --seeds runs seeds 1 to N; leave out --seed and --shuffle
  exit 2
  $ sim --inflate 0
  fuyao: sim: --inflate 0: give a number from 0.001 to 100
  exit 2
  $ sim --shuffle 1
  fuyao: sim: --shuffle goes with --inflate only
  exit 2
  $ sim --limits x0.5
  fuyao: sim: --limits x0.5: give none, trace, exact or xF with F from 1 to 1e6 (x1.5: half as long again)
  exit 2
  $ sim --limits xyz
  fuyao: sim: --limits xyz: give none, trace, exact or xF with F from 1 to 1e6 (x1.5: half as long again)
  exit 2
  $ sim --limits perhaps
  fuyao: sim: --limits perhaps: give none, trace, exact or xF with F from 1 to 1e6 (x1.5: half as long again)
  exit 2
  $ sim --rho ours
  fuyao: sim: --rho ours: give fuyao, gavel or sia
  exit 2
  $ sim --policy fifo,,las
  fuyao: sim: --policy fifo,,las: give 1 to 16 names separated by ','
  exit 2
  $ sim --policy fifo,las,fifo
  fuyao: sim: --policy fifo,las,fifo: give each policy once
  exit 2
  $ sim --policy fifo,best
  fuyao: no policy 'best'; there are fifo, * (glob)
  exit 2
  $ sim --placement tetris
  fuyao: no placement 'tetris'; there are pack, spread, bestfit, fgd
  exit 2
  $ sim --set nothing
  fuyao: sim: --set nothing: give KEY=VALUE; fuyao sim --help lists the keys
  exit 2
  $ sim --set fifo.colour=red
  fuyao: --set fifo.colour: no such setting; fuyao sim --help lists them
  exit 2
  $ sim --set fifo.chip=fastest
  fuyao: --set fifo.chip=fastest: give preference or draw
  exit 2
  $ sim --set costs=some
  fuyao: sim: --set costs=some: give none, default or trace
  exit 2
  $ sim --set mtbf.racks=2
  fuyao: sim: --set mtbf.racks=2: give a share from 0 to 1
  exit 2
  $ sim --set round.hold=60
  fuyao: sim: round.hold and round.whole_steps go with --round only
  exit 2
  $ sim --set costs=trace
  fuyao: --set costs=trace: small.csv states no costs; leave it out or say default
  exit 2
  $ sim --replace h800-sxm5
  fuyao: sim: --replace h800-sxm5: give CHIP=CHIP or CHIP=CHIP:RATIO
  exit 2
  $ sim --replace h800-sxm5=h100-sxm6
  fuyao: cannot replace h800-sxm5: no chip "h100-sxm6" in the catalogue
  exit 2
  $ sim --replace t4=h20-96-sxm5
  fuyao: cannot replace t4: the fleet small-mixed has none
  exit 2
  $ sim --replace h800-sxm5=h20-96-sxm5:-1
  fuyao: sim: --replace h800-sxm5=h20-96-sxm5:-1: give CHIP=CHIP:RATIO with a ratio from 0.0001 to 10000
  exit 2
  $ sim --jobs-out jobs.csv
  fuyao: sim: --jobs-out takes one run, these options make 2; name one policy, no --seeds, and --set costs=none, default or trace
  exit 2
  $ sim --policy fifo --seeds 2 --set costs=none --journal-out journal
  fuyao: sim: --journal-out takes one run, these options make 2; name one policy, no --seeds, and --set costs=none, default or trace
  exit 2
  $ one="--policy fifo --set costs=none"
  $ sim $one --jobs-out ./small.csv
  fuyao: sim: --jobs-out ./small.csv is the file of --trace too; give it another
  exit 2
  $ ln small.csv twin.csv; sim $one --journal-out twin.csv; rm twin.csv
  fuyao: sim: --journal-out twin.csv is the file of --trace too; give it another
  exit 2
  $ sim $one --jobs-out same --journal-out ./same
  fuyao: sim: --jobs-out same is the file of --journal-out too; give it another
  exit 2
  $ fuyao sim --fleet $fleet --trace - $one --jobs-out small.csv < small.csv
  fuyao: sim: --jobs-out small.csv is the file of --trace too; give it another
  [2]
  $ cp $fleet fleet.yaml; try --fleet fleet.yaml --trace small.csv $one --jobs-out fleet.yaml; rm fleet.yaml
  fuyao: sim: --jobs-out fleet.yaml is the file of --fleet too; give it another
  exit 2
  $ sim $one --jobs-out /dev/null --journal-out /dev/null > /dev/null
  $ cmp small.csv $ROOT/tests/data/small.csv
  $ sim --rates rates.json
  fuyao: the canonical format takes no rates file; its column is rates
  exit 2

Files that are not there, not readable or not what they should be.

  $ try --fleet none.yaml --trace small.csv
  fuyao: none.yaml: No such file or directory
  exit 2
  $ try --fleet small.csv --trace small.csv
  fuyao: small.csv:1: expected `key: value` lines here
  exit 2
  $ try --fleet $fleet --trace none.csv
  fuyao: none.csv: cannot be read: No such file or directory
  exit 2
  $ try --fleet $fleet --trace .
  fuyao: .: cannot be read: Is a directory
  exit 3
  $ try --fleet $fleet --trace /dev/null
  fuyao: /dev/null: is empty; a trace has at least one job
  exit 2
  $ head -c 4096 /dev/urandom | tr -d '\n' > binary
  $ try --fleet $fleet --trace binary 2>&1 | sed "s/starts with '.*'; the/starts with '...'; the/"
  fuyao: binary:1: no trace format starts with '...'; the formats are canonical, philly, pai, openb, spot, gavel, sia, swf, sacct; name one with --format
  exit 2
  $ head -1 small.csv > header.csv; try --fleet $fleet --trace header.csv
  fuyao: header.csv: holds no job
  exit 2
  $ head -c 300 small.csv > cut.csv; try --fleet $fleet --trace cut.csv
  fuyao: cut.csv:4: 9 fields where the header has 17; is it cut off?
  exit 2
  $ sim --format excel
  fuyao: 'excel' is no trace format; the formats are canonical, philly, pai, openb, spot, gavel, sia, swf, sacct
  exit 2

Rows: each kind of nonsense names its file and line.

  $ row() { { echo job,submit_s,duration_s,workers,devices,chips,after; printf -- "$1\n"; } > bad.csv; try --fleet $fleet --trace bad.csv --policy fifo; }
  $ row 'a,0,-5,,,,'
  fuyao: bad.csv:2: duration_s is '-5'; it must be seconds as a plain decimal number, 0 or more, such as 3600 or 0.5
  exit 2
  $ row 'a,nan,5,,,,'
  fuyao: bad.csv:2: submit_s is 'nan'; it must be seconds as a plain decimal number, 0 or more, such as 3600 or 0.5
  exit 2
  $ row 'a,0,inf,,,,'
  fuyao: bad.csv:2: duration_s is 'inf'; it must be seconds as a plain decimal number, 0 or more, such as 3600 or 0.5
  exit 2
  $ row 'a,0,99999999999999999999,,,,'
  fuyao: bad.csv:2: duration_s is '99999999999999999999'; it must be less than 1e12 seconds
  exit 2
  $ row 'a,0,5,99999999999,,,'
  fuyao: bad.csv:2: workers is '99999999999'; it must be a whole number from 1 to 1000000
  exit 2
  $ row 'a,0,5,,,h9000,'
  fuyao: bad.csv:2: chips: chip 'h9000' is not in the catalogue; use an id or alias that `fuyao chips` lists
  exit 2
  $ row 'a,0,5,,,,\na,1,5,,,,'
  fuyao: bad.csv:3: job 'a' occurs twice; every job needs a name of its own
  exit 2
  $ row 'a,5,5,,,,\nb,1,5,,,,'
  fuyao: bad.csv:3: job 'b' is submitted before the job above it; sort the rows by submit_s
  exit 2
  $ row 'a,0,5,,,,b\nb,1,5,,,,a'
  fuyao: bad.csv:2: after names 'b', which no row above has; name earlier jobs only
  exit 2
  $ row 'a,0,5,,,,a'
  fuyao: bad.csv:2: after names 'a', which no row above has; name earlier jobs only
  exit 2
  $ row '"a,0,5,,,,'
  fuyao: bad.csv:2: a quote is opened and never closed
  exit 2
  $ row 'a,0,5'
  fuyao: bad.csv:2: 3 fields where the header has 7; is it cut off?
  exit 2
  $ { cat small.csv; echo oops; } | fuyao sim --fleet $fleet --trace - --policy fifo --skip-bad --set costs=none 2>&1 | grep 'bad row\|16:\|^fifo '
  fuyao: 1 bad row passed over:
    standard input:16: 1 fields where the header has 17; is it cut off?
  fifo   none  12/14 2.682 0.5 9.9 0.8697 3.463 33.5 % 33.5 % 0.9 %       0 0.3545 .. 0.6435 42.7 .. 75.84

Events.

  $ event() { { echo time_s,event,name,until_s,tenant,count; printf -- "$1\n"; } > events.csv; sim --events events.csv; }
  $ event '5,explode,h800-0000,,,'
  fuyao: events.csv:2: event 'explode': give down, up, drain, resume, window, deliver or cancel
  exit 2
  $ event '-5,down,h800-0000,,,'
  fuyao: events.csv:2: time_s '-5': give seconds from 0 to 1e12
  exit 2
  $ event '5,down,h800-0002,,,'
  fuyao: events.csv:2: name 'h800-0002': give a node of the fleet: the name of its pool, '-', four digits
  exit 2
  $ event '5,window,h800-0000,4,,'
  fuyao: events.csv:2: until_s '4': give the window's end in seconds, after time_s
  exit 2
  $ event '5,window,h800-0000,10,nobody,'
  fuyao: events.csv:2: tenant 'nobody': give a tenant of the fleet file, or nothing for maintenance
  exit 2
  $ event '5,window,h800-0000,10,,\n8,window,h800-0000,12,,'
  fuyao: events.csv:3: time_s '8': give windows of one node in order of time, none overlapping
  exit 2
  $ event '5,deliver,h900,,,3'
  fuyao: events.csv:2: name 'h900': give a pool of the fleet
  exit 2
  $ event '5,deliver,h800,,,0'
  fuyao: events.csv:2: count '0': give a number of nodes from 1 to 1000000
  exit 2
  $ event '5,cancel,,,,'
  fuyao: events.csv:2: name '': give the name of a job
  exit 2
  $ event '5,cancel,nobody,,,'
  fuyao: event for job 'nobody': no job of that name was submitted before 5 s
  exit 2
  $ event '5,down'
  fuyao: events.csv:2: 2 fields where the header has 6; is it cut off?
  exit 2
  $ echo time_s,event > events.csv; sim --events events.csv
  fuyao: events.csv:1: column name is missing
  exit 2
  $ : > events.csv; sim --events events.csv
  fuyao: events.csv: is empty; its first line is time_s,event,name,until_s,tenant,count
  exit 2
  $ sim --events none.csv
  fuyao: none.csv: cannot be read: No such file or directory
  exit 2

A disk that is full, a folder that cannot be written: no file is left.

  $ sim $one --jobs-out /dev/full
  fuyao: cannot write /dev/full: No space left on device
  exit 3
  $ sim $one --journal-out /dev/full
  fuyao: cannot write /dev/full: No space left on device
  exit 3
  $ fuyao sim --fleet $fleet --trace small.csv $one > /dev/full
  fuyao: cannot write to standard output: No space left on device
  [3]
  $ fuyao sim --fleet $fleet --trace small.csv $one --json > /dev/full
  fuyao: cannot write to standard output: No space left on device
  [3]
  $ sim $one --jobs-out none/jobs.csv
  fuyao: cannot write none/jobs.csv: No such file or directory
  exit 3
  $ mkdir there; sim $one --jobs-out there
  fuyao: cannot write there: Is a directory
  exit 3
  $ (ulimit -f 1; sim $one --journal-out small.journal)
  fuyao: cannot write small.journal: File too large
  exit 3
  $ ls
  bad.csv
  binary
  cut.csv
  events.csv
  header.csv
  out
  small.csv
  there
