/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program of one room and of what it may use, which links only if it uses nothing else. */

int
main(void)
{
    return 0;
}
