/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "fake-host.h"

#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "util/names.h"

/* Timeout in milliseconds for expected events. */
#define TIMEOUT 20000

struct _MdUdev {
    GObject parent;
    const MdSettings *settings;
    gboolean listening;
};

struct _MdUdevDevice {
    char *path;
    char *subsystem;
    char *uevent;
    const char *action; /* NULL: from a lookup */
    guint64 seqnum;
};

enum { SIGNAL_EVENT, SIGNAL_LOST, SIGNAL_LAST };

static guint signals[SIGNAL_LAST];

/* The instance of the daemon under test. */
static MdUdev *udev;
static guint64 last_seqnum;

G_DEFINE_FINAL_TYPE(MdUdev, md_udev, G_TYPE_OBJECT)


static void
md_udev_finalize(GObject *object)
{
    udev = NULL;
    G_OBJECT_CLASS(md_udev_parent_class)->finalize(object);
}


static void
md_udev_class_init(MdUdevClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = md_udev_finalize;
    signals[SIGNAL_EVENT] = g_signal_new("event", MD_TYPE_UDEV, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                         NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
    signals[SIGNAL_LOST] =
        g_signal_new("lost", MD_TYPE_UDEV, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}


static void
md_udev_init(MdUdev *self)
{
    g_assert_null(udev);
    udev = self;
}


MdUdev *
md_udev_new(const MdSettings *settings)
{
    MdUdev *self = g_object_new(MD_TYPE_UDEV, NULL);

    self->settings = settings;
    return self;
}


gboolean
md_udev_open(MdUdev *self, GError **error G_GNUC_UNUSED)
{
    g_assert_false(self->listening);
    return TRUE;
}


void
md_udev_listen(MdUdev *self)
{
    self->listening = TRUE;
}


guint64
md_udev_read_seqnum(MdUdev *self G_GNUC_UNUSED)
{
    return last_seqnum;
}


/* Returns the device of a directory, or NULL. */
static MdUdevDevice *
device_read(const char *path)
{
    g_autofree char *link = g_build_filename(path, MD_ATTR_SUBSYSTEM, NULL);
    g_autofree char *uevent = g_build_filename(path, MD_ATTR_UEVENT, NULL);
    g_autofree char *target = g_file_read_link(link, NULL);
    g_autoptr(MdUdevDevice) device = g_new0(MdUdevDevice, 1);

    if (target == NULL || !g_file_get_contents(uevent, &device->uevent, NULL, NULL))
        return NULL;
    device->path = g_strdup(path);
    device->subsystem = g_path_get_basename(target);
    return g_steal_pointer(&device);
}


static int
compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}


/* Adds all devices below a directory that have a subsystem, or are parents of mediated devices. */
static void
add_devices(GPtrArray *paths, const char *directory, const char *const *subsystems)
{
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name = NULL;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(directory, name, NULL);
        g_autofree char *types = g_build_filename(path, MD_ATTR_MDEV_TYPES, NULL);
        g_autoptr(MdUdevDevice) device = NULL;

        if (g_file_test(path, G_FILE_TEST_IS_SYMLINK) || !g_file_test(path, G_FILE_TEST_IS_DIR))
            continue;
        device = device_read(path);
        if (device != NULL && (g_strv_contains(subsystems, device->subsystem) ||
                               g_file_test(types, G_FILE_TEST_IS_DIR)))
            g_ptr_array_add(paths, g_strdup(path));
        add_devices(paths, path, subsystems);
    }
}


GPtrArray *
md_udev_enumerate(MdUdev *self, const char *const *subsystems)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *devices = g_build_filename(self->settings->roots->sys, MD_SYS_DEVICES, NULL);

    add_devices(paths, devices, subsystems);
    g_ptr_array_sort(paths, compare_paths);
    return paths;
}


MdUdevDevice *
md_udev_look_up(MdUdev *self G_GNUC_UNUSED, MdSysfsDir *dir)
{
    return device_read(md_sysfs_dir_get_path(dir));
}


void
md_udev_find_pci_names(guint vendor G_GNUC_UNUSED,
                       guint product G_GNUC_UNUSED,
                       char **vendor_name,
                       char **product_name)
{
    *vendor_name = NULL;
    *product_name = NULL;
}


