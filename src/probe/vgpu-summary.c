/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "probe/vgpu-summary.h"

#include "vendor/known-types.h"

/* Why no function can take a type. */
#define REASON_FUNCTIONS "all functions have a vGPU"
#define REASON_FULL      "the vGPUs of the card leave no room for another one"
#define REASON_SIZE      "the card has vGPUs with a frame buffer of another size"
#define REASON_OTHERS    "the driver offers other types only"

/* All functions of a card. */
typedef struct {
    const MdVendor *vendor; /* of all functions; NULL: none found yet */
    gpointer card;          /* opened with the first function */
    char *path;             /* of the card, as known-types.h takes it */
    guint64 inode;          /* likewise */
    guint n_functions;
    guint n_free;
    GHashTable *assigned;  /* number of a type -> number of functions that have it */
    GHashTable *creatable; /* number of a type -> number of functions that could take it */
} Survey;


static void
survey_clear(Survey *self)
{
    if (self->card != NULL)
        self->vendor->close(self->card);
    g_free(self->path);
    g_hash_table_unref(self->assigned);
    g_hash_table_unref(self->creatable);
}


G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Survey, survey_clear)


static guint
get_count(GHashTable *counts, guint32 number)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(counts, GUINT_TO_POINTER(number)));
}


static void
add_one(GHashTable *counts, guint32 number)
{
    g_hash_table_insert(counts, GUINT_TO_POINTER(number),
                        GUINT_TO_POINTER(get_count(counts, number) + 1));
}


/* FALSE if the function takes no vGPUs. */
static gboolean
survey_begin_function(Survey *self, MdSysfsDir *function)
{
    const MdVendor *vendor = md_vendor_find(function);

    if (vendor == NULL || (self->vendor != NULL && vendor != self->vendor))
        return FALSE;
    if (self->vendor == NULL) {
        g_clear_pointer(&self->path, g_free);
        self->card = md_vendor_find_card(function, &self->path, &self->inode)
                         ? md_vendor_open_card(vendor, function, NULL)
                         : NULL;
        if (self->card == NULL)
            return FALSE;
        self->vendor = vendor;
    }
    return TRUE;
}


static void
survey_add_function(MdSysfsDir *function, gpointer data)
{
    Survey *self = data;
    g_autoptr(GPtrArray) types = NULL;
    guint32 number = 0;

    if (!survey_begin_function(self, function))
        return;
    self->n_functions++;
    /* The driver answers for a function that it is still adding later. */
    if (!self->vendor->read_assigned(self->card, function, &number, NULL))
        return;
    if (number != 0) {
        add_one(self->assigned, number);
        return;
    }
    self->n_free++;
    types = md_known_types_list_creatable(self->vendor, self->card, function, NULL);
    for (guint i = 0; types != NULL && i < types->len; i++)
        add_one(self->creatable, ((const MdVgpuType *)g_ptr_array_index(types, i))->number);
}


/* The sum of the counts of all types with a frame buffer of this size. */
static guint
count_size(GHashTable *counts, GPtrArray *known, guint64 framebuffer)
{
    guint n = 0;

    for (guint i = 0; i < known->len; i++) {
        const MdVgpuType *type = g_ptr_array_index(known, i);

        if (type->framebuffer == framebuffer)
            n += get_count(counts, type->number);
    }
    return n;
}


/* The table's limit applies to one instance of a card in MIG mode, so it is no limit for the first
 * function that can take the type. */
static guint
count_available(const Survey *self, GPtrArray *known, const MdVgpuType *type)
{
    guint n = get_count(self->creatable, type->number);
    guint n_same = type->framebuffer != 0 ? count_size(self->assigned, known, type->framebuffer)
                                          : get_count(self->assigned, type->number);

    if (n <= 1 || type->max_instances == 0)
        return n;
    return type->max_instances > n_same ? MIN(n, type->max_instances - n_same) : 1;
}


static const char *
find_reason(const Survey *self, GPtrArray *known, const MdVgpuType *type)
{
    gboolean has_vgpus = g_hash_table_size(self->assigned) > 0;
    gboolean has_choice = g_hash_table_size(self->creatable) > 0;

    if (self->n_free == 0)
        return REASON_FUNCTIONS;
    if (!has_vgpus && !has_choice)
        return self->vendor->empty_hint;
    if (!has_choice || type->framebuffer == 0)
        return has_vgpus ? REASON_FULL : REASON_OTHERS;
    /* There is room for this size, so the type is one of another mode of the card. */
    if (!has_vgpus || count_size(self->creatable, known, type->framebuffer) > 0)
        return REASON_OTHERS;
    return count_size(self->assigned, known, type->framebuffer) > 0 ? REASON_FULL : REASON_SIZE;
}


static MdPciVgpus *
survey_summarize(const Survey *self)
{
    MdPciVgpus *vgpus = md_pci_vgpus_new();
    g_autoptr(GPtrArray) known = md_known_types_copy(self->path, self->inode);

    vgpus->n_functions = self->n_functions;
    vgpus->n_free = self->n_free;
    for (guint i = 0; i < known->len; i++) {
        const MdVgpuType *type = g_ptr_array_index(known, i);
        g_autofree char *id = md_vendor_make_id(self->vendor, type->number);
        MdPciVgpuType *entry = md_pci_vgpus_add(vgpus, id, type->name);

        entry->available = count_available(self, known, type);
        if (entry->available == 0)
            entry->reason = g_strdup(find_reason(self, known, type));
    }
    return vgpus;
}


MdPciVgpus *
md_vgpu_summary_read(MdSysfsDir *card)
{
    g_auto(Survey) survey = { 0 };

    survey.assigned = g_hash_table_new(NULL, NULL);
    survey.creatable = g_hash_table_new(NULL, NULL);
    md_vendor_foreach_function(card, survey_add_function, &survey);
    return survey.vendor != NULL ? survey_summarize(&survey) : NULL;
}
