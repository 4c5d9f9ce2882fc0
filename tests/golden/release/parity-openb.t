# openb inflated until arrivals ask for 1.3 times the devices: shares allocated when 100 % and 130 %
# have arrived, mean of ten shuffles, in per cent, against peers' measurements of the same.

  $ [ -n "$SHARED" ] || exit 80
  $ pods=$SHARED/traces/alibaba-2023/openb_pod_list_default.csv
  $ fleet=$ROOT/data/fleets/openb-2023.yaml
  $ cat > fill.py << END
  > import json, sys
  > run = json.load(sys.stdin)['runs'][0]
  > row = run['fill'][int(sys.argv[1])]
  > print(100 * row[sys.argv[2] if len(sys.argv) > 2 else 'allocated'])
  > END
  $ inflate() { fuyao sim --fleet $fleet --trace $pods --inflate 1.3 --json "$@"; }
  $ near() { awk -v x="$1" -v want="$2" -v off="$3" 'BEGIN {d = x - want; d = d < 0 ? -d : d; print d <= off ? "ok" : x " is not within " off " of " want}'; }
  $ most() { awk -v x="$1" -v y="$2" 'BEGIN {print x <= y ? "ok" : x " is more than " y}'; }
  $ inflate --placement fgd --seeds 10 > fgd.json
  $ inflate --placement bestfit --seeds 10 > bestfit.json
  $ near $(python3 fill.py 100 < fgd.json) 95.23 0.5
  ok
  $ near $(python3 fill.py 130 < fgd.json) 95.39 0.5
  ok
  $ near $(python3 fill.py 100 < bestfit.json) 92.86 0.3
  ok
  $ near $(python3 fill.py 130 < bestfit.json) 93.08 0.3
  ok

Every arrival is counted: placed, or dropped.

  $ python3 -c "import json; r = json.load(open('fgd.json'))['runs'][0]; print(len(r['fill']), r['jobs'] > 8152, 0 < r['dropped'] < r['jobs'])"
  131 True True

Perturbed: other shuffles, a tenth of the nodes more or less, and what lies between.

  $ inflate --placement fgd --shuffle 4711 > fgd-other.json
  $ inflate --placement bestfit --shuffle 4711 > bestfit-other.json
  $ near $(python3 fill.py 100 < fgd-other.json) 95.23 1
  ok
  $ near $(python3 fill.py 100 < bestfit-other.json) 92.86 1
  ok
  $ most $(python3 fill.py 100 < bestfit-other.json) $(python3 fill.py 100 < fgd-other.json)
  ok
  $ most $(python3 fill.py 100 fragmented < fgd-other.json) $(python3 fill.py 100 fragmented < bestfit-other.json)
  ok
  $ inflate --placement pack --seeds 10 | python3 fill.py 100 > pack; inflate --placement spread --seeds 10 | python3 fill.py 100 > spread
  $ most $(cat spread) $(python3 fill.py 100 < bestfit.json)
  ok
  $ most $(cat pack) $(python3 fill.py 100 < fgd.json)
  ok
  $ python3 - << END
  > import re
  > text = open('$fleet').read()
  > for name, part in (('more', 1.1), ('less', 0.9)):
  >     owed = 0.0
  >     def scaled(m):
  >         global owed
  >         owed += int(m[1]) * part
  >         n = max(1, int(owed))
  >         owed -= n
  >         return 'nodes: %d' % n
  >     open(name + '.yaml', 'w').write(re.sub(r'nodes: (\d+)', scaled, text))
  > END
  $ held() { inflate --fleet $1 --placement fgd --shuffle 1 | python3 -c "import json, sys; r = json.load(sys.stdin)['runs'][0]; print(r['fill'][100]['allocated'] * sum(p['devices'] for p in r['pools']))"; }
  $ most $(held less.yaml) $(held $fleet)
  ok
  $ most $(held $fleet) $(held more.yaml)
  ok
