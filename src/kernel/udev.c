/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "kernel/udev.h"

#include <errno.h>
#include <libudev.h>
#include <string.h>

#include "kernel/kernel-events.h"
#include "kernel/sysfs.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/names.h"
#include "util/polled.h"

/* Events handled before the main loop serves others. */
#define MAX_EVENTS_PER_TURN 64

/* The previous path in "move" events. Like all paths in events, it lacks the prefix /sys. */
#define PROPERTY_OLD_PATH "DEVPATH_OLD"

#define PROPERTY_SUBSYSTEM "SUBSYSTEM"
#define PROPERTY_DEVTYPE   "DEVTYPE"

struct _MdUdev {
    GObject parent;

    struct udev *udev;
    struct udev_monitor *monitor;
    MdPolled polled;
    const MdSettings *settings;
    MdKernelEvents *kernel;        /* NULL: kernel uevents cannot be received */
    gboolean opened_without_udevd; /* if so, libudev may receive nothing */
    gboolean listening;
    gboolean gap; /* events have been lost */
};

enum { SIGNAL_EVENT, SIGNAL_LOST, SIGNAL_LAST };

static guint signals[SIGNAL_LAST];

struct _MdUdevDevice {
    struct udev *udev;
    const MdRoots *roots;
    char *path;
    char *subsystem;                /* "" if it has none */
    struct udev_device *device;     /* NULL until needed, or if the device no longer exists */
    const MdKernelMessage *message; /* the message that reported the device, borrowed, or NULL */
};

typedef struct udev_hwdb udev_hwdb;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(udev_hwdb, udev_hwdb_unref)

G_DEFINE_FINAL_TYPE(MdUdev, md_udev, G_TYPE_OBJECT)


static void
monitor_close(MdUdev *self)
{
    if (self->monitor != NULL)
        md_polled_set(&self->polled, udev_monitor_get_fd(self->monitor), 0, NULL, NULL, NULL);
    g_clear_pointer(&self->monitor, udev_monitor_unref);
}


static void
md_udev_dispose(GObject *object)
{
    MdUdev *self = MD_UDEV(object);

    g_clear_pointer(&self->kernel, md_kernel_events_free);
    monitor_close(self);
    g_clear_pointer(&self->udev, udev_unref);
    G_OBJECT_CLASS(md_udev_parent_class)->dispose(object);
}


