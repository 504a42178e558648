/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vendor/nvidia-config-parse.h"

#include <string.h>

#include "vendor/vgpu-type.h"

/* Maximum length of a text that is read, in bytes; all are numbers. */
#define TEXT_MAX 64

/* Nesting of types and boards, which are in the root, and of what describes them. */
#define DEPTH_OUTER 2
#define DEPTH_INNER 3

/* The state of the parser. */
typedef struct {
    MdNvidiaConfig *config;
    guint depth;
    MdNvidiaType *type;   /* within a vgpuType with a valid id */
    MdNvidiaBoard *board; /* within a pgpu */
    GHashTable *offered;  /* numbers of the board's types */
    gboolean has_offer;   /* within a supportedVgpu with a valid id */
    GString *text;        /* of the current element */
} Parser;


static void
type_free(MdNvidiaType *type)
{
    g_free(type->name);
    g_free(type);
}


static void
board_free(MdNvidiaBoard *board)
{
    g_array_unref(board->ids);
    g_array_unref(board->types);
    g_clear_pointer(&board->made, g_ptr_array_unref);
    g_free(board);
}


static MdNvidiaConfig *
config_new(void)
{
    MdNvidiaConfig *self = g_atomic_rc_box_new0(MdNvidiaConfig);

    self->types = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)type_free);
    self->boards = g_ptr_array_new_with_free_func((GDestroyNotify)board_free);
    return self;
}


static void
config_clear(MdNvidiaConfig *self)
{
    g_hash_table_unref(self->types);
    g_ptr_array_unref(self->boards);
}


MdNvidiaConfig *
md_nvidia_config_ref(MdNvidiaConfig *self)
{
    return g_atomic_rc_box_acquire(self);
}


void
md_nvidia_config_unref(MdNvidiaConfig *self)
{
    g_atomic_rc_box_release_full(self, (GDestroyNotify)config_clear);
}


/* Decimal, or hexadecimal with the prefix 0x. MD_NVIDIA_UNKNOWN if the text is no number. */
static guint64
parse_number(const char *text)
{
    gboolean is_hex = g_ascii_strncasecmp(text, "0x", 2) == 0;
    guint64 number = 0;

    return g_ascii_string_to_unsigned(is_hex ? text + 2 : text, is_hex ? 16 : 10, 0,
                                      MD_NVIDIA_UNKNOWN - 1, &number, NULL)
               ? number
               : MD_NVIDIA_UNKNOWN;
}


static const char *
find_attribute(const char *wanted, const char **names, const char **values)
{
    for (gsize i = 0; names[i] != NULL; i++) {
        if (g_str_equal(names[i], wanted))
            return values[i];
    }
    return NULL;
}


static guint64
read_attribute(const char *wanted, const char **names, const char **values)
{
    const char *text = find_attribute(wanted, names, values);

    return text != NULL ? parse_number(text) : MD_NVIDIA_UNKNOWN;
}


/* The number of a type. */
static gboolean
read_id(const char *wanted, const char **names, const char **values, guint32 *number)
{
    guint64 value = read_attribute(wanted, names, values);

    *number = (guint32)value;
    return value > 0 && value <= MD_VGPU_NUMBER_MAX;
}


/* A later type with the same number is ignored. */
static void
begin_type(Parser *self, const char **names, const char **values)
{
    guint32 number = 0;

    if (!read_id("id", names, values, &number) ||
        g_hash_table_contains(self->config->types, GUINT_TO_POINTER(number)))
        return;
    self->type = g_new0(MdNvidiaType, 1);
    self->type->number = number;
    self->type->name = g_strdup(find_attribute("name", names, values));
    self->type->size = MD_NVIDIA_UNKNOWN;
    self->type->heads = MD_NVIDIA_UNKNOWN;
    self->type->frame_limit = MD_NVIDIA_UNKNOWN;
    self->type->width = MD_NVIDIA_UNKNOWN;
    self->type->height = MD_NVIDIA_UNKNOWN;
    g_hash_table_insert(self->config->types, GUINT_TO_POINTER(number), self->type);
}


static void
begin_board(Parser *self)
{
    self->board = g_new0(MdNvidiaBoard, 1);
    self->board->ids = g_array_new(FALSE, FALSE, sizeof(MdNvidiaIds));
    self->board->types = g_array_new(FALSE, FALSE, sizeof(MdNvidiaBoardType));
    g_ptr_array_add(self->config->boards, self->board);
    g_hash_table_remove_all(self->offered);
}


static gboolean
read_pci_id(const char *wanted, const char **names, const char **values, guint *id)
{
    guint64 number = read_attribute(wanted, names, values);

    *id = (guint)number;
    return number <= G_MAXUINT16;
}


