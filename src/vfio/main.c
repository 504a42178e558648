/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mediated-vfio-users reports the process that has a VFIO node open: it reads one request from
 * stdin, answers on stdout, and exits. systemd starts it for each connection of the daemon, which
 * itself may not inspect other processes. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/log.h"
#include "vfio/vfio-users.h"

/* Timeout for reading the request, in milliseconds. */
#define QUESTION_TIME 1000


int
main(void)
{
    g_autofree char *question = md_vfio_users_read_line(STDIN_FILENO, QUESTION_TIME);
    g_autofree char *answer = NULL;
    g_autoptr(MdRoots) roots = md_roots_new();
    MdVfioHolder holder = { 0 };
    MdVfioHolding holding = MD_VFIO_UNKNOWN;
    dev_t node = 0;

    md_log_bound_stderr();
    if (question == NULL) {
        g_printerr("Unable to read a request: %s\n", g_strerror(errno));
        return EXIT_FAILURE;
    }
    if (!md_vfio_users_parse_question(question, &node)) {
        g_printerr("Invalid request, expected MAJOR:MINOR\n");
        return EXIT_FAILURE;
    }

    holding = md_vfio_holder_find(roots, node, &holder);
    answer = md_vfio_users_format_answer(holding, &holder);
    if (write(STDOUT_FILENO, answer, strlen(answer)) < 0) {
        g_printerr("Unable to reply: %s\n", g_strerror(errno));
        return EXIT_FAILURE;
    }
    if (holding == MD_VFIO_UNKNOWN) {
        g_autofree char *why = md_vfio_users_explain(&holder);

        g_printerr("Unable to determine which process has the device open: %s\n", why);
    }
    return EXIT_SUCCESS;
}
