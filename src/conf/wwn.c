/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/wwn.h"

#include <string.h>

/* Naming authority 5 ("IEEE registered"), and the vendor number that libvirt uses: QEMU's. */
#define OUR_PREFIX   "5001a4a"
#define RANDOM_LIMIT G_GUINT64_CONSTANT(0x1000000000)


char *
md_wwn_normalize(const char *text, guint min_digits)
{
    guint64 number = 0;

    if (g_ascii_strncasecmp(text, "0x", 2) == 0)
        text += 2;
    if (strnlen(text, MD_WWN_DIGITS + 1) < min_digits ||
        strnlen(text, MD_WWN_DIGITS + 1) > MD_WWN_DIGITS ||
        !g_ascii_string_to_unsigned(text, 16, 0, G_MAXUINT64, &number, NULL))
        return NULL;
    return g_strdup_printf("%016" G_GINT64_MODIFIER "x", number);
}


char *
md_wwn_random(void)
{
    guint64 number = (guint64)g_random_int() << 32 | g_random_int();

    return g_strdup_printf(OUR_PREFIX "%09" G_GINT64_MODIFIER "x", number % RANDOM_LIMIT);
}
