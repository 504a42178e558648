// SPDX-License-Identifier: LGPL-2.1-or-later

// libvirt-go, the bindings that use libvirt's library: lists, documents, errors, events, creation and destruction. This
// version of the bindings has no definitions of devices.
// usage: go run cgo.go device.go URI
package main

import (
	"fmt"
	"log"
	"os"
	"sort"
	"strings"
	"time"

	libvirt "github.com/libvirt/libvirt-go"
)

const timeout = 30 * time.Second

func waitEvent(events chan string, kind libvirt.NodeDeviceEventLifecycleType) {
	select {
	case event := <-events:
		check("event: "+event, nil, event == fmt.Sprint(name, " ", int(kind)))
	case <-time.After(timeout):
		log.Fatal("no event")
	}
}

func main() {
	check("event loop", libvirt.EventRegisterDefaultImpl(), true)
	go func() {
		for {
			if err := libvirt.EventRunDefaultImpl(); err != nil {
				log.Fatal(err)
			}
		}
	}()
	connection, err := libvirt.NewConnect(os.Args[1])
	check("connected", err, true)

	parents, err := connection.ListDevices("mdev_types", 0)
	sort.Strings(parents)
	list := strings.Join(parents, " ")
	check("parents: "+list, err, list == parent+" pci_0000_87_00_0")
	devices, err := connection.ListAllNodeDevices(libvirt.CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES)
	check("list of all", err, len(devices) == len(parents))
	device, err := connection.LookupDeviceByName(parent)
	check("look-up", err, true)
	text, err := device.GetXMLDesc(0)
	check("document of the parent", err, strings.Contains(text, "<type id='nvidia-11'>"))
	capabilities, err := device.ListCaps()
	check("capabilities: "+strings.Join(capabilities, " "), err, len(capabilities) == 2)
	above, err := device.GetParent()
	check("parent: "+above, err, above == "pci_0000_85_08_0")
	_, err = connection.LookupDeviceByName("no_such_device")
	refusal, ok := err.(libvirt.Error)
	check(fmt.Sprint("refused: ", err), nil, ok && refusal.Code == libvirt.ERR_NO_NODE_DEVICE)

	events := make(chan string, 10)
	callback, err := connection.NodeDeviceEventLifecycleRegister(nil, func(_ *libvirt.Connect, device *libvirt.NodeDevice,
		event *libvirt.NodeDeviceEventLifecycle) {
		name, err := device.GetName()
		if err != nil {
			log.Fatal(err)
		}
		events <- fmt.Sprint(name, " ", int(event.Event))
	})
	check("registered", err, true)
	device, err = connection.DeviceCreateXML(document, 0)
	check("created", err, true)
	waitEvent(events, libvirt.NODE_DEVICE_EVENT_CREATED)
	text, err = device.GetXMLDesc(0)
	check("document of the device", err, strings.Contains(text, uuid))
	check("destroyed", device.Destroy(), true)
	waitEvent(events, libvirt.NODE_DEVICE_EVENT_DELETED)
	check("deregistered", connection.NodeDeviceEventDeregister(callback), true)
	count, err := connection.NumOfDevices("mdev", 0)
	check("nothing left", err, count == 0)
	_, err = connection.Close()
	check("closed", err, true)
}
