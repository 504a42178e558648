# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the slowest cases of a TAP file, or of meson's JUnit report.

The name of a case ends with its duration if run-cases ran it; for other programs, the duration of the whole program is
used.
"""

import argparse
import heapq
import pathlib
import re
import xml.etree.ElementTree

COUNT = 10
LINE = re.compile(r'(?:not )?ok \d+ - (.*)')
TIMED = re.compile(r'(\S+) \((\d+\.\d+) s\)')


def of_tap(path):
    """Returns (seconds, name) of each case."""
    for line in path.read_text(encoding='utf-8', errors='replace').splitlines():
        case = LINE.match(line)
        timed = case and TIMED.search(case.group(1))
        if timed:
            yield float(timed.group(2)), timed.group(1)


def of_junit(path):
    for suite in xml.etree.ElementTree.parse(path).getroot().iter('testsuite'):
        cases = [TIMED.search(case.get('name')) for case in suite.iter('testcase')]
        if cases and all(cases):
            yield from ((float(case.group(2)), case.group(1)) for case in cases)
        else:
            yield float(suite.get('time') or 0), suite.get('name')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('file', type=pathlib.Path)
    path = parser.parse_args().file
    found = of_junit(path) if path.suffix == '.xml' else of_tap(path)
    for seconds, name in heapq.nlargest(COUNT, found):
        print(f'# {seconds:7.2f} s  {name}')


if __name__ == '__main__':
    main()
