# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the cases of meson's JUnit report and of TAP files, and fails if any did not pass.

The end of a failed case's output is printed right before the counts, where a truncated log still contains it. A missing
or truncated report counts as one failure. Skipped cases fail as well. So does a program that fails although all of its
cases have passed, for example because a sanitizer has found a leak at its end; this result is not in the JUnit report,
but in the JSON log beside the report.
"""

import argparse
import collections
import json
import pathlib
import re
import sys
import xml.etree.ElementTree

PLAN = re.compile(r'1\.\.(\d+)')
LINE = re.compile(r'(not )?ok\b.*?(# SKIP\b.*)?$', re.IGNORECASE)
LINES_SHOWN = 40    # of the output of a failed case


def show_failure(result, printed):
    for line in printed[-LINES_SHOWN:]:
        print(f'    {line.rstrip()}')
    print(result)


def suite_output(suite):
    """Returns the output of all cases of one program, which the report does not separate."""
    texts = [suite.findtext(tag) or '' for tag in ('system-out', 'system-err')]
    return [line for text in texts for line in text.splitlines()]


def read_failed(log):
    """Returns the output of each program that has not passed, by name."""
    with open(log, encoding='utf-8') as lines:
        return {entry['name']: (entry.get('stdout') or '') + (entry.get('stderr') or '')
                for entry in map(json.loads, lines) if entry['result'] != 'OK'}


def count_suite(suite, counts):
    """Counts the cases of one program, and returns whether one has not passed."""
    before = counts['passed']
    cases = list(suite.iter('testcase'))
    for case in cases:
        if case.find('failure') is not None or case.find('error') is not None:
            show_failure(f'not ok: {case.get("classname")} {case.get("name")}', suite_output(suite))
            counts['failed'] += 1
        elif case.find('skipped') is not None:
            counts['skipped'] += 1
        else:
            counts['passed'] += 1
    return counts['passed'] - before < len(cases)


def count_junit(path, counts):
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
        failed = read_failed(pathlib.Path(path).with_name('testlog.json'))
    except (OSError, ValueError, xml.etree.ElementTree.ParseError) as error:
        print(f'{path}: {error}')
        counts['failed'] += 1
        return
    for suite in root.iter('testsuite'):
        if count_suite(suite, counts):
            # A suite with the cases of one program is named PROJECT.PROGRAM, the suite of all others has no name.
            failed.pop(suite.get('name').partition('.')[2], None)
            for case in suite.iter('testcase'):
                failed.pop(case.get('name'), None)
    for name, output in failed.items():
        show_failure(f'not ok: {name}', output.splitlines())
        counts['failed'] += 1


def count_tap(path, counts):
    planned = None
    seen = 0
    printed = []
    try:
        lines = pathlib.Path(path).read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError as error:
        print(f'{path}: {error}')
        counts['failed'] += 1
        return
    for line in lines:
        plan = PLAN.fullmatch(line.strip())
        found = LINE.match(line.rstrip('\n'))
        if plan:
            planned = int(plan.group(1))
        elif found:
            seen += 1
            kind = 'skipped' if found.group(2) else 'failed' if found.group(1) else 'passed'
            counts[kind] += 1
            if kind == 'failed':
                show_failure(line.strip(), printed)
            printed = []
        else:
            printed.append(line)
    if planned != seen:
        print(f'{path}: {seen} cases of {planned}')
        counts['failed'] += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--junit', action='append', default=[])
    parser.add_argument('--tap', action='append', default=[])
    options = parser.parse_args()

    counts = collections.Counter(passed=0, failed=0, skipped=0)
    for path in options.junit:
        count_junit(path, counts)
    for path in options.tap:
        count_tap(path, counts)
    print(f'{counts["passed"]} passed, {counts["failed"]} failed, {counts["skipped"]} skipped')
    return 1 if counts['failed'] or counts['skipped'] or not counts['passed'] else 0


if __name__ == '__main__':
    sys.exit(main())
