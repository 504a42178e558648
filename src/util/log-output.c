/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/log-output.h"

#include <errno.h>
#include <fcntl.h>
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

#define SYSLOG_SOCKET "/dev/log"

#define FILE_MODE 0600

/* Members are set once, before there are threads, unless noted otherwise. */
typedef struct {
    MdLogDestination destination;
    char *name;
    gint priority; /* MdLogPriority; atomic */
    int fd;
    gboolean is_file; /* a regular file, which poll() always reports as writable */
    GQueue kept;      /* of GString; this and the following members are protected by the mutex */
    guint n_lost;
    GSource *source; /* set while lines are queued */
} Output;

static struct {
    GMutex mutex;
    Output list[MD_LOG_OUTPUTS_MAX];
    guint n;
} outputs = { .list = { { .fd = STDERR_FILENO, .priority = MD_LOG_PRIORITY_DEBUG } }, .n = 1 };


/* The address of a service that takes each line as a datagram; NULL: no such service. */
static const char *
get_address(MdLogDestination destination)
{
    switch (destination) {
    case MD_LOG_TO_JOURNALD:
        return JOURNAL_SOCKET;
    case MD_LOG_TO_SYSLOG:
        return SYSLOG_SOCKET;
    default:
        return NULL;
    }
}


static gboolean
connect_to_service(int fd, MdLogDestination destination)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    g_strlcpy(address.sun_path, get_address(destination), sizeof(address.sun_path));
    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}


/* -1 with errno: the service cannot be reached. */
static int
open_service(MdLogDestination destination)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int errnum = 0;

    if (fd < 0 || connect_to_service(fd, destination))
        return fd;
    errnum = errno;
    close(fd);
    errno = errnum;
    return -1;
}


/* -1 with errno on failure. */
static int
open_destination(const MdLogOutput *wanted)
{
    switch (wanted->destination) {
    case MD_LOG_TO_JOURNALD:
    case MD_LOG_TO_SYSLOG:
        return open_service(wanted->destination);
    case MD_LOG_TO_FILE:
        /* Opening a FIFO or a terminal must not block. */
        return open(wanted->name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                    FILE_MODE);
    case MD_LOG_TO_STDERR:
    default:
        return STDERR_FILENO;
    }
}


static Output
make_output(MdLogDestination destination, const char *name, MdLogPriority priority, int fd)
{
    struct stat info = { 0 };
    Output self = { .destination = destination, .name = g_strdup(name), .fd = fd };

    self.priority = (gint)priority;
    self.is_file = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    return self;
}


void
md_log_output_init(void)
{
    int journal = g_log_writer_is_journald(STDERR_FILENO) ? open_service(MD_LOG_TO_JOURNALD) : -1;

    outputs.list[0] = make_output(journal >= 0 ? MD_LOG_TO_JOURNALD : MD_LOG_TO_STDERR, NULL,
                                  MD_LOG_PRIORITY_DEBUG, journal >= 0 ? journal : STDERR_FILENO);
}


static void
add_problem(GPtrArray *problems, const MdLogOutput *wanted, int errnum)
{
    const char *path =
        wanted->destination == MD_LOG_TO_FILE ? wanted->name : get_address(wanted->destination);

    g_ptr_array_add(problems,
                    g_strdup_printf("cannot open the log '%s': %s", path, g_strerror(errnum)));
}


static void
free_line(gpointer line)
{
    g_string_free(line, TRUE);
}


/* Drops the lines that are still queued. */
static void
close_default(void)
{
    Output *self = &outputs.list[0];

    md_source_clear(&self->source);
    g_queue_clear_full(&self->kept, free_line);
    if (self->fd != STDERR_FILENO)
        close(self->fd);
}


gboolean
md_log_output_use(const GArray *wanted, GPtrArray *problems)
{
    Output list[MD_LOG_OUTPUTS_MAX] = { 0 };
    guint n = 0;

    for (guint i = 0; i < MIN(wanted->len, MD_LOG_OUTPUTS_MAX); i++) {
        const MdLogOutput *each = &g_array_index(wanted, MdLogOutput, i);
        int fd = open_destination(each);

        if (fd >= 0)
            list[n++] = make_output(each->destination, each->name, each->priority, fd);
        else
            add_problem(problems, each, errno);
    }
    if (n == 0)
        return FALSE;
    close_default();
    memcpy(outputs.list, list, sizeof(list));
    outputs.n = n;
    return TRUE;
}


guint
md_log_output_count(void)
{
    return outputs.n;
}


MdLogDestination
md_log_output_get_destination(guint i)
{
    return outputs.list[i].destination;
}


const char *
md_log_output_get_name(guint i)
{
    return outputs.list[i].name;
}


