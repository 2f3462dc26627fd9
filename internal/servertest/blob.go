package servertest

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// Blob is what a Redis has of an entity for a screen, and the hash that has it.
func Blob(t testing.TB, client redis.UniversalClient, prefix, kind, id, screen string) (key, blob string) {
	t.Helper()
	it := client.Scan(t.Context(), 0, prefix+":{"+kind+":*}:"+screen, 1000).Iterator()
	for it.Next(t.Context()) {
		if blob, err := client.HGet(t.Context(), it.Val(), id).Result(); err == nil {
			return it.Val(), blob
		}
	}
	t.Fatalf("Redis has no blob of %s %q for %s: %v", kind, id, screen, it.Err())
	return "", ""
}
