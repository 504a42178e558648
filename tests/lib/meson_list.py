# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists that meson reads when it is set up, and the test that they are still complete."""

import sys


def report(entries, what):
    """Prints the entries, one per line. With the known entries as arguments, prints TAP instead: whether these are all, so
    that a file added since meson was set up is not forgotten. Returns the exit status."""
    found, known = list(entries), sys.argv[1:]
    if not known:
        print('\n'.join(found))
        return 0
    differences = sorted(set(found) ^ set(known))
    print('1..1')
    for entry in differences:
        print(f"# {entry}: added, removed or changed; 'meson setup --reconfigure' reads the list again")
    print(f'{"not ok" if differences else "ok"} 1 - meson knows {what}')
    return 1 if differences else 0
