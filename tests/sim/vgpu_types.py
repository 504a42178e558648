# SPDX-License-Identifier: LGPL-2.1-or-later
"""Types of vGPUs on SR-IOV functions, and the vendor's table of them (vgpuConfig.xml).

Numbers and names are from captures of such cards. The table is made from them: the real one has the same elements.
"""

import dataclasses
from xml.sax.saxutils import quoteattr

MIB = 1024 * 1024
RESERVED_SHARE = 16   # of the frame buffer, for the host
CLASSES = {'A': 'NVS', 'B': 'NVS', 'C': 'Compute', 'Q': 'Quadro'}
HEADS = {'A': 1, 'B': 4, 'C': 1, 'Q': 4}
LIMITS = {'A': 60, 'B': 45, 'C': 60, 'Q': 60}   # of frames per second
RESOLUTIONS = {'A': (1280, 1024), 'B': (5120, 2880), 'C': (4096, 2160), 'Q': (7680, 4320)}


@dataclasses.dataclass(frozen=True)
class VgpuType:
    """One type; the last letter of its name is its series."""

    number: int
    name: str | None   # None: the driver cannot name it, and leaves it out
    mib: int
    most: int          # per card, or per GPU instance
    profile: int = 0   # of GPU instances; 0: time-sliced

    @property
    def series(self):
        return (self.name or 'Q')[-1]


def make_types(first, prefix, models, mib, most=32):
    """Returns time-sliced types with successive numbers; `models` are sizes in GiB and series, such as '24Q'."""
    return [VgpuType(number, f'{prefix}{model}', int(model[:-1]) * 1024,
                     min(mib // (int(model[:-1]) * 1024), most))
            for number, model in enumerate(models, first)]


L40S_MIB = 48 * 1024
L40S = (make_types(1145, 'NVIDIA L40S-', ('1B', '2B'), L40S_MIB)
        + make_types(1147, 'NVIDIA L40S-', [f'{size}{series}' for series in 'QA'
                                            for size in (1, 2, 3, 4, 6, 8, 12, 16, 24, 48)], L40S_MIB)
        + make_types(2164, 'NVIDIA L40S-', ('3B',), L40S_MIB))

RTXPRO_MIB = 96 * 1024
RTXPRO_NAME = 'NVIDIA RTX Pro 6000 Blackwell DC-'
SMALL_INSTANCE = 47   # profiles of GPU instances
LARGE_INSTANCE = 35
RTXPRO = (make_types(1518, RTXPRO_NAME, ('2B', '3Q', '3A', '4Q', '4A', '6Q', '6A', '8Q', '8A', '8C', '12Q', '12A',
                                         '12C', '16Q', '16A', '16C', '24Q', '24A', '24C', '32Q', '32A', '32C', '48Q'),
                     RTXPRO_MIB)
          + [VgpuType(1546, f'{RTXPRO_NAME}1-2Q', 2048, 12, SMALL_INSTANCE),
             VgpuType(1561, f'{RTXPRO_NAME}1-24Q', 24576, 1, SMALL_INSTANCE),
             # No capture has the number of a type of this profile.
             VgpuType(1571, f'{RTXPRO_NAME}2-48Q', 49152, 1, LARGE_INSTANCE)])


def format_type(kind):
    size, reserved = kind.mib * MIB, kind.mib * MIB // RESERVED_SHARE
    width, height = RESOLUTIONS[kind.series]
    instance = '' if kind.profile == 0 else f'<gpuInstanceProfileId>{kind.profile}</gpuInstanceProfileId>\n    '
    return f'''  <vgpuType id="{kind.number}" name={quoteattr(kind.name or '')} class="{CLASSES[kind.series]}">
    <profileSize>{size:#x}</profileSize>
    <framebuffer>{size - reserved:#x}</framebuffer>
    <fbReservation>{reserved:#x}</fbReservation>
    <numHeads>{HEADS[kind.series]}</numHeads>
    <display width="{width}" height="{height}"/>
    <maxPixels>{width * height}</maxPixels>
    <frlConfig>{LIMITS[kind.series]:#x}</frlConfig>
    {instance}<frame_rate_limiter>1</frame_rate_limiter>
    <license>VWS;VWSExt</license>
  </vgpuType>
'''


def format_card(device, subsystem, types, vendor=0x10de):
    supported = ''.join(f'    <supportedVgpu vgpuId="{kind.number}">\n      <maxVgpus>{kind.most}</maxVgpus>\n'
                        '    </supportedVgpu>\n' for kind in types)
    return f'''  <pgpu fractionalMultiVgpu="1" hostVgpuMode="sriov">
    <devId vendorId="{vendor:#06X}" deviceId="{device:#06X}" subsystemVendorId="{vendor:#06X}" \
subsystemId="{subsystem:#06X}"/>
{supported}  </pgpu>
'''.replace('0X', '0x')


def format_table(cards):
    """Returns the table for cards given as arguments of format_card(); the subsystem 0 is any."""
    types = {kind.number: kind for card in cards for kind in card[2]}
    return ('<?xml version="1.0" encoding="UTF-8"?>\n'
            '<vgpuconfig>\n  <version>1.0</version>\n'
            '  <globalSettings>\n    <pluginSoName>libnvidia-vgpu</pluginSoName>\n  </globalSettings>\n'
            + ''.join(format_type(types[number]) for number in sorted(types))
            + ''.join(format_card(*card) for card in cards)
            + '</vgpuconfig>\n')