MdLogPriority
md_log_output_get_priority(guint i)
{
    return (MdLogPriority)g_atomic_int_get(&outputs.list[i].priority);
}


void
md_log_output_set_priority(guint i, MdLogPriority priority)
{
    g_atomic_int_set(&outputs.list[i].priority, (gint)priority);
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
has_room(const Output *self, int milliseconds)
{
    struct pollfd pfd = { .fd = self->fd, .events = POLLOUT };

    return self->is_file || poll(&pfd, 1, milliseconds) != 0;
}


/* journald and syslogd create a new socket when they restart. */
static gssize
send_line(const Output *self, const GString *line)
{
    gssize sent = send(self->fd, line->str, line->len, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (sent < 0 && (errno == ECONNREFUSED || errno == ENOTCONN || errno == ECONNRESET) &&
        connect_to_service(self->fd, self->destination))
        sent = send(self->fd, line->str, line->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent;
}


/* FALSE: the line cannot be written yet. After any other failure, the line is lost. */
static gboolean
put_line(const Output *self, const GString *line)
{
    if (get_address(self->destination) != NULL)
        return send_line(self, line) >= 0 || (errno != EAGAIN && errno != EINTR);
    if (!has_room(self, 0))
        return FALSE;
    /* One write, so that the line is not mixed with those of other writers. */
    return write(self->fd, line->str, line->len) >= 0 || errno != EAGAIN;
}


/* Called with the mutex held. FALSE: some lines are left. */
static gboolean
put_kept(Output *self)
{
    while (!g_queue_is_empty(&self->kept) && put_line(self, g_queue_peek_head(&self->kept)))
        free_line(g_queue_pop_head(&self->kept));
    return g_queue_is_empty(&self->kept);
}


/* Writes queued lines; FALSE: some are left. If lines have been dropped, logs their number before
 * later lines are accepted. */
static gboolean
catch_up(Output *self)
{
    guint n_lost = 0;
    gboolean done = FALSE;

    g_mutex_lock(&outputs.mutex);
    done = put_kept(self);
    if (self->kept.length <= MD_LOG_KEPT_MAX / 2) {
        n_lost = self->n_lost;
        self->n_lost = 0;
    }
    if (done)
        md_source_clear(&self->source);
    g_mutex_unlock(&outputs.mutex);
    if (n_lost > 0)
        g_message("%u log lines dropped: the reader of the log did not keep up", n_lost);
    return done;
}


static gboolean
on_room(int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    return catch_up(data) ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}


void
md_log_output_write(guint i, GString *line)
{
    Output *self = &outputs.list[i];

    g_mutex_lock(&outputs.mutex);
    if (g_queue_is_empty(&self->kept) && put_line(self, line)) {
        free_line(line);
    } else if (self->n_lost > 0 || self->kept.length >= MD_LOG_KEPT_MAX) {
        self->n_lost++;
        free_line(line);
    } else {
        g_queue_push_tail(&self->kept, line);
        if (self->source == NULL)
            self->source = md_source_attach(g_unix_fd_source_new(self->fd, G_IO_OUT),
                                            G_SOURCE_FUNC(on_room), self);
    }
    g_mutex_unlock(&outputs.mutex);
}


void
md_log_output_print(const char *line, guint stall_timeout)
{
    gint64 end = g_get_monotonic_time() + (gint64)stall_timeout * 1000;
    struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
    int left = (int)stall_timeout;
    int n = 0;

    while ((n = poll(&pfd, 1, left)) < 0 && errno == EINTR)
        left = (int)MAX(0, (end - g_get_monotonic_time()) / 1000);
    if (n > 0 && write(STDERR_FILENO, line, strlen(line)) < 0)
        return; /* Nothing is left to report this to. */
}


static guint
count_kept(const Output *self)
{
    guint n = 0;

    g_mutex_lock(&outputs.mutex);
    n = self->kept.length;
    g_mutex_unlock(&outputs.mutex);
    return n;
}


static void
flush_output(Output *self, guint stall_timeout, gint64 end)
{
    gint64 give_up = 0;
    guint n_before = G_MAXUINT;

    while (!catch_up(self) && g_get_monotonic_time() < end) {
        guint n = count_kept(self);

        if (n < n_before)
            give_up = g_get_monotonic_time() + (gint64)stall_timeout * 1000;
        else if (g_get_monotonic_time() >= give_up)
            return;
        n_before = n;
        has_room(self, (int)stall_timeout);
    }
}


void
md_log_output_flush(guint stall_timeout, guint limit)
{
    gint64 end = g_get_monotonic_time() + (gint64)limit * 1000;

    for (guint i = 0; i < outputs.n; i++)
        flush_output(&outputs.list[i], stall_timeout, end);
}
