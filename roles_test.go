package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"regie/internal/catalog"
	"regie/internal/servertest"
	"regie/internal/stream"
)

// system is the roles as processes of their own on real servers, under names of the test's own.
type system struct {
	t     *testing.T
	name  string // of the project and of the database
	env   []string
	dir   string
	site  string
	ports map[string][3]string // by role: --http, --admin, --grpc
	roles map[string]*child
	// The servers, to look behind the roles.
	mongo *mongo.Database
	kafka *kafka.AdminClient
	redis redis.UniversalClient
}

// tokenSecret signs viewers' tokens.
const tokenSecret = "the test's secret that signs tokens"

// newSystem names the servers, and makes topics and tables. No role runs yet.
func newSystem(t *testing.T) *system {
	t.Helper()
	for _, name := range []string{"TEST_KAFKA", "TEST_REDIS", "TEST_MONGO", "TEST_DYNAMODB"} {
		if os.Getenv(name) == "" {
			servertest.Skip(t, name+" names no server; `make test` starts one")
		}
	}
	name := servertest.Name()
	s := &system{
		t: t, name: name, dir: t.TempDir(), ports: map[string][3]string{}, roles: map[string]*child{},
		env: []string{
			"REGIE_KAFKA=" + os.Getenv("TEST_KAFKA"), "REGIE_REDIS=" + os.Getenv("TEST_REDIS"), "REGIE_MONGODB=" + os.Getenv("TEST_MONGO"),
			"REGIE_MONGODB_DATABASE=" + name, "REGIE_DYNAMODB=" + os.Getenv("TEST_DYNAMODB"), "REGIE_DYNAMODB_TABLE=" + name,
			"REGIE_PROJECT=" + name, "REGIE_SECRET=secret of the test", "REGIE_JWT_SECRET=" + tokenSecret,
		},
	}
	s.connect()
	s.must("topics", "apply", "--replication", "1")
	s.must("tables", "apply")
	t.Cleanup(func() { dropTable(t, name) })
	return s
}

func realServers(t *testing.T) *system {
	t.Helper()
	s := newSystem(t)
	for _, role := range roles {
		s.ports[role] = freeAddresses(t)
	}
	s.env = append(s.env, "REGIE_INSTANCE=one", "REGIE_USERS="+s.ports["users"][2])
	for _, role := range roles {
		s.start(role)
	}
	s.site = "http://" + s.ports["gateway"][0]
	for _, role := range roles {
		s.awaitReady(role)
	}
	return s
}

// freeAddresses are a process's: --http, --admin, --grpc.
func freeAddresses(t *testing.T) [3]string {
	t.Helper()
	return [3]string{servertest.FreeAddress(t), servertest.FreeAddress(t), servertest.FreeAddress(t)}
}

// connect makes the test's own clients. When the test ends, they remove what it left on the servers.
func (s *system) connect() {
	s.t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(os.Getenv("TEST_MONGO")))
	if err != nil {
		s.t.Fatal(err)
	}
	s.mongo = client.Database(s.name)
	if s.kafka, err = kafka.NewAdminClient(&kafka.ConfigMap{"bootstrap.servers": os.Getenv("TEST_KAFKA")}); err != nil {
		s.t.Fatal(err)
	}
	if s.redis, err = catalog.Connect(os.Getenv("TEST_REDIS")); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		var topics []string
		for _, topic := range stream.Topics() {
			topics = append(topics, s.name+"."+topic.Name)
		}
		_, err := s.kafka.DeleteTopics(ctx, topics)
		unlink := func(p redis.Pipeliner, key string) { p.Unlink(ctx, key) }
		for _, err := range []error{err, s.mongo.Drop(ctx), s.scan(ctx, s.name+":*", unlink, nil), s.redis.Close(), client.Disconnect(ctx)} {
			if err != nil {
				s.t.Log(err)
			}
		}
		s.kafka.Close()
	})
}