const char *
md_udev_device_get_path(MdUdevDevice *device)
{
    return device->path;
}


const char *
md_udev_device_get_name(MdUdevDevice *device)
{
    return strrchr(device->path, '/') + 1;
}


const char *
md_udev_device_get_subsystem(MdUdevDevice *device)
{
    return device->subsystem;
}


/* Returns the value of a line KEY=VALUE without copying; there are few properties, and they last
 * as long as the test. */
const char *
md_udev_device_get_property(MdUdevDevice *device, const char *key)
{
    g_auto(GStrv) lines = g_strsplit(device->uevent != NULL ? device->uevent : "", "\n", -1);
    g_autofree char *prefix = g_strconcat(key, "=", NULL);

    for (guint i = 0; lines[i] != NULL; i++) {
        if (g_str_has_prefix(lines[i], prefix))
            return g_intern_string(lines[i] + strlen(prefix));
    }
    return NULL;
}


const char *
md_udev_device_get_devtype(MdUdevDevice *device)
{
    return md_udev_device_get_property(device, "DEVTYPE");
}


const char *
md_udev_device_get_devnode(MdUdevDevice *device G_GNUC_UNUSED)
{
    return NULL;
}


char **
md_udev_device_dup_devlinks(MdUdevDevice *device G_GNUC_UNUSED)
{
    return NULL;
}


const char *
md_udev_device_get_action(MdUdevDevice *device)
{
    return device->action;
}


char *
md_udev_device_dup_old_path(MdUdevDevice *device G_GNUC_UNUSED)
{
    return NULL;
}


guint64
md_udev_device_get_seqnum(MdUdevDevice *device)
{
    return device->seqnum;
}


gboolean
md_udev_device_is_from_kernel(MdUdevDevice *device G_GNUC_UNUSED)
{
    return FALSE;
}


void
md_udev_device_free(MdUdevDevice *device)
{
    if (device == NULL)
        return;

    g_free(device->path);
    g_free(device->subsystem);
    g_free(device->uevent);
    g_free(device);
}


FakeHost *
fake_host_new(void)
{
    FakeHost *self = g_new0(FakeHost, 1);
    g_autoptr(MdRoots) roots = NULL;
    g_autofree char *devices = NULL;

    self->root = g_dir_make_tmp("md-host-XXXXXX", NULL);
    roots = md_roots_new_below(self->root, FALSE);
    devices = g_build_filename(roots->sys, MD_SYS_DEVICES, NULL);
    g_assert_cmpint(g_mkdir_with_parents(devices, 0755), ==, 0);
    self->settings = md_settings_load(roots, &(MdSettingsOrigin){ .config = NULL }, NULL);
    self->settings->event_timeout = TIMEOUT;
    g_free(self->settings->scripts_dir);
    self->settings->scripts_dir = g_build_filename(self->root, MD_DIR_SCRIPTS, NULL);
    self->seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)md_udev_device_free);
    last_seqnum = 0;
    return self;
}


void
fake_host_free(FakeHost *self)
{
    if (self == NULL)
        return;

    md_settings_free(self->settings);
    g_hash_table_unref(self->seen);
    scratch_remove(self->root);
    g_free(self);
}


char *
fake_host_path(FakeHost *self, const char *device)
{
    return g_build_filename(self->settings->roots->sys, MD_SYS_DEVICES, device, NULL);
}


