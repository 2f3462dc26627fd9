package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"regie/internal/servertest"
	"regie/internal/stream"
)

// redisCluster starts three primaries with a replica each, which keep nothing on disk, by their ports, and has TEST_REDIS
// name them until the test ends.
func redisCluster(t *testing.T) map[string]*ownRedis {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil || os.Getenv("TEST_REDIS") == "" {
		servertest.Skip(t, "it needs redis-server; `make test` installs it")
	}
	nodes := map[string]*ownRedis{}
	create := []string{"--cluster", "create"}
	for len(nodes) < 6 {
		n := realRedis(t, append(clusterFlags(t), "--appendonly", "no", "--cluster-announce-ip", "127.0.0.1",
			"--cluster-node-timeout", "3000", "--cluster-replica-validity-factor", "0")...)
		nodes[portOf(n.address)] = n
		create = append(create, n.address)
	}
	servertest.Await(t, func() string {
		out, err := exec.CommandContext(t.Context(), "redis-cli", append(create, "--cluster-replicas", "1", "--cluster-yes")...).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "is not empty") {
			return string(out)
		}
		return ""
	})
	first := strings.TrimPrefix(create[2], "127.0.0.1:")
	servertest.Await(t, func() string {
		out, err := exec.CommandContext(t.Context(), "redis-cli", "-p", first, "cluster", "info").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "cluster_state:ok") || !strings.Contains(string(out), "cluster_known_nodes:6") {
			return string(out)
		}
		return ""
	})
	t.Setenv("TEST_REDIS", "redis+cluster://"+create[2]+"?addr="+strings.Join(create[3:8], "&addr="))
	return nodes
}

// shards are the ports of each primary, with its replica's.
func (s *system) shards() map[string]string {
	s.t.Helper()
	slots, err := s.redis.ClusterSlots(s.t.Context()).Result()
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]string{}
	for _, slot := range slots {
		port := func(i int) string { _, p, _ := net.SplitHostPort(slot.Nodes[i].Addr); return p }
		out[port(0)] = ""
		if len(slot.Nodes) > 1 {
			out[port(0)] = port(1)
		}
	}
	return out
}