static void
md_udev_class_init(MdUdevClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = md_udev_dispose;
    signals[SIGNAL_EVENT] = g_signal_new("event", MD_TYPE_UDEV, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                         NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
    signals[SIGNAL_LOST] =
        g_signal_new("lost", MD_TYPE_UDEV, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}


static void
md_udev_init(MdUdev *self)
{
    self->udev = udev_new();
}


static gboolean
is_readable(MdUdev *self)
{
    return md_fd_is_readable(udev_monitor_get_fd(self->monitor));
}


/* Takes ownership of `device`. */
static MdUdevDevice *
device_new(MdUdev *self, struct udev_device *device)
{
    MdUdevDevice *wrapped = g_new0(MdUdevDevice, 1);
    const char *subsystem = udev_device_get_subsystem(device);

    wrapped->udev = self->udev;
    wrapped->roots = self->settings->roots;
    wrapped->path = g_strdup(udev_device_get_syspath(device));
    wrapped->subsystem = g_strdup(subsystem != NULL ? subsystem : "");
    wrapped->device = device;
    return wrapped;
}


/* udev's data of the device, or NULL. */
static struct udev_device *
get_udev_data(MdUdevDevice *device)
{
    if (device->device == NULL)
        device->device = udev_device_new_from_syspath(device->udev, device->path);
    return device->device;
}


static void
receive_one(MdUdev *self)
{
    struct udev_device *received = udev_monitor_receive_device(self->monitor);
    g_autoptr(MdUdevDevice) device = NULL;

    if (received == NULL) {
        /* libudev also fails with EAGAIN after it has dropped the message of another sender. */
        if (errno == EAGAIN || errno == EINTR)
            return;
        g_debug("Lost udev events: %s", g_strerror(errno));
        self->gap = TRUE;
        return;
    }

    if (self->kernel != NULL)
        md_kernel_events_acknowledge(self->kernel, udev_device_get_seqnum(received));
    device = device_new(self, received);
    if (md_udev_device_get_action(device) != NULL && !self->gap)
        g_signal_emit(self, signals[SIGNAL_EVENT], 0, device);
}


static void
emit_lost(MdUdev *self)
{
    self->gap = FALSE;
    if (self->kernel != NULL)
        md_kernel_events_forget_older(self->kernel, md_udev_read_seqnum(self));
    g_message("Lost udev events, comparing all devices with sysfs");
    g_signal_emit(self, signals[SIGNAL_LOST], 0);
}


static void
on_readable(GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    g_autoptr(MdUdev) self = g_object_ref(data);
    gboolean more = self->listening;

    for (int i = 0; more && i < MAX_EVENTS_PER_TURN; i++) {
        receive_one(self);
        more = is_readable(self);
    }

    /* After an overflow, the kernel silently drops messages until the socket has been drained. */
    if (self->gap && !more)
        emit_lost(self);
}


MdUdev *
md_udev_new(const MdSettings *settings)
{
    MdUdev *self = g_object_new(MD_TYPE_UDEV, NULL);

    self->settings = settings;
    return self;
}


/* Subscribes to udevd, replacing the previous subscription. */
static gboolean
monitor_open(MdUdev *self, GError **error)
{
    int rc = 0;

    monitor_close(self);
    self->opened_without_udevd = self->kernel != NULL && md_kernel_events_is_silent(self->kernel);
    self->monitor = udev_monitor_new_from_netlink(self->udev, "udev");
    if (self->monitor == NULL) {
        md_error_set_errno(error, errno, "Unable to receive udev events");
        return FALSE;
    }

    rc = udev_monitor_set_receive_buffer_size(self->monitor,
                                              (int)self->settings->udev_receive_buffer);
    if (rc < 0)
        g_debug("Unable to enlarge the buffer for udev events: %s", g_strerror(-rc));

    rc = udev_monitor_enable_receiving(self->monitor);
    if (rc < 0) {
        md_error_set_errno(error, -rc, "Unable to receive udev events");
        return FALSE;
    }
    /* In one iteration, this descriptor is served before those of clients. */
    return md_polled_set_seldom(&self->polled, udev_monitor_get_fd(self->monitor), on_readable,
                                self, error);
}


/* Subscribes to udevd again. Events that udevd sent before are lost. */
static void
monitor_open_again(MdUdev *self)
{
    g_autoptr(GError) error = NULL;

    if (monitor_open(self, &error))
        emit_lost(self);
    else
        g_warning("%s", error->message);
}


static void
on_silence_changed(gboolean silent, gpointer data)
{
    g_autoptr(MdUdev) self = g_object_ref(data);

    if (silent) {
        g_message("udevd is silent, using kernel uevents");
        g_signal_emit(self, signals[SIGNAL_LOST], 0);
    } else {
        g_message("udevd is back, using its events");
        if (self->opened_without_udevd)
            monitor_open_again(self);
    }
}


static void
on_kernel_event(const MdKernelMessage *message, gpointer data)
{
    g_autoptr(MdUdev) self = g_object_ref(data);
    const char *subsystem = md_kernel_message_get(message, PROPERTY_SUBSYSTEM);
    g_autoptr(MdUdevDevice) device = g_new0(MdUdevDevice, 1);

    device->udev = self->udev;
    device->roots = self->settings->roots;
    device->path = g_strconcat(self->settings->roots->sys, message->path, NULL);
    device->subsystem = g_strdup(subsystem != NULL ? subsystem : "");
    device->message = message;
    g_signal_emit(self, signals[SIGNAL_EVENT], 0, device);
}


static void
on_kernel_lost(gpointer data)
{
    g_autoptr(MdUdev) self = g_object_ref(data);

    emit_lost(self);
}


static gboolean
has_pending_events(gpointer data)
{
    MdUdev *self = data;

    return self->monitor != NULL && is_readable(self);
}


static const MdKernelEventsFuncs kernel_funcs = {
    .silence_changed = on_silence_changed,
    .event = on_kernel_event,
    .lost = on_kernel_lost,
    .is_behind = has_pending_events,
};


gboolean
md_udev_open(MdUdev *self, GError **error)
{
    g_autoptr(GError) err = NULL;

    self->kernel = md_kernel_events_new(self->settings, &kernel_funcs, self, &err);
    if (self->kernel == NULL)
        g_message("%s; udevd is required", err->message);
    else if (md_kernel_events_is_silent(self->kernel))
        g_message("udevd is not running, using kernel uevents");
    return monitor_open(self, error);
}


void
md_udev_listen(MdUdev *self)
{
    self->listening = TRUE;
    if (self->kernel != NULL)
        md_kernel_events_listen(self->kernel);
}


/* Adds the targets of the links in a directory. */
static void
add_linked(GHashTable *paths, const char *path)
{
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(path, NULL);
    g_autoptr(GPtrArray) names = dir != NULL ? md_sysfs_dir_list(dir, ".") : NULL;

    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autofree char *target = md_sysfs_dir_resolve_link(dir, g_ptr_array_index(names, i));

        if (target != NULL && !g_hash_table_contains(paths, target))
            g_hash_table_add(paths, g_steal_pointer(&target));
    }
}


static int
compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}


