The example training resumes exactly: killed, signalled and stopped, it prints the losses of a run
that never was.

  $ cd "$CRAMTMP"
  $ reached() { timeout 60 sh -c 'until grep -q "^step $0 " "$1"; do sleep 0.01; done' "$1" "$2"; }
  $ part() { charmodel --steps 1500 --print 1 --every 97 --pause 1 --checkpoint part.ckpt "$@" >>part.out 2>&1 & pid=$!; }
  $ charmodel --steps 1500 --print 1 --checkpoint whole.ckpt >whole.out; tail -n 1 whole.out
  done after 1500 steps

Killed without warning: what came after the last checkpoint is done again, with the same losses.

  $ part; reached 250 part.out; kill -9 $pid; { wait $pid; } 2>errors
  [137]
  $ part; reached 450 part.out; kill -9 $pid; { wait $pid; } 2>errors
  [137]
  $ grep resumed part.out
  resumed at step (\d+) (re)

SIGUSR1 writes a checkpoint and goes on; SIGTERM writes one and stops with exit 0, and so does
SIGUSR1 where that is wanted. Steps done and saved are told to who asks for them.

  $ export FUYAO_PROGRESS=progress
  $ part; reached 500 part.out; kill -USR1 $pid; reached 600 part.out; kill -TERM $pid; wait $pid
  $ tail -n 1 part.out
  stopped at step (\d+) (re)
  $ part --usr1 stop; reached 800 part.out; kill -USR1 $pid; wait $pid; tail -n 1 part.out
  stopped at step (\d+) (re)
  $ tail -n 1 progress
  (\d+) saved (re)
  $ part --pause 0; wait $pid; tail -n 1 part.out
  done after 1500 steps
  $ tail -n 1 progress
  1500 saved

Each step's loss is the same byte for byte, and no step is missing.

  $ grep ^step part.out | sort -u | sort -k 2 -n >all
  $ grep ^step whole.out | diff - all && wc -l <all
  1500
  $ cmp whole.ckpt part.ckpt

A damaged checkpoint is never trained on.

  $ printf x | dd of=part.ckpt bs=1 seek=5000 conv=notrunc status=none; charmodel --checkpoint part.ckpt
  charmodel: part.ckpt is no whole checkpoint of this model and seed; move it away to begin anew
  [2]
  $ charmodel --seed 1 --checkpoint whole.ckpt
  charmodel: whole.ckpt is no whole checkpoint of this model and seed; move it away to begin anew
  [2]
  $ charmodel --steps many 2>&1 | head -n 1
  usage: charmodel [--steps N] [--every N] [--print N] [--checkpoint FILE] [--seed N]
