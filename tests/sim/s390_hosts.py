# SPDX-License-Identifier: LGPL-2.1-or-later
"""s390 machines: channel devices and cryptographic adapters.

Paths, links and properties are those of the kernel's cio, qeth and ap; numbers are fictitious.
"""

from mdev import Parent, Pool, Type

CSS = '/sys/devices/css0'
QETH = '/sys/devices/qeth'
AP = '/sys/devices/ap'
MATRIX = '/sys/devices/vfio_ap/matrix'
AP_ROOM = 65536

IO_SUBCHANNEL = 'io_subchannel'

# Descriptions of ccw devices: driver, then control unit and device, each with type and model.
DASD = ('dasd-eckd', '3990', 'e9', '3390', '0c')
ZFCP = ('zfcp', '1731', '03', '1732', '03')
OSA = ('qeth', '1731', '01', '1732', '01')


def add_subchannel(kernel, address, driver, channel=None, kind='0'):
    """Adds a subchannel; `channel` is the device behind it, which Linux may not know."""
    path = f'{CSS}/{address}'
    attributes = {'type': f'{kind}\n', 'modalias': f'css:t{kind}\n'}
    if kind == '0':
        attributes |= {'chpids': '40 41 42 43 00 00 00 00\n', 'pimpampom': 'f0 f0 ff\n',
                       'dev_busid': f'{channel or "none"}\n'}
    kernel.sysfs.add_device(path, 'css', attributes, {'ST': kind, 'MODALIAS': f'css:t{kind}'})
    if driver is not None:
        kernel.sysfs.bind(path, driver)
    return path


def ccw_device(unit, online):
    """Returns the attributes and properties of a ccw device."""
    _, cu_type, cu_model, dev_type, dev_model = unit
    alias = f'ccw:t{cu_type}m{cu_model.upper()}dt{dev_type}dm{dev_model.upper()}'
    return ({'online': f'{int(online)}\n', 'cutype': f'{cu_type}/{cu_model}\n',
             'devtype': f'{dev_type}/{dev_model}\n', 'availability': 'good\n',
             'modalias': f'{alias}\n'},
            {'CU_TYPE': cu_type, 'CU_MODEL': cu_model.upper(), 'DEV_TYPE': dev_type,
             'DEV_MODEL': dev_model.upper(), 'MODALIAS': alias})


def add_ccw(kernel, subchannel, address, unit, online=True):
    """Adds a subchannel and the device behind it."""
    path = f'{add_subchannel(kernel, subchannel, IO_SUBCHANNEL, address)}/{address}'
    kernel.sysfs.add_device(path, 'ccw', *ccw_device(unit, online))
    kernel.sysfs.bind(path, unit[0])
    return path


# pylint: disable-next=too-many-arguments
def group_qeth(kernel, members, online=True, devtype='qeth_generic', driver='qeth', **attributes):
    """Groups ccw devices into one network card, which has the address of the first one."""
    path = f'/sys/devices/{driver}/{members[0].rpartition("/")[2]}'
    texts = {'online': f'{int(online)}\n', 'card_type': 'OSD_10GIG\n', 'chpid': 'BD\n', **attributes}
    attributes = {name: text for name, text in texts.items() if text is not None}
    kernel.sysfs.add_device(path, 'ccwgroup', attributes, {'DEVTYPE': devtype})
    kernel.sysfs.bind(path, driver)
    for number, member in enumerate(members):
        kernel.sysfs.link(f'{path}/cdev{number}', member)
        kernel.sysfs.link(f'{member}/group_device', path)
    return path


def add_vfio_ccw(kernel, subchannel, channel):
    path = add_subchannel(kernel, subchannel, 'vfio_ccw', channel)
    types = [Type('io', 'I/O subchannel (Non-QDIO)', 1, 1, device_api='vfio-ccw')]
    return Parent(kernel, path, 'vfio_ccw', types, Pool(1), 'vfio_ccw_mdev', ())


