/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/log-output.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/source.h"

/* See systemd's "Native Journal Protocol". */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* `fd` and its type are set once, before threads exist. */
static struct {
    int fd;
    gboolean journal;
    gboolean is_file; /* a regular file, which poll() always reports as writable */
    GMutex mutex;
    GQueue kept; /* of GString */
    guint n_lost;
    GSource *source; /* set while lines are queued */
} output = { .fd = STDERR_FILENO };


static gboolean
connect_to_journal(int fd)
{
    const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };

    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}


/* -1: the journal cannot be reached. */
static int
open_journal(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && !connect_to_journal(fd)) {
        close(fd);
        fd = -1;
    }
    return fd;
}


void
md_log_output_init(void)
{
    struct stat info = { 0 };
    int journal = g_log_writer_is_journald(STDERR_FILENO) ? open_journal() : -1;

    output.journal = journal >= 0;
    if (output.journal)
        output.fd = journal;
    output.is_file = fstat(output.fd, &info) == 0 && S_ISREG(info.st_mode);
}


gboolean
md_log_output_is_journal(void)
{
    return output.journal;
}


static void
append_field(GString *out, const GLogField *field)
{
    gsize length = field->length < 0 ? strlen(field->value) : (gsize)field->length;
    guint64 size = GUINT64_TO_LE(length);

    g_string_append_printf(out, "%s\n", field->key);
    g_string_append_len(out, (const char *)&size, sizeof(size));
    g_string_append_len(out, field->value, (gssize)length);
    g_string_append_c(out, '\n');
}


GString *
md_log_output_encode(const GLogField *fields, gsize n_fields)
{
    GString *out = g_string_new(NULL);

    for (gsize i = 0; i < n_fields; i++)
        append_field(out, &fields[i]);
    return out;
}


/* A pipe or terminal reported as writable accepts a whole line. */
static gboolean
has_room(int milliseconds)
{
    struct pollfd pfd = { .fd = output.fd, .events = POLLOUT };

    return output.is_file || poll(&pfd, 1, milliseconds) != 0;
}


/* journald creates a new socket when it restarts. */
static gssize
send_to_journal(const GString *line)
{
    gssize sent = send(output.fd, line->str, line->len, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (sent < 0 && (errno == ECONNREFUSED || errno == ENOTCONN || errno == ECONNRESET) &&
        connect_to_journal(output.fd))
        sent = send(output.fd, line->str, line->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent;
}


/* FALSE: the reader has no room now. After any other failure, the line is lost. */
static gboolean
put(const GString *line)
{
    if (output.journal)
        return send_to_journal(line) >= 0 || (errno != EAGAIN && errno != EINTR);
    if (!has_room(0))
        return FALSE;
    /* One write, so that the line is not mixed with those of other writers. */
    return write(output.fd, line->str, line->len) >= 0 || errno != EAGAIN;
}


static void
free_line(gpointer line)
{
    g_string_free(line, TRUE);
}


/* Called with the mutex held. FALSE: some lines are left. */
static gboolean
put_kept(void)
{
    while (!g_queue_is_empty(&output.kept) && put(g_queue_peek_head(&output.kept)))
        free_line(g_queue_pop_head(&output.kept));
    return g_queue_is_empty(&output.kept);
}


/* FALSE: lines are still queued. A message replaces the dropped lines, before any later line is
 * accepted. */
static gboolean
catch_up(void)
{
    guint n_lost = 0;
    gboolean done = FALSE;

    g_mutex_lock(&output.mutex);
    done = put_kept();
    if (output.kept.length <= MD_LOG_KEPT_MAX / 2) {
        n_lost = output.n_lost;
        output.n_lost = 0;
    }
    if (done)
        md_source_clear(&output.source);
    g_mutex_unlock(&output.mutex);
    if (n_lost > 0)
        g_message("%u log lines dropped: the reader of the log did not keep up", n_lost);
    return done;
}


static gboolean
on_room(int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
    return catch_up() ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}


void
md_log_output_write(GString *line)
{
    g_mutex_lock(&output.mutex);
    if (g_queue_is_empty(&output.kept) && put(line)) {
        free_line(line);
    } else if (output.n_lost > 0 || output.kept.length >= MD_LOG_KEPT_MAX) {
        output.n_lost++;
        free_line(line);
    } else {
        g_queue_push_tail(&output.kept, line);
        if (output.source == NULL)
            output.source = md_source_attach(g_unix_fd_source_new(output.fd, G_IO_OUT),
                                             G_SOURCE_FUNC(on_room), NULL);
    }
    g_mutex_unlock(&output.mutex);
}


void
md_log_output_print(const char *line, guint patience)
{
    gint64 end = g_get_monotonic_time() + (gint64)patience * 1000;
    struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
    int left = (int)patience;
    int n = 0;

    while ((n = poll(&pfd, 1, left)) < 0 && errno == EINTR)
        left = (int)MAX(0, (end - g_get_monotonic_time()) / 1000);
    if (n > 0 && write(STDERR_FILENO, line, strlen(line)) < 0)
        return; /* Nothing is left to report this to. */
}


static guint
count_kept(void)
{
    guint n = 0;

    g_mutex_lock(&output.mutex);
    n = output.kept.length;
    g_mutex_unlock(&output.mutex);
    return n;
}


void
md_log_output_flush(guint patience, guint limit)
{
    gint64 end = g_get_monotonic_time() + (gint64)limit * 1000;
    gint64 give_up = 0;
    guint n_before = G_MAXUINT;

    while (!catch_up() && g_get_monotonic_time() < end) {
        guint n = count_kept();

        if (n < n_before)
            give_up = g_get_monotonic_time() + (gint64)patience * 1000;
        else if (g_get_monotonic_time() >= give_up)
            return;
        n_before = n;
        has_room((int)patience);
    }
}
