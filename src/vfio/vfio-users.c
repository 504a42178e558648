/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vfio/vfio-users.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/names.h"

#define WORD_HELD    "held "
#define WORD_FREE    "free"
#define WORD_UNKNOWN "unknown"


gboolean
md_vfio_users_parse_question(const char *line, dev_t *node)
{
    guint64 major_number = 0;
    guint64 minor_number = 0;
    g_auto(GStrv) words = g_strsplit(line, ":", 3);

    if (g_strv_length(words) != 2 ||
        !g_ascii_string_to_unsigned(words[0], 10, 0, G_MAXUINT32, &major_number, NULL) ||
        !g_ascii_string_to_unsigned(words[1], 10, 0, G_MAXUINT32, &minor_number, NULL))
        return FALSE;
    *node = makedev(major_number, minor_number);
    return TRUE;
}


char *
md_vfio_users_format_answer(MdVfioHolding holding, const MdVfioHolder *holder)
{
    switch (holding) {
    case MD_VFIO_HELD:
        return g_strdup_printf(WORD_HELD "%" G_GINT64_FORMAT " %s\n", holder->pid, holder->name);
    case MD_VFIO_FREE:
        return g_strdup(WORD_FREE "\n");
    case MD_VFIO_UNKNOWN:
        break;
    }
    return g_strdup(WORD_UNKNOWN "\n");
}


MdVfioHolding
md_vfio_users_parse_answer(const char *line, MdVfioHolder *holder)
{
    const char *number = line + strlen(WORD_HELD);
    char *end = NULL;

    if (g_str_equal(line, WORD_FREE))
        return MD_VFIO_FREE;
    if (!g_str_has_prefix(line, WORD_HELD) || !g_ascii_isdigit(*number))
        return MD_VFIO_UNKNOWN;

    holder->pid = g_ascii_strtoll(number, &end, 10);
    if (*end != ' ' || holder->pid <= 0 || holder->pid > G_MAXINT32)
        return MD_VFIO_UNKNOWN;
    g_strlcpy(holder->name, end + 1, sizeof(holder->name));
    md_vfio_holder_clean_name(holder->name);
    return MD_VFIO_HELD;
}


/* The remaining milliseconds, for poll(). */
static int
time_left(gint64 end)
{
    return (int)MAX((end - g_get_monotonic_time() + 999) / 1000, 0);
}


char *
md_vfio_users_read_line(int fd, guint time)
{
    gint64 end = g_get_monotonic_time() + (gint64)time * 1000;
    g_autoptr(GString) line = g_string_new(NULL);

    while (line->len < MD_VFIO_LINE_MAX && strchr(line->str, '\n') == NULL) {
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        char chunk[MD_VFIO_LINE_MAX];
        ssize_t got = TEMP_FAILURE_RETRY(poll(&wait, 1, time_left(end)));

        if (got == 0)
            errno = ETIMEDOUT;
        if (got > 0)
            got = read(fd, chunk, sizeof(chunk) - line->len);
        else
            got = -1;
        if (got < 0)
            return NULL;
        if (got == 0)
            break;
        g_string_append_len(line, chunk, got);
        if (strlen(line->str) != line->len)
            break;
    }
    if (line->len == 0 || line->str[line->len - 1] != '\n' || strlen(line->str) != line->len) {
        errno = EBADMSG;
        return NULL;
    }
    g_string_truncate(line, line->len - 1);
    return g_string_free(g_steal_pointer(&line), FALSE);
}


/* Returns -1 with errno on failure. Fails at once if the listener's queue is full. */
static int
connect_to(const char *path)
{
    g_auto(MdFd) fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (fd < 0)
        return -1;
    if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -1;
    return g_steal_fd(&fd);
}


/* NULL with errno on failure. */
static char *
exchange_lines(const char *path, const char *question)
{
    g_auto(MdFd) fd = connect_to(path);

    if (fd < 0 || send(fd, question, strlen(question), MSG_NOSIGNAL) < 0)
        return NULL;
    return md_vfio_users_read_line(fd, MD_VFIO_ANSWER_TIME);
}


MdVfioHolding
md_vfio_users_ask(const char *path, dev_t node, MdVfioHolder *holder, char **hint)
{
    g_autofree char *question = g_strdup_printf("%u:%u\n", major(node), minor(node));
    g_autofree char *answer = exchange_lines(path, question);
    MdVfioHolding holding = MD_VFIO_UNKNOWN;

    if (answer == NULL) {
        *hint = g_strdup_printf("Unable to query mediated-vfio-users at '%s': %s", path,
                                g_strerror(errno));
        return MD_VFIO_UNKNOWN;
    }
    holding = md_vfio_users_parse_answer(answer, holder);
    if (holding == MD_VFIO_UNKNOWN)
        *hint = g_strdup("mediated-vfio-users could not inspect all processes");
    return holding;
}


char *
md_vfio_users_explain(const MdVfioHolder *holder)
{
    if (holder->pid == 0)
        return g_strdup("the search through all open files did not finish");
    return g_strdup_printf("process %" G_GINT64_FORMAT " cannot be inspected", holder->pid);
}


static gboolean
may_search(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

    return syscall(SYS_capget, &header, data) == 0 &&
           (data[CAP_TO_INDEX(CAP_SYS_PTRACE)].effective & CAP_TO_MASK(CAP_SYS_PTRACE)) != 0;
}


MdVfioHolding
md_vfio_users_find(const MdRoots *roots, dev_t node, MdVfioHolder *holder, char **hint)
{
    g_autofree char *socket_path = g_build_filename(roots->run, MD_RUN_VFIO_USERS, NULL);
    MdVfioHolding holding = MD_VFIO_UNKNOWN;

    if (!may_search())
        return md_vfio_users_ask(socket_path, node, holder, hint);

    holding = md_vfio_holder_find(roots, node, holder);
    if (holding == MD_VFIO_UNKNOWN)
        *hint = md_vfio_users_explain(holder);
    return holding;
}
