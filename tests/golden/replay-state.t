# fuyao replay STATE: what a daemon keeps, its archive first, is the journal once more.

  $ fleet=$ROOT/data/fleets/small-mixed.yaml
  $ fuyao gen --fleet $fleet --days 1 --load 1.5 --seed 3 -o day.csv
  $ fuyao sim --fleet $fleet --trace day.csv --policy las --set costs=default --seed 7 --journal-out j --json >sim.json
  $ $BUILD/tests/fill-store state 7 <j
  6\d\d records, 5\d\d of them in the archive (re)
  $ fuyao replay state --json >a; fuyao replay j --json >b; cmp a b
  $ fuyao replay state/state.db --json | cmp - b
  $ fuyao replay state --verify >a && fuyao replay j --verify | cmp - a
  $ fuyao replay state --policy fifo >a; fuyao replay j --policy fifo | cmp - a

The archive's files are journals, hashes and bodies between the lines as notes; only the first begins a history.

  $ ls state state/archive
  state:
  archive
  lock
  state.db
  state.db-shm
  state.db-wal
  
  state/archive:
  1970-01-01-000000000001.journal
  1970-01-01-000000000071.journal
  1970-01-01-000000000141.journal
  1970-01-01-000000000211.journal
  1970-01-01-000000000281.journal
  1970-01-01-000000000351.journal
  1970-01-01-000000000421.journal
  1970-01-01-000000000491.journal
  $ head -4 state/archive/1970-01-01-000000000001.journal
  fuyao-journal 1
  # records from 1, after 0000000000000000000000000000000000000000000000000000000000000000
  36000000 chip chip=0 name=h800-sxm5
  #= [0-9a-f]{64} (re)
  $ grep -hv '^[#f]' state/archive/*.journal >lines; sed 1d j | head -$(wc -l <lines) | cmp - lines
  $ fuyao replay state/archive/1970-01-01-000000000001.journal | tail -1
  digest [0-9a-f]{16} (re)
  $ fuyao replay state/archive/1970-01-01-000000000071.journal
  fuyao: state/archive/1970-01-01-000000000071.journal begins with record 71 of a longer history: name the state folder
  [2]

A backup is a state folder; one command makes it, and never over another.

  $ fuyao backup state copy && fuyao replay copy --json | cmp - b
  $ ls copy/archive >a; ls state/archive | cmp - a
  $ fuyao backup state copy
  fuyao: copy is there already: name a folder that is not
  [2]
  $ fuyao backup nowhere copy2
  fuyao: cannot open nowhere/state.db: No such file or directory
  [2]
  $ fuyao backup state
  fuyao: backup: name the state folder and the folder to make
  [2]
  $ ls copy2
  ls: cannot access 'copy2': No such file or directory
  [2]

What does not hold together is named.

  $ change() { python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()' "$@"; }
  $ change state/state.db "UPDATE record SET line = line || ' ' WHERE seq = (SELECT max(seq) - 5 FROM record)"
  $ fuyao replay state
  fuyao: state/state\.db: record 6\d\d does not match its hash: it was changed, or the disk returned other bytes than were written; restore a backup \(docs/operate.md, Recovery\); the 6\d\d events before it were applied (re)
  [2]
  $ rm state/archive/*-000000000071.journal
  $ fuyao replay state
  fuyao: state/archive: no file holds record 71: put the archive files of this state back (docs/operate.md, Recovery)
  [2]
  $ mkdir empty && fuyao replay empty
  fuyao: cannot open empty/state.db: No such file or directory
  [2]
  $ change empty/state.db "CREATE TABLE t (a)" && fuyao replay empty
  fuyao: empty/state.db is a database, but not a state of fuyao's
  [2]