// primaryOf is the port of the primary that has a key.
func (s *system) primaryOf(key string) string {
	s.t.Helper()
	node, err := s.redis.(*redis.ClusterClient).MasterForKey(s.t.Context(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(node.Options().Addr)
	return port
}

func (s *system) flushAll() {
	s.t.Helper()
	err := s.redis.(*redis.ClusterClient).ForEachMaster(s.t.Context(), func(ctx context.Context, node *redis.Client) error { return node.FlushAll(ctx).Err() })
	if err != nil {
		s.t.Fatal(err)
	}
}

// edit gives programmes a title and texts that all have the same number, as one change of the document.
func (s *system) edit(ctx context.Context, id string, n int) error {
	text := fmt.Sprint("Edit ", n)
	_, err := s.mongo.Collection("programme").UpdateByID(ctx, id, bson.D{{Key: "$set", Value: bson.D{
		{Key: "title", Value: text}, {Key: "synopsis", Value: bson.D{{Key: "short", Value: text}, {Key: "long", Value: text}}},
	}}})
	return err
}

// served says which of the programmes is not yet answered with its edit on every screen.
func (s *system) served(edits map[string]int) string {
	for id, n := range edits {
		for _, screen := range screens {
			a, err := tryAsk(s.site+"/query/"+screen, `query($id: ID!) { programme(by: {id: $id}) { title } }`, map[string]any{"id": "programme:" + id})
			if got := a.at("programme", "title"); err != nil || got != fmt.Sprint("Edit ", n) {
				return fmt.Sprintf("%s answers %v of programme %s, not edit %d: %v %v", screen, got, id, n, a.Errors, err)
			}
		}
	}
	return ""
}

// state is one answer of /readyz.
func (s *system) state(role string) (status int, text string) {
	res, err := http.Get("http://" + s.ports[role][1] + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	var parts map[string]string
	_ = json.NewDecoder(res.Body).Decode(&parts)
	return res.StatusCode, parts[role]
}

// said waits for a line of a role's log, of those after the first from bytes, that holds all of the words.
func (s *system) said(role string, from int, words ...string) {
	s.t.Helper()
	servertest.Await(s.t, func() string {
		log := s.roles[role].stderr.String()[from:]
	lines:
		for line := range strings.Lines(log) {
			for _, w := range words {
				if !strings.Contains(line, w) {
					continue lines
				}
			}
			s.t.Logf("%s says: %s", role, strings.TrimSpace(line))
			return ""
		}
		return fmt.Sprintf("%s does not say %q", role, words)
	})
}

func (s *system) logged(role string) int { return len(s.roles[role].stderr.String()) }

// reader asks for a few programmes in every way until ctx is done.
type reader struct {
	system *system
	screen string
	slugs  map[string]string // by id
	// revisions are what each was seen with; of all readers.
	revisions      *sync.Map
	answers, empty *atomic.Int64
}

const oneEntity = `fragment Whole on Programme { id revision title short: synopsis(length: SHORT) long: synopsis(length: LONG) }
query($id: ID!, $slug: String!) {
	byID: programme(by: {id: $id}) { ...Whole }
	bySlug: programme(by: {slug: $slug}) { ...Whole }
	node(id: $id) { ...Whole }
	listed: programmes(first: 30) { edges { node { ...Whole } } }
}`

func (r *reader) run(ctx context.Context) error {
	for ctx.Err() == nil {
		for id, slug := range r.slugs {
			a, err := patiently(func() (answer, error) {
				return tryAsk(r.system.site+"/query/"+r.screen, oneEntity, map[string]any{"id": "programme:" + id, "slug": slug})
			})
			if err != nil {
				return err
			}
			if len(a.Errors) > 0 {
				return fmt.Errorf("%s answers an error: %+v", r.screen, a.Errors)
			}
			seen := []any{a.at("byID"), a.at("bySlug"), a.at("node")}
			edges, _ := a.at("listed", "edges").([]any)
			for i := range edges {
				seen = append(seen, a.at("listed", "edges", i, "node"))
			}
			for _, v := range seen {
				if err := r.check(v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// check refuses a programme of two states.
func (r *reader) check(v any) error {
	p, _ := v.(object)
	if p == nil {
		r.empty.Add(1)
		return nil
	}
	r.answers.Add(1)
	id, _ := p["id"].(string)
	if r.slugs[strings.TrimPrefix(id, "programme:")] == "" {
		return nil // it is not edited
	}
	if p["title"] != p["short"] || p["title"] != p["long"] {
		return fmt.Errorf("%s mixes two states of one programme: %v", r.screen, p)
	}
	revision := fmt.Sprint(id, " ", p["revision"])
	if before, _ := r.revisions.LoadOrStore(revision, p["title"]); before != p["title"] {
		return fmt.Errorf("%s: %s is %q, and was %q", r.screen, revision, p["title"], before)
	}
	return nil
}

// TestRefill breaks the servers below the running roles: each time it is found and said, and repaired without a hand.
func TestRefill(t *testing.T) {
	nodes := redisCluster(t)
	s := realServers(t)
	c := s.fill(servertest.FewTitles(t))
	entities := 0
	for _, docs := range c.docs {
		entities += len(docs)
	}
	edited, slugs := map[string]int{}, map[string]string{}
	for _, d := range c.docs["programme"][:60] {
		edited[d.ID], slugs[d.ID] = 0, d.Slug
	}
	number := 0
	editAll := func(t *testing.T) {
		t.Helper()
		number++
		for id := range edited {
			if err := s.edit(t.Context(), id, number); err != nil {
				t.Fatal(err)
			}
			edited[id] = number
		}
	}
	editAll(t)
	servertest.Await(t, func() string { return s.served(edited) })
	whole := func(t *testing.T) {
		t.Helper()
		servertest.AwaitWithin(t, 2*time.Minute, func() string { return s.served(edited) }) // a client may be slow to hear of a replica
		servertest.Await(t, func() string { return s.differences(c) })
		s.awaitReady("project")
	}

	t.Run("FLUSHALL under load", func(t *testing.T) { s.flushUnderLoad(t, c, entities, edited, slugs, &number) })
	t.Run("a node comes back empty", func(t *testing.T) {
		from, began := s.logged("project"), time.Now()
		position := s.primaryOf(s.name + ":2:position:project:catalog.programme")
		for port, replica := range s.shards() {
			if port == position { // the worse case: the positions are there, and what they stand for is not
				continue
			}
			// On a busy machine a node that starts may be missed for so long that its replica takes over.
			s.failover(replica, false)
			defer s.failover(replica, true)
			nodes[port].kill()
			nodes[port].start()
			nodes[port].await()
			break
		}
		s.said("project", from, `msg="reading again"`, `why="a node of Redis is new or was restarted, and may be empty"`, "records=")
		whole(t)
		t.Logf("whole again after %s", time.Since(began))
		s.said("project", from, `msg="read to the end"`, "took=")
	})
	t.Run("a replica takes over that had not heard of everything", func(t *testing.T) {
		servertest.Await(t, func() string { // after what was broken before
			for primary, replica := range s.shards() {
				out, err := exec.CommandContext(t.Context(), "redis-cli", "-p", cmp.Or(replica, primary), "info", "replication").Output()
				if err != nil || !strings.Contains(string(out), "master_link_status:up") {
					return fmt.Sprintf("the primary %s has no replica: %s", primary, out)
				}
			}
			return ""
		})
		from := s.logged("project")
		position := s.primaryOf(s.name + ":2:position:project:catalog.programme")
		for primary, replica := range s.shards() {
			if primary == position {
				continue
			}
			r := nodes[replica].cmd.Process
			if err := r.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			// Else the kernel would keep for it what it is sent.
			if out, err := exec.CommandContext(t.Context(), "redis-cli", "-p", primary, "client", "kill", "type", "replica").CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "1" {
				t.Fatalf("cutting the replica off: %s %v", out, err)
			}
			editAll(t)
			servertest.Await(t, func() string { return s.served(edited) })
			nodes[primary].kill()
			if err := r.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			break
		}
		s.said("project", from, `msg="reading again"`, `why="Redis failed over to another node"`, "records=")
		whole(t)
	})
	t.Run("a topic is created again", func(t *testing.T) {
		project, transform := s.logged("project"), s.logged("transform")
		topic := s.name + "." + stream.Catalog("programme")
		if _, err := s.kafka.DeleteTopics(t.Context(), []string{topic}); err != nil {
			t.Fatal(err)
		}
		servertest.Await(t, func() string {
			res, err := s.kafka.CreateTopics(t.Context(), []kafka.TopicSpecification{{
				Topic: topic, NumPartitions: 12, ReplicationFactor: 1, Config: map[string]string{"cleanup.policy": "compact", "max.message.bytes": "33554432"},
			}})
			if err != nil || res[0].Error.Code() != kafka.ErrNoError {
				return fmt.Sprint(res, err)
			}
			return ""
		})
		s.said("transform", transform, `msg="reading again"`, `why="its output is empty"`)
		s.said("project", project, `msg="reading again"`, `why="the topic was created again"`)
		editAll(t)
		whole(t)
	})
	t.Run("a log is cut", func(t *testing.T) {
		from := s.logged("transform")
		before := s.ends()[stream.Catalog("programme")]
		s.cut(stream.Catalog("programme"))
		s.said("transform", from, `msg="reading again"`, `why="its output is empty"`, "records=")
		servertest.Await(t, func() string {
			if n := s.ends()[stream.Catalog("programme")] - before; int(n) < len(c.docs["programme"]) {
				return fmt.Sprintf("%d of %d programmes are in the topic again", n, len(c.docs["programme"]))
			}
			return ""
		})
		s.flushAll() // what the log has is everything
		whole(t)
	})
	t.Run("a log is cut beyond what project has read", func(t *testing.T) {
		if err := s.roles["project"].stop(); err != nil {
			t.Fatal(err)
		}
		before := s.ends()[stream.Catalog("programme")]
		editAll(t)
		servertest.Await(t, func() string {
			if n := s.ends()[stream.Catalog("programme")] - before; n < int64(len(edited)) {
				return fmt.Sprintf("%d of %d edits are transformed", n, len(edited))
			}
			return ""
		})
		s.cut(stream.Catalog("programme"))
		s.start("project")
		s.said("project", 0, `msg="reading again"`, `why="records were deleted before the sink had them"`, "position ")
		s.awaitReady("project")
		whole(t)
	})
	t.Run("the group's offsets are deleted", func(t *testing.T) {
		for _, role := range []string{"transform", "project"} {
			if err := s.roles[role].stop(); err != nil {
				t.Fatal(err)
			}
		}
		editAll(t)
		servertest.Await(t, func() string {
			res, err := s.kafka.DeleteConsumerGroups(t.Context(), []string{s.name + ".transform", s.name + ".project"})
			if err != nil {
				return err.Error()
			}
			for _, r := range res.ConsumerGroupResults {
				if code := r.Error.Code(); code != kafka.ErrNoError && code != kafka.ErrGroupIDNotFound {
					return r.Error.Error()
				}
			}
			return ""
		})
		for _, role := range []string{"transform", "project"} {
			s.start(role)
		}
		whole(t)
	})
	c = s.read()
	c.compareLists(t, s)
}

// cut deletes all records of a topic, which Kafka refuses of one that is only compacted.
func (s *system) cut(topic string) {
	s.t.Helper()
	full := s.name + "." + topic
	var all []kafka.TopicPartition
	for i := range 12 {
		all = append(all, kafka.TopicPartition{Topic: &full, Partition: int32(i), Offset: kafka.OffsetEnd})
	}
	policy := func(p string) {
		_, err := s.kafka.IncrementalAlterConfigs(s.t.Context(), []kafka.ConfigResource{{Type: kafka.ResourceTopic, Name: full, Config: []kafka.ConfigEntry{
			{Name: "cleanup.policy", Value: p, IncrementalOperation: kafka.AlterConfigOpTypeSet},
		}}})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	policy("compact,delete")
	defer policy("compact")
	servertest.Await(s.t, func() string {
		res, err := s.kafka.DeleteRecords(s.t.Context(), all)
		if err != nil {
			return err.Error()
		}
		for _, r := range res.DeleteRecordsResults {
			if r.TopicPartition.Error != nil {
				return r.TopicPartition.Error.Error()
			}
		}
		return ""
	})
}

// failover tells a replica, if there is one, whether it may take over.
func (s *system) failover(port string, may bool) {
	s.t.Helper()
	if port == "" {
		return
	}
	no := map[bool]string{true: "no", false: "yes"}[may]
	if out, err := exec.CommandContext(s.t.Context(), "redis-cli", "-p", port, "config", "set", "cluster-replica-no-failover", no).CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "OK" {
		s.t.Fatalf("replica %s: %s %v", port, out, err)
	}
}

func (s *system) flushUnderLoad(t *testing.T, c *cmsCatalogue, entities int, edited map[string]int, slugs map[string]string, number *int) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	var revisions sync.Map
	var answers, empty atomic.Int64
	for _, screen := range screens {
		g.Go(func() error {
			r := reader{system: s, screen: screen, slugs: slugs, revisions: &revisions, answers: &answers, empty: &empty}
			return r.run(ctx)
		})
	}
	var edits atomic.Int64
	g.Go(func() error { // 50 edits a second
		pace := time.NewTicker(20 * time.Millisecond)
		defer pace.Stop()
		for {
			for id := range edited {
				select {
				case <-ctx.Done():
					return nil
				case <-pace.C:
				}
				*number++
				edits.Add(1)
				if err := s.edit(context.WithoutCancel(ctx), id, *number); err != nil {
					return err
				}
				edited[id] = *number
			}
		}
	})
	servertest.Await(t, func() string {
		if answers.Load() < 1000 || edits.Load() < 100 {
			return fmt.Sprint(answers.Load(), " answers, ", edits.Load(), " edits")
		}
		return ""
	})

	from, began := s.logged("project"), time.Now()
	s.flushAll()
	told := ""
	servertest.Await(t, func() string {
		status, text := s.state("project")
		if status == http.StatusServiceUnavailable && strings.Contains(text, " records, ") {
			told = text
			return ""
		}
		if strings.Contains(s.roles["project"].stderr.String()[from:], `msg="read to the end"`) { // before it was asked
			from, began = s.logged("project"), time.Now()
			s.flushAll()
		}
		return "project is not said to be refilling: " + text
	})
	t.Logf("after %s /readyz says: %s", time.Since(began), told)
	s.awaitReady("project")
	servertest.Await(t, func() string { return s.differences(c) })
	took := time.Since(began)
	s.said("project", from, `msg="reading again"`, `why="the sink has no position: it is new, or was emptied"`, "topics=catalog.", "partitions=", "records=", "level=WARN")
	s.said("project", from, `msg="read to the end"`, "took=")

	seen, made := answers.Load(), edits.Load()
	servertest.Await(t, func() string {
		if answers.Load() < seen+1000 || edits.Load() < made+100 {
			return fmt.Sprint(answers.Load(), " answers, ", edits.Load(), " edits")
		}
		return ""
	})
	cancel()
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	servertest.Await(t, func() string { return s.served(edited) })
	t.Attr("refill", fmt.Sprintf("%d entities under load after %.2f s: %.2f s per 10,000 entities; %d edits; %d answers of one entity, %d found nothing (race detector: %t)",
		entities, took.Seconds(), took.Seconds()*10000/float64(entities), edits.Load(), answers.Load(), empty.Load(), raceDetector()))
}
