/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Measures one operation, and prints each sample in microseconds, one per line. All daemons are
 * measured by this client, on one connection; `floor` measures kernel and udev without a daemon.
 *
 *   bench floor-create|floor-destroy PARENT_PATH TYPE COUNT
 *   bench create|destroy             URI PARENT TYPE COUNT
 *   bench null|list                  URI COUNT
 *   bench clients                    URI PARENT TYPE CLIENTS COUNT
 *   bench events                     URI PARENT TYPE SUBSCRIBERS COUNT
 *   bench xml|look-up                URI DEVICE COUNT
 *   bench change                     URI PARENT TYPE COUNT
 *   bench start                      URI SOCKET MIN_DEVICES COMMAND...
 *
 * A sample of "change" is a create and the destroy of the same device. With "clients", each client
 * has a connection and a thread of its own, and creates and destroys COUNT devices; a sample is one
 * create. With "events", each subscriber has a connection of its own; a sample is the time from a
 * create until the last subscriber has received the event.
 *
 * Or compares two daemons, which are called in turn. The calls are read from standard input, one
 * per line: "null", "list", or the name of a device whose document is requested. For each call,
 * prints one line per round: the call, and the nanoseconds that each daemon took.
 *
 *   bench compare                    URI URI COUNT
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <libudev.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Timeout for a daemon, in seconds. */
#define TIMEOUT 300

/* Calls compared besides documents; no device has these names. */
#define CALL_NULL "null"
#define CALL_LIST "list"
#define CALL_MAX  1024 /* bytes */

#define NANOSECONDS_PER_SECOND G_GINT64_CONSTANT(1000000000)


static void G_GNUC_NORETURN
die(const char *what)
{
    const char *why = virGetLastError() != NULL ? virGetLastErrorMessage() : g_strerror(errno);

    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}


static void
print_sample(gint64 since)
{
    printf("%" G_GINT64_FORMAT "\n", g_get_monotonic_time() - since);
}


static void
write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        die(path);
    close(fd);
}


/* Blocks until udev has sent the event of the device. */
static void
wait_for_event(struct udev_monitor *monitor, const char *action, const char *uuid)
{
    struct pollfd pfd = { .fd = udev_monitor_get_fd(monitor), .events = POLLIN };
    gboolean found = FALSE;

    while (!found && poll(&pfd, 1, TIMEOUT * 1000) == 1) {
        struct udev_device *device = udev_monitor_receive_device(monitor);

        found = device != NULL && g_strcmp0(udev_device_get_action(device), action) == 0 &&
                g_strcmp0(udev_device_get_sysname(device), uuid) == 0;
        udev_device_unref(device);
    }
    if (!found)
        die("no event of udev");
}


static void
floor_one(struct udev_monitor *monitor, const char *parent, const char *type, gboolean time_create)
{
    g_autofree char *uuid = g_uuid_string_random();
    g_autofree char *create =
        g_build_filename(parent, "mdev_supported_types", type, "create", NULL);
    g_autofree char *remove_path = g_build_filename(parent, uuid, "remove", NULL);
    gint64 since = g_get_monotonic_time();

    write_file(create, uuid);
    wait_for_event(monitor, "add", uuid);
    if (time_create)
        print_sample(since);

    since = g_get_monotonic_time();
    write_file(remove_path, "1");
    wait_for_event(monitor, "remove", uuid);
    if (!time_create)
        print_sample(since);
}


static void
run_floor(const char *parent, const char *type, int count, gboolean time_create)
{
    struct udev *udev = udev_new();
    struct udev_monitor *monitor = udev_monitor_new_from_netlink(udev, "udev");

    if (monitor == NULL ||
        udev_monitor_filter_add_match_subsystem_devtype(monitor, "mdev", NULL) < 0 ||
        udev_monitor_enable_receiving(monitor) < 0)
        die("udev");
    for (int i = 0; i < count; i++)
        floor_one(monitor, parent, type, time_create);
    udev_monitor_unref(monitor);
    udev_unref(udev);
}


static virConnectPtr
connect_to(const char *uri)
{
    virConnectPtr conn = virConnectOpen(uri);

    if (conn == NULL)
        die(uri);
    return conn;
}


