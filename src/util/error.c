/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/error.h"

#include <errno.h>

typedef struct {
    int from;
    int errnum;
    const char *flags_function;
} MdErrorPrivate;


static void
md_error_private_init(MdErrorPrivate *priv)
{
    priv->from = VIR_FROM_NODEDEV;
}


static void
md_error_private_copy(const MdErrorPrivate *src, MdErrorPrivate *dest)
{
    *dest = *src;
}


static void
md_error_private_clear(MdErrorPrivate *priv G_GNUC_UNUSED)
{
}


G_DEFINE_EXTENDED_ERROR(MdError, md_error)


/* Messages quote strings from outside, which may be invalid UTF-8. */
static void
make_valid(GError *error)
{
    char *message = NULL;

    if (g_utf8_validate(error->message, -1, NULL))
        return;
    message = g_utf8_make_valid(error->message, -1);
    g_free(error->message);
    error->message = message;
}


static void G_GNUC_PRINTF(5, 0)
    set_valist(GError **error, int from, int errnum, int code, const char *format, va_list args)
{
    GError *err = NULL;
    MdErrorPrivate *priv = NULL;

    if (error == NULL)
        return;

    err = g_error_new_valist(MD_ERROR, code, format, args);
    make_valid(err);
    priv = md_error_get_private(err);
    priv->from = from;
    priv->errnum = errnum;
    g_propagate_error(error, err);
}


void
md_error_set(GError **error, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_valist(error, VIR_FROM_NODEDEV, 0, code, format, args);
    va_end(args);
}


void
md_error_set_from(GError **error, int from, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_valist(error, from, 0, code, format, args);
    va_end(args);
}


void
md_error_set_errno(GError **error, int errnum, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list args;
    MdErrorPrivate *priv = NULL;

    if (error == NULL)
        return;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);

    g_set_error(error, MD_ERROR, VIR_ERR_SYSTEM_ERROR, "%s: %s", what, g_strerror(errnum));
    make_valid(*error);
    priv = md_error_get_private(*error);
    priv->errnum = errnum;
}


gboolean
md_error_check_flags(guint flags, guint known, int from, const char *function, GError **error)
{
    if ((flags & ~known) == 0)
        return TRUE;

    md_error_set_from(error, from, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) in function %s",
                      flags & ~known, function);
    if (error != NULL)
        md_error_get_private(*error)->flags_function = function;
    return FALSE;
}


const char *
md_error_get_flags_function(const GError *error)
{
    return error->domain == MD_ERROR ? md_error_get_private(error)->flags_function : NULL;
}


int
md_error_get_from(const GError *error)
{
    g_return_val_if_fail(error != NULL, VIR_FROM_NONE);

    if (error->domain != MD_ERROR)
        return VIR_FROM_NODEDEV;
    return md_error_get_private(error)->from;
}


int
md_error_get_code(const GError *error)
{
    g_return_val_if_fail(error != NULL, VIR_ERR_OK);

    return error->domain == MD_ERROR ? error->code : VIR_ERR_INTERNAL_ERROR;
}


int
md_error_get_errno(const GError *error)
{
    g_return_val_if_fail(error != NULL, 0);

    return error->domain == MD_ERROR ? md_error_get_private(error)->errnum : 0;
}


gboolean
md_error_is_gone(const GError *error)
{
    int errnum = md_error_get_errno(error);

    return errnum == ENOENT || errnum == ENODEV || errnum == ENOTDIR ||
           g_error_matches(error, MD_ERROR, VIR_ERR_NO_NODE_DEVICE);
}
