package embedded

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kfake"
)

// openKafka opens the broker's folder and compacts it. Compaction unlinks segments before it has written their
// successors, so that a kill in its midst could lose a partition: it works with a hard-linked copy aside, which the
// next start puts back, and before any client can write.
func openKafka(dir string, log *slog.Logger) (*kfake.Cluster, error) {
	data, aside := filepath.Join(dir, "kafka"), filepath.Join(dir, "kafka.aside")
	if _, err := os.Stat(aside); err == nil {
		log.Warn("the last start was killed while it compacted the log: restoring the copy")
		if err := os.RemoveAll(data); err != nil {
			return nil, fmt.Errorf("removing the half-compacted log: %w", err)
		}
		if err := os.Rename(aside, data); err != nil {
			return nil, fmt.Errorf("restoring the log: %w", err)
		}
	}
	_, err := os.Stat(data)
	fresh := os.IsNotExist(err)
	if !fresh {
		if err := linkTree(data, aside); err != nil {
			return nil, fmt.Errorf("linking the log aside: %w", err)
		}
	}
	c, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID("regie-embedded"),
		kfake.DataDir(data),
		kfake.SyncWrites(),
		kfake.WithLogger(kafkaLogger{log.With("server", "kafka")}),
		kfake.BrokerConfigs(map[string]string{
			"group.consumer.heartbeat.interval.ms": "500",
			// Compaction is ours to time.
			"log.cleaner.backoff.ms": "31536000000",
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("starting the embedded Kafka: %w", err)
	}
	if fresh {
		return c, nil
	}
	c.Compact()
	c.ApplyRetention()
	trash := aside + ".done"  // a rename is at once; a removal is not
	err = os.RemoveAll(trash) // a kill left it
	if err == nil {
		err = os.Rename(aside, trash)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("dropping the log's copy: %w", err)
	}
	if err := os.RemoveAll(trash); err != nil {
		log.Warn("removing the log's copy", "error", err)
	}
	return c, nil
}

// linkTree makes to a copy of from whose files are hard links. It is there completely or not at all.
func linkTree(from, to string) error {
	tmp := to + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(tmp, rel), 0o755)
		}
		return os.Link(path, filepath.Join(tmp, rel))
	})
	if err != nil {
		return err
	}
	return os.Rename(tmp, to)
}

// kafkaLogger passes the broker's log on. What it warns of (a commit that took 5 ms) is of interest when it is debugged.
type kafkaLogger struct{ log *slog.Logger }

func (l kafkaLogger) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	}
	if l.log.Enabled(context.Background(), to) {
		l.log.Log(context.Background(), to, "embedded broker", "message", fmt.Sprintf(format, args...))
	}
}
