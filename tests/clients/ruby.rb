#!/usr/bin/ruby
# SPDX-License-Identifier: LGPL-2.1-or-later
# ruby-libvirt, which has no definitions of devices: lists, documents, errors, creation and destruction.
# usage: ruby.rb URI
require 'libvirt'

PARENT = 'pci_0000_86_00_0'
UUID = '2c1f7a30-4b0e-4e8b-9a52-93a1f3c10004'
NO_NODE_DEVICE = 53 # VIR_ERR_NO_NODE_DEVICE
NAME = "mdev_#{UUID.tr('-', '_')}_0000_86_00_0"
DOCUMENT = <<END
<device>
  <parent>#{PARENT}</parent>
  <capability type='mdev'>
    <type id='nvidia-11'/>
    <uuid>#{UUID}</uuid>
  </capability>
</device>
END

def check(what, is_right)
  raise "#{what}: wrong" unless is_right

  puts what
end

connection = Libvirt.open(ARGV[0])
parents = connection.list_nodedevices('mdev_types').sort
check("parents: #{parents.join(' ')}", parents == [PARENT, 'pci_0000_87_00_0'])
check('count', connection.num_of_nodedevices == connection.list_nodedevices.length)
check('all devices', connection.list_all_nodedevices.map(&:name).include?(PARENT))
device = connection.lookup_nodedevice_by_name(PARENT)
check('document of the parent', device.xml_desc.include?("<type id='nvidia-11'>"))
capabilities = device.list_caps.sort
check("capabilities: #{capabilities.join(' ')}", capabilities == %w[mdev_types pci])
check("parent: #{device.parent}", device.parent == 'pci_0000_85_08_0')
begin
  connection.lookup_nodedevice_by_name('no_such_device')
  raise 'the look-up is not refused'
rescue Libvirt::RetrieveError => e
  check("refused: #{e.libvirt_message}", e.libvirt_code == NO_NODE_DEVICE)
end

device = connection.create_nodedevice_xml(DOCUMENT)
check("created: #{device.name}", device.name == NAME)
check('document of the device', device.xml_desc.include?(UUID))
check('listed', connection.list_nodedevices('mdev') == [NAME])
device.destroy
check('destroyed', connection.list_nodedevices('mdev').empty?)
connection.close
