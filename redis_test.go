package main

import (
	"net"
	"os"
	"os/exec"
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
	eventually(r.t, func() string {
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
