// Package embedded holds the in-process servers of the default: a Kafka broker on disk and a Redis in memory that is
// refilled from the log at every start. They speak the real protocols, so what uses them is what runs in production.
//
//	.regie/lock          held while a process uses the folder
//	       kafka/        the broker's log
//	       kafka.aside/  its hard-linked copy, there only while the log is compacted
//	       cms.db        the CMS (internal/cms)
//	       secret        signs cursors, made on the first start
//	       jwt-secret    signs development tokens, made on the first start
package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sys/unix"
)

// Servers are running in-process servers.
type Servers struct {
	// Kafka is host:port, Redis a URL.
	Kafka, Redis string

	kafka *kfake.Cluster
	redis *miniredis.Miniredis
	lock  *os.File
}

// minFree is what a start needs on the disk: the log's segments are preceded by nothing, but a broker that runs full
// answers each write with an unknown error.
const minFree = 64 << 20

// Open locks dir, making it when it is missing, and starts the servers on free loopback ports. Close them. Another process
// that has the folder is given a moment to go.
func Open(dir string, log *slog.Logger) (_ *Servers, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	s := &Servers{}
	if s.lock, err = lockDir(dir, lockWithin, log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if err := checkSpace(dir); err != nil {
		return nil, err
	}
	if s.kafka, err = openKafka(dir, log); err != nil {
		return nil, err
	}
	s.Kafka = strings.Join(s.kafka.ListenAddrs(), ",")
	s.redis = miniredis.NewMiniRedis()
	if err := s.redis.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("starting the embedded Redis: %w", err)
	}
	s.Redis = "redis://" + s.redis.Addr()
	return s, nil
}

// Run lets the embedded Redis's keys expire, until ctx is done. (Its own clock option sorts all keys at each command.)
func (s *Servers) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.redis.FastForward(time.Second)
		}
	}
}

// Close stops the servers and gives the folder free.
func (s *Servers) Close() {
	if s.redis != nil {
		s.redis.Close()
	}
	if s.kafka != nil {
		s.kafka.Close()
	}
	if s.lock != nil {
		_ = s.lock.Close() // the lock goes with the file
	}
}

// lockWithin is how long the folder is waited for: a process that was killed holds its lock until the kernel has taken all
// of it away, and whoever starts it again may be quicker.
const lockWithin = 2 * time.Second

func lockDir(dir string, within time.Duration, log *slog.Logger) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the data folder: %w", err)
	}
	take := func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
	if err = take(); errors.Is(err, unix.EWOULDBLOCK) {
		log.Info("waiting for the data folder, which another process still has", "process", holder(f), "dir", dir)
		for began := time.Now(); errors.Is(err, unix.EWOULDBLOCK) && time.Since(began) < within; err = take() {
			time.Sleep(20 * time.Millisecond)
		}
	}
	if err != nil {
		who := holder(f)
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("the data folder %s is in use by process %s, and still is after %s: stop it, or start this one with another --data and --http, --admin", dir, who, within)
		}
		return nil, fmt.Errorf("locking the data folder: %w", err)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	return f, nil
}

// holder is the id of the process that has the lock.
func holder(lock *os.File) string {
	id := make([]byte, 32)
	n, _ := lock.ReadAt(id, 0)
	return strings.TrimSpace(string(id[:n]))
}

func checkSpace(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("asking for the free space of %s: %w", dir, err)
	}
	return enough(dir, st.Bavail*uint64(st.Bsize))
}

func enough(dir string, free uint64) error {
	if free < minFree {
		return fmt.Errorf("the disk of the data folder %s is full: %d MiB free, %d MiB needed; free some, or name another folder with --data", dir, free>>20, minFree>>20)
	}
	return nil
}

// The secrets that the folder keeps.
const (
	CursorSecret = "secret"
	TokenSecret  = "jwt-secret"
)

// Secret reads a secret that the folder keeps, or makes it.
func Secret(dir, name string) (string, error) {
	file := filepath.Join(dir, name)
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		b = []byte(rand.Text() + rand.Text())
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("keeping a secret in the data folder: %w", err)
	}
	return string(b), nil
}