static void
add_ids(Parser *self, const char **names, const char **values)
{
    MdNvidiaIds ids = { 0 };

    if (read_pci_id("vendorId", names, values, &ids.vendor) &&
        read_pci_id("deviceId", names, values, &ids.device) &&
        read_pci_id("subsystemVendorId", names, values, &ids.subsystem_vendor) &&
        read_pci_id("subsystemId", names, values, &ids.subsystem_device))
        g_array_append_val(self->board->ids, ids);
}


static void
begin_offer(Parser *self, const char **names, const char **values)
{
    MdNvidiaBoardType offer = { 0 };

    self->has_offer = read_id("vgpuId", names, values, &offer.number) &&
                      g_hash_table_add(self->offered, GUINT_TO_POINTER(offer.number));
    if (self->has_offer)
        g_array_append_val(self->board->types, offer);
}


static void
begin_inner(Parser *self, const char *element, const char **names, const char **values)
{
    if (self->type != NULL && g_str_equal(element, "display")) {
        self->type->width = read_attribute("width", names, values);
        self->type->height = read_attribute("height", names, values);
    } else if (self->board != NULL && g_str_equal(element, "devId")) {
        add_ids(self, names, values);
    } else if (self->board != NULL && g_str_equal(element, "supportedVgpu")) {
        begin_offer(self, names, values);
    }
}


static void
on_start(GMarkupParseContext *context G_GNUC_UNUSED,
         const char *element,
         const char **names,
         const char **values,
         gpointer data,
         GError **error)
{
    Parser *self = data;

    g_string_truncate(self->text, 0);
    self->depth++;
    if (self->depth > MD_NVIDIA_CONFIG_DEPTH_MAX)
        g_set_error(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT,
                    "elements are nested more than %d levels deep", MD_NVIDIA_CONFIG_DEPTH_MAX);
    else if (self->depth == DEPTH_INNER)
        begin_inner(self, element, names, values);
    else if (self->depth == DEPTH_OUTER && g_str_equal(element, "vgpuType"))
        begin_type(self, names, values);
    else if (self->depth == DEPTH_OUTER && g_str_equal(element, "pgpu"))
        begin_board(self);
}


/* The element may contain a comment, which splits its text. */
static void
on_text(GMarkupParseContext *context G_GNUC_UNUSED,
        const char *text,
        gsize length,
        gpointer data,
        GError **error G_GNUC_UNUSED)
{
    Parser *self = data;

    if (self->text->len <= TEXT_MAX)
        g_string_append_len(self->text, text, (gssize)MIN(length, TEXT_MAX));
}


static void
set_type_number(MdNvidiaType *type, const char *element, guint64 number)
{
    if (g_str_equal(element, "profileSize"))
        type->size = number;
    else if (g_str_equal(element, "numHeads"))
        type->heads = number;
    else if (g_str_equal(element, "frlConfig"))
        type->frame_limit = number;
}


static void
set_max_instances(Parser *self, guint64 number)
{
    GArray *types = self->board->types;

    if (number <= G_MAXUINT)
        g_array_index(types, MdNvidiaBoardType, types->len - 1).max_instances = (guint)number;
}


static void
on_end(GMarkupParseContext *context G_GNUC_UNUSED,
       const char *element,
       gpointer data,
       GError **error G_GNUC_UNUSED)
{
    Parser *self = data;
    guint64 number = parse_number(g_strstrip(self->text->str));

    if (self->depth == DEPTH_OUTER) {
        self->type = NULL;
        self->board = NULL;
    } else if (self->depth == DEPTH_INNER) {
        if (self->type != NULL)
            set_type_number(self->type, element, number);
        self->has_offer = FALSE;
    } else if (self->has_offer && self->depth == DEPTH_INNER + 1 &&
               g_str_equal(element, "maxVgpus")) {
        set_max_instances(self, number);
    }
    self->depth--;
    g_string_truncate(self->text, 0);
}


MdNvidiaConfig *
md_nvidia_config_parse(const char *text, gsize length, GError **error)
{
    static const GMarkupParser parser = { on_start, on_end, on_text, NULL, NULL };
    g_autoptr(MdNvidiaConfig) config = config_new();
    g_autoptr(GHashTable) offered = g_hash_table_new(NULL, NULL);
    g_autoptr(GString) current = g_string_new(NULL);
    Parser self = { .config = config, .offered = offered, .text = current };
    g_autoptr(GMarkupParseContext) context =
        g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, &self, NULL);

    return g_markup_parse_context_parse(context, text, (gssize)length, error) &&
                   g_markup_parse_context_end_parse(context, error)
               ? g_steal_pointer(&config)
               : NULL;
}
