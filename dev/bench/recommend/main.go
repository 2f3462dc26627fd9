// Recommend measures what a change costs in programmes of 10, 1,000 and 50,000 videos: the role recommend's CPU and Redis's,
// peak memory, and how long until the sections are told. It does so on the Kafka and Redis that REGIE_KAFKA and REGIE_REDIS
// name; `make bench-recommend` starts them.
//
// In the same run the same is measured of a processor on Goka (the module in goka/), which has one value per programme. It
// is spared what the role does besides: finding the programme that a video left, rights, screens, clocks, transactions.
//
// A change is sent when the one before has been told, so none is saved by doing several at once; every one changes what is
// told. What a process costs when nothing happens is taken off.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/ingest/recommend"
	"regie/internal/catalog"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

func main() {
	var b bench
	sizes := ""
	flag.StringVar(&sizes, "videos", "10,1000,50000", "how many videos the programmes have")
	flag.IntVar(&b.changes, "changes", 400, "how many changes are measured, of each size")
	flag.StringVar(&b.goka, "goka", "", "the built rival; without it, it is not measured")
	flag.Float64Var(&b.most, "at-most", 2, "the most that a change may cost more in one programme than in another")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx, strings.Split(sizes, ","))
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// envName makes this program the role, of that project.
const envName = "BENCH_NAME"

type bench struct {
	goka    string
	changes int
	most    float64

	kafka string
	redis redis.UniversalClient
}

// cost is what was measured of one size.
type cost struct {
	videos  int
	cpu     time.Duration // a change's, the process's own and Redis's
	redis   time.Duration // of it Redis's
	latency []time.Duration
	peak    int64 // bytes, of the process
	store   int64 // what Redis has of it
}

func (b *bench) run(ctx context.Context, sizes []string) (err error) {
	b.kafka = os.Getenv("REGIE_KAFKA")
	if b.kafka == "" || os.Getenv("REGIE_REDIS") == "" {
		return errors.New("REGIE_KAFKA and REGIE_REDIS name no servers: run `make bench-recommend`")
	}
	if b.redis, err = catalog.Connect(os.Getenv("REGIE_REDIS")); err != nil {
		return err
	}
	defer func() { _ = b.redis.Close() }()
	if os.Getenv(envName) != "" {
		return b.role(ctx)
	}
	var ours, theirs []cost
	for _, s := range sizes {
		n, err := strconv.Atoi(s)
		if err != nil || n < 2 {
			return fmt.Errorf("-videos: %q is no number from 2 on", s)
		}
		c, err := b.measure(ctx, n, false)
		if err != nil {
			return err
		}
		c.tell(recommend.Role)
		ours = append(ours, c)
		if b.goka == "" {
			continue
		}
		if c, err = b.measure(ctx, n, true); err != nil {
			return err
		}
		c.tell("goka")
		theirs = append(theirs, c)
	}
	fmt.Println()
	least := slices.MinFunc(ours, func(a, b cost) int { return int(a.cpu - b.cpu) }).cpu
	for i, c := range ours {
		ratio := float64(c.cpu) / float64(least)
		fmt.Printf("%6d videos: a change costs %.2f of the least", c.videos, ratio)
		if i < len(theirs) {
			g := theirs[i]
			fmt.Printf("; of goka's CPU %.3f, of its peak memory %.2f, with what Redis has %.2f, of its median time %.2f",
				float64(c.cpu)/float64(g.cpu), float64(c.peak)/float64(g.peak), float64(c.peak+c.store)/float64(g.peak), float64(c.median())/float64(g.median()))
		}
		fmt.Println()
		if ratio > b.most {
			err = errors.Join(err, fmt.Errorf("in a programme of %d videos a change costs %.2f times the least: more than %.1f", c.videos, ratio, b.most))
		}
	}
	return err
}

func (c *cost) median() time.Duration { return c.latency[len(c.latency)/2] }

func (c *cost) tell(what string) {
	slices.Sort(c.latency)
	fmt.Printf("%-10s %6d videos: %8.2f ms CPU a change (Redis %.2f), told after %v (p99 %v), peak %d MiB, in Redis %d MiB\n", what, c.videos,
		c.cpu.Seconds()*1000, c.redis.Seconds()*1000, c.median().Round(100*time.Microsecond), c.latency[len(c.latency)*99/100].Round(100*time.Microsecond), c.peak>>20, c.store>>20)
}

