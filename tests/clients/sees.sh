# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For scripts that run the commands of one program: ${program[@]}.

# Prints a command and the beginning of its output, which must contain a text: TEXT COMMAND...
sees() {
    local text=$1 output
    shift
    echo "$ ${program[0]} $*"
    output=$("${program[@]}" "$@" 2>&1)
    grep -m 3 . <<<"$output" || true
    grep -qF -- "$text" <<<"$output"
}
