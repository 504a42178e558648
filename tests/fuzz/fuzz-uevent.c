/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a kernel uevent. An accepted message has an action and a path, and all results point
 * into the message.
 */
#include "config.h"

#include <string.h>

#include "kernel/kernel-message.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);


static void
check_value(const char *value, const char *bytes, gsize size)
{
    g_assert_true(value > bytes && value < bytes + size);
    g_assert_true(value + strlen(value) < bytes + size);
}


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static const char *const names[] = { "SUBSYSTEM", "DEVTYPE", "DEVPATH_OLD", "MDEV_STATE", "" };
    /* An allocation of the exact size lets sanitizers detect overruns. */
    g_autofree char *bytes = g_memdup2(data, size);
    MdKernelMessage message = { 0 };

    if (!md_kernel_message_parse(bytes, size, &message))
        return 0;

    check_value(message.action, bytes, size);
    check_value(message.path, bytes, size);
    g_assert_true(*message.action != '\0');
    g_assert_true(*message.path == '/');
    g_assert_cmpuint(message.seqnum, >, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *value = md_kernel_message_get(&message, names[i]);

        if (value != NULL)
            check_value(value, bytes, size);
    }
    return 0;
}