static char *
make_document(const char *parent, const char *type)
{
    return g_strdup_printf("<device><parent>%s</parent><capability type='mdev'>"
                           "<type id='%s'/></capability></device>",
                           parent, type);
}


static void
run_verbs(const char *uri, const char *parent, const char *type, int count, gboolean time_create)
{
    virConnectPtr conn = connect_to(uri);
    g_autofree char *xml = make_document(parent, type);

    for (int i = 0; i < count; i++) {
        gint64 since = g_get_monotonic_time();
        virNodeDevicePtr device = virNodeDeviceCreateXML(conn, xml, 0);

        if (device == NULL)
            die("create");
        if (time_create)
            print_sample(since);

        since = g_get_monotonic_time();
        if (virNodeDeviceDestroy(device) < 0)
            die("destroy");
        if (!time_create)
            print_sample(since);
        virNodeDeviceFree(device);
    }
    virConnectClose(conn);
}


static void
run_changes(const char *uri, const char *parent, const char *type, int count)
{
    virConnectPtr conn = connect_to(uri);
    g_autofree char *xml = make_document(parent, type);

    for (int i = 0; i < count; i++) {
        gint64 since = g_get_monotonic_time();
        virNodeDevicePtr device = virNodeDeviceCreateXML(conn, xml, 0);

        if (device == NULL || virNodeDeviceDestroy(device) < 0)
            die("change");
        print_sample(since);
        virNodeDeviceFree(device);
    }
    virConnectClose(conn);
}


/* One of the clients of "clients". */
typedef struct {
    virConnectPtr conn;
    const char *xml;
    int count;
    gint64 *samples; /* in microseconds */
} Client;


static gpointer
run_client(gpointer data)
{
    const Client *self = data;

    for (int i = 0; i < self->count; i++) {
        gint64 since = g_get_monotonic_time();
        virNodeDevicePtr device = virNodeDeviceCreateXML(self->conn, self->xml, 0);

        if (device == NULL)
            die("create");
        self->samples[i] = g_get_monotonic_time() - since;
        if (virNodeDeviceDestroy(device) < 0)
            die("destroy");
        virNodeDeviceFree(device);
    }
    return NULL;
}


static void
run_clients(const char *uri, const char *parent, const char *type, int n_clients, int count)
{
    g_autofree char *xml = make_document(parent, type);
    g_autofree Client *clients = g_new0(Client, n_clients);
    g_autofree GThread **threads = g_new0(GThread *, n_clients);

    for (int i = 0; i < n_clients; i++)
        clients[i] = (Client){ connect_to(uri), xml, count, g_new0(gint64, count) };
    for (int i = 0; i < n_clients; i++)
        threads[i] = g_thread_new("client", run_client, &clients[i]);
    for (int i = 0; i < n_clients; i++) {
        g_thread_join(threads[i]);
        for (int j = 0; j < count; j++)
            printf("%" G_GINT64_FORMAT "\n", clients[i].samples[j]);
        g_free(clients[i].samples);
        virConnectClose(clients[i].conn);
    }
}


/* Number of subscribers that have received the event. */
static struct {
    GMutex mutex;
    GCond changed;
    int n;
} received;


static void
on_lifecycle(virConnectPtr conn G_GNUC_UNUSED,
             virNodeDevicePtr device G_GNUC_UNUSED,
             int event,
             int detail G_GNUC_UNUSED,
             void *data G_GNUC_UNUSED)
{
    if (event != VIR_NODE_DEVICE_EVENT_CREATED)
        return;
    g_mutex_lock(&received.mutex);
    received.n++;
    g_cond_signal(&received.changed);
    g_mutex_unlock(&received.mutex);
}


static gpointer
run_event_loop(gpointer data G_GNUC_UNUSED)
{
    while (virEventRunDefaultImpl() == 0)
        continue;
    return NULL;
}


static void
subscribe(const char *uri)
{
    virConnectPtr conn = connect_to(uri);

    if (virConnectNodeDeviceEventRegisterAny(conn, NULL, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                                             VIR_NODE_DEVICE_EVENT_CALLBACK(on_lifecycle), NULL,
                                             NULL) < 0)
        die("subscribe");
}


