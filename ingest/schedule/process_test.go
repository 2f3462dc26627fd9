package schedule_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/prometheus/client_golang/prometheus"

	role "regie/ingest/schedule"
	"regie/internal/catalog"
	"regie/internal/schedule"
	"regie/internal/servertest"
	"regie/internal/stream"
)

// The role in a process of its own, to be killed: this test's binary, started with these variables.
const (
	envBrokers  = "SCHEDULE_TEST_BROKERS"
	envProject  = "SCHEDULE_TEST_PROJECT"
	envRedis    = "SCHEDULE_TEST_REDIS"
	envInstance = "SCHEDULE_TEST_INSTANCE"
	envKill     = "SCHEDULE_TEST_KILL" // at which step, and at which time that it comes to it: write 3
	envStop     = "SCHEDULE_TEST_STOP" // likewise, and it is frozen instead
)

func TestMain(m *testing.M) {
	if os.Getenv(envBrokers) == "" {
		os.Exit(m.Run())
	}
	if err := child(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	client, err := catalog.Connect(os.Getenv(envRedis))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	name, project := os.Getenv(envInstance), os.Getenv(envProject)
	cluster := stream.New(stream.Config{Brokers: os.Getenv(envBrokers), Project: project, Instance: name, Log: log,
		// An instance that is gone keeps its place until the session times out; a broker allows no less.
		Properties: map[string]string{"session.timeout.ms": "6000", "heartbeat.interval.ms": "200"}})
	defer cluster.Close()
	s := role.New(cluster, schedule.NewIndex(client, project), time.Now, log, role.NewMetrics(prometheus.NewRegistry()))
	defer s.Close()
	for name, end := range map[string]syscall.Signal{envKill: syscall.SIGKILL, envStop: syscall.SIGSTOP} {
		var at string
		var times int
		if _, err := fmt.Sscan(os.Getenv(name), &at, &times); err != nil {
			continue
		}
		s.At(func(step string) {
			if step != at {
				return
			}
			if times--; times == 0 {
				_ = syscall.Kill(os.Getpid(), end)
				<-time.After(100 * time.Millisecond) // in which it happens
			}
		})
	}
	for err := s.Open(ctx); err != nil; err = s.Open(ctx) { // a broker may be slow: it ends where it is told to, and nowhere else
		if ctx.Err() != nil {
			return err
		}
	}
	return cluster.NewConsumer(s.Consumer()).Run(ctx)
}

// spawn starts the role in a process of its own.
func (e *env) spawn(name, kill string, env ...string) *servertest.Process {
	e.t.Helper()
	return servertest.Spawn(e.t, name, nil, append(env, envBrokers+"="+e.brokers, envProject+"="+e.project, envRedis+"="+e.redisURL,
		envInstance+"="+name, envKill+"="+kill)...)
}

// twice are the values that a topic has more than once, and how many different ones it has.
func (e *env) twice(topic string) (twice []string, n int) {
	e.t.Helper()
	counts := map[string]int{}
	for _, r := range e.read(topic) {
		counts[r.Headers.Get(schedule.HeaderKey)+"/"+string(r.Key)+"/"+string(r.Value)]++
	}
	for v, c := range counts {
		if c > 1 {
			twice = append(twice, v)
		}
	}
	return twice, len(counts)
}

func (e *env) onceEach(topic string, want int) {
	e.t.Helper()
	twice, n := e.twice(topic)
	if len(twice) > 0 || n != want {
		e.t.Errorf("%s has %d of %d, and more than once %v", topic, n, want, twice)
	}
}

// TestKilledAtEveryStep kills the role before each step in turn, with three that are due at once: one with a value, one without,
// and one that cannot be produced. Without TEST_KILLS, before some of the eight records only.
func TestKilledAtEveryStep(t *testing.T) {
	e := open(t)
	writes := []int{1, 3, 8}
	if os.Getenv("TEST_KILLS") != "" {
		writes = []int{1, 2, 3, 4, 5, 6, 7, 8}
	}
	steps := []string{"apply 1", "applied 1", "due 1"}
	for _, n := range writes {
		steps = append(steps, fmt.Sprint("write ", n))
	}
	rounds, fired := 0, true
	for _, step := range append(steps, "written 1", "held 1", "committed 1", "taken 1") {
		if fired {
			e.onceEach("/"+e.target, 2*rounds)
			rounds++
			past := e.now().Add(-time.Second)
			id := fmt.Sprint("r", rounds)
			rs := []stream.Record{
				schedule.Request(id+" value", past, e.target, stream.Record{Key: []byte(id), Value: []byte("v")}),
				schedule.Request(id+" nil", past, e.target, stream.Record{Key: []byte(id)}),
				schedule.Request(id+" bad", past, "nowhere-"+e.project, stream.Record{Key: []byte(id), Value: []byte("v")}),
			}
			for i := range rs {
				rs[i].Partition = 7 // which is read to its end first: so they are of one transaction
			}
			e.produce(rs...)
		}
		i := e.spawn("one", step)
		servertest.Eventually(e.t, "killed before "+step, i.Ended)
		fired = step == "committed 1"
	}
	e.spawn("one", "")
	e.produce(e.request("end", 0, "end"))
	servertest.Eventually(e.t, "the end", func() bool { return slices.Contains(e.fired(), "end") })
	e.awaitPending()
	e.onceEach("/"+e.target, 2*rounds+1)
	e.onceEach(stream.ScheduleHistory, 2*rounds+1)
	e.onceEach(stream.Dead(role.Role), rounds)
}

// TestTwoInstances share the partitions. One is frozen when it is about to fire: the other has its partitions after a while,
// and what the first then does about them does not count. Then the other is killed.
func TestTwoInstances(t *testing.T) {
	e := open(t)
	n := 0
	all := func(d time.Duration) { // in every partition
		for p := range int32(12) {
			n++
			r := e.request(fmt.Sprint("id", n), d, fmt.Sprint(n))
			r.Partition = p
			e.produce(r)
		}
	}
	seen := func(what string) {
		t.Helper()
		servertest.Eventually(e.t, what, func() bool { _, fired := e.twice("/" + e.target); return fired == n })
	}
	one := e.spawn("one", "", envStop+"=due 1")
	all(0)
	servertest.Eventually(e.t, "one is frozen", func() bool { return frozen(one) })
	two := e.spawn("two", "")
	seen("by the other, while one is frozen")
	one.Signal(syscall.SIGCONT)
	all(0)
	seen("after it was woken")
	servertest.Eventually(e.t, "it was refused", func() bool { return one.Ended() || one.Lacks("firing, will retry") == "" })
	two.Kill()
	all(time.Second)
	servertest.Eventually(e.t, "after the other was killed", func() bool {
		if one.Ended() { // a static member that was replaced ends
			one = e.spawn("one", "")
		}
		_, fired := e.twice("/" + e.target)
		return fired == n
	})
	e.onceEach("/"+e.target, n)
	e.onceEach(stream.ScheduleHistory, n)
	e.awaitPending()
}

// frozen tells whether it has stopped itself.
func frozen(p *servertest.Process) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid()))
	_, state, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(state, "T")
}

