# SPDX-License-Identifier: LGPL-2.1-or-later
"""The TAP output of checks that collect their faults."""


def report(results):
    """Prints TAP for pairs of what is checked and its faults; returns the exit status."""
    results = list(results)
    print(f'1..{len(results)}')
    for number, (text, faults) in enumerate(results, 1):
        print(''.join(f'# {fault}\n' for fault in faults), end='')
        print(f'{"not ok" if faults else "ok"} {number} - {text}')
    return 1 if any(faults for _, faults in results) else 0
