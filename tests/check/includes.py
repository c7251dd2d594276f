#!/usr/bin/env python3
"""Who may include whom (docs/architecture.md): a rule per folder, the first that matches a file decides."""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# base < io < wire < kinds < read | write < store < validate, convert: a layer sees itself and those before it.
LAYERS = ['base', 'io', 'wire', 'kinds', 'read', 'write', 'store', 'compress', 'validate', 'convert']
BELOW = {
    'base': [], 'io': ['base'], 'wire': ['base', 'io'], 'kinds': ['base', 'io', 'wire'],
    'compress': ['base', 'io'],
    'store': ['base', 'io', 'wire', 'kinds', 'compress'],
    'read': ['base', 'io', 'wire', 'kinds', 'store'], 'write': ['base', 'io', 'wire', 'kinds', 'store'],
    'validate': ['base', 'io', 'wire', 'kinds', 'read', 'store'],
    'convert': ['base', 'io', 'wire', 'kinds', 'read', 'write', 'store'],
}

PROTO = r'[a-z0-9-]+\.pb-c\.h'
PUBLIC = r'criuimg/.*'
ENGINE_COMMON = [r'kernel/.*', r'control/.*', r'cpuinfo/.*', r'log/.*', r'remote/.*', r'plugin/.*', r'options/(options|external|cgroups)\.h', PUBLIC, PROTO]

# (files, what they may include of ours)
RULES = [(rf'imagefmt/{layer}/', [rf'(imagefmt/)?({"|".join(below + [layer])})/.*', PUBLIC, PROTO]) for layer, below in BELOW.items()]
RULES += [
    (r'imagefmt/include/', [PUBLIC]),
    (r'engines/kernel/', [r'kernel/.*', r'criuimg/(err|array|cleanup)\.h']),
    (r'engines/cpuinfo/', ENGINE_COMMON),
    (r'engines/remote/', [r'remote/.*', r'options/options\.h', r'criuimg/(err|array|cleanup)\.h']),
    (r'engines/control/', [r'control/.*', r'criuimg/(err|array|cleanup)\.h']),
    (r'engines/plugin/', [r'plugin/.*', r'log/.*', r'options/options\.h', r'criuimg/(err|array|cleanup)\.h']),
    (r'engines/log/', [r'log/.*', r'criuimg/(err|cleanup)\.h']),
    (r'docs/man/tool/', [r'options/.*']),
    (r'engines/options/', [r'options/.*', r'criuimg/(err|array|cleanup|arena)\.h']),
    (r'engines/criu-dump/', [r'criu-dump/.*', r'parasite/.*'] + ENGINE_COMMON),
    (r'engines/criu-restore/', [r'criu-restore/.*', r'parasite/.*'] + ENGINE_COMMON),
    (r'engines/criu/', [r'criu/.*'] + ENGINE_COMMON),
    (r'engines/(fd|task|mem|ns)/[a-z0-9]+/.*-dump\.c', [r'criu-dump/.*', r'parasite/.*'] + ENGINE_COMMON),
    (r'engines/(fd|task|mem|ns)/[a-z0-9]+/.*-restore\.c', [r'criu-restore/.*', r'parasite/.*'] + ENGINE_COMMON),
    (r'parasite/(dump-blob|restore-blob|nolibc)/', [r'parasite/.*', r'[a-z0-9-]+\.h']),
    (r'parasite/', [r'parasite/.*', r'kernel/.*', r'criuimg/(err|array|cleanup|arena)\.h']),
    (r'crit/', [r'crit/.*', PUBLIC, PROTO, r'options/.*', r'[a-z0-9-]+\.h']),
    (r'streamer/', [r'streamer/.*', PUBLIC, PROTO, r'options/.*', r'log/.*', r'remote/.*', r'control/.*']),
    (r'samples/', [PUBLIC, r'criu-plugin\.h', PROTO, r'[a-z0-9-]+\.h']),
]


def main():
    os.chdir(TOP)
    files = subprocess.run(['git', 'ls-files', '*.c', '*.h', '*.S'], capture_output=True, text=True).stdout.split()
    if not files:  # not a checkout
        files = [os.path.join(p, n)[2:] for p, _, ns in os.walk('.') for n in ns if n.endswith(('.c', '.h', '.S'))]
    bad = []
    checked = 0
    for f in files:
        rule = next((allowed for pattern, allowed in RULES if re.match(pattern, f)), None)
        if rule is None:
            continue
        checked += 1
        with open(f) as src:
            for nr, line in enumerate(src, 1):
                m = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
                if m and not any(re.fullmatch(a, m.group(1)) for a in rule):
                    bad.append(f'{f}:{nr}: may not include "{m.group(1)}"')
    print('1..1')
    print(f'{"not ok" if bad or not checked else "ok"} 1 - includes ({checked} files)')
    for b in bad:
        print('#', b)
    return bool(bad)


if __name__ == '__main__':
    sys.exit(main())
