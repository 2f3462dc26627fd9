package servertest

import (
	"testing"

	"regie/internal/loopback"
)

// FreeAddress is loopback.FreeAddress, for a test.
func FreeAddress(t testing.TB) string {
	t.Helper()
	address, err := loopback.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}
