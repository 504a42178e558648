<?php
// SPDX-License-Identifier: LGPL-2.1-or-later
// php-libvirt-php, which has no calls that change devices: lists, documents, capabilities, errors.
// usage: php php.php URI

const PARENT_NAME = 'pci_0000_86_00_0';

function check($what, $is_right)
{
    if (!$is_right) {
        fwrite(STDERR, "$what: wrong: " . libvirt_get_last_error() . "\n");
        exit(1);
    }
    echo "$what\n";
}

$connection = libvirt_connect($argv[1], false);
check('connected', $connection !== false);
$parents = libvirt_list_nodedevs($connection, 'mdev_types');
sort($parents);
check('parents: ' . implode(' ', $parents), $parents === [PARENT_NAME, 'pci_0000_87_00_0']);
check('all devices', in_array('computer', libvirt_list_nodedevs($connection)));
$device = libvirt_nodedev_get($connection, PARENT_NAME);
check('look-up', $device !== false);
check('document of the parent', strpos(libvirt_nodedev_get_xml_desc($device, null), "<type id='nvidia-11'>") !== false);
$capabilities = libvirt_nodedev_capabilities($device);
sort($capabilities);
check('capabilities: ' . implode(' ', $capabilities), $capabilities === ['mdev_types', 'pci']);
$information = libvirt_nodedev_get_information($device);
check('information: ' . $information['name'], $information['name'] === PARENT_NAME);
check('driver: ' . $information['driver_name'], $information['driver_name'] === 'nvidia');
check('no such device', @libvirt_nodedev_get($connection, 'no_such_device') === false);
check('refused: ' . libvirt_get_last_error(), strpos(libvirt_get_last_error(), 'node device') !== false);