// role is the process that is measured.
func (b *bench) role(ctx context.Context) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	cluster := stream.New(stream.Config{Brokers: b.kafka, Project: os.Getenv(envName), Instance: "one", Log: log})
	defer cluster.Close()
	r := recommend.New(recommend.Config{
		Cluster: cluster, Catalog: catalog.New(b.redis, os.Getenv(envName)), Now: time.Now, Metrics: recommend.NewMetrics(prometheus.NewRegistry()), Log: log,
		MostWatched: func(_ context.Context, ids []string, _ time.Time, _ int) ([][]string, error) {
			return make([][]string, len(ids)), nil
		},
	})
	go func() {
		for r.Waiting() != nil {
			time.Sleep(10 * time.Millisecond)
		}
		fmt.Println("ready")
	}()
	return r.Run(ctx)
}

const programme = "p"

// rules are those of the programme that is measured.
func rules() *catalogv1.Programme {
	return &catalogv1.Programme{Id: programme, Sections: []*catalogv1.SectionRule{
		{Id: "bonus", Title: "Bonus", Limit: 10, Order: catalogv1.SectionOrder_SECTION_ORDER_NEWEST, Filter: &catalogv1.SectionFilter{Kinds: []catalogv1.VideoKind{catalogv1.VideoKind_VIDEO_KIND_BONUS}}},
		{Id: "latest", Title: "Latest", Limit: 20, Order: catalogv1.SectionOrder_SECTION_ORDER_NEWEST},
		{Id: "season", Title: "Season 1", Limit: 20, Order: catalogv1.SectionOrder_SECTION_ORDER_EPISODE, Filter: &catalogv1.SectionFilter{
			Kinds: []catalogv1.VideoKind{catalogv1.VideoKind_VIDEO_KIND_EPISODE}, Seasons: []int32{1},
		}},
	}}
}

func video(n int, published time.Time) *catalogv1.Video {
	v := &catalogv1.Video{
		Id: fmt.Sprintf("v%06d", n), ProgrammeId: programme, Kind: catalogv1.VideoKind_VIDEO_KIND_EPISODE, SeasonNumber: proto.Int32(int32(1 + n%30)),
		EpisodeNumber: proto.Int32(int32(n / 30)), Duration: 2600, PublishedAt: timestamppb.New(published),
	}
	if n%7 == 0 {
		v.Kind = catalogv1.VideoKind_VIDEO_KIND_BONUS
	}
	return v
}

