/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vgpu/vgpu-enabler.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/cap-pci.h"
#include "mdevctl/callout-scripts.h"
#include "probe/probe.h"
#include "util/error.h"
#include "util/log.h"
#include "util/names.h"
#include "util/script.h"
#include "util/worker.h"
#include "vendor/vendor.h"
#include "vgpu/vgpus-private.h"

/* Milliseconds until a command is killed. */
#define COMMAND_TIMEOUT 60000

/* Number of runs of a command that fails for a transient cause, and milliseconds between them. */
#define MAX_RUNS  5
#define RUN_DELAY 1000

#define ATTR_TOTAL         "sriov_totalvfs"
#define ATTR_NUMBER        "sriov_numvfs"
#define ATTR_OFFSET        "sriov_offset"
#define ATTR_STRIDE        "sriov_stride"
#define LINK_FIRST_VIRTUAL "virtfn0"

struct _MdVgpuEnabler {
    const MdDriverContext *context;
    GHashTable *tried; /* path of a card -> inode of its driver when its functions were enabled */
    GQueue due;        /* of Attempt */
    struct Attempt *running;
};

/* One card. May outlive the MdVgpuEnabler. */
typedef struct Attempt {
    MdVgpuEnabler *enabler; /* weak; NULL: freed */
    const MdVendor *vendor;
    char *name;
    char *path;
    const char *address; /* within `path` */
    guint64 inode;
    char *command; /* NULL: the vendor has none */
    guint n_runs;
    guint timer;
} Attempt;

/* The worker's job, if there is no command. */
typedef struct {
    char *name;
    char *path;
    guint64 inode;
    char *command;
    gboolean has_command; /* result */
} Numbering;

static void run_next(MdVgpuEnabler *self);


static void
attempt_free(Attempt *attempt)
{
    g_clear_handle_id(&attempt->timer, g_source_remove);
    g_free(attempt->name);
    g_free(attempt->path);
    g_free(attempt->command);
    g_free(attempt);
}


static void
attempt_end(Attempt *attempt)
{
    MdVgpuEnabler *self = attempt->enabler;

    attempt_free(attempt);
    if (self == NULL)
        return;
    self->running = NULL;
    run_next(self);
}


static void
numbering_free(Numbering *job)
{
    g_free(job->name);
    g_free(job->path);
    g_free(job->command);
    g_free(job);
}


/* MdWorkerFunc. Looks for the command. If it is not installed, enables all functions through the
 * kernel, which some drivers do not support. */
static gboolean
numbering_run(gpointer data, GError **error)
{
    Numbering *job = data;
    g_autoptr(MdSysfsDir) dir = NULL;
    g_autofree char *total = NULL;

    job->has_command = job->command != NULL && access(job->command, X_OK) == 0;
    if (job->has_command)
        return TRUE;
    dir = md_probe_open(job->name, job->path, job->inode, error);
    total = dir != NULL ? md_sysfs_dir_read(dir, ATTR_TOTAL, error) : NULL;
    return total != NULL && md_sysfs_dir_write(dir, ATTR_NUMBER, total, error);
}


static void attempt_run(Attempt *attempt);


static gboolean
on_delay_over(gpointer data)
{
    Attempt *attempt = data;

    attempt->timer = 0;
    attempt_run(attempt);
    return G_SOURCE_REMOVE;
}


static gboolean
is_transient(const Attempt *attempt, const MdScriptResult *result)
{
    return result->end == MD_SCRIPT_EXITED &&
           (strstr(result->err->str, attempt->vendor->enable_transient) != NULL ||
            strstr(result->out->str, attempt->vendor->enable_transient) != NULL);
}


