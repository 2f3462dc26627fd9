// Package loopback finds addresses for the servers of tests, benchmarks and campaigns.
package loopback

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// handedOut are the ports that this process has given away.
var handedOut sync.Map

// FreeAddress is a host:port of this machine that nobody has, and that this process gives to nobody else: below the ports
// that the kernel gives to outgoing connections, so that a server which is down for a moment finds it free when it comes back.
func FreeAddress() (string, error) {
	for range 1000 {
		port := 10_000 + rand.IntN(20_000)
		if _, taken := handedOut.LoadOrStore(port, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", errors.New("no port from 10000 to 29999 is free")
}