GPtrArray *
md_udev_enumerate(MdUdev *self, const char *const *subsystems)
{
    const char *sys = self->settings->roots->sys;
    g_autoptr(GHashTable) found = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer path = NULL;

    for (int i = 0; subsystems[i] != NULL; i++) {
        g_autofree char *bus = g_build_filename(sys, MD_SYS_BUS, subsystems[i], "devices", NULL);
        g_autofree char *class = g_build_filename(sys, MD_SYS_CLASS, subsystems[i], NULL);

        add_linked(found, bus);
        add_linked(found, class);
    }

    g_hash_table_iter_init(&iter, found);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        g_ptr_array_add(paths, path);
    /* A parent's path is a prefix of its children's. */
    g_ptr_array_sort(paths, compare_paths);
    return paths;
}


guint64
md_udev_read_seqnum(MdUdev *self)
{
    g_autofree char *path =
        g_build_filename(self->settings->roots->sys, MD_SYS_UEVENT_SEQNUM, NULL);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    return g_ascii_strtoull(text, NULL, 10);
}


MdUdevDevice *
md_udev_look_up(MdUdev *self, MdSysfsDir *dir)
{
    g_autofree char *subsystem = md_sysfs_dir_read_link(dir, MD_ATTR_SUBSYSTEM);
    const char *path = md_sysfs_dir_get_path(dir);
    struct udev_device *known = NULL;
    MdUdevDevice *device = NULL;

    /* Only libudev can distinguish a device without a subsystem from another directory. It is not
     * called for a directory that no longer exists, because it would try all directories above. */
    if (subsystem == NULL) {
        if (md_sysfs_dir_is_alive(dir))
            known = udev_device_new_from_syspath(self->udev, path);
        return known != NULL ? device_new(self, known) : NULL;
    }
    device = g_new0(MdUdevDevice, 1);
    device->udev = self->udev;
    device->roots = self->settings->roots;
    device->path = g_strdup(path);
    device->subsystem = g_steal_pointer(&subsystem);
    return device;
}


static char *
dup_entry(struct udev_list_entry *entries, const char *key)
{
    struct udev_list_entry *entry = udev_list_entry_get_by_name(entries, key);

    return entry != NULL ? g_strdup(udev_list_entry_get_value(entry)) : NULL;
}


/* Opens the database each time, because the file may have been replaced, and would occupy megabytes
 * of memory while it is open. */
