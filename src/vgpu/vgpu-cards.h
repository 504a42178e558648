/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cards whose drivers offer vGPUs, and their functions, as far as they are registered. Main
 * loop only. */
#pragma once

#include "registry/registry.h"

typedef struct _MdVgpuCard MdVgpuCard;

/* A function, whether or not its driver offers vGPUs at the moment. */
typedef struct {
    char *path;
    guint64 inode;
    MdVgpuCard *card;
    guint n_writes;      /* writes that are running: looks do not apply meanwhile */
    guint64 changed;     /* when the last write ended, see MdVgpuCards.clock */
    gboolean has_choice; /* `choice` is known, see MdVgpuSight */
    guint64 choice;
    gboolean was_seen;   /* a look has been applied */
    gboolean recovering; /* its half-created vGPU is being removed */
    gint64 chosen;       /* when it was chosen for the definition of a vGPU; 0: never */
} MdVgpuFunction;

struct _MdVgpuCard {
    char *path;
    guint64 inode;
    GHashTable *functions; /* path -> MdVgpuFunction */

    /* For vgpus.c: the looks at all functions. At most one is running. */
    gboolean looking;
    gboolean look_again;
    gboolean look_lists; /* of the next look */
    guint soon;          /* timer of a look after a write */
    GSList *waiting;     /* for the next look */

    /* For vgpu-watch.c. */
    guint timer;
    guint delay;        /* milliseconds */
    gboolean had_event; /* since the last look at an interval */
    gint64 end;         /* of the looks at growing intervals */
};

typedef struct {
    MdRegistry *registry;
    GHashTable *by_path;   /* path -> MdVgpuCard */
    GHashTable *functions; /* path -> MdVgpuFunction, borrowed */
    guint64 clock;         /* number of writes that have ended */
} MdVgpuCards;

MdVgpuCards *md_vgpu_cards_new(MdRegistry *registry);
void md_vgpu_cards_free(MdVgpuCards *self);

/* Removes all sources of the cards. */
void md_vgpu_cards_stop(MdVgpuCards *self);

/* To be called when a device has appeared or changed. Returns its card if the device is a function
 * that was not known before. */
MdVgpuCard *md_vgpu_cards_add(MdVgpuCards *self, const MdNodeDevice *device);
/* To be called when a device has gone. */
void md_vgpu_cards_remove(MdVgpuCards *self, const MdNodeDevice *device);

/* Borrowed, or NULL. */
MdVgpuCard *md_vgpu_cards_find(MdVgpuCards *self, const char *path);
/* The card that this device is, or NULL. */
MdVgpuCard *md_vgpu_cards_find_of(MdVgpuCards *self, const MdNodeDevice *device);
MdVgpuFunction *md_vgpu_cards_find_function(MdVgpuCards *self, const char *path);

/* The registered functions of a card in the order of their addresses, as MdNodeDevice, borrowed;
 * free the array only. */
GPtrArray *md_vgpu_cards_list_functions(MdVgpuCards *self, const MdVgpuCard *card);

/* The function of the card with the vGPU of this UUID, active or defined; borrowed, or NULL. Also
 * sets `vgpu`, unless it is NULL. */
MdNodeDevice *md_vgpu_cards_find_parent_of(MdVgpuCards *self,
                                           const MdVgpuCard *card,
                                           const char *uuid,
                                           MdNodeDevice **vgpu);

MdVgpuCard *md_vgpu_card_ref(MdVgpuCard *self);
void md_vgpu_card_unref(MdVgpuCard *self);
