// Package loopback finds addresses for the servers of tests, benchmarks and campaigns.
package loopback

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
)

// handedOut are the ports that this process has given away.
var handedOut sync.Map

// Ports are looked for in a part of them that is this process's, if it is not full: of two processes that look at once, both may
// find one free that neither has bound yet.
const (
	lowest, ports = 10_000, 20_000
	part          = ports / 20
)

// FreeAddress is a host:port of this machine that nobody has, and that this process gives to nobody else: below the ports
// that the kernel gives to outgoing connections, so that a server which is down for a moment finds it free when it comes back.
func FreeAddress() (string, error) {
	for n := range 1000 {
		port := lowest + os.Getpid()*part%ports + rand.IntN(part)
		if n >= 500 {
			port = lowest + rand.IntN(ports)
		}
		if _, taken := handedOut.LoadOrStore(port, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", errors.New("no port from 10000 to 29999 is free")
}