/* The subscribers' connections are closed at the end of the process. */
static void
run_events(const char *uri, const char *parent, const char *type, int n_subscribers, int count)
{
    virConnectPtr conn = NULL;
    g_autofree char *xml = make_document(parent, type);

    virEventRegisterDefaultImpl();
    g_thread_unref(g_thread_new("events", run_event_loop, NULL));
    for (int i = 0; i < n_subscribers; i++)
        subscribe(uri);
    conn = connect_to(uri);

    for (int i = 0; i < count; i++) {
        gint64 since = g_get_monotonic_time();
        virNodeDevicePtr device = virNodeDeviceCreateXML(conn, xml, 0);

        if (device == NULL)
            die("create");
        g_mutex_lock(&received.mutex);
        while (received.n < n_subscribers)
            g_cond_wait(&received.changed, &received.mutex);
        received.n = 0;
        g_mutex_unlock(&received.mutex);
        print_sample(since);

        if (virNodeDeviceDestroy(device) < 0)
            die("destroy");
        virNodeDeviceFree(device);
    }
}


static int
list_devices(virConnectPtr conn)
{
    virNodeDevicePtr *devices = NULL;
    int n = virConnectListAllNodeDevices(conn, &devices, 0);

    for (int i = 0; i < n; i++)
        virNodeDeviceFree(devices[i]);
    free(devices);
    return n;
}


static void
run_list(const char *uri, int count, gboolean is_null)
{
    virConnectPtr conn = connect_to(uri);
    unsigned long version = 0;

    for (int i = 0; i < count; i++) {
        gint64 since = g_get_monotonic_time();

        if ((is_null ? virConnectGetLibVersion(conn, &version) : list_devices(conn)) < 0)
            die(is_null ? CALL_NULL : CALL_LIST);
        print_sample(since);
    }
    virConnectClose(conn);
}


static void
run_xml(const char *uri, const char *name, int count)
{
    virConnectPtr conn = connect_to(uri);
    virNodeDevicePtr device = virNodeDeviceLookupByName(conn, name);

    if (device == NULL)
        die(name);
    for (int i = 0; i < count; i++) {
        gint64 since = g_get_monotonic_time();
        char *xml = virNodeDeviceGetXMLDesc(device, 0);

        if (xml == NULL)
            die("xml");
        print_sample(since);
        free(xml);
    }
    virNodeDeviceFree(device);
    virConnectClose(conn);
}


static void
run_look_ups(const char *uri, const char *name, int count)
{
    virConnectPtr conn = connect_to(uri);

    for (int i = 0; i < count; i++) {
        gint64 since = g_get_monotonic_time();
        virNodeDevicePtr device = virNodeDeviceLookupByName(conn, name);

        if (device == NULL)
            die(name);
        print_sample(since);
        virNodeDeviceFree(device);
    }
    virConnectClose(conn);
}


static gint64
get_nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NANOSECONDS_PER_SECOND + now.tv_nsec;
}


/* Returns the duration of a call in nanoseconds. `device`: looked up before; NULL unless the call
 * requests its document. */
static gint64
time_call(virConnectPtr conn, const char *call, virNodeDevicePtr device)
{
    gint64 since = get_nanoseconds();
    unsigned long version = 0;
    g_autofree char *xml = NULL;

    if (device != NULL)
        xml = virNodeDeviceGetXMLDesc(device, 0);
    if (device != NULL                 ? xml == NULL
        : g_str_equal(call, CALL_LIST) ? list_devices(conn) < 0
                                       : virConnectGetLibVersion(conn, &version) < 0)
        die(call);
    return get_nanoseconds() - since;
}


static virNodeDevicePtr
look_up(virConnectPtr conn, const char *call)
{
    virNodeDevicePtr device = NULL;

    if (g_str_equal(call, CALL_NULL) || g_str_equal(call, CALL_LIST))
        return NULL;
    device = virNodeDeviceLookupByName(conn, call);
    if (device == NULL)
        die(call);
    return device;
}


/* The daemons take turns in being first. The first round fills caches, and is not printed. */
static void
compare_call(virConnectPtr conns[2], const char *call, int count)
{
    virNodeDevicePtr devices[2] = { look_up(conns[0], call), look_up(conns[1], call) };
    gint64 times[2] = { 0, 0 };

    for (int i = 0; i <= count; i++) {
        for (int j = 0; j < 2; j++) {
            int which = (i + j) % 2;

            times[which] = time_call(conns[which], call, devices[which]);
        }
        if (i > 0)
            printf("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", call, times[0], times[1]);
    }
    for (int i = 0; i < 2; i++) {
        if (devices[i] != NULL)
            virNodeDeviceFree(devices[i]);
    }
}


