/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handlers of all procedures that the daemon serves; remote/dispatch.c has the types of
 * arguments and results. */
#pragma once

#include "remote/call.h"

/* Authentication. */
void md_handle_auth_list(MdCall *call, gconstpointer args);
void md_handle_auth_sasl(MdCall *call, gconstpointer args);
void md_handle_auth_polkit(MdCall *call, gconstpointer args);
void md_handle_set_identity(MdCall *call, gconstpointer args);

/* The connection. */
void md_handle_open(MdCall *call, gconstpointer args);
void md_handle_close(MdCall *call, gconstpointer args);
void md_handle_get_type(MdCall *call, gconstpointer args);
void md_handle_get_lib_version(MdCall *call, gconstpointer args);
void md_handle_get_uri(MdCall *call, gconstpointer args);
void md_handle_is_secure(MdCall *call, gconstpointer args);
void md_handle_supports_feature(MdCall *call, gconstpointer args);

/* Events. */
void md_handle_register_close_callback(MdCall *call, gconstpointer args);
void md_handle_unregister_close_callback(MdCall *call, gconstpointer args);
void md_handle_register_event(MdCall *call, gconstpointer args);
void md_handle_deregister_event(MdCall *call, gconstpointer args);

/* Calls the handler once the driver's list is up to date for this device, at once if it is already;
 * NULL: for all devices. See md_driver_look_async(). */
typedef void (*MdHandler)(MdCall *call, gconstpointer args);
void md_handle_after_look(MdCall *call, const char *device, MdHandler handler);

/* Node devices. */
void md_handle_num_of_devices(MdCall *call, gconstpointer args);
void md_handle_list_devices(MdCall *call, gconstpointer args);
void md_handle_list_all_devices(MdCall *call, gconstpointer args);
void md_handle_look_up_by_name(MdCall *call, gconstpointer args);
void md_handle_look_up_scsi_host(MdCall *call, gconstpointer args);
void md_handle_get_xml(MdCall *call, gconstpointer args);
void md_handle_get_parent(MdCall *call, gconstpointer args);
void md_handle_num_of_caps(MdCall *call, gconstpointer args);
void md_handle_list_caps(MdCall *call, gconstpointer args);
void md_handle_create_xml(MdCall *call, gconstpointer args);
void md_handle_create(MdCall *call, gconstpointer args);
void md_handle_destroy(MdCall *call, gconstpointer args);
void md_handle_define_xml(MdCall *call, gconstpointer args);
void md_handle_undefine(MdCall *call, gconstpointer args);
void md_handle_set_autostart(MdCall *call, gconstpointer args);
void md_handle_update(MdCall *call, gconstpointer args);
/* A GAsyncReadyCallback for changes by the driver: ends the call `data` with the result of
 * md_driver_change_finish(). */
void md_handle_changed(GObject *source, GAsyncResult *result, gpointer data);
void md_handle_get_autostart(MdCall *call, gconstpointer args);
void md_handle_is_persistent(MdCall *call, gconstpointer args);
void md_handle_is_active(MdCall *call, gconstpointer args);
