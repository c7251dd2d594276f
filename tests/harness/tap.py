"""TAP for scripts: each test is a function that raises Failed or Skipped."""
import subprocess
import sys
import traceback


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)


def run(*command, status=0, **kw):
    """Run a program; its output as text. Another exit status than the one expected is a failure (None: any)."""
    kw.setdefault('stdin', subprocess.DEVNULL)
    p = subprocess.run([str(c) for c in command], capture_output=True, text=True, errors='replace', timeout=60, **kw)
    if status is not None:
        check(p.returncode == status,
              f'{" ".join(map(str, command))}: status {p.returncode}, not {status}: {p.stdout[-300:]}{p.stderr[-500:]}')
    return p


def main(tests):
    """Run the functions, named by their docstring; ends the program."""
    failed = 0
    print(f'1..{len(tests)}')
    for nr, test in enumerate(tests, 1):
        name = (test.__doc__ or test.__name__).strip().split('\n')[0]
        try:
            test()
            print(f'ok {nr} - {name}')
        except Skipped as e:
            print(f'ok {nr} - {name} # SKIP {e}')
        except Exception as e:  # every failure is a line
            failed += 1
            print(f'not ok {nr} - {name}')
            text = str(e) if isinstance(e, Failed) else traceback.format_exc()
            print('\n'.join('# ' + line for line in text.splitlines()))
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
