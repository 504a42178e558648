#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sys::Virt: lists, documents, errors, events, and the life of a device.
# usage: perl.pl URI
use strict;
use warnings;

use Sys::Virt;
use Sys::Virt::Event;

my $parent = 'pci_0000_86_00_0';
my $uuid = '2c1f7a30-4b0e-4e8b-9a52-93a1f3c10003';
my $name = "mdev_${uuid}_0000_86_00_0" =~ tr/-/_/r;
my $document = <<END;
<device>
  <parent>$parent</parent>
  <capability type='mdev'>
    <type id='nvidia-11'/>
    <uuid>$uuid</uuid>
  </capability>
</device>
END

sub check {
    my ($what, $is_right) = @_;
    die "$what: wrong\n" unless $is_right;
    print "$what\n";
}

Sys::Virt::Event::register_default();
my $connection = Sys::Virt->new(uri => $ARGV[0]);
my @events;
my %kinds = (
    Sys::Virt::NodeDevice::EVENT_CREATED => 'created', Sys::Virt::NodeDevice::EVENT_DELETED => 'deleted',
    Sys::Virt::NodeDevice::EVENT_DEFINED => 'defined', Sys::Virt::NodeDevice::EVENT_UNDEFINED => 'undefined');

# Without a limit here, the runner ends a program that waits in vain.
sub wait_event {
    my ($kind) = @_;
    Sys::Virt::Event::run_default() until @events;
    my $event = shift @events;
    check("event: $event", $event eq "$name $kind");
}

my $callback = $connection->node_device_event_register_any(
    undef, Sys::Virt::NodeDevice::EVENT_ID_LIFECYCLE,
    sub { my (undef, $device, $kind) = @_; push @events, $device->get_name() . " $kinds{$kind}"; });

my @parents = sort map { $_->get_name() } $connection->list_all_node_devices(
    Sys::Virt::NodeDevice::LIST_CAP_MDEV_TYPES);
check("parents: @parents", "@parents" eq "$parent pci_0000_87_00_0");
check('names by capability', join(' ', sort $connection->list_node_device_names('mdev_types', 4096)) eq "@parents");
my $device = $connection->get_node_device_by_name($parent);
check('document of the parent', index($device->get_xml_description(), "<type id='nvidia-11'>") >= 0);
my @capabilities = sort $device->list_capabilities();
check("capabilities: @capabilities", "@capabilities" eq 'mdev_types pci');
check('parent: ' . $device->get_parent(), $device->get_parent() eq 'pci_0000_85_08_0');
eval { $connection->get_node_device_by_name('no_such_device'); };
check("refused: $@", ref $@ && $@->code == Sys::Virt::Error::ERR_NO_NODE_DEVICE);

$device = $connection->create_node_device($document);
check('created: ' . $device->get_name(), $device->get_name() eq $name);
wait_event('created');
check('active', $device->is_active() && !$device->is_persistent());
$device->destroy();
wait_event('deleted');

$device = $connection->define_node_device($document);
wait_event('defined');
check('inactive', !$device->is_active() && $device->is_persistent());
$device->set_autostart(1);
check('autostart', $device->get_autostart());
$device->create();
wait_event('created');
$device->destroy();
wait_event('deleted');
$device->undefine();
wait_event('undefined');
$connection->node_device_event_deregister_any($callback);