static void
on_command_ended(GObject *source G_GNUC_UNUSED, GAsyncResult *async, gpointer data)
{
    Attempt *attempt = data;
    g_autoptr(MdScriptResult) result = md_script_run_finish(async);
    g_autoptr(GError) error = NULL;

    if (result->end == MD_SCRIPT_EXITED && result->status == 0) {
        g_message("Enabled the virtual functions of '%s'", attempt->name);
    } else if (attempt->enabler != NULL && attempt->n_runs < MAX_RUNS &&
               is_transient(attempt, result)) {
        attempt->timer = g_timeout_add(RUN_DELAY, on_delay_over, attempt);
        return;
    } else {
        md_callouts_set_error(&error, attempt->command, result);
        g_message("Failed to enable the virtual functions of '%s': %s", attempt->name,
                  error->message);
    }
    attempt_end(attempt);
}


static void
attempt_run(Attempt *attempt)
{
    const char *const argv[] = { attempt->command, attempt->vendor->enable_option, attempt->address,
                                 NULL };

    attempt->n_runs++;
    md_script_run_async(argv, NULL, COMMAND_TIMEOUT, md_owner_get_daemon(), on_command_ended,
                        attempt);
}


static void
on_numbered(gpointer data, GError *error, gpointer user_data)
{
    Attempt *attempt = user_data;
    const Numbering *job = data;
    g_autoptr(GError) failed = error;

    if (failed == NULL && job->has_command) {
        if (attempt->enabler != NULL)
            attempt_run(attempt);
        else
            attempt_free(attempt);
        return;
    }
    if (failed != NULL)
        g_message("Failed to enable the virtual functions of '%s': %s%s%s%s", attempt->name,
                  attempt->command != NULL ? "'" : "",
                  attempt->command != NULL ? attempt->command : "",
                  attempt->command != NULL ? "' is not installed, and " : "", failed->message);
    else
        g_message("Enabled the virtual functions of '%s'", attempt->name);
    attempt_end(attempt);
}


static void
run_next(MdVgpuEnabler *self)
{
    Attempt *attempt = self->running == NULL ? g_queue_pop_head(&self->due) : NULL;
    Numbering *job = NULL;

    if (attempt == NULL)
        return;
    self->running = attempt;
    job = g_new0(Numbering, 1);
    job->name = g_strdup(attempt->name);
    job->path = g_strdup(attempt->path);
    job->inode = attempt->inode;
    job->command = g_strdup(attempt->command);
    md_worker_run(numbering_run, job, (GDestroyNotify)numbering_free, MD_WORKER_WRITE,
                  attempt->inode, self->context->settings->driver_timeout, md_owner_get_daemon(),
                  on_numbered, attempt);
}


/* Bus, slot and function as one number, by which the kernel counts virtual functions. */
static guint
get_routing_id(const MdPciAddress *address)
{
    return address->bus << 8 | address->slot << 3 | address->function;
}


/* Whether the address is one of a virtual function of the card at `card`. */
static gboolean
is_function_of(MdSysfsDir *dir, const MdPciAddress *card, const MdPciAddress *address)
{
    gint64 total = 0;
    gint64 offset = 0;
    gint64 stride = 0;
    gint64 distance = (gint64)get_routing_id(address) - get_routing_id(card);

    if (address->domain != card->domain || !md_sysfs_dir_read_int(dir, ATTR_TOTAL, &total) ||
        !md_sysfs_dir_read_int(dir, ATTR_OFFSET, &offset) ||
        !md_sysfs_dir_read_int(dir, ATTR_STRIDE, &stride) || distance < offset)
        return FALSE;
    /* Cards may hide where their functions will be until there are any. */
    if (offset == 0)
        return address->bus == card->bus;
    distance -= offset;
    return stride > 0 ? distance % stride == 0 && distance / stride < total : distance == 0;
}


/* The first device with autostart that waits for a function of the card, or NULL. */
static const MdNodeDevice *
find_waiting(MdVgpuEnabler *self, MdSysfsDir *dir, const char *card_address)
{
    MdPciAddress card = { 0 };

    if (!md_pci_address_parse(card_address, &card))
        return NULL;
    for (GList *link = md_registry_list(self->context->registry); link != NULL; link = link->next) {
        const MdNodeDevice *device = link->data;
        MdPciAddress address = { 0 };

        if (device->definition != NULL && device->definition->autostart &&
            md_pci_address_parse(device->definition->parent_addr, &address) &&
            md_registry_find_address(self->context->registry, device->definition->parent_addr) ==
                NULL &&
            is_function_of(dir, &card, &address))
            return device;
    }
    return NULL;
}


