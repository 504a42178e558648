# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finds the installed kernel that test machines boot. As a program, prints its release."""

import pathlib
import re
import sys

BOOT = pathlib.Path('/boot')
MODULES = pathlib.Path('/lib/modules')


class NoKernel(Exception):
    """No bootable kernel with its modules is installed."""


def version_key(release):
    """Sort key of kernel releases: 6.1.0-9 before 6.1.0-10."""
    return [(0, int(part), '') if part.isdigit() else (1, 0, part)
            for part in re.split(r'(\d+)|[.-]', release) if part]


def newest_release():
    """Returns the newest release with both image and modules installed."""
    releases = [image.name.removeprefix('vmlinuz-') for image in BOOT.glob('vmlinuz-*')]
    releases = [release for release in releases if (MODULES / release / 'modules.dep').exists()]
    if not releases:
        raise NoKernel(f"no kernel with modules in '{BOOT}': install linux-image-amd64")
    return max(releases, key=version_key)


def image(release):
    """Returns the bootable image of a release."""
    return BOOT / f'vmlinuz-{release}'


if __name__ == '__main__':
    try:
        print(newest_release())
    except NoKernel as error:
        sys.exit(f'{sys.argv[0]}: {error}')
