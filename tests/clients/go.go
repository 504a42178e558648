// SPDX-License-Identifier: LGPL-2.1-or-later

// go-libvirt of DigitalOcean, which implements libvirt's protocol in Go: lists, documents, errors, registration for
// events, creation and destruction. This package neither delivers events of node devices nor has definitions of devices
// in all versions.
// usage: go run go.go device.go URI
package main

import (
	"fmt"
	"net/url"
	"os"
	"sort"
	"strings"

	libvirt "github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"
)

const (
	lifecycle = 0 // VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE
	max       = 4096
)

// The package leaves it to the caller to find the socket, and sends the URI as it is.
func connect(text string) *libvirt.Libvirt {
	uri, err := url.Parse(text)
	check("URI", err, true)
	path := map[string]string{
		"nodedev": "/run/libvirt/virtnodedevd-sock",
		"qemu":    "/run/libvirt/libvirt-sock",
	}[uri.Scheme]
	connection := libvirt.NewWithDialer(dialers.NewLocal(dialers.WithSocket(path)))
	check("connected to "+path, connection.ConnectToURI(libvirt.ConnectURI(uri.Scheme+":///system")), true)
	return connection
}

func main() {
	connection := connect(os.Args[1])
	version, err := connection.ConnectGetLibVersion()
	check(fmt.Sprint("version: ", version), err, version >= 9000000)

	parents, err := connection.NodeListDevices(libvirt.OptString{"mdev_types"}, max, 0)
	sort.Strings(parents)
	list := strings.Join(parents, " ")
	check("parents: "+list, err, list == parent+" pci_0000_87_00_0")
	devices, count, err := connection.ConnectListAllNodeDevices(1, uint32(libvirt.ConnectListNodeDevicesCapMdevTypes))
	check("list of all", err, len(devices) == len(parents) && int(count) == len(parents))
	text, err := connection.NodeDeviceGetXMLDesc(parent, 0)
	check("document of the parent", err, strings.Contains(text, "<type id='nvidia-11'>"))
	capabilities, err := connection.NodeDeviceListCaps(parent, max)
	check("capabilities: "+strings.Join(capabilities, " "), err, len(capabilities) == 2)
	above, err := connection.NodeDeviceGetParent(parent)
	check(fmt.Sprint("parent: ", above), err, len(above) == 1 && above[0] == "pci_0000_85_08_0")
	_, err = connection.NodeDeviceLookupByName("no_such_device")
	refusal, ok := err.(libvirt.Error)
	check(fmt.Sprint("refused: ", err), nil, ok && refusal.Code == uint32(libvirt.ErrNoNodeDevice))

	callback, err := connection.ConnectNodeDeviceEventRegisterAny(lifecycle, nil)
	check("registered", err, true)
	device, err := connection.NodeDeviceCreateXML(document, 0)
	check("created: "+device.Name, err, device.Name == name)
	text, err = connection.NodeDeviceGetXMLDesc(device.Name, 0)
	check("document of the device", err, strings.Contains(text, uuid))
	check("destroyed", connection.NodeDeviceDestroy(device.Name), true)
	check("deregistered", connection.ConnectNodeDeviceEventDeregisterAny(callback), true)
	left, err := connection.NodeNumOfDevices(libvirt.OptString{"mdev"}, 0)
	check("nothing left", err, left == 0)
	check("disconnected", connection.Disconnect(), true)
}