// scan asks Redis something of each key of a pattern, and hears the answers.
func (s *system) scan(ctx context.Context, pattern string, ask func(redis.Pipeliner, string), hear func(string, redis.Cmder)) error {
	var mu sync.Mutex
	scan := func(ctx context.Context, node *redis.Client) error {
		for cursor, more := uint64(0), true; more; more = cursor != 0 {
			keys, next, err := node.Scan(ctx, cursor, pattern, 5000).Result()
			if err != nil {
				return err
			}
			cursor = next
			answers, err := node.Pipelined(ctx, func(p redis.Pipeliner) error {
				for _, k := range keys {
					ask(p, k)
				}
				return nil
			})
			if err != nil {
				return err
			}
			mu.Lock()
			for i, k := range keys {
				if hear != nil {
					hear(k, answers[i])
				}
			}
			mu.Unlock()
		}
		return nil
	}
	if cluster, ok := s.redis.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, scan)
	}
	return scan(ctx, s.redis.(*redis.Client))
}

// ends are the end offsets of topics, by their names without the project, each the sum of its partitions'. They never
// decrease, so that two sums are the same only if all partitions are.
func (s *system) ends() map[string]int64 {
	s.t.Helper()
	specs := map[kafka.TopicPartition]kafka.OffsetSpec{}
	for _, topic := range stream.Topics() {
		full := s.name + "." + topic.Name
		for i := range topic.Partitions {
			specs[kafka.TopicPartition{Topic: &full, Partition: int32(i)}] = kafka.LatestOffsetSpec
		}
	}
	res, err := s.kafka.ListOffsets(s.t.Context(), specs)
	if err != nil {
		s.t.Fatal(err)
	}
	ends := map[string]int64{}
	for at, r := range res.ResultInfos {
		if r.Error.Code() != kafka.ErrNoError {
			s.t.Fatalf("the end of %v: %v", at, r.Error)
		}
		ends[strings.TrimPrefix(*at.Topic, s.name+".")] += int64(r.Offset)
	}
	return ends
}

func (s *system) start(role string) {
	s.t.Helper()
	p := s.ports[role]
	s.roles[role] = start(s.t, s.dir, s.env, "run", "--role", role, "--http", p[0], "--admin", p[1], "--grpc", p[2])
}

// stopAll asks all roles at once to end.
func (s *system) stopAll() {
	s.t.Helper()
	for _, c := range s.roles {
		c.signal(syscall.SIGTERM)
	}
	for role, c := range s.roles {
		if code, last := c.finish(); code != 0 {
			s.t.Errorf("SIGTERM to %s: exit code %d: %s", role, code, last)
		}
	}
}

// must runs a subcommand as a process of its own.
func (s *system) must(args ...string) string {
	s.t.Helper()
	out, _ := s.measured(args...)
	return out
}

// measured is must, and tells what the process took shortly before its end.
func (s *system) measured(args ...string) (string, spent) {
	s.t.Helper()
	c := start(s.t, s.dir, s.env, args...)
	var last spent
	servertest.AwaitWithin(s.t, 5*time.Minute, func() string {
		select {
		case err := <-c.ended:
			c.ended <- err
			if err != nil {
				s.t.Fatalf("%v: %v\n%s", args, err, c.stderr.String())
			}
			return ""
		default:
			if u, err := c.spent(); err == nil {
				last = u
			}
			return fmt.Sprint(args, " has not ended")
		}
	})
	return c.stdout.String(), last
}

func (s *system) awaitReady(role string) time.Duration {
	s.t.Helper()
	return servertest.Await(s.t, func() string {
		select {
		case err := <-s.roles[role].ended:
			s.roles[role].ended <- err
			s.t.Fatalf("%s ended: %v", role, err)
		default:
		}
		res, err := http.Get("http://" + s.ports[role][1] + "/readyz")
		if err != nil {
			return err.Error()
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return role + " is not ready: " + res.Status
		}
		return ""
	})
}

// listed are the ids of the programmes that a screen lists, page by page: of those that can be watched, or of all.
func (s *system) listed(screen, order string, available bool) []string {
	s.t.Helper()
	var ids []string
	var after any
	for {
		a := ask(s.t, s.site+"/query/"+screen, `query($after: String, $order: ProgrammeOrder!, $available: Boolean!) {
			programmes(first: 100, after: $after, orderBy: $order, filter: {availableOnly: $available}) {
				edges { node { id } } pageInfo { hasNextPage endCursor } } }`,
			map[string]any{"after": after, "order": order, "available": available})
		edges, _ := a.at("programmes", "edges").([]any)
		for i := range edges {
			id, _ := a.at("programmes", "edges", i, "node", "id").(string)
			ids = append(ids, id)
		}
		if a.at("programmes", "pageInfo", "hasNextPage") != true {
			return ids
		}
		after = a.at("programmes", "pageInfo", "endCursor")
	}
}

