/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/document-now.h"

#include "conf/xml.h"
#include "probe/probe.h"


const MdCapMdev *
md_document_get_scripted(const MdDriverContext *context, const MdNodeDeviceDef *def)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);

    if (cap == NULL || def->path == NULL || cap->type_id == NULL ||
        !md_callouts_may_answer(context->callouts))
        return NULL;
    return cap;
}


char *
md_document_make_now(const MdDriverContext *context,
                     MdNodeDeviceDef *def,
                     guint64 inode,
                     GError **error)
{
    g_autoptr(MdNodeDeviceDef) fresh = NULL;

    if (md_document_get_scripted(context, def) != NULL && !md_probe_check_may_block(FALSE, error))
        return NULL;
    fresh = md_probe_refresh(def, inode, FALSE, error);
    return fresh != NULL ? md_xml_format(fresh, context->settings->xml_details) : NULL;
}
