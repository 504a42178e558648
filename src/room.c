/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked with one room and the rooms it may use: linking fails if the room uses anything else. */

int
main(void)
{
    return 0;
}
