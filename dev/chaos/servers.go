package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// servers are a stack of the campaign's own, redundant: dev/stack runs it.
type servers struct {
	state string
	// environment has their addresses, as REGIE_*.
	environment []string
	addresses   map[string]string // by name, such as kafka2
}

// startServers returns when all are ready. Stop them also after an error.
func startServers(ctx context.Context, state string) (*servers, error) {
	s := &servers{state: state, addresses: map[string]string{}}
	out, err := s.stack(ctx, "up", "--redundant", "--only", "kafka,mongodb,redis")
	if err != nil {
		return s, err
	}
	for line := range strings.Lines(out) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok && strings.HasPrefix(v, "REGIE_") {
			s.environment = append(s.environment, strings.ReplaceAll(v, "'", ""))
		}
	}
	if out, err = s.stack(ctx, "status"); err != nil {
		return s, err
	}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) >= 3 {
			s.addresses[f[0]] = f[2]
		}
	}
	return s, nil
}

func (s *servers) address(of string) string {
	for _, e := range s.environment {
		if v, ok := strings.CutPrefix(e, "REGIE_"+of+"="); ok {
			return v
		}
	}
	return ""
}

// stack runs one of dev/stack's commands and returns what it says on its standard output.
func (s *servers) stack(ctx context.Context, args ...string) (string, error) {
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, "dev/stack/stack", append(args, "--state", s.state)...)
	cmd.Stdout, cmd.Stderr = &out, &said
	apart(cmd)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) } // it runs others
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("dev/stack/stack %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return out.String(), nil
}

// apart keeps a Ctrl-C that is meant for us from a child: we end it, in our own order.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// stop stops all of them and deletes their data.
func (s *servers) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	_, err := s.stack(ctx, "down", "--purge")
	return err
}

// strike kills a server, starts it again, and returns from when to when it was away. What it tells on the way is for the eye.
func (s *servers) strike(ctx context.Context, k kill, tell func(string)) (from, until time.Time, err error) {
	name, replica, err := s.find(ctx, k)
	if err != nil {
		return from, until, err
	}
	from = time.Now()
	if _, err := s.stack(ctx, "kill", name); err != nil {
		return from, until, err
	}
	tell(fmt.Sprintf("kill -9  %s (%s)", k, name))
	if err := pause(ctx, k.pause); err != nil {
		return from, until, err
	}
	if k.victim == redisPromoted {
		if _, err := s.stack(ctx, "promote", replica); err != nil {
			return from, until, err
		}
		until = time.Now()
	}
	if _, err := s.stack(ctx, "start", name); err != nil {
		return from, until, err
	}
	if until.IsZero() {
		until = time.Now()
	}
	return from, until, nil
}

// find returns the name of the server that a kill means and, of a Redis, its replica's.
func (s *servers) find(ctx context.Context, k kill) (name, replica string, err error) {
	if k.victim == broker {
		return fmt.Sprint("kafka", k.which+1), "", nil
	}
	// Right after another kill there may be none for a moment.
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		if k.victim == mongoPrimary {
			name, err = s.mongoPrimary(ctx)
		} else {
			name, replica, err = s.redisPrimary(ctx)
		}
		if err == nil || pause(ctx, 200*time.Millisecond) != nil {
			return name, replica, err
		}
	}
}

func (s *servers) named(address string) (string, error) {
	for name, a := range s.addresses {
		if a == address {
			return name, nil
		}
	}
	return "", fmt.Errorf("no server has the address %q", address)
}

func (s *servers) mongoPrimary(ctx context.Context) (string, error) {
	client, err := mongo.Connect(options.Client().ApplyURI(s.address("MONGODB")))
	if err != nil {
		return "", fmt.Errorf("asking MongoDB for its primary: %w", err)
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	var hello struct {
		Primary string `bson:"primary"`
	}
	if err := client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
		return "", fmt.Errorf("asking MongoDB for its primary: %w", err)
	}
	return s.named(hello.Primary)
}

// redisPrimary returns the names of the primary and of its replica, which follows it.
func (s *servers) redisPrimary(ctx context.Context) (primary, replica string, err error) {
	for _, name := range []string{"redis1", "redis2"} {
		client := redis.NewClient(&redis.Options{Addr: s.addresses[name]})
		info, err := client.Info(ctx, "replication").Result()
		_ = client.Close()
		if err != nil {
			return "", "", fmt.Errorf("asking %s for its role: %w", name, err)
		}
		lines := strings.Fields(info)
		switch {
		case slices.Contains(lines, "role:master"):
			primary = name
		case slices.Contains(lines, "master_link_status:up"):
			replica = name
		}
	}
	if primary == "" || replica == "" {
		return "", "", errors.New("Redis has no primary with a replica that follows it") //nolint:staticcheck // a name
	}
	return primary, replica, nil
}
