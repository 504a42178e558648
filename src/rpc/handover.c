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


/* A session that is to be written or read. */
typedef struct {
    guint i;
    gsize size; /* 0: the session exceeds a limit of handover.x */
    gboolean left_out;
} Place;


static int
compare_places(gconstpointer one, gconstpointer other)
{
    gsize a = ((const Place *)one)->size;
    gsize b = ((const Place *)other)->size;

    return a == b ? 0 : (a < b ? 1 : -1);
}


/* Leaves out the largest sessions until the others fit. Returns their number. */
static guint
leave_out_largest(GArray *places, gsize max_memory)
{
    guint64 limit = max_memory + (guint64)places->len * MD_HANDOVER_SESSION_SIZE;
    g_autoptr(GArray) order = g_array_copy(places);
    guint64 total = 0;
    guint n = 0;

    for (guint i = 0; i < places->len; i++)
        total += g_array_index(places, Place, i).size;
    g_array_sort(order, compare_places);
    for (guint i = 0; i < order->len && total > limit; i++) {
        const Place *largest = &g_array_index(order, Place, i);

        total -= largest->size;
        g_array_index(places, Place, largest->i).left_out = TRUE;
        n++;
    }
    return n;
}


/* One writing of a state. */
typedef struct {
    const md_handover *state;
    const MdHandoverFuncs *funcs;
    gpointer data;
} Writer;


/* Calls `func` with the session. */
static gulong
with_session(const Writer *writer,
             guint i,
             gulong (*func)(md_handover_session *session, XDR *xdr),
             XDR *xdr)
{
    md_handover_session saved = { 0 };
    gulong result = 0;

    if (writer->funcs == NULL)
        return func(&writer->state->sessions.sessions_val[i], xdr);
    writer->funcs->save(i, &saved, writer->data);
    result = func(&saved, xdr);
    xdr_free(MD_XDR(md_handover_session), (char *)&saved);
    return result;
}


/* 0: the session exceeds a limit of handover.x. */
static gulong
measure_session(md_handover_session *session, XDR *xdr G_GNUC_UNUSED)
{
    return xdr_sizeof(MD_XDR(md_handover_session), session);
}


static gulong
encode_session(md_handover_session *session, XDR *xdr)
{
    return xdr_md_handover_session(xdr, session);
}


/* Measures all sessions, and leaves out those that are not to be written. */
static GArray *
choose_sessions(const Writer *writer, gsize max_memory)
{
    guint n = writer->state->sessions.sessions_len;
    GArray *places = g_array_sized_new(FALSE, FALSE, sizeof(Place), n);

    for (guint i = 0; i < n; i++) {
        gsize size = with_session(writer, i, measure_session, NULL);
        Place place = { i, size, size == 0 };

        g_array_append_val(places, place);
    }
    leave_out_largest(places, max_memory);
    for (guint i = 0; i < n && writer->funcs != NULL; i++) {
        const Place *place = &g_array_index(places, Place, i);

        if (place->left_out)
            writer->funcs->leave_out(i, place->size, writer->data);
    }
    return places;
}


static guint
count_chosen(const GArray *places)
{
    guint n = 0;

    for (guint i = 0; i < places->len; i++)
        n += g_array_index(places, Place, i).left_out ? 0 : 1;
    return n;
}


static gboolean
encode_sessions(XDR *xdr, const Writer *writer, const GArray *places)
{
    guint n = count_chosen(places);

    if (n > MD_HANDOVER_SESSIONS_MAX || !xdr_u_int(xdr, &n))
        return FALSE;
    for (guint i = 0; i < places->len; i++) {
        if (!g_array_index(places, Place, i).left_out &&
            !with_session(writer, i, encode_session, xdr))
            return FALSE;
    }
    return TRUE;
}


static gboolean
encode_state(FILE *file, const Writer *writer, const GArray *places)
{
    md_handover copy = *writer->state;
    gboolean ok = FALSE;
    XDR xdr;

    xdrstdio_create(&xdr, file, XDR_ENCODE);
    ok = xdr_u_int(&xdr, &copy.magic) && xdr_u_int(&xdr, &copy.revision) &&
         encode_sessions(&xdr, writer, places) && xdr_md_handover_devices(&xdr, &copy.devices);
    xdr_destroy(&xdr);
    return ok;
}