void
fake_host_set(FakeHost *self, const char *device, const char *attribute, const char *text)
{
    g_autofree char *directory = fake_host_path(self, device);
    g_autofree char *path = g_build_filename(directory, attribute, NULL);
    g_autofree char *above = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(above, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}


char *
fake_host_get(FakeHost *self, const char *device, const char *attribute)
{
    g_autofree char *directory = fake_host_path(self, device);
    g_autofree char *path = g_build_filename(directory, attribute, NULL);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}


void
fake_host_add(FakeHost *self, const char *device, const char *subsystem, const char *properties)
{
    g_autofree char *directory = fake_host_path(self, device);
    g_autofree char *link = g_build_filename(directory, MD_ATTR_SUBSYSTEM, NULL);
    g_autofree char *target =
        g_build_filename(self->settings->roots->sys, MD_SYS_BUS, subsystem, NULL);

    fake_host_set(self, device, MD_ATTR_UEVENT, properties != NULL ? properties : "");
    g_assert_cmpint(symlink(target, link), ==, 0);
    g_hash_table_replace(self->seen, g_strdup(directory), device_read(directory));
}


static int
on_entry(const char *path, const struct stat *st G_GNUC_UNUSED, int type, struct FTW *ftw)
{
    g_assert_cmpint(type, !=, FTW_NS);
    g_assert_cmpint(ftw->level, >=, 0);
    return remove(path);
}


void
fake_host_remove(FakeHost *self, const char *device)
{
    g_autofree char *directory = fake_host_path(self, device);

    g_assert_cmpint(nftw(directory, on_entry, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
}


void
fake_host_add_parent(FakeHost *self)
{
    fake_host_add(self, FAKE_PARENT, "toy", NULL);
    fake_host_set(self, FAKE_PARENT, "mdev_supported_types/" FAKE_TYPE "/name", "Toy\n");
    fake_host_set(self, FAKE_PARENT, "mdev_supported_types/" FAKE_TYPE "/device_api", "vfio-pci\n");
    fake_host_set(self, FAKE_PARENT, "mdev_supported_types/" FAKE_TYPE "/available_instances",
                  "1\n");
    fake_host_set(self, FAKE_PARENT, FAKE_CREATE, "");
}


void
fake_host_add_mdev(FakeHost *self)
{
    g_autofree char *directory = fake_host_path(self, FAKE_MDEV);
    g_autofree char *link = g_build_filename(directory, MD_ATTR_MDEV_TYPE, NULL);

    fake_host_add(self, FAKE_MDEV, MD_SUBSYSTEM_MDEV, NULL);
    fake_host_set(self, FAKE_MDEV, MD_ATTR_MDEV_REMOVE, "");
    g_assert_cmpint(symlink("../mdev_supported_types/" FAKE_TYPE, link), ==, 0);
}


MdUdevDevice *
fake_host_queue_event(FakeHost *self, const char *action, const char *device)
{
    g_autofree char *path = fake_host_path(self, device);
    const MdUdevDevice *seen = g_hash_table_lookup(self->seen, path);
    MdUdevDevice *event = g_new0(MdUdevDevice, 1);

    g_assert_nonnull(seen);
    event->path = g_strdup(path);
    event->subsystem = g_strdup(seen->subsystem);
    event->uevent = g_strdup(seen->uevent);
    event->action = action;
    event->seqnum = ++last_seqnum;
    return event;
}


void
fake_host_deliver(MdUdevDevice *event)
{
    g_assert_true(udev->listening);
    g_signal_emit(udev, signals[SIGNAL_EVENT], 0, event);
    md_udev_device_free(event);
}


void
fake_host_emit(FakeHost *self, const char *action, const char *device)
{
    fake_host_deliver(fake_host_queue_event(self, action, device));
}


void
fake_host_emit_lost(void)
{
    g_signal_emit(udev, signals[SIGNAL_LOST], 0);
}


static gboolean
on_timeout(gpointer data G_GNUC_UNUSED)
{
    g_assert_not_reached();
    return G_SOURCE_REMOVE;
}


void
fake_host_wait(FakeHostTest test, gpointer data)
{
    guint timer = g_timeout_add(TIMEOUT, on_timeout, NULL);

    while (!test(data))
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}


typedef struct {
    FakeHost *host;
    const char *device;
    const char *attribute;
} Attribute;


static gboolean
is_written(gpointer data)
{
    const Attribute *attribute = data;
    g_autofree char *text = fake_host_get(attribute->host, attribute->device, attribute->attribute);

    return text != NULL && *text != '\0';
}


/* Wakes up the main loop, so that it checks the attribute. */
static gboolean
on_poll(gpointer data G_GNUC_UNUSED)
{
    return G_SOURCE_CONTINUE;
}


void
fake_host_wait_written(FakeHost *self, const char *device, const char *name)
{
    Attribute attribute = { self, device, name };
    guint poll = g_timeout_add(1, on_poll, NULL);

    fake_host_wait(is_written, &attribute);
    g_source_remove(poll);
}
