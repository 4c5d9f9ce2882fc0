What a daemon refuses to trust, and what keeps one user from taking everything.

  $ cd "$CRAMTMP"; export FUYAO_SOCKET="$PWD/s" TZ=UTC
  $ cat >fleet.yaml <<'END'
  > name: tiny
  > note: for a test
  > price: assumed cn-hebei-zhangbei
  > currency: CNY
  > pools:
  >   - {name: h800, server: hgx-h800, nodes: 1, cpu: 64, memory: 512 GiB}
  > END

A state folder in which others may write is refused: whoever writes there is the daemon.

  $ mkdir open && chmod 0777 open
  $ fuyao serve --state open --fleet fleet.yaml
  fuyao: others may write in the state folder .*/open: take that away .* (re)
  [2]
  $ ls -A open
  $ mkdir theirs; [ $(id -u) != 0 ] || chown 61234 theirs
  $ [ $(id -u) != 0 ] || fuyao serve --state theirs --fleet fleet.yaml 2>&1 | grep -c 'belongs to another user (uid 61234)' | grep -v 1
  [1]
  $ ls -A theirs

The socket has its mode from the beginning, also under a strict mask. More connections than open files would keep
the daemon from its runs: the limit is raised, and where it cannot be there are fewer connections.

  $ (umask 077; ulimit -n 600; exec timeout 240 fuyao serve --state state --fleet fleet.yaml) >log 2>&1 & daemon=$!
  $ timeout 60 sh -c 'until fuyao status >status 2>errors; do sleep 0.05; done'
  $ grep -o 'only .*' log
  only 344 connections at once: the limit on open files is 600
  $ stat -c %A s state
  srw-rw-rw-
  drwx--x--x
  $ kill $daemon; wait $daemon || true
