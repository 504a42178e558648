# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For scripts whose first comment describes them.

# Prints this comment, and exits: successfully if the argument is --help, else because it is not one of the script's.
show_usage() {
    sed -n '/^#!/d; /^# SPDX/d; /^#/!q; s/^# \?//p' "$0"
    [ "$1" = --help ] && exit 0
    exit 2
}
