# SPDX-License-Identifier: LGPL-2.1-or-later
"""Differences between two snapshots, and which of them are known (known.toml)."""

import dataclasses
import difflib
import pathlib
import re
import tomllib

import libvirt

SHOWN_CHARACTERS = 240
TABLE = pathlib.Path(__file__).parent / 'known.toml'
KINDS = ('missing', 'extra', 'differs', 'answer')


@dataclasses.dataclass
class Difference:
    """One device or answer: `lines` begin with '-' for the stock daemon and '+' for ours."""

    kind: str
    name: str
    lines: list[str]
    known: set[str] = dataclasses.field(default_factory=set)
    unknown: list[str] = dataclasses.field(default_factory=list)

    @property
    def is_known(self):
        return not self.unknown


@dataclasses.dataclass
class Known:
    """One row of the table."""

    id: str
    runs: re.Pattern
    kind: str
    device: re.Pattern
    lines: list[re.Pattern]
    before: int | None = None

    @classmethod
    def load(cls, path=TABLE):
        rows = tomllib.loads(path.read_text(encoding='utf-8')).get('difference', [])
        result = [cls(row['id'], re.compile(row['runs']), row['kind'], re.compile(row['device']),
                      [re.compile(line) for line in row.get('lines', ['.*'])],
                      version_number(row['before']) if 'before' in row else None) for row in rows]
        for row in result:
            if row.kind not in KINDS:
                raise ValueError(f"{path}: {row.id}: kind '{row.kind}'")
        if len({row.id for row in result}) != len(result):
            raise ValueError(f'{path}: an id is there twice')
        return result

    def is_of_this_libvirt(self):
        return self.before is None or libvirt.getVersion() < self.before

    def explains(self, run, difference, line):
        return (self.is_of_this_libvirt() and self.kind == difference.kind and self.runs.fullmatch(run) is not None
                and self.device.fullmatch(difference.name) is not None
                and any(pattern.fullmatch(line) for pattern in self.lines))


def version_number(text):
    """Converts '10.5.0' to libvirt's version number."""
    major, minor, release = map(int, text.split('.'))
    return (major * 1000 + minor) * 1000 + release


def diff(stock, ours):
    return [line for line in difflib.unified_diff(stock, ours, n=0, lineterm='')
            if not line.startswith(('---', '+++', '@@'))]


def common(items, names):
    """Drops the items about a device that only one of the two has."""
    return {item for item in items if not names.intersection(item.split(' > '))}


def find(stock, ours):
    """Returns all differences between two snapshots, sorted by name, known or not."""
    result = []
    odd = stock.devices.keys() ^ ours.devices.keys()
    for name in sorted(stock.devices.keys() | ours.devices.keys()):
        theirs, mine = stock.devices.get(name), ours.devices.get(name)
        if mine is None:
            result.append(Difference('missing', name, [f'- {" ".join(theirs.kinds)}']))
        elif theirs is None:
            result.append(Difference('extra', name, [f'+ {" ".join(mine.kinds)}']))
        else:
            lines = diff(theirs.compared_with(mine), mine.compared_with(theirs))
            if lines:
                result.append(Difference('differs', name, lines))
    for question in sorted(stock.answers.keys() | ours.answers.keys()):
        theirs = common(stock.answers.get(question, ()), odd)
        mine = common(ours.answers.get(question, ()), odd)
        lines = [f'-{item}' for item in sorted(theirs - mine)]
        lines += [f'+{item}' for item in sorted(mine - theirs)]
        if lines:
            result.append(Difference('answer', question, lines))
    return result


def explain(run, found, table):
    """Marks the differences that the table explains."""
    for difference in found:
        for line in difference.lines:
            ids = {row.id for row in table if row.explains(run, difference, line)}
            difference.known |= ids
            if not ids:
                difference.unknown.append(line)


def show(difference):
    """Returns the lines of a report about one difference."""
    head = f'{difference.kind:8} {difference.name[:SHOWN_CHARACTERS]}'
    if difference.is_known:
        return [f'{head}: known as {", ".join(sorted(difference.known))}']
    return [head, *(f'    {line[:SHOWN_CHARACTERS]}' for line in difference.unknown)]


def summary(run, stock, found):
    counts = {kind: sum(1 for item in found if item.kind == kind and not item.is_known)
              for kind in KINDS}
    changed = sum(1 for item in found if item.kind in ('missing', 'differs'))
    known = sum(1 for item in found if item.is_known)
    return (f'{run}: {len(stock.devices)} devices, {len(stock.devices) - changed} equal, '
            f'{counts["missing"]} missing, {counts["extra"]} extra, {counts["differs"]} differing, '
            f'{counts["answer"]} other answers; {known} known differences')
