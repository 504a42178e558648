/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vendor/nvidia-config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/mdev-type.h"
#include "util/error.h"
#include "util/fd.h"
#include "vendor/nvidia-config-parse.h"
#include "vendor/vgpu-type.h"

/* The only table in use, and the file from which it was read. */
typedef struct {
    char *path;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec mtime;
    MdNvidiaConfig *config; /* NULL: the file is too large or damaged */
} Loaded;

static GMutex mutex;
static GMutex made_mutex;
static Loaded *loaded; /* NULL: none yet, or the file is missing; protected by the mutex */


/* How well an entry of the table fits a card; 0: not at all. */
static guint
rate_ids(const MdNvidiaIds *entry, const MdNvidiaIds *card)
{
    if (entry->vendor != card->vendor || entry->device != card->device)
        return 0;
    if (entry->subsystem_device == 0)
        return 1;
    return entry->subsystem_device == card->subsystem_device &&
                   (entry->subsystem_vendor == 0 ||
                    entry->subsystem_vendor == card->subsystem_vendor)
               ? 2
               : 0;
}


static MdNvidiaBoard *
find_board(const MdNvidiaConfig *self, const MdNvidiaIds *card)
{
    MdNvidiaBoard *best = NULL;
    guint best_rate = 0;

    for (guint i = 0; i < self->boards->len; i++) {
        MdNvidiaBoard *board = g_ptr_array_index(self->boards, i);

        for (guint k = 0; k < board->ids->len; k++) {
            guint rate = rate_ids(&g_array_index(board->ids, MdNvidiaIds, k), card);

            if (rate > best_rate) {
                best = board;
                best_rate = rate;
            }
        }
    }
    return best;
}


static void
add_number(GPtrArray *properties, const char *name, guint64 number, const char *unit)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, number);

    if (number != MD_NVIDIA_UNKNOWN)
        md_mdev_properties_add(properties, name, text, unit);
}


/* The names and the order are those of the descriptions that the driver gives to types of mdevs. */
static MdVgpuType *
make_type(const MdNvidiaType *entry, guint max_instances)
{
    MdVgpuType *type = md_vgpu_type_new(entry->number, entry->name);

    type->framebuffer = entry->size != MD_NVIDIA_UNKNOWN ? entry->size / 1024 : 0;
    type->max_instances = max_instances;
    add_number(type->properties, "num_heads", entry->heads, NULL);
    add_number(type->properties, "frl_config", entry->frame_limit, NULL);
    if (type->framebuffer != 0)
        add_number(type->properties, "framebuffer", type->framebuffer, MD_MDEV_UNIT_KIB);
    add_number(type->properties, "hres", entry->width, NULL);
    add_number(type->properties, "vres", entry->height, NULL);
    if (max_instances != 0)
        add_number(type->properties, "max_instance", max_instances, NULL);
    return type;
}


static GPtrArray *
make_types(const MdNvidiaConfig *self, const MdNvidiaBoard *board)
{
    GPtrArray *types = md_vgpu_types_new();

    for (guint i = 0; i < board->types->len && types->len < MD_MDEV_TYPES_MAX; i++) {
        const MdNvidiaBoardType *offer = &g_array_index(board->types, MdNvidiaBoardType, i);
        const MdNvidiaType *entry =
            g_hash_table_lookup(self->types, GUINT_TO_POINTER(offer->number));

        if (entry != NULL)
            g_ptr_array_add(types, make_type(entry, offer->max_instances));
    }
    return types;
}


GPtrArray *
md_nvidia_config_list(MdNvidiaConfig *self, const MdNvidiaIds *ids)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&made_mutex);
    MdNvidiaBoard *board = find_board(self, ids);

    if (board == NULL)
        return md_vgpu_types_new();
    if (board->made == NULL)
        board->made = make_types(self, board);
    return g_ptr_array_ref(board->made);
}


static void
loaded_free(Loaded *self)
{
    g_free(self->path);
    if (self->config != NULL)
        md_nvidia_config_unref(self->config);
    g_free(self);
}


G_DEFINE_AUTOPTR_CLEANUP_FUNC(Loaded, loaded_free)


static gboolean
is_same_file(const Loaded *self, const char *path, const struct stat *st)
{
    return self != NULL && g_str_equal(self->path, path) && self->device == st->st_dev &&
           self->inode == st->st_ino && self->size == st->st_size &&
           self->mtime.tv_sec == st->st_mtim.tv_sec && self->mtime.tv_nsec == st->st_mtim.tv_nsec;
}


/* The file may grow meanwhile. */
static MdNvidiaConfig *
read_config(int fd, gsize size, GError **error)
{
    g_autofree char *text = g_malloc(size + 1);
    gsize length = 0;
    ssize_t got = 0;

    while (length < size + 1 &&
           (got = TEMP_FAILURE_RETRY(read(fd, text + length, size + 1 - length))) > 0)
        length += (gsize)got;
    if (got < 0) {
        md_error_set_errno(error, errno, "unable to read it");
        return NULL;
    }
    return md_nvidia_config_parse(text, length, error);
}


static Loaded *
load_file(const char *path, int fd, const struct stat *st)
{
    Loaded *self = g_new0(Loaded, 1);
    g_autoptr(GError) error = NULL;

    self->path = g_strdup(path);
    self->device = st->st_dev;
    self->inode = st->st_ino;
    self->size = st->st_size;
    self->mtime = st->st_mtim;
    if (!S_ISREG(st->st_mode) || st->st_size > MD_NVIDIA_CONFIG_MAX)
        md_error_set(&error, VIR_ERR_CONFIG_UNSUPPORTED, "it is not a file of at most %d bytes",
                     MD_NVIDIA_CONFIG_MAX);
    else
        self->config = read_config(fd, (gsize)st->st_size, &error);
    if (error != NULL)
        g_message("Not using '%s', types of vGPUs have no properties: %s", path, error->message);
    return self;
}


MdNvidiaConfig *
md_nvidia_config_load(const char *path)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
    g_auto(MdFd) fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        g_debug("Unable to open '%s': %s", path, g_strerror(errno));
        g_clear_pointer(&loaded, loaded_free);
        return NULL;
    }
    if (!is_same_file(loaded, path, &st)) {
        g_clear_pointer(&loaded, loaded_free);
        loaded = load_file(path, fd, &st);
    }
    return loaded->config != NULL ? md_nvidia_config_ref(loaded->config) : NULL;
}