static void
run_compare(const char *first, const char *second, int count)
{
    virConnectPtr conns[2] = { connect_to(first), connect_to(second) };
    char call[CALL_MAX];

    while (fgets(call, sizeof(call), stdin) != NULL)
        compare_call(conns, g_strchomp(call), count);
    virConnectClose(conns[0]);
    virConnectClose(conns[1]);
}


/* Blocks until the daemon has created its socket. */
static void
wait_for_socket(int watch, const char *path)
{
    char events[4096];
    struct pollfd pfd = { .fd = watch, .events = POLLIN };

    while (access(path, F_OK) < 0) {
        if (poll(&pfd, 1, TIMEOUT * 1000) != 1)
            die("no socket");
        if (read(watch, events, sizeof(events)) < 0)
            die("inotify");
    }
}


static void
ignore_error(void *data G_GNUC_UNUSED, virErrorPtr error G_GNUC_UNUSED)
{
}


/* Measures the time from the start of the daemon to the first list with all devices. */
static void
run_start(const char *uri, const char *path, int min_devices, char **command)
{
    g_autofree char *dir = g_path_get_dirname(path);
    int watch = inotify_init1(IN_CLOEXEC);
    gint64 since = g_get_monotonic_time();
    virConnectPtr conn = NULL;
    pid_t pid = 0;

    if (inotify_add_watch(watch, dir, IN_CREATE | IN_ATTRIB) < 0)
        die(dir);
    pid = fork();
    if (pid == 0) {
        execvp(command[0], command);
        _exit(127);
    }

    virSetErrorFunc(NULL, ignore_error);
    wait_for_socket(watch, path);
    /* A daemon refuses connections between its bind() and its listen(). */
    while ((conn = virConnectOpen(uri)) == NULL &&
           g_get_monotonic_time() - since < TIMEOUT * G_USEC_PER_SEC)
        g_thread_yield();
    if (conn == NULL)
        die(uri);
    /* The stock daemon's first list may lack devices. */
    while (list_devices(conn) < min_devices &&
           g_get_monotonic_time() - since < TIMEOUT * G_USEC_PER_SEC)
        g_thread_yield();
    print_sample(since);

    virConnectClose(conn);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
}


int
main(int argc, char **argv)
{
    const char *verb = argc > 3 ? argv[1] : "";

    if (g_str_has_prefix(verb, "floor-") && argc == 5)
        run_floor(argv[2], argv[3], atoi(argv[4]), g_str_equal(verb, "floor-create"));
    else if ((g_str_equal(verb, "create") || g_str_equal(verb, "destroy")) && argc == 6)
        run_verbs(argv[2], argv[3], argv[4], atoi(argv[5]), g_str_equal(verb, "create"));
    else if ((g_str_equal(verb, CALL_LIST) || g_str_equal(verb, CALL_NULL)) && argc == 4)
        run_list(argv[2], atoi(argv[3]), g_str_equal(verb, CALL_NULL));
    else if (g_str_equal(verb, "clients") && argc == 7)
        run_clients(argv[2], argv[3], argv[4], atoi(argv[5]), atoi(argv[6]));
    else if (g_str_equal(verb, "events") && argc == 7)
        run_events(argv[2], argv[3], argv[4], atoi(argv[5]), atoi(argv[6]));
    else if (g_str_equal(verb, "xml") && argc == 5)
        run_xml(argv[2], argv[3], atoi(argv[4]));
    else if (g_str_equal(verb, "look-up") && argc == 5)
        run_look_ups(argv[2], argv[3], atoi(argv[4]));
    else if (g_str_equal(verb, "change") && argc == 6)
        run_changes(argv[2], argv[3], argv[4], atoi(argv[5]));
    else if (g_str_equal(verb, "compare") && argc == 5)
        run_compare(argv[2], argv[3], atoi(argv[4]));
    else if (g_str_equal(verb, "start") && argc > 5)
        run_start(argv[2], argv[3], atoi(argv[4]), argv + 5);
    else
        die("bad arguments, see the top of bench.c");
    return EXIT_SUCCESS;
}