/* Takes ownership of the descriptor. */
static gboolean
write_state(int fd, const Writer *writer, const GArray *places, GError **error)
{
    FILE *file = fdopen(fd, "w");
    gboolean ok = FALSE;

    if (file == NULL) {
        md_error_set_errno(error, errno, "cannot save the state of the clients");
        close(fd);
        return FALSE;
    }

    setvbuf(file, NULL, _IOFBF, BUFFER_SIZE);
    ok = encode_state(file, writer, places);
    if (fclose(file) != 0) {
        md_error_set_errno(error, errno, "cannot save the state of the clients");
        return FALSE;
    }
    if (!ok)
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC,
                          "the state of the clients cannot be encoded");
    return ok;
}


int
md_handover_write(const md_handover *state,
                  gsize max_memory,
                  const MdHandoverFuncs *funcs,
                  gpointer data,
                  GError **error)
{
    const Writer writer = { state, funcs, data };
    g_autoptr(GArray) places = choose_sessions(&writer, max_memory);
    g_auto(MdFd) fd = memfd_create("mediated-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int copy = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

    if (copy < 0) {
        md_error_set_errno(error, errno, "cannot save the state of the clients");
        return -1;
    }
    if (!write_state(copy, &writer, places, error))
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
    if (st.st_size < PREFIX_SIZE || st.st_size > G_MAXUINT32) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC,
                          "the state has %" G_GINT64_FORMAT " bytes, not %d to %u",
                          (gint64)st.st_size, PREFIX_SIZE, G_MAXUINT32);
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


/* Decodes each session and frees it, which validates all of them. */
static gboolean
measure_sessions(XDR *xdr, GArray *places)
{
    guint n = 0;

    if (!xdr_u_int(xdr, &n) || n > MD_HANDOVER_SESSIONS_MAX)
        return FALSE;
    for (guint i = 0; i < n; i++) {
        md_handover_session session = { 0 };
        Place place = { .i = i, .size = xdr_getpos(xdr) };
        gboolean ok = xdr_md_handover_session(xdr, &session);

        xdr_free(MD_XDR(md_handover_session), (char *)&session);
        if (!ok)
            return FALSE;
        place.size = xdr_getpos(xdr) - place.size;
        g_array_append_val(places, place);
    }
    return TRUE;
}


/* Decodes the sessions that are not left out. */
static gboolean
decode_sessions(XDR *xdr, const GArray *places, md_handover *state)
{
    guint at = PREFIX_SIZE;

    state->sessions.sessions_val = g_new0(md_handover_session, count_chosen(places));
    for (guint i = 0; i < places->len; i++) {
        md_handover_session *next = &state->sessions.sessions_val[state->sessions.sessions_len];
        const Place *place = &g_array_index(places, Place, i);

        if (!place->left_out) {
            state->sessions.sessions_len++;
            if (!xdr_setpos(xdr, at) || !xdr_md_handover_session(xdr, next))
                return FALSE;
        }
        at += (guint)place->size;
    }
    return TRUE;
}


static gboolean
decode_state(XDR *xdr, gsize size, gsize max_memory, md_handover *state)
{
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(Place));
    guint n = 0;

    if (!xdr_u_int(xdr, &state->magic) || !xdr_u_int(xdr, &state->revision) ||
        !measure_sessions(xdr, places) || !xdr_md_handover_devices(xdr, &state->devices) ||
        xdr_getpos(xdr) != size)
        return FALSE;

    n = leave_out_largest(places, max_memory);
    if (n > 0)
        g_message("Disconnecting %u clients of the previous daemon: their state is too large", n);
    return decode_sessions(xdr, places, state);
}


gboolean
md_handover_read(int fd, gsize max_memory, md_handover *state, GError **error)
{
    gsize size = get_size(fd, error);
    g_auto(Mapping) mapping = { 0 };
    gboolean ok = FALSE;
    XDR xdr;

    if (size == 0 || !mapping_open(&mapping, fd, size, error) || !check_revision(&mapping, error) ||
        !check_sessions(&mapping, error))
        return FALSE;

    xdrmem_create(&xdr, mapping.bytes, (guint)size, XDR_DECODE);
    ok = decode_state(&xdr, size, max_memory, state);
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
