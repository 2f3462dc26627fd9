package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"regie/internal/servertest"
)

// ownRedis is one that the test may harm: a process where the tests' Redis is real.
type ownRedis struct {
	t       *testing.T
	address string
	args    []string
	cmd     *exec.Cmd // nil when it is embedded
}

func newOwnRedis(t *testing.T) *ownRedis {
	t.Helper()
	if os.Getenv("TEST_REDIS") == "" {
		return &ownRedis{t: t, address: miniredis.RunT(t).Addr()}
	}
	return realRedis(t)
}

// realRedis starts a redis-server that keeps its data, unless the flags say otherwise.
func realRedis(t *testing.T, flags ...string) *ownRedis {
	t.Helper()
	r := &ownRedis{t: t, address: servertest.FreeAddress(t)}
	r.args = append([]string{"--port", portOf(r.address), "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "", "--appendonly", "yes"}, flags...)
	r.start()
	t.Cleanup(func() { _ = r.cmd.Process.Signal(syscall.SIGCONT); r.kill() })
	r.await()
	return r
}

// lonelyCluster starts a cluster of one node and has TEST_REDIS name it until the test ends: for a test that fills so much that
// those who look through all keys of the tests' Redis would wait for it.
func lonelyCluster(t *testing.T) {
	t.Helper()
	if os.Getenv("TEST_REDIS") == "" {
		servertest.Skip(t, "TEST_REDIS names no server; `make test` starts one")
	}
	r := realRedis(t, append(clusterFlags(t), "--appendonly", "no", "--cluster-announce-ip", "127.0.0.1")...)
	client := redis.NewClient(&redis.Options{Addr: r.address})
	defer func() { _ = client.Close() }()
	if err := client.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	servertest.Await(t, func() string {
		said, err := client.ClusterInfo(t.Context()).Result()
		if err != nil || !strings.Contains(said, "cluster_state:ok") {
			return fmt.Sprint(said, err)
		}
		return ""
	})
	t.Setenv("TEST_REDIS", "redis+cluster://"+r.address)
}

// clusterFlags are those of a cluster's node.
func clusterFlags(t *testing.T) []string {
	t.Helper()
	return []string{"--cluster-enabled", "yes", "--cluster-port", portOf(servertest.FreeAddress(t))}
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

func (r *ownRedis) start() {
	r.t.Helper()
	r.cmd = exec.Command("redis-server", r.args...)
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *ownRedis) await() {
	r.t.Helper()
	client := redis.NewClient(&redis.Options{Addr: r.address})
	defer func() { _ = client.Close() }()
	servertest.Await(r.t, func() string {
		if err := client.Ping(r.t.Context()).Err(); err != nil {
			return err.Error()
		}
		return ""
	})
}

func (r *ownRedis) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

func (r *ownRedis) signal(s os.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}
