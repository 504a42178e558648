// SPDX-License-Identifier: LGPL-2.1-or-later

// The device of the programs in Go, and their assertion.
package main

import (
	"fmt"
	"log"
	"strings"
)

const (
	parent   = "pci_0000_86_00_0"
	uuid     = "2c1f7a30-4b0e-4e8b-9a52-93a1f3c10005"
	document = `<device>
  <parent>` + parent + `</parent>
  <capability type='mdev'>
    <type id='nvidia-11'/>
    <uuid>` + uuid + `</uuid>
  </capability>
</device>`
)

var name = "mdev_" + strings.ReplaceAll(uuid, "-", "_") + "_0000_86_00_0"

func check(what string, err error, isRight bool) {
	if err != nil || !isRight {
		log.Fatalf("%s: wrong: %v", what, err)
	}
	fmt.Println(what)
}
