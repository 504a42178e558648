/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as attributes of sysfs: a parent with two types, whose attributes are the parts of the
 * input between NULs. The result makes a document that can be parsed and prints the same again, and
 * a type can be found by each of its names.
 */
#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/cap-pci.h"
#include "conf/xml.h"
#include "probe/mdev-types.h"
#include "util/error.h"

#define TYPES "mdev_supported_types"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static const char *const files[] = {
    TYPES "/a-1/name",
    TYPES "/a-1/description",
    TYPES "/a-1/available_instances",
    TYPES "/a-1/device_api",
    TYPES "/b-2/name",
    TYPES "/b-2/available_instances",
    TYPES "/b-2/device_api",
    "text",
};

/* A directory for all inputs; each input has its own directory of types, because types are
 * cached. */
static char *root;


static void
remove_root(void)
{
    g_autofree char *command = g_strdup_printf("rm -r '%s'", root);

    g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL);
}


static void
make_root(void)
{
    if (root != NULL)
        return;
    root = g_strdup("/dev/shm/fuzz-sysfs-XXXXXX");
    g_assert_nonnull(g_mkdtemp(root));
    atexit(remove_root);
}


static void
write_file(const char *directory, const char *name, const char *text, gsize length)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autofree char *above = g_path_get_dirname(path);
    int fd = -1;

    g_mkdir_with_parents(above, 0755);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, text, length), ==, (gssize)length);
    close(fd);
}


static void
write_all(const char *directory, const guint8 *data, gsize size)
{
    const char *at = (const char *)data;
    gsize left = size;

    for (gsize i = 0; i < G_N_ELEMENTS(files) && left > 0; i++) {
        const char *end = memchr(at, '\0', left);
        gsize length = end != NULL ? (gsize)(end - at) : left;

        write_file(directory, files[i], at, length);
        at += MIN(length + 1, left);
        left -= MIN(length + 1, left);
    }
}


static void
check_document(GPtrArray *types)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();
    g_autoptr(MdNodeDeviceDef) parsed = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *document = NULL;
    g_autofree char *again = NULL;

    def->name = g_strdup("pci_0000_00_00_0");
    md_node_device_def_add_cap(def, &md_cap_kind_pci);
    def->mdev_types = md_mdev_types_copy(types);
    document = md_xml_format(def, TRUE);
    parsed = md_xml_parse(document, &error);
    g_assert_no_error(error);
    again = md_xml_format(parsed, TRUE);
    g_assert_cmpstr(again, ==, document);
}


static void
check_wish(MdSysfsDir *parent, const char *id, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *found = md_mdev_types_resolve(parent, id, name, &error);

    g_assert_true((found == NULL) == (error != NULL));
    if (error != NULL)
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
}


static void
check_types(MdSysfsDir *parent)
{
    g_autoptr(GPtrArray) types = md_mdev_types_read(parent);
    gboolean whole = TRUE;

    if (types == NULL)
        return;
    for (guint i = 0; i < types->len; i++) {
        const MdMdevType *type = g_ptr_array_index(types, i);

        check_wish(parent, type->id, NULL);
        if (type->name != NULL) {
            check_wish(parent, type->name, NULL);
            check_wish(parent, NULL, type->name);
        }
        whole = whole && type->device_api != NULL;
    }
    /* A document without the device API is refused, as in libvirt. */
    if (whole)
        check_document(types);
}


static void
check_text(MdSysfsDir *dir)
{
    g_autofree char *text = md_sysfs_dir_read_text(dir, "text");
    g_autofree char *raw = md_sysfs_dir_read(dir, "text", NULL);
    gint64 number = 0;

    md_sysfs_dir_read_int(dir, "text", &number);
    md_sysfs_dir_read_hex(dir, "text");
    g_assert_true(text == NULL || (raw != NULL && *text != '\0'));
}


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static guint64 number;
    g_autofree char *directory = NULL;
    g_autoptr(MdSysfsDir) dir = NULL;

    make_root();
    directory = g_strdup_printf("%s/%" G_GUINT64_FORMAT, root, number++ % 64);
    write_all(directory, data, size);
    dir = md_sysfs_dir_open(directory, NULL);
    if (dir == NULL)
        return 0;
    check_types(dir);
    check_text(dir);
    return 0;
}