/* FALSE if the functions have been enabled before, with the driver as it is loaded now. */
static gboolean
note_attempt(MdVgpuEnabler *self, MdSysfsDir *dir, const char *path)
{
    guint64 driver = md_sysfs_dir_find_inode(dir, MD_ATTR_DRIVER);
    const guint64 *before = g_hash_table_lookup(self->tried, path);

    if (driver == 0 || (before != NULL && *before == driver))
        return FALSE;
    g_hash_table_replace(self->tried, g_strdup(path), g_memdup2(&driver, sizeof driver));
    return TRUE;
}


static void
try_card(MdVgpuEnabler *self, const MdNodeDevice *card, const MdVendor *vendor)
{
    const char *address = strrchr(card->def->path, '/') + 1;
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(card->def->path, NULL);
    const MdNodeDevice *waiting = NULL;
    Attempt *attempt = NULL;

    /* The command binds other drivers to the card, too: what is read meanwhile may belong to these.
     */
    if (self->running != NULL && g_str_equal(self->running->path, card->def->path))
        return;
    if (dir == NULL || md_sysfs_dir_has(dir, MD_ATTR_PHYSFN) ||
        md_sysfs_dir_has(dir, LINK_FIRST_VIRTUAL))
        return;
    waiting = find_waiting(self, dir, address);
    if (waiting == NULL || !note_attempt(self, dir, card->def->path))
        return;
    g_message("Enabling the virtual functions of '%s' for '%s'", card->def->name,
              waiting->def->name);
    attempt = g_new0(Attempt, 1);
    attempt->enabler = self;
    attempt->vendor = vendor;
    attempt->name = g_strdup(card->def->name);
    attempt->path = g_strdup(card->def->path);
    attempt->address = strrchr(attempt->path, '/') + 1;
    attempt->inode = card->inode;
    if (vendor->enable_option != NULL)
        attempt->command = g_strdup(self->context->settings->vgpu_enable_command);
    g_queue_push_tail(&self->due, attempt);
}


static void
on_device(MdRegistry *registry G_GNUC_UNUSED, const MdNodeDevice *device, MdVgpuEnabler *self)
{
    const MdVendor *vendor = NULL;

    /* Neither a parent of mediated devices nor a function is such a card. */
    if (!device->active || device->def->path == NULL || device->def->mdev_types != NULL ||
        device->def->shares_path || !self->context->settings->vgpu_enable ||
        md_vgpu_cards_find_function(self->context->vgpus->cards, device->def->path) != NULL)
        return;
    vendor = md_vendor_find_driver(device->def->driver);
    if (vendor != NULL)
        try_card(self, device, vendor);
    run_next(self);
}


MdVgpuEnabler *
md_vgpu_enabler_new(const MdDriverContext *context)
{
    MdVgpuEnabler *self = g_new0(MdVgpuEnabler, 1);

    self->context = context;
    self->tried = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_queue_init(&self->due);
    g_signal_connect(context->registry, "created", G_CALLBACK(on_device), self);
    g_signal_connect(context->registry, "updated", G_CALLBACK(on_device), self);
    for (GList *link = md_registry_list(context->registry); link != NULL; link = link->next)
        on_device(context->registry, link->data, self);
    return self;
}


void
md_vgpu_enabler_free(MdVgpuEnabler *self)
{
    if (self == NULL)
        return;

    g_signal_handlers_disconnect_by_data(self->context->registry, self);
    if (self->running != NULL && self->running->timer != 0)
        attempt_free(self->running);
    else if (self->running != NULL)
        self->running->enabler = NULL;
    g_queue_clear_full(&self->due, (GDestroyNotify)attempt_free);
    g_hash_table_unref(self->tried);
    g_free(self);
}


gboolean
md_vgpu_enabler_is_busy(MdVgpuEnabler *self)
{
    return self != NULL && self->running != NULL;
}
