#!/usr/bin/env python3
"""bash: a script with a background job, and pipelines."""
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import program  # noqa: E402
from tap import check  # noqa: E402

SCRIPT = r'''
declare -A map=([key]=value ["with space"]='quoted "text"')
list=(one "two words" three)
total=0
readonly constant=fixed
add() { local n=$1; total=$((total + n)); last=$(printf '%05d' "$n"); }
trap 'trapped=yes' USR1
job() { local n=0; until [ -e go ]; do echo $((++n)) >>job.log; sleep 0.01; done; exit 7; }
job &
child=$!
count=0
until [ -e go ]; do
	add $((++count))
	echo $count >>log
	sleep 0.01
done
kill -USR1 $$
wait $child
status=$?
{
	echo "total $((total == count * (count + 1) / 2)) last $((10#$last == count))"
	echo "map ${map[key]} ${map[with space]} list ${#list[@]} ${list[1]}"
	echo "job $status constant $constant trapped $trapped"
	echo "jobs $(jobs | wc -l) cwd $([ "$PWD" = "$(pwd -P)" ] && echo same)"
} >answer
'''

ANSWER = '''total 1 last 1
map value quoted "text" list 3 two words
job 7 constant fixed trapped yes
jobs 0 cwd same
'''


def consecutive(p, name):
    numbers = [int(line) for line in p.read(name).split()]
    check(numbers == list(range(1, len(numbers) + 1)), f'{name} does not count from 1 up: {numbers[:3]}...{numbers[-3:]}')


def script(p):
    """bash: variables, functions, a loop, a trap and a background job"""
    p.start(['bash', p.write('script', SCRIPT)])
    p.until_grown('log', 5)
    p.until_grown('job.log', 5)
    p.carry('log')
    p.until_grown('job.log', 5)
    p.write('go', '')
    p.finish()
    check(p.read('answer') == ANSWER, p.read('answer'))
    consecutive(p, 'log')
    consecutive(p, 'job.log')


def pipeline(p):
    """bash: a pipeline of programs, with the data that is in the pipes"""
    # What comes first waits halfway, when all that can be ahead of it has been written.
    text = 'for i in {1..60000}; do echo line $i; [ $i = 30000 ] && until [ -e go ]; do echo x >>log; sleep 0.01; done; done'
    p.start(['bash', '-c', f'{{ {text}; }} | gzip -1 | tr a-z a-z | gzip -dc | sha256sum >sum'])
    p.until_grown('log', 5)
    p.carry('log')
    p.write('go', '')
    p.finish()
    want = hashlib.sha256(b''.join(b'line %d\n' % i for i in range(1, 60001))).hexdigest()
    check(p.read('sum').split()[0] == want, p.read('sum'))


if __name__ == '__main__':
    program.main([script, pipeline])
