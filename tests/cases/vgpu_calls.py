# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cases of calls about mediated devices, with vGPUs on the functions of a card."""

import access
import create
import destroy
import events
from with_vgpus import WithVgpus

ONLY_ON = ('sim', 'the cards are simulated')


class Create(WithVgpus, create.Create):
    full_id, short_id, name = 'nvidia-1148', '1147', 'NVIDIA L40S-2Q'


class Refused(WithVgpus, create.Refused):
    largest_id = 'nvidia-1156'
    failures = ('fail_create',)

    # The driver knows no UUIDs, and vgpu.Refused takes the room away in another way.
    test_uuid_in_use_by_a_device_of_others = test_exhausted_by_a_race = None
    # Only one call at a time writes to a card.
    test_same_uuid_twice_at_once = None


class Destroy(WithVgpus, destroy.Destroy):
    # vgpu.Destroy and vgpu_outside.Others have these cases, because the driver fails and others act in other ways.
    test_device_of_others = test_others_remove_it_meanwhile = test_vanished = None
    test_driver_fails = test_driver_reports_the_device_as_gone = test_in_use = test_twice_at_once = None


class Authorized(WithVgpus, access.Authorized):
    pass


class OneDevice(WithVgpus, access.OneDevice):
    pass


class Order(WithVgpus, events.Order):
    pass


class Subscriptions(WithVgpus, events.Subscriptions):
    # It creates several devices of one parent.
    test_deregistered = None


# The runner would take them for cases of this file.
del access, create, destroy, events
