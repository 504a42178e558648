/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-net.h"

#include <libvirt/libvirt.h>

#include "conf/xml-reader.h"
#include "util/error.h"

static const char *const state_names[] = {
    [MD_NET_STATE_UNKNOWN] = "unknown", [MD_NET_STATE_NOT_PRESENT] = "notpresent",
    [MD_NET_STATE_DOWN] = "down",       [MD_NET_STATE_LOWER_LAYER_DOWN] = "lowerlayerdown",
    [MD_NET_STATE_TESTING] = "testing", [MD_NET_STATE_DORMANT] = "dormant",
    [MD_NET_STATE_UP] = "up",
};

static const char *const medium_names[] = {
    [MD_NET_MEDIUM_ETHERNET] = "80203",
    [MD_NET_MEDIUM_WLAN] = "80211",
};

static const char *const feature_names[] = {
    [MD_NET_FEATURE_RX] = "rx",
    [MD_NET_FEATURE_TX] = "tx",
    [MD_NET_FEATURE_SG] = "sg",
    [MD_NET_FEATURE_TSO] = "tso",
    [MD_NET_FEATURE_UFO] = "ufo",
    [MD_NET_FEATURE_GSO] = "gso",
    [MD_NET_FEATURE_GRO] = "gro",
    [MD_NET_FEATURE_LRO] = "lro",
    [MD_NET_FEATURE_RX_VLAN] = "rxvlan",
    [MD_NET_FEATURE_TX_VLAN] = "txvlan",
    [MD_NET_FEATURE_NTUPLE] = "ntuple",
    [MD_NET_FEATURE_RX_HASH] = "rxhash",
    [MD_NET_FEATURE_RDMA] = "rdma",
    [MD_NET_FEATURE_TX_UDP_TUNNEL] = "txudptnl",
    [MD_NET_FEATURE_SWITCHDEV] = "switchdev",
};

G_STATIC_ASSERT(G_N_ELEMENTS(feature_names) == MD_NET_FEATURE_LAST);


/* The index of a name in a table; `none` if it is not there. */
static guint
find_name(const char *const *names, guint n, const char *name, guint none)
{
    for (guint i = 0; i < n; i++) {
        if (names[i] != NULL && g_str_equal(names[i], name))
            return i;
    }
    return none;
}


MdNetState
md_net_state_find(const char *name)
{
    return find_name(state_names, G_N_ELEMENTS(state_names), name, MD_NET_STATE_NONE);
}


/* `what` names the value in the message; `text` NULL: the value is missing. */
static void
set_invalid(GError **error, xmlNodePtr node, const char *what, const char *text)
{
    g_autofree char *device = md_xml_device_name(node);
    g_autofree char *quote = md_xml_shorten(text != NULL ? text : "");

    md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR, "invalid %s '%s' for '%s'", what,
                      quote, device);
}


static gboolean
parse_link(MdCapNet *self, xmlNodePtr node, GError **error)
{
    xmlNodePtr link = NULL;
    g_autofree char *state = NULL;
    g_autofree char *speed = NULL;

    if (!md_xml_child_once(node, "link", &link, error))
        return FALSE;
    if (link == NULL)
        return TRUE;

    state = md_xml_attribute(link, "state");
    speed = md_xml_attribute(link, "speed");
    self->state = state != NULL ? md_net_state_find(state) : MD_NET_STATE_NONE;
    if (state != NULL && self->state == MD_NET_STATE_NONE) {
        set_invalid(error, node, "link state", state);
        return FALSE;
    }
    if (speed != NULL && !md_xml_parse_uint(speed, 10, G_MAXUINT, &self->speed)) {
        set_invalid(error, node, "link speed", speed);
        return FALSE;
    }
    return TRUE;
}


static gboolean
parse_features(MdCapNet *self, xmlNodePtr node, GError **error)
{
    for (xmlNodePtr child = md_xml_child(node, "feature"); child != NULL;
         child = md_xml_next(child)) {
        g_autofree char *name = md_xml_attribute(child, "name");
        guint feature = MD_NET_FEATURE_LAST;

        if (name != NULL)
            feature = find_name(feature_names, MD_NET_FEATURE_LAST, name, MD_NET_FEATURE_LAST);
        if (feature == MD_NET_FEATURE_LAST) {
            set_invalid(error, node, "network device feature", name);
            return FALSE;
        }
        self->features |= 1U << feature;
    }
    return TRUE;
}


static gboolean
parse_medium(MdCapNet *self, xmlNodePtr node, GError **error)
{
    xmlNodePtr child = NULL;
    g_autofree char *type = NULL;

    if (!md_xml_child_once(node, "capability", &child, error))
        return FALSE;
    type = child != NULL ? md_xml_attribute(child, "type") : NULL;
    if (type == NULL)
        return TRUE;

    self->medium = find_name(medium_names, G_N_ELEMENTS(medium_names), type, MD_NET_MEDIUM_NONE);
    if (self->medium == MD_NET_MEDIUM_NONE) {
        g_autofree char *device = md_xml_device_name(node);

        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "invalid network type supplied for '%s'",
                     device);
        return FALSE;
    }
    return TRUE;
}


static gboolean
net_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapNet *self = (MdCapNet *)cap;

    self->interface = md_xml_child_text(node, "interface");
    if (self->interface == NULL) {
        g_autofree char *device = md_xml_device_name(node);

        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "no network interface supplied for '%s'",
                     device);
        return FALSE;
    }
    self->address = md_xml_child_text(node, "address");
    return parse_link(self, node, error) && parse_features(self, node, error) &&
           parse_medium(self, node, error);
}


static void
net_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapNet *self = (const MdCapNet *)cap;

    md_xml_writer_element(writer, "interface", self->interface);
    md_xml_writer_element(writer, "address", self->address);
    if (self->state != MD_NET_STATE_NONE || self->speed > 0) {
        md_xml_writer_start(writer, "link");
        if (self->speed > 0)
            md_xml_writer_attribute_number(writer, "speed", self->speed);
        if (self->state != MD_NET_STATE_NONE)
            md_xml_writer_attribute(writer, "state", state_names[self->state]);
        md_xml_writer_end(writer);
    }
    for (guint i = 0; i < MD_NET_FEATURE_LAST; i++) {
        if ((self->features & (1U << i)) != 0) {
            md_xml_writer_start(writer, "feature");
            md_xml_writer_attribute(writer, "name", feature_names[i]);
            md_xml_writer_end(writer);
        }
    }
    if (self->medium != MD_NET_MEDIUM_NONE) {
        md_xml_writer_start(writer, "capability");
        md_xml_writer_attribute(writer, "type", medium_names[self->medium]);
        md_xml_writer_end(writer);
    }
}


static void
net_copy(MdCap *dest, const MdCap *src)
{
    MdCapNet *self = (MdCapNet *)dest;

    *self = *(const MdCapNet *)src;
    self->interface = g_strdup(self->interface);
    self->address = g_strdup(self->address);
}


static void
net_clear(MdCap *cap)
{
    MdCapNet *self = (MdCapNet *)cap;

    g_free(self->interface);
    g_free(self->address);
}


const MdCapKind md_cap_kind_net = {
    .name = "net",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET,
    .size = sizeof(MdCapNet),
    .parse = net_parse,
    .format = net_format,
    .copy = net_copy,
    .clear = net_clear,
};