// bound is a number of the environment's, for long forms.
func bound(t *testing.T, name string, short int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return short
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(name, err)
	}
	return n
}

// TestKilledAtAnyMoment kills the role while it is busy. TEST_KILLS says how often, TEST_SEED when.
func TestKilledAtAnyMoment(t *testing.T) {
	kills := bound(t, "TEST_KILLS", 3)
	random := rand.New(rand.NewPCG(uint64(bound(t, "TEST_SEED", 1)), 7))
	e := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	count := make(chan int)
	go func() {
		n := 0
		for tick := time.Tick(20 * time.Millisecond); ctx.Err() == nil; <-tick {
			var rs []stream.Record
			for range 5 {
				n++
				rs = append(rs, e.request(fmt.Sprint("id", n), time.Duration(n%3)*time.Second, fmt.Sprint(n)))
			}
			if _, err := e.p.Produce(context.WithoutCancel(ctx), rs); err != nil {
				t.Error(err)
			}
		}
		count <- n
	}()
	i := e.spawn("one", "")
	for range kills {
		before := len(e.fired())
		servertest.Eventually(e.t, "some fired", func() bool { return len(e.fired()) > before })
		<-time.After(time.Duration(random.IntN(300)) * time.Millisecond)
		i.Kill()
		i = e.spawn("one", "")
	}
	cancel()
	n := <-count
	servertest.Eventually(e.t, "all fired", func() bool { _, fired := e.twice("/" + e.target); return fired >= n })
	e.awaitPending()
	e.onceEach("/"+e.target, n)
	e.onceEach(stream.ScheduleHistory, n)
	t.Logf("%d fired, killed %d times", n, kills)
}

// TestRescheduledByItsConsumer has whoever reads what is fired schedule it again, under the same id, as soon as it can be
// read: before the transaction ends. Each comes to its last, so none is lost. TEST_RESCHEDULES says how often.
func TestRescheduledByItsConsumer(t *testing.T) {
	const ids = 20
	rounds := bound(t, "TEST_RESCHEDULES", 400) / ids
	e := open(t)
	c, err := kafka.NewConsumer(&kafka.ConfigMap{
		"bootstrap.servers": e.brokers, "group.id": e.project + ".consumer", "enable.auto.commit": false,
		"isolation.level": "read_uncommitted", "auto.offset.reset": "earliest", "fetch.wait.max.ms": 5,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	var parts []kafka.TopicPartition
	for p := range int32(3) {
		parts = append(parts, kafka.TopicPartition{Topic: &e.target, Partition: p, Offset: 0})
	}
	if err := c.Assign(parts); err != nil {
		t.Fatal(err)
	}
	r := e.start(nil)
	var rs []stream.Record
	for i := range ids {
		rs = append(rs, e.request(fmt.Sprint("id", i), 0, "1"))
	}
	e.produce(rs...)
	came := map[string]int{} // of each the highest: of a transaction that was aborted it comes again
	for left, deadline := ids*rounds, time.Now().Add(servertest.Patience+time.Duration(rounds)*time.Second/10); left > 0; {
		m, ok := c.Poll(100).(*kafka.Message)
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d never came", left, ids*rounds)
		}
		if !ok {
			continue
		}
		n, _ := strconv.Atoi(string(m.Value))
		if n != came[string(m.Key)]+1 {
			continue
		}
		came[string(m.Key)] = n
		left--
		if n < rounds {
			again := e.request(string(m.Key), 0, strconv.Itoa(n+1))
			if _, err := e.p.Produce(t.Context(), []stream.Record{again}); err != nil {
				t.Fatal(err)
			}
		}
	}
	e.awaitPending()
	r.stop()
	if twice, _ := e.twice("/" + e.target); len(twice) > 0 {
		t.Errorf("more than once: %v", twice)
	}
	last := 0
	for _, r := range e.read("/" + e.target) {
		if string(r.Value) == strconv.Itoa(rounds) {
			last++
		}
	}
	if last != ids {
		t.Errorf("%d of %d came to their last", last, ids)
	}
	t.Logf("%d rescheduled, 0 lost", ids*(rounds-1))
}
