/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rpc/message.h"
#include "util/error.h"
#include "util/fd.h"

/* With these seals, no process can change the file while it is being read. */
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Bytes per write. */
#define BUFFER_SIZE (256 * 1024)

/* Magic number, revision, and number of sessions. */
#define PREFIX_SIZE 12

/* The file, mapped into memory. */
typedef struct {
    void *bytes;
    gsize size;
} Mapping;


static void
mapping_clear(Mapping *self)
{
    if (self->bytes != NULL)
        munmap(self->bytes, self->size);
    self->bytes = NULL;
}


G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Mapping, mapping_clear)


static gboolean
mapping_open(Mapping *self, int fd, gsize size, GError **error)
{
    void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

    if (bytes == MAP_FAILED) {
        md_error_set_errno(error, errno, "cannot map the state of the clients");
        return FALSE;
    }
    self->bytes = bytes;
    self->size = size;
    return TRUE;
}


static gboolean
encode_sessions(XDR *xdr, const md_handover *state, MdHandoverSaveFunc save, gpointer data)
{
    guint n = state->sessions.sessions_len;

    if (n > MD_HANDOVER_SESSIONS_MAX || !xdr_u_int(xdr, &n))
        return FALSE;

    for (guint i = 0; i < n; i++) {
        md_handover_session saved = { 0 };
        gboolean ok = FALSE;

        if (save == NULL) {
            ok = xdr_md_handover_session(xdr, &state->sessions.sessions_val[i]);
        } else {
            save(i, &saved, data);
            ok = xdr_md_handover_session(xdr, &saved);
            xdr_free(MD_XDR(md_handover_session), (char *)&saved);
        }
        if (!ok)
            return FALSE;
    }
    return TRUE;
}


static gboolean
encode_state(FILE *file, const md_handover *state, MdHandoverSaveFunc save, gpointer data)
{
    md_handover copy = *state;
    gboolean ok = FALSE;
    XDR xdr;

    xdrstdio_create(&xdr, file, XDR_ENCODE);
    ok = xdr_u_int(&xdr, &copy.magic) && xdr_u_int(&xdr, &copy.revision) &&
         encode_sessions(&xdr, state, save, data) && xdr_md_handover_devices(&xdr, &copy.devices);
    xdr_destroy(&xdr);
    return ok;
}


/* Takes ownership of the descriptor. */
static gboolean
write_state(
    int fd, const md_handover *state, MdHandoverSaveFunc save, gpointer data, GError **error)
{
    FILE *file = fdopen(fd, "w");
    gboolean ok = FALSE;
    long size = 0;

    if (file == NULL) {
        md_error_set_errno(error, errno, "cannot save the state of the clients");
        close(fd);
        return FALSE;
    }

    setvbuf(file, NULL, _IOFBF, BUFFER_SIZE);
    ok = encode_state(file, state, save, data);
    size = ftell(file);
    if (fclose(file) != 0) {
        md_error_set_errno(error, errno, "cannot save the state of the clients");
        return FALSE;
    }
    if (!ok || size < 0 || size > MD_HANDOVER_SIZE_MAX) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC,
                          "the state of the clients is too large");
        return FALSE;
    }
    return TRUE;
}


int
md_handover_write(const md_handover *state, MdHandoverSaveFunc save, gpointer data, GError **error)
{
    g_auto(MdFd) fd = memfd_create("mediated-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int copy = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

    if (copy < 0) {
        md_error_set_errno(error, errno, "cannot save the state of the clients");
        return -1;
    }
    if (!write_state(copy, state, save, data, error))
        return -1;
    if (fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
        md_error_set_errno(error, errno, "cannot seal the state of the clients");
        return -1;
    }
    return g_steal_fd(&fd);
}


/* 0 with an error if the file cannot be a state. */
static gsize
get_size(int fd, GError **error)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat st;

    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "the state is not a sealed file");
        return 0;
    }
    if (st.st_size < PREFIX_SIZE || st.st_size > MD_HANDOVER_SIZE_MAX) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC,
                          "the state has %" G_GINT64_FORMAT " bytes, not %d to %d",
                          (gint64)st.st_size, PREFIX_SIZE, MD_HANDOVER_SIZE_MAX);
        return 0;
    }
    return (gsize)st.st_size;
}


static gboolean
check_revision(const Mapping *mapping, GError **error)
{
    guint32 magic = 0;
    guint32 revision = 0;

    memcpy(&magic, mapping->bytes, sizeof(magic));
    memcpy(&revision, (const char *)mapping->bytes + sizeof(magic), sizeof(revision));
    magic = GUINT32_FROM_BE(magic);
    revision = GUINT32_FROM_BE(revision);
    if (magic == MD_HANDOVER_MAGIC && revision == MD_HANDOVER_REVISION)
        return TRUE;

    md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC,
                      "the state has revision %u, this daemon understands revision %d", revision,
                      MD_HANDOVER_REVISION);
    return FALSE;
}


/* Memory for all sessions is allocated before the first one is decoded. */
static gboolean
check_sessions(const Mapping *mapping, GError **error)
{
    md_handover_session smallest = { 0 };
    gulong size = xdr_sizeof(MD_XDR(md_handover_session), &smallest);
    guint32 n = 0;

    memcpy(&n, (const char *)mapping->bytes + PREFIX_SIZE - sizeof(n), sizeof(n));
    n = GUINT32_FROM_BE(n);
    if (n <= (mapping->size - PREFIX_SIZE) / size)
        return TRUE;

    md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC,
                      "the state is damaged: %" G_GSIZE_FORMAT " bytes for %u clients",
                      mapping->size, n);
    return FALSE;
}


gboolean
md_handover_read(int fd, md_handover *state, GError **error)
{
    gsize size = get_size(fd, error);
    g_auto(Mapping) mapping = { 0 };
    gboolean ok = FALSE;
    XDR xdr;

    if (size == 0 || !mapping_open(&mapping, fd, size, error) || !check_revision(&mapping, error) ||
        !check_sessions(&mapping, error))
        return FALSE;

    xdrmem_create(&xdr, mapping.bytes, (guint)size, XDR_DECODE);
    ok = xdr_md_handover(&xdr, state) && xdr_getpos(&xdr) == size;
    xdr_destroy(&xdr);
    if (!ok)
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "the state is damaged");
    return ok;
}


void
md_handover_clear(md_handover *state)
{
    xdr_free(MD_XDR(md_handover), (char *)state);
    *state = (md_handover){ 0 };
}


void
md_handover_clear_client(md_handover_client *client)
{
    xdr_free(MD_XDR(md_handover_client), (char *)client);
    *client = (md_handover_client){ 0 };
}


void
md_handover_save_bytes(md_handover_bytes *saved, gconstpointer bytes, gsize size)
{
    saved->md_handover_bytes_len = (guint)size;
    saved->md_handover_bytes_val = size > 0 ? g_memdup2(bytes, size) : NULL;
}
