/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes of a client: split into messages, with each payload decoded as the arguments of every
 * procedure, including those for administration. Encoding decoded arguments must not make them
 * longer, and decoding and encoding the result again must yield the same bytes.
 */
#include "config.h"

#include "access/identity.h"
#include "admin/params.h"
#include "protocol/admin.h"
#include "rpc/message.h"
#include "util/log-rules.h"

typedef struct {
    xdrproc_t type;
    gsize size;
} Type;

#define TYPE(type)                                                                                 \
    {                                                                                              \
        MD_XDR(type), sizeof(type)                                                                 \
    }

static const Type types[] = {
    TYPE(md_open_args),
    TYPE(md_int_args),
    TYPE(md_name_args),
    TYPE(md_scsi_host_args),
    TYPE(md_cap_args),
    TYPE(md_list_args),
    TYPE(md_list_all_args),
    TYPE(md_text_args),
    TYPE(md_name_int_args),
    TYPE(md_update_args),
    TYPE(md_caps_args),
    TYPE(md_register_args),
    TYPE(md_sasl_start_args),
    TYPE(md_sasl_step_args),
    TYPE(md_identity_args),
    TYPE(md_error),
    TYPE(md_auth_ret),
    TYPE(md_names_ret),
    TYPE(md_list_all_ret),
    TYPE(md_lifecycle_event),

    TYPE(md_admin_flags_args),
    TYPE(md_admin_list_clients_args),
    TYPE(md_admin_look_up_client_args),
    TYPE(md_admin_client_args),
    TYPE(md_admin_params_args),
    TYPE(md_admin_rules_args),
    TYPE(md_admin_timeout_args),
    TYPE(md_admin_clients_ret),
    TYPE(md_admin_params_ret),
};

int LLVMFuzzerTestOneInput(const guint8 *bytes, gsize size);


/* Decodes the payload of the frame, and encodes the result. */
static GBytes *
encode_again(const md_header *header, GBytes *frame, const Type *type)
{
    MdMessage message = { .header = *header,
                          .payload = g_bytes_new_from_bytes(frame, MD_MESSAGE_LENGTH_MIN,
                                                            g_bytes_get_size(frame) -
                                                                MD_MESSAGE_LENGTH_MIN) };
    g_autofree gpointer data = g_malloc0(type->size);
    GBytes *again = NULL;

    g_assert_true(md_message_decode(&message, type->type, data, NULL));
    again = md_message_encode(header, type->type, data, NULL);
    g_assert_nonnull(again);
    md_message_clear(type->type, data);
    g_bytes_unref(message.payload);
    return again;
}


static void
try_type(const MdMessage *message, const Type *type)
{
    g_autofree gpointer data = g_malloc0(type->size);

    if (md_message_decode(message, type->type, data, NULL)) {
        g_autoptr(GBytes) frame = md_message_encode(&message->header, type->type, data, NULL);
        g_autoptr(GBytes) again = NULL;

        g_assert_nonnull(frame);
        again = encode_again(&message->header, frame, type);
        g_assert_true(g_bytes_equal(frame, again));
        g_assert_cmpuint(g_bytes_get_size(frame) - MD_MESSAGE_LENGTH_MIN, <=,
                         g_bytes_get_size(message->payload));
    }
    md_message_clear(type->type, data);
}


/* The identity that a client sets. */
static void
try_identity(const MdMessage *message)
{
    md_identity_args args = { 0 };

    if (md_message_decode(message, MD_XDR(md_identity_args), &args, NULL)) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MdIdentity) identity =
            md_identity_new_from_params(args.params.params_val, args.params.params_len, &error);

        g_assert_true((identity == NULL) == (error != NULL));
        if (identity != NULL) {
            g_autofree char *shown = md_identity_describe(identity);

            g_assert_cmpint(identity->uid, >=, -1);
            g_assert_cmpint(identity->gid, >=, -1);
            g_assert_nonnull(shown);
        }
    }
    md_message_clear(MD_XDR(md_identity_args), &args);
}


/* Limits that an administrator sets. */
static void
try_limits(const MdMessage *message)
{
    md_admin_params_args args = { 0 };
    guint limits[] = { 0, 0 };
    const MdParamWanted wanted[] = { { "nclients_max", &limits[0] },
                                     { "nclients_unauth_max", &limits[1] } };

    if (md_message_decode(message, MD_XDR(md_admin_params_args), &args, NULL)) {
        g_autoptr(GError) error = NULL;
        gboolean ok = md_params_read(args.params.params_val, args.params.params_len, wanted,
                                     G_N_ELEMENTS(wanted), &error);

        g_assert_true(ok == (error == NULL));
        g_assert_cmpuint(args.params.params_len, <=, ok ? G_N_ELEMENTS(wanted) : 32);
    }
    md_message_clear(MD_XDR(md_admin_params_args), &args);
}


/* Log filters and outputs: what has been parsed is formatted, and then parsed to the same. */
static void
try_rules(const char *text,
          GArray *(*parse)(const char *text, GError **error),
          char *(*format)(const GArray *rules))
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) rules = parse(text, &error);
    g_autoptr(GArray) again = NULL;
    g_autofree char *shown = NULL;

    g_assert_true((rules == NULL) == (error != NULL));
    if (rules == NULL)
        return;
    g_assert_cmpuint(rules->len, <=, MD_LOG_RULES_MAX);
    shown = format(rules);
    again = parse(shown, NULL);
    g_assert_nonnull(again);
    g_assert_cmpuint(again->len, ==, rules->len);
}


static void
try_log(const MdMessage *message)
{
    md_admin_rules_args args = { 0 };

    if (md_message_decode(message, MD_XDR(md_admin_rules_args), &args, NULL) &&
        args.rules != NULL) {
        g_autoptr(GArray) filters = md_log_filters_parse(*args.rules, NULL);

        try_rules(*args.rules, md_log_filters_parse, md_log_filters_format);
        try_rules(*args.rules, md_log_outputs_parse, md_log_outputs_format);
        if (filters != NULL)
            md_log_filters_find(filters, "mediated", MD_LOG_PRIORITY_DEBUG);
    }
    md_message_clear(MD_XDR(md_admin_rules_args), &args);
}


int
LLVMFuzzerTestOneInput(const guint8 *bytes, gsize size)
{
    g_autoptr(MdMessageReader) reader = md_message_reader_new();

    md_message_reader_feed(reader, bytes, size);
    for (;;) {
        g_autoptr(MdMessage) message = md_message_reader_next(reader, NULL);

        if (message == NULL)
            return 0;
        for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
            try_type(message, &types[i]);
        try_identity(message);
        try_limits(message);
        try_log(message);
    }
}