// TestRolesApartOnRealServers is the deployment: each role its own process, MongoDB, Kafka and a Redis cluster.
func TestRolesApartOnRealServers(t *testing.T) {
	lonelyCluster(t)
	s := realServers(t)
	file := servertest.Titles(t)
	c := s.fill(file)
	programmes := len(c.docs["programme"])
	t.Run("random documents are answered as the CMS has them", func(t *testing.T) { c.compareDocuments(t, s) })
	t.Run("every programme is listed once, in order", func(t *testing.T) { c.compareLists(t, s) })
	t.Run("a second import writes and produces nothing", func(t *testing.T) { c.importAgain(t, s, file) })
	t.Run("other back ends are answered by gRPC", func(t *testing.T) { c.compareGRPC(t, s) })
	t.Run("one record every 90 ms", func(t *testing.T) { s.oneRecordEvery90ms(t, c.docs["programme"][0].ID) })

	newest := ask(t, s.site+"/query", `{ programmes(first: 2) { edges { node { slug id videos(first: 1, orderBy: EPISODE) { edges { node { slug } } } } } } }`, nil)
	slug, _ := newest.at("programmes", "edges", 0, "node", "slug").(string)
	video, _ := newest.at("programmes", "edges", 0, "node", "videos", "edges", 0, "node", "slug").(string)

	t.Run("an edit is read on three screens", func(t *testing.T) {
		s.must("cms", "set", "programme", slug, "title=Edited")
		t.Logf("after the command: %s", awaitTitle(t, s.site, slug, "Edited"))
		s.must("cms", "set", "video", slug+"/"+video, "title=A video, edited")
		servertest.Await(t, func() string {
			a := ask(t, s.site+"/query/iptv", `query($by: VideoSlug!) { video(by: {slug: $by}) { title path } }`, map[string]any{"by": map[string]any{"programme": slug, "video": video}})
			if a.at("video", "title") != "A video, edited" || a.at("video", "path") != "/"+slug+"/"+video {
				return fmt.Sprint(a)
			}
			return ""
		})
	})

	for _, role := range roles {
		t.Run(role+" is killed and comes back", func(t *testing.T) {
			s.roles[role].kill()
			title := "While " + role + " was away"
			s.must("cms", "set", "programme", slug, "title="+title)
			s.start(role)
			ready := s.awaitReady(role)
			t.Logf("ready after %s, edit visible %s later", ready, awaitTitle(t, s.site, slug, title))
		})
	}

	t.Run("a deleted programme is gone from every list", func(t *testing.T) {
		id, _ := newest.at("programmes", "edges", 0, "node", "id").(string)
		s.must("cms", "delete", "programme", slug)
		servertest.Await(t, func() string {
			for _, screen := range screens {
				a := ask(t, s.site+"/query/"+screen, `query($id: ID!, $slug: String!) { node(id: $id) { id } programme(by: {slug: $slug}) { id } programmes(first: 1) { totalCount } }`,
					map[string]any{"id": id, "slug": slug})
				if a.at("node") != nil || a.at("programme") != nil || a.at("programmes", "totalCount") != float64(programmes-1) {
					return fmt.Sprint(screen, " still answers ", a)
				}
			}
			return ""
		})
		for _, screen := range screens {
			for _, order := range []string{"NEWEST", "OLDEST"} {
				servertest.Await(t, func() string { // one list after the other
					ids := s.listed(screen, order, false)
					if len(ids) != programmes-1 || slices.Contains(ids, id) || slices.Contains(ids, "") {
						return fmt.Sprintf("%s lists %d programmes by %s, not %d, or the deleted one", screen, len(ids), order, programmes-1)
					}
					return ""
				})
			}
		}
	})

	s.stopAll()
}