// measure fills a programme, and then changes one video after the other.
func (b *bench) measure(ctx context.Context, videos int, goka bool) (c cost, err error) {
	name, dir := fmt.Sprintf("bench%x", time.Now().UnixMilli()), ""
	if dir, err = os.MkdirTemp("", "bench"); err != nil {
		return c, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cluster := stream.New(stream.Config{Brokers: b.kafka, Project: name, Instance: "bench", Log: slog.New(slog.DiscardHandler)})
	defer cluster.Close()
	target, output := stream.Catalog("video"), cluster.Topic(stream.ProgrammeEnriched)
	var drop func()
	if goka {
		target, output = "goka-changes", name+".goka-enriched"
		drop, err = b.topics(ctx, name+".goka-changes", output, name+".goka-table")
	} else {
		drop = func() { _ = cluster.Drop(context.WithoutCancel(ctx)); b.empty(context.WithoutCancel(ctx), name) }
		_, err = cluster.Apply(ctx, 1)
	}
	if err != nil {
		return c, err
	}
	defer drop()
	producer, err := cluster.NewProducer()
	if err != nil {
		return c, err
	}
	defer producer.Close()
	send := func(vs ...*catalogv1.Video) error {
		rs, err := records(target, vs, goka)
		if err == nil {
			_, err = producer.Produce(ctx, rs)
		}
		return err
	}
	out, err := b.follow(output)
	if err != nil {
		return c, err
	}
	defer func() { _ = out.Close() }()
	_, before, err := b.redisUses(ctx)
	if err != nil {
		return c, err
	}
	child, err := b.start(ctx, name, dir, goka)
	if err != nil {
		return c, err
	}
	defer child.end()
	if !goka {
		value, headers, err := stream.Encode(&catalogv1.ProgrammeEvent{EventType: catalogv1.EventType_EVENT_TYPE_UPDATED, Payload: rules()})
		if err == nil {
			_, err = producer.Produce(ctx, []stream.Record{{Topic: stream.Catalog("programme"), Partition: stream.AnyPartition, Key: []byte(programme), Value: value, Headers: headers}})
		}
		if err != nil {
			return c, err
		}
	}
	if err := fill(ctx, videos, goka, send, out); err != nil {
		return c, err
	}
	_, store, err := b.redisUses(ctx)
	if err != nil {
		return c, err
	}
	c = cost{videos: videos, store: max(0, store-before)}
	idle, err := b.spent(ctx, child.pid())
	if err != nil {
		return c, err
	}
	const rest = 3 * time.Second
	time.Sleep(rest)
	began, err := b.spent(ctx, child.pid())
	if err != nil {
		return c, err
	}
	changes := b.changes
	if goka && videos > 5000 {
		changes = min(changes, 40) // each takes long
	}
	at, r := time.Now(), rand.New(rand.NewPCG(1, uint64(videos)))
	for n, last := 0, videos; n < changes; n++ {
		v := r.IntN(videos - 1)
		if v >= last { // the same again would change nothing
			v++
		}
		last = v
		sent := time.Now()
		if err := send(video(v, sent)); err != nil {
			return c, err
		}
		if _, err := next(ctx, out, false); err != nil {
			return c, err
		}
		c.latency = append(c.latency, time.Since(sent))
	}
	took := time.Since(at)
	ended, err := b.spent(ctx, child.pid())
	if err != nil {
		return c, err
	}
	quiet := took.Seconds() / rest.Seconds()
	per := func(ended, began, idle time.Duration) time.Duration {
		return max(0, time.Duration((float64(ended-began)-quiet*float64(began-idle))/float64(changes)))
	}
	c.cpu = per(ended.process, began.process, idle.process)
	if !goka {
		c.redis = per(ended.redis, began.redis, idle.redis)
		c.cpu += c.redis
	}
	c.peak, err = child.peak()
	return c, err
}

// records are those of changes; the rival is given them all in one.
func records(topic string, vs []*catalogv1.Video, goka bool) ([]stream.Record, error) {
	if goka {
		var b bytes.Buffer
		for _, v := range vs {
			if _, err := protodelim.MarshalTo(&b, v); err != nil {
				return nil, err
			}
		}
		return []stream.Record{{Topic: topic, Partition: stream.AnyPartition, Key: []byte(programme), Value: b.Bytes()}}, nil
	}
	rs := make([]stream.Record, len(vs))
	for i, v := range vs {
		value, headers, err := stream.Encode(&catalogv1.VideoEvent{EventType: catalogv1.EventType_EVENT_TYPE_UPDATED, Payload: v})
		if err != nil {
			return nil, err
		}
		rs[i] = stream.Record{Topic: topic, Partition: stream.AnyPartition, Key: []byte(v.GetId()), Value: value, Headers: headers}
	}
	return rs, nil
}

// fill sends all videos, and waits until the last of them is told.
func fill(ctx context.Context, videos int, goka bool, send func(...*catalogv1.Video) error, out *kafka.Consumer) error {
	begin := time.Now().Add(-time.Duration(videos+10) * time.Minute)
	const step = 1000
	for n := 0; n < videos; n += step {
		var vs []*catalogv1.Video
		for i := n; i < min(n+step, videos); i++ {
			vs = append(vs, video(i, begin.Add(time.Duration(i)*time.Minute)))
		}
		if err := send(vs...); err != nil {
			return err
		}
	}
	for told := false; ; {
		m, err := next(ctx, out, told)
		if err != nil || m == nil { // nothing has come for a while
			return err
		}
		s, err := sections(m, goka)
		if err != nil {
			return err
		}
		for _, section := range s.GetSections() {
			if on := section.GetScreens(); section.GetId() == "latest" && len(on) > 0 {
				told = told || on[0].GetVideos()[0].GetId() == video(videos-1, begin).GetId()
			}
		}
	}
}

func sections(m *kafka.Message, goka bool) (*catalogv1.ProgrammeSections, error) {
	if goka {
		s := &catalogv1.ProgrammeSections{}
		return s, proto.Unmarshal(m.Value, s)
	}
	e := &catalogv1.ProgrammeEnrichedEvent{}
	err := proto.Unmarshal(m.Value, e)
	return e.GetPayload(), err
}

// next is the next message that is told; in the end nil, when nothing follows.
func next(ctx context.Context, out *kafka.Consumer, ends bool) (*kafka.Message, error) {
	for begin := time.Now(); ctx.Err() == nil; {
		switch m := out.Poll(100).(type) {
		case *kafka.Message:
			if m.TopicPartition.Error != nil {
				return nil, m.TopicPartition.Error
			}
			return m, nil
		case kafka.Error:
			if m.IsFatal() {
				return nil, m
			}
		}
		switch waited := time.Since(begin); {
		case ends && waited > 2*time.Second:
			return nil, nil
		case waited > 2*time.Minute:
			return nil, errors.New("nothing is told any more")
		}
	}
	return nil, ctx.Err()
}

// follow reads a topic from now on, as others do.
func (b *bench) follow(topic string) (*kafka.Consumer, error) {
	c, err := kafka.NewConsumer(&kafka.ConfigMap{"bootstrap.servers": b.kafka, "group.id": "bench", "enable.auto.commit": false,
		"isolation.level": "read_committed", "auto.offset.reset": "earliest", "fetch.wait.max.ms": 100})
	if err != nil {
		return nil, err
	}
	var parts []kafka.TopicPartition
	for p := range int32(12) {
		parts = append(parts, kafka.TopicPartition{Topic: &topic, Partition: p, Offset: 0})
	}
	err = c.Assign(parts)
	return c, err
}

// topics makes the rival's topics, in which its values may be large.
func (b *bench) topics(ctx context.Context, changes, output, table string) (drop func(), err error) {
	admin, err := kafka.NewAdminClient(&kafka.ConfigMap{"bootstrap.servers": b.kafka})
	if err != nil {
		return nil, err
	}
	names := []string{changes, output, table}
	drop = func() {
		_, _ = admin.DeleteTopics(context.WithoutCancel(ctx), names)
		admin.Close()
	}
	var specs []kafka.TopicSpecification
	for _, n := range names {
		t := kafka.TopicSpecification{Topic: n, NumPartitions: 12, ReplicationFactor: 1, Config: map[string]string{"max.message.bytes": strconv.Itoa(64 << 20)}}
		if n == table {
			t.Config["cleanup.policy"] = "compact"
		}
		specs = append(specs, t)
	}
	results, err := admin.CreateTopics(ctx, specs)
	for _, r := range results {
		if r.Error.Code() != kafka.ErrNoError {
			err = errors.Join(err, r.Error)
		}
	}
	ask := map[kafka.TopicPartition]kafka.OffsetSpec{}
	for _, n := range names {
		for p := range int32(12) {
			ask[kafka.TopicPartition{Topic: &n, Partition: p}] = kafka.EarliestOffsetSpec
		}
	}
	for led := false; err == nil && !led; { // the controller answers before the broker leads
		time.Sleep(100 * time.Millisecond)
		var r kafka.ListOffsetsResult
		if r, err = admin.ListOffsets(ctx, ask); err != nil && ctx.Err() == nil {
			err = nil // nobody does yet
			continue
		}
		led = len(r.ResultInfos) == len(ask)
		for _, of := range r.ResultInfos {
			led = led && of.Error.Code() == kafka.ErrNoError
		}
	}
	if err != nil {
		drop()
	}
	return drop, err
}

// empty removes the keys of a run.
func (b *bench) empty(ctx context.Context, name string) {
	it := b.redis.Scan(ctx, 0, name+":*", 1000).Iterator()
	for it.Next(ctx) {
		_ = b.redis.Unlink(ctx, it.Val()).Err()
	}
}

// child is the process that is measured.
type child struct{ cmd *exec.Cmd }

func (b *bench) start(ctx context.Context, name, dir string, goka bool) (*child, error) {
	path := b.goka
	if !goka {
		var err error
		if path, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	told, err := protojson.Marshal(rules())
	if err != nil {
		return nil, err
	}
	c := &child{exec.Command(path)}
	c.cmd.Env = append(os.Environ(), envName+"="+name, "BENCH_RULES="+string(told), "BENCH_DIR="+dir)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, c.end)
	defer stop()
	if lines := bufio.NewScanner(out); !lines.Scan() {
		c.end()
		return nil, fmt.Errorf("%s ended before it was ready", path)
	}
	return c, nil
}

func (c *child) end() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// peak is the most memory that the process has had.
func (c *child) peak() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid()))
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		return 0, errors.New("the process's status has no VmHWM")
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	return n << 10, err
}

// spent is the CPU time that was taken by now.
type spent struct{ process, redis time.Duration }

func (b *bench) spent(ctx context.Context, pid int) (s spent, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, err
	}
	_, rest, _ := bytes.Cut(stat, []byte(") ")) // behind the name
	words := strings.Fields(string(rest))
	for _, w := range words[11:13] { // user and system, in hundredths of a second
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil {
			return s, err
		}
		s.process += time.Duration(n) * 10 * time.Millisecond
	}
	cpu, _, err := b.redisUses(ctx)
	s.redis = cpu
	return s, err
}

// redisUses is Redis's CPU time and memory.
func (b *bench) redisUses(ctx context.Context) (cpu time.Duration, memory int64, err error) {
	info, err := b.redis.Info(ctx, "cpu", "memory").Result()
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(info) {
		switch k, v, _ := strings.Cut(strings.TrimSpace(line), ":"); k {
		case "used_cpu_user", "used_cpu_sys":
			s, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return 0, 0, err
			}
			cpu += time.Duration(s * float64(time.Second))
		case "used_memory":
			if memory, err = strconv.ParseInt(v, 10, 64); err != nil {
				return 0, 0, err
			}
		}
	}
	return cpu, memory, nil
}
