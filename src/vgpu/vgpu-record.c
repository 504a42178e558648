/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vgpu/vgpu-record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/state-file.h"

#define DIRECTORY  "vgpu"
#define RECORD_MAX 256

/* The X.500 namespace of RFC 4122: 6ba7b814-9dad-11d1-80b4-00c04fd430c8. */
static const guint8 namespace_x500[] = { 0x6b, 0xa7, 0xb8, 0x14, 0x9d, 0xad, 0x11, 0xd1,
                                         0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 };

/* The state is part of the file's name, so that renaming the file changes the state atomically. */
static const char *const suffixes[MD_VGPU_N_STATES] = {
    [MD_VGPU_CREATING] = ".creating",
    [MD_VGPU_COMPLETE] = "",
    [MD_VGPU_STUCK] = ".stuck",
};


static char *
make_path(const char *state_dir, const char *address, MdVgpuState state)
{
    g_autofree char *name = g_strconcat(address, suffixes[state], NULL);

    return g_build_filename(state_dir, DIRECTORY, name, NULL);
}


/* Removes the files of all states but `kept`. */
static void
remove_others(const char *state_dir, const char *address, MdVgpuState kept)
{
    for (MdVgpuState state = 0; state < MD_VGPU_N_STATES; state++) {
        g_autofree char *path = make_path(state_dir, address, state);

        if (state != kept && unlink(path) < 0 && errno != ENOENT)
            g_message("Failed to remove '%s': %s", path, g_strerror(errno));
    }
}


void
md_vgpu_record_remove(const char *state_dir, const char *address)
{
    remove_others(state_dir, address, MD_VGPU_N_STATES);
}


void
md_vgpu_record_write(const char *state_dir, const char *address, const MdVgpuRecord *record)
{
    g_autofree char *directory = g_build_filename(state_dir, DIRECTORY, NULL);
    g_autofree char *name = g_strconcat(address, suffixes[record->state], NULL);
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT "\n%u\n%s\n", record->inode,
                                            record->number, record->uuid);
    int errnum = md_state_file_write(directory, name, text);

    /* Only now, so that the UUID survives a kill in between. */
    remove_others(state_dir, address, record->state);
    if (errnum != 0)
        g_message("Failed to record the UUID '%s' of the vGPU on '%s': %s", record->uuid, address,
                  g_strerror(errnum));
}


void
md_vgpu_record_complete(const char *state_dir, const char *address)
{
    g_autofree char *old = make_path(state_dir, address, MD_VGPU_CREATING);
    g_autofree char *new = make_path(state_dir, address, MD_VGPU_COMPLETE);

    if (rename(old, new) < 0 && errno != ENOENT)
        g_message("Failed to rename '%s': %s", old, g_strerror(errno));
}


/* NULL if the file contains no complete record. */
static MdVgpuRecord *
record_parse(const char *text, MdVgpuState state)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    MdVgpuRecord *self = NULL;
    guint64 inode = 0;
    guint64 number = 0;

    /* Each of the three lines ends with a newline, so the fourth part is empty. */
    if (g_strv_length(lines) != 4 || *lines[3] != '\0' || !g_uuid_string_is_valid(lines[2]) ||
        !g_ascii_string_to_unsigned(lines[0], 10, 1, G_MAXUINT64, &inode, NULL) ||
        !g_ascii_string_to_unsigned(lines[1], 10, 1, G_MAXINT32, &number, NULL))
        return NULL;

    self = g_new0(MdVgpuRecord, 1);
    self->inode = inode;
    self->number = (guint32)number;
    self->uuid = g_strdup(lines[2]);
    self->state = state;
    return self;
}


static MdVgpuRecord *
record_read(const char *state_dir, const char *address, MdVgpuState state)
{
    g_autofree char *directory = g_build_filename(state_dir, DIRECTORY, NULL);
    g_autofree char *name = g_strconcat(address, suffixes[state], NULL);
    g_autofree char *text = md_state_file_read(directory, name, RECORD_MAX);

    return text != NULL ? record_parse(text, state) : NULL;
}


MdVgpuRecord *
md_vgpu_record_read(const char *state_dir, const char *address, guint64 inode, guint32 number)
{
    /* If the daemon was killed while it changed the state, the later state holds. */
    for (int state = MD_VGPU_N_STATES - 1; state >= 0; state--) {
        g_autoptr(MdVgpuRecord) record = record_read(state_dir, address, state);

        if (record != NULL && record->inode == inode && record->number == number)
            return g_steal_pointer(&record);
    }
    return NULL;
}


void
md_vgpu_record_free(MdVgpuRecord *self)
{
    if (self == NULL)
        return;

    g_free(self->uuid);
    g_free(self);
}


char *
md_vgpu_record_make_uuid(const char *address)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
    g_autofree char *name = g_strdelimit(g_strdup(address), ".", ':');
    guint8 digest[20];
    gsize size = sizeof(digest);

    g_checksum_update(checksum, namespace_x500, sizeof(namespace_x500));
    g_checksum_update(checksum, (const guchar *)name, (gssize)strlen(name));
    g_checksum_get_digest(checksum, digest, &size);
    /* Version 5, and the variant of RFC 4122. */
    digest[6] = (digest[6] & 0x0f) | 0x50;
    digest[8] = (digest[8] & 0x3f) | 0x80;
    return g_strdup_printf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                           digest[0], digest[1], digest[2], digest[3], digest[4], digest[5],
                           digest[6], digest[7], digest[8], digest[9], digest[10], digest[11],
                           digest[12], digest[13], digest[14], digest[15]);
}