void
md_udev_find_pci_names(guint vendor, guint product, char **vendor_name, char **product_name)
{
    /* The context of the main loop cannot be used: its reference count is not thread-safe. */
    struct udev *context = udev_new();
    g_autoptr(udev_hwdb) hwdb = context != NULL ? udev_hwdb_new(context) : NULL;
    /* Subsystem ids are left out, because they would yield the name of the board instead of the
     * chip. */
    g_autofree char *modalias = g_strdup_printf("pci:v%08Xd%08X", vendor, product);
    struct udev_list_entry *entries = NULL;

    *vendor_name = NULL;
    *product_name = NULL;
    g_clear_pointer(&context, udev_unref);
    if (hwdb == NULL)
        return;

    entries = udev_hwdb_get_properties_list_entry(hwdb, modalias, 0);
    *vendor_name = dup_entry(entries, MD_PROPERTY_VENDOR_NAME);
    *product_name = dup_entry(entries, MD_PROPERTY_PRODUCT_NAME);
}


const char *
md_udev_device_get_path(MdUdevDevice *device)
{
    return device->path;
}


const char *
md_udev_device_get_name(MdUdevDevice *device)
{
    const char *name = strrchr(device->path, '/') + 1;

    /* The kernel writes `!` for a slash in a name; libudev converts it back. */
    if (strchr(name, '!') != NULL && get_udev_data(device) != NULL)
        return udev_device_get_sysname(device->device);
    return name;
}


const char *
md_udev_device_get_subsystem(MdUdevDevice *device)
{
    return device->subsystem;
}


/* The property from the kernel's message, or NULL. */
static const char *
get_from_message(MdUdevDevice *device, const char *key)
{
    return device->message != NULL ? md_kernel_message_get(device->message, key) : NULL;
}


const char *
md_udev_device_get_devtype(MdUdevDevice *device)
{
    const char *reported = get_from_message(device, PROPERTY_DEVTYPE);

    if (reported != NULL)
        return reported;
    return get_udev_data(device) != NULL ? udev_device_get_devtype(device->device) : NULL;
}


const char *
md_udev_device_get_devnode(MdUdevDevice *device)
{
    return get_udev_data(device) != NULL ? udev_device_get_devnode(device->device) : NULL;
}


char **
md_udev_device_dup_devlinks(MdUdevDevice *device)
{
    g_autoptr(GStrvBuilder) links = g_strv_builder_new();
    struct udev_list_entry *entry = NULL;
    struct udev_list_entry *link = NULL;

    if (get_udev_data(device) != NULL)
        entry = udev_device_get_devlinks_list_entry(device->device);
    if (entry == NULL)
        return NULL;

    udev_list_entry_foreach(link, entry) g_strv_builder_add(links, udev_list_entry_get_name(link));
    return g_strv_builder_end(links);
}


const char *
md_udev_device_get_property(MdUdevDevice *device, const char *key)
{
    const char *reported = get_from_message(device, key);

    if (reported != NULL)
        return reported;
    return get_udev_data(device) != NULL ? udev_device_get_property_value(device->device, key)
                                         : NULL;
}


const char *
md_udev_device_get_action(MdUdevDevice *device)
{
    if (device->message != NULL)
        return device->message->action;
    return get_udev_data(device) != NULL ? udev_device_get_action(device->device) : NULL;
}


char *
md_udev_device_dup_old_path(MdUdevDevice *device)
{
    const char *old = md_udev_device_get_property(device, PROPERTY_OLD_PATH);

    return old != NULL ? g_strconcat(device->roots->sys, old, NULL) : NULL;
}


guint64
md_udev_device_get_seqnum(MdUdevDevice *device)
{
    if (device->message != NULL)
        return device->message->seqnum;
    return get_udev_data(device) != NULL ? udev_device_get_seqnum(device->device) : 0;
}


gboolean
md_udev_device_is_from_kernel(MdUdevDevice *device)
{
    return device->message != NULL;
}


void
md_udev_device_free(MdUdevDevice *device)
{
    if (device == NULL)
        return;

    g_clear_pointer(&device->device, udev_device_unref);
    g_free(device->path);
    g_free(device->subsystem);
    g_free(device);
}
