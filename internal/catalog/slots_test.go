package catalog_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// slots fails the test when a command, or a script with the keys that it computes, spans hash slots: a cluster refuses
// that, a single Redis does not. All of the package's tests run under it.
type slots struct {
	t     *testing.T
	trips int // pipelines
}

func (s *slots) DialHook(next redis.DialHook) redis.DialHook { return next }

func (s *slots) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		s.check(cmd)
		return next(ctx, cmd)
	}
}

func (s *slots) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		s.trips++
		for _, cmd := range cmds {
			s.check(cmd)
		}
		return next(ctx, cmds)
	}
}

func (s *slots) check(cmd redis.Cmder) {
	keys := keysOf(s.t, cmd)
	for _, k := range keys {
		if slot(k) != slot(keys[0]) {
			s.t.Errorf("%s spans slots: %q is not with %q", cmd.Name(), k, keys[0])
		}
	}
}

// keysOf are the keys that a command touches, those that place.lua computes included.
func keysOf(t *testing.T, cmd redis.Cmder) []string {
	args := make([]string, len(cmd.Args()))
	for i, a := range cmd.Args() {
		switch a := a.(type) {
		case []byte:
			args[i] = string(a)
		default:
			args[i] = fmt.Sprint(a)
		}
	}
	switch cmd.Name() {
	case "hget", "hmget", "hexists", "hscan", "zscore", "hgetall", "hkeys", "hset", "zrange", "zcard", "zlexcount", "zrangebylex", "zrevrangebylex", "type", "pttl", "get", "set", "exists":
		return args[1:2]
	case "del":
		return args[1:]
	case "evalsha":
		n, err := strconv.Atoi(args[2])
		if err != nil || n == 0 {
			t.Errorf("a script without keys: %q", args)
			return nil
		}
		keys, argv := slices.Clone(args[3:3+n]), args[3+n:]
		base, isPlacing := strings.CutSuffix(keys[0], "}:members")
		if !isPlacing {
			return keys
		}
		// Behind four lists, each after its length, are commands: name, set, a list.
		skip := func(at int) int {
			n, err := strconv.Atoi(argv[at])
			if err != nil || n < 0 || at+n >= len(argv) {
				t.Fatalf("a list at %d of %q", at, argv)
			}
			return at + 1 + n
		}
		at := 2
		for range 4 {
			at = skip(at)
		}
		for at < len(argv) {
			keys = append(keys, base+"}:"+argv[at+1])
			at = skip(at + 2)
		}
		return keys
	case "scan", "script", "info", "publish", "subscribe", "ping", "hello", "client", "cluster", "command":
		return nil
	}
	t.Errorf("%s: say here what its keys are", cmd.Name())
	return nil
}

// slot is a key's, as Redis Cluster has it: CRC16 (XMODEM) of what its first braces hold, else of all of it.
func slot(key string) int {
	if i := strings.IndexByte(key, '{'); i >= 0 {
		if n := strings.IndexByte(key[i+1:], '}'); n > 0 {
			key = key[i+1 : i+1+n]
		}
	}
	crc := uint16(0)
	for _, b := range []byte(key) {
		crc ^= uint16(b) << 8
		for range 8 {
			if carry := crc&0x8000 != 0; carry {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc % 16384)
}

func TestSlot(t *testing.T) {
	// Of `redis-cli cluster keyslot`.
	for key, want := range map[string]int{"foo": 12182, "{foo}:bar": 12182, "x{foo}{bar}": 12182, "123456789": 12739} {
		if got := slot(key); got != want {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
	}
}