def add_card(kernel, adapter, domains):
    """Adds a cryptographic adapter with a queue for each of its domains."""
    card = f'{AP}/card{adapter:02x}'
    kernel.sysfs.add_device(card, 'ap', {'hwtype': '13\n', 'type': 'CEX7C\n', 'online': '1\n'},
                            {'DEVTYPE': 'ap_card', 'DEV_TYPE': '000D', 'MODALIAS': 'ap:tD',
                             'MODE': 'cca'})
    kernel.sysfs.bind(card, 'cex4card')
    for domain in domains:
        queue = f'{card}/{adapter:02x}.{domain:04x}'
        kernel.sysfs.add_device(queue, 'ap', {'online': '1\n', 'request_count': '0\n'},
                                {'DEVTYPE': 'ap_queue', 'MODE': 'cca'})
        kernel.sysfs.bind(queue, 'cex4queue')


def add_matrix(kernel):
    """Adds the AP matrix with vfio_ap; the number of devices that it offers is fictitious."""
    kernel.sysfs.add_device('/sys/devices/vfio_ap', None, {})
    kernel.sysfs.add_device(MATRIX, 'matrix', {'features': 'guest_matrix hotplug ap_config\n'})
    kernel.sysfs.bind(MATRIX, 'vfio_ap')
    types = [Type('passthrough', 'VFIO AP Passthrough Device', 1, AP_ROOM, device_api='vfio-ap')]
    return Parent(kernel, MATRIX, 'vfio_ap', types, Pool(AP_ROOM), 'vfio_ap_mdev',
                  ('assign_adapter', 'assign_domain', 'assign_control_domain'))


def add_channel_subsystem(kernel):
    """Adds the devices of the channel subsystem that are on no bus."""
    for path in (CSS, f'{CSS}/defunct', f'{CSS}/chp0.40', f'{CSS}/chp0.41', QETH, AP):
        kernel.sysfs.add_device(path, None, {})


def mainframe(kernel):
    """A partition with disks, Fibre Channel, a network card, adapters, and both kinds of parents."""
    add_channel_subsystem(kernel)
    add_ccw(kernel, '0.0.0000', '0.0.1500', DASD)
    add_ccw(kernel, '0.0.0001', '0.0.1501', DASD, online=False)
    add_ccw(kernel, '0.0.0010', '0.0.1940', ZFCP)
    add_ccw(kernel, '0.3.0a3f', '0.3.beef', DASD)
    members = [add_ccw(kernel, f'0.0.002{number}', f'0.0.bd0{number}', OSA) for number in range(3)]
    group_qeth(kernel, members)
    add_subchannel(kernel, '0.0.00f0', IO_SUBCHANNEL)
    add_subchannel(kernel, '0.0.00f1', None)
    add_subchannel(kernel, '0.0.ff40', 'chsc_subchannel', kind='2')
    add_card(kernel, 0x04, (0x23, 0x24))
    add_card(kernel, 0x0a, (0x23,))
    return [add_vfio_ccw(kernel, '0.0.00d0', '0.0.1591'), add_matrix(kernel)]


def cards(kernel):
    """Groups of every type: cards whose layer the driver knows or does not know, and groups of other drivers."""
    add_channel_subsystem(kernel)
    for number, (devtype, driver) in enumerate((('qeth_layer2', 'qeth'), ('qeth_layer3', 'qeth'),
                                                ('qeth_generic', 'qeth'), ('qeth_osn', 'qeth'), ('lcs', 'lcs'),
                                                ('ctcm', 'ctcm'))):
        channels = [add_ccw(kernel, f'0.0.0{number}0{index}', f'0.0.{number}bd{index}', (driver, *OSA[1:]))
                    for index in range(3 if driver == 'qeth' else 2)]
        group_qeth(kernel, channels, devtype=devtype, driver=driver,
                   **({} if driver == 'qeth' else {'card_type': None, 'chpid': None}))
    return []


def ccw(kernel):
    """A machine with only a subchannel, bound to vfio_ccw."""
    kernel.sysfs.add_device(CSS, None, {})
    return [add_vfio_ccw(kernel, '0.0.0062', '0.0.1234')]


def matrix(kernel):
    """A machine with only the AP matrix."""
    return [add_matrix(kernel)]


MACHINES = {'mainframe': mainframe, 'cards': cards, 'ccw': ccw, 'ap': matrix}
