// Project measures transform and project beside bare loops that consume the same topics, on the Kafka and Redis that
// REGIE_KAFKA and REGIE_REDIS name (`make bench-project` starts them).
//
// It measures twice: a fill, in which every record is a new entity, and then edits of them, as editors make: most of texts,
// some of titles and dates, a few documents far more often than the others.
//
// The bare loop of transform decodes each record with MongoDB's own Extended JSON parser and produces what it read; that
// of project decodes each event and pipelines a SET per screen. Neither keeps order, position, fences, lists or rules. A
// fill stores several list members and a slug of each record besides its blobs, so it is measured beside a second loop,
// which pipelines a SET for each thing that project stored.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/bson"
	"google.golang.org/protobuf/proto"

	"regie/ingest/capture"
	"regie/ingest/project"
	"regie/ingest/transform"
	"regie/internal/catalog"
	"regie/internal/cms"
	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

func main() {
	var b bench
	flag.StringVar(&b.titles, "titles", "", "a titles file, see `regie import --help`; default: a made-up one")
	flag.IntVar(&b.edits, "edits", 100_000, "how many edits follow the fill")
	flag.IntVar(&b.rounds, "rounds", 5, "how often everything is measured; the median counts")
	flag.StringVar(&b.profile, "profile", "", "write CPU profiles of project's last round into FILE.fill and FILE.edits")
	flag.Float64Var(&b.least, "at-least", 0.6, "the least ratio to a bare loop that is no failure; of project's fill, to the loop that stores as much")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

type bench struct {
	titles  string
	profile string
	rounds  int
	edits   int
	least   float64

	kafka string
	redis redis.UniversalClient
	name  string
}

func (b *bench) run(ctx context.Context) error {
	b.kafka = os.Getenv("REGIE_KAFKA")
	if b.kafka == "" || os.Getenv("REGIE_REDIS") == "" {
		return errors.New("REGIE_KAFKA and REGIE_REDIS name no servers: run `make bench-project`")
	}
	var err error
	if b.redis, err = catalog.Connect(os.Getenv("REGIE_REDIS")); err != nil {
		return err
	}
	defer func() { _ = b.redis.Close() }()
	docs, err := b.documents(ctx)
	if err != nil {
		return err
	}
	inserted, err := inserts(docs)
	if err != nil {
		return err
	}
	updated, err := updates(docs, b.edits)
	if err != nil {
		return err
	}
	fmt.Printf("%d documents, %d edits, %d rounds\n\n", len(inserted), len(updated), b.rounds)
	ratios := map[string][]float64{}
	for n := range b.rounds {
		b.name = fmt.Sprintf("bench%x-%d", time.Now().Unix(), n)
		if err := b.round(ctx, map[string][]stream.Record{fill: inserted, edits: updated}, ratios); err != nil {
			return err
		}
	}
	fmt.Println()
	for _, what := range slices.Sorted(maps.Keys(ratios)) {
		slices.Sort(ratios[what])
		median := ratios[what][len(ratios[what])/2]
		fmt.Printf("%-26s %3.0f %% of a bare loop (median of %d rounds)\n", what, 100*median, b.rounds)
		if median < b.least && what != blobsAlone {
			err = errors.Join(err, fmt.Errorf("%s: %.0f %% of a bare loop is less than %.0f %%", what, 100*median, 100*b.least))
		}
	}
	return err
}

const (
	fill       = "fill"
	edits      = "edits"
	blobsAlone = project.Role + " " + fill + ", blobs alone"
)

// round measures each loop once, on topics and keys of its own.
func (b *bench) round(ctx context.Context, phases map[string][]stream.Record, ratios map[string][]float64) error {
	own, bare := b.cluster(b.name), b.cluster(b.name+"-bare")
	defer own.Close()
	defer bare.Close()
	defer func() {
		ctx := context.WithoutCancel(ctx)
		_, _ = own.Drop(ctx), bare.Drop(ctx)
		b.empty(ctx)
	}()
	for _, c := range []*stream.Cluster{own, bare} {
		if _, err := c.Apply(ctx, 1); err != nil {
			return err
		}
	}
	through, err := own.NewThrough(transform.Outputs(), transform.Transform)
	if err != nil {
		return err
	}
	defer through.Close()
	sink := project.New(catalog.New(b.redis, b.name), time.Now, quiet(), project.NewMetrics(prometheus.NewRegistry()))
	tell := func(what string, records int, took, bare time.Duration, rest string) {
		ratio := bare.Seconds() / took.Seconds()
		ratios[what] = append(ratios[what], ratio)
		per := func(d time.Duration) float64 { return float64(records) / d.Seconds() }
		fmt.Printf("%-26s %7.0f records/s, bare %7.0f records/s, ratio %.2f%s\n", what, per(took), per(bare), ratio, rest)
	}
	for _, phase := range []string{fill, edits} {
		records := phases[phase]
		starts, err := b.ends(own)
		if err != nil {
			return err
		}
		from := func(topics []string) (out []kafka.TopicPartition) {
			for _, t := range topics {
				out = append(out, starts[own.Topic(t)]...)
			}
			return out
		}
		if err := produce(ctx, own, records); err != nil {
			return err
		}
		took, err := timeRole(ctx, own, transform.Role, transform.Inputs(), through, len(records))
		if err != nil {
			return fmt.Errorf("transform: %w", err)
		}
		beside, err := b.bareTransform(ctx, own, bare, from(transform.Inputs()), len(records))
		if err != nil {
			return fmt.Errorf("the bare loop beside transform: %w", err)
		}
		tell(transform.Role+" "+phase, len(records), took, beside, "")

		stop, err := b.profiled(phase)
		if err != nil {
			return err
		}
		before := b.redisCPU(ctx)
		took, err = timeRole(ctx, own, project.Role, project.Inputs(), sink, len(records))
		stop()
		if err != nil {
			return fmt.Errorf("project: %w", err)
		}
		cpu := fmt.Sprintf(", Redis %.1f µs/record", 1e6*(b.redisCPU(ctx)-before)/float64(len(records)))
		what, things := project.Role+" "+phase, 0
		if phase == fill {
			what = blobsAlone
			if things, err = b.stored(ctx); err != nil {
				return err
			}
			things -= len(records) * len(catalog.Screens())
		}
		if beside, err = b.bareProject(ctx, own, from(project.Inputs()), len(records), 0); err != nil {
			return fmt.Errorf("the bare loop beside project: %w", err)
		}
		tell(what, len(records), took, beside, cpu)
		if phase == fill {
			if beside, err = b.bareProject(ctx, own, from(project.Inputs()), len(records), things); err != nil {
				return fmt.Errorf("the bare loop beside project: %w", err)
			}
			tell(project.Role+" "+phase, len(records), took, beside, fmt.Sprintf(", %.1f things more each", float64(things)/float64(len(records))))
		}
	}
	return nil
}

// stored is how many blobs, list members and slugs the catalogue has.
func (b *bench) stored(ctx context.Context) (n int, err error) {
	var sizes []*redis.IntCmd
	pipe := b.redis.Pipeline()
	it := b.redis.Scan(ctx, 0, b.name+":{*", 10_000).Iterator()
	for it.Next(ctx) {
		switch key := it.Val(); key[strings.LastIndexByte(key, ':')+1:] {
		case "entities", "pending", "members", "removed": // how it is kept, not what
		case "web", "mobile", "iptv", "claims":
			sizes = append(sizes, pipe.HLen(ctx, key))
		default:
			sizes = append(sizes, pipe.ZCard(ctx, key))
		}
	}
	if err := it.Err(); err != nil {
		return 0, err
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, err
	}
	for _, size := range sizes {
		n += int(size.Val())
	}
	return n, nil
}

// ends are where the cluster's topics end now, by topic.
func (b *bench) ends(c *stream.Cluster) (map[string][]kafka.TopicPartition, error) {
	consumer, err := kafka.NewConsumer(&kafka.ConfigMap{"bootstrap.servers": b.kafka, "group.id": b.name + "-ends"})
	if err != nil {
		return nil, err
	}
	defer func() { _ = consumer.Close() }()
	out := map[string][]kafka.TopicPartition{}
	for _, t := range stream.Topics() {
		full := c.Topic(t.Name)
		for p := range t.Partitions {
			_, high, err := consumer.QueryWatermarkOffsets(full, int32(p), 10_000)
			if err != nil {
				return nil, err
			}
			out[full] = append(out[full], kafka.TopicPartition{Topic: &full, Partition: int32(p), Offset: kafka.Offset(high)})
		}
	}
	return out, nil
}

// redisCPU is how many seconds Redis's main thread has worked.
func (b *bench) redisCPU(ctx context.Context) (seconds float64) {
	info, _ := b.redis.Info(ctx, "cpu").Result()
	for line := range strings.SplitSeq(info, "\r\n") {
		if name, v, _ := strings.Cut(line, ":"); name == "used_cpu_user_main_thread" || name == "used_cpu_sys_main_thread" {
			s, _ := strconv.ParseFloat(v, 64)
			seconds += s
		}
	}
	return seconds
}

// profiled begins a profile, if one is wanted.
func (b *bench) profiled(phase string) (stop func(), err error) {
	if b.profile == "" {
		return func() {}, nil
	}
	f, err := os.Create(b.profile + "." + phase)
	if err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, pprof.StartCPUProfile(f)
}

func (b *bench) cluster(name string) *stream.Cluster {
	return stream.New(stream.Config{Brokers: b.kafka, Project: name, Instance: "bench", Log: quiet()})
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// timed is a sink with a stopwatch: from the first record to the end of the last one's batch.
type timed struct {
	stream.Sink
	want  int
	got   int
	began time.Time
	took  time.Duration
	done  context.CancelFunc
}

// Apply implements stream.Sink.
func (t *timed) Apply(ctx context.Context, batch *stream.Batch) error {
	if t.got == 0 {
		t.began = time.Now()
	}
	if err := t.Sink.Apply(ctx, batch); err != nil {
		return err
	}
	if t.got += len(batch.Records); t.got >= t.want {
		t.took = time.Since(t.began)
		t.done()
	}
	return nil
}

func timeRole(ctx context.Context, c *stream.Cluster, role string, topics []string, sink stream.Sink, want int) (time.Duration, error) {
	ctx, done := context.WithCancel(ctx)
	defer done()
	var rejected atomic.Int64
	t := &timed{Sink: sink, want: want, done: done}
	consumer := c.NewConsumer(stream.ConsumerConfig{
		Role: role, Topics: topics, Sink: t, MaxBatch: map[string]int{project.Role: project.MaxBatch}[role],
		Observe: func(_ *stream.Batch, n int) { rejected.Add(int64(n)) },
	})
	if err := consumer.Run(ctx); err != nil {
		return 0, err
	}
	if n := rejected.Load(); n > 0 {
		return 0, fmt.Errorf("%d records were set aside", n)
	}
	if t.got < want {
		return 0, context.Cause(ctx)
	}
	return t.took, nil
}

// consume reads partitions, and times from the first record until done says so.
func (b *bench) consume(ctx context.Context, from []kafka.TopicPartition, want int, each func(m *kafka.Message) error, end func() error) (time.Duration, error) {
	consumer, err := kafka.NewConsumer(&kafka.ConfigMap{
		"bootstrap.servers": b.kafka, "group.id": b.name + "-bare", "isolation.level": "read_committed", "enable.auto.commit": false,
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = consumer.Close() }()
	if err := consumer.Assign(from); err != nil {
		return 0, err
	}
	var began time.Time
	for got := 0; got < want; {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		switch e := consumer.Poll(100).(type) {
		case *kafka.Message:
			if got == 0 {
				began = time.Now()
			}
			got++
			if err := each(e); err != nil {
				return 0, err
			}
		case kafka.Error:
			return 0, e
		}
	}
	if err := end(); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

func (b *bench) bareTransform(ctx context.Context, own, bare *stream.Cluster, from []kafka.TopicPartition, want int) (time.Duration, error) {
	p, err := kafka.NewProducer(&kafka.ConfigMap{
		"bootstrap.servers": b.kafka, "acks": "all", "enable.idempotence": true, "partitioner": "murmur2_random", "linger.ms": 0,
		"go.delivery.reports": false,
	})
	if err != nil {
		return 0, err
	}
	defer p.Close()
	go func() {
		for range p.Events() {
		}
	}()
	outputs := transform.Outputs()
	into := map[string]string{}
	for in, out := range outputs {
		into[own.Topic(in)] = bare.Topic(out)
	}
	return b.consume(ctx, from, want, func(m *kafka.Message) error {
		var raw bson.Raw
		if err := bson.UnmarshalExtJSON(m.Value, true, &raw); err != nil {
			return err
		}
		topic := into[*m.TopicPartition.Topic]
		out := &kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &topic, Partition: m.TopicPartition.Partition}, Key: m.Key, Value: raw}
		for {
			err := p.Produce(out, nil)
			var full kafka.Error
			if !errors.As(err, &full) || full.Code() != kafka.ErrQueueFull {
				return err
			}
			p.Flush(10)
		}
	}, func() error {
		if left := p.Flush(60_000); left > 0 {
			return fmt.Errorf("%d records are not acknowledged", left)
		}
		return nil
	})
}

// bareProject also sets so many things more, small ones.
func (b *bench) bareProject(ctx context.Context, own *stream.Cluster, from []kafka.TopicPartition, want, things int) (time.Duration, error) {
	events := map[string]func() proto.Message{
		own.Topic(stream.Catalog("channel")):   func() proto.Message { return &catalogv1.ChannelEvent{} },
		own.Topic(stream.Catalog("programme")): func() proto.Message { return &catalogv1.ProgrammeEvent{} },
		own.Topic(stream.Catalog("video")):     func() proto.Message { return &catalogv1.VideoEvent{} },
		own.Topic(stream.Catalog("person")):    func() proto.Message { return &catalogv1.PersonEvent{} },
		own.Topic(stream.Catalog("page")):      func() proto.Message { return &catalogv1.PageEvent{} },
	}
	const batch = 500
	pipe, records, set := b.redis.Pipeline(), 0, 0
	member := strings.Repeat("x", 60) // as a list's member is long
	flush := func() error {
		_, err := pipe.Exec(ctx)
		return err
	}
	return b.consume(ctx, from, want, func(m *kafka.Message) error {
		if err := proto.Unmarshal(m.Value, events[*m.TopicPartition.Topic]()); err != nil {
			return err
		}
		for _, s := range catalog.Screens() {
			pipe.Set(ctx, b.name+"-bare:{"+string(m.Key)+"}:"+string(s), m.Value, 0)
		}
		for records++; set < things*records/want; set++ {
			pipe.Set(ctx, b.name+"-bare:thing:"+strconv.Itoa(set), member, 0)
		}
		if records%batch > 0 {
			return nil
		}
		return flush()
	}, flush)
}

// empty removes the round's keys.
func (b *bench) empty(ctx context.Context) {
	it := b.redis.Scan(ctx, 0, b.name+"*", 10_000).Iterator()
	pipe := b.redis.Pipeline()
	for it.Next(ctx) {
		if pipe.Unlink(ctx, it.Val()); pipe.Len() >= 1000 {
			_, _ = pipe.Exec(ctx)
		}
	}
	_, _ = pipe.Exec(ctx)
}

func produce(ctx context.Context, c *stream.Cluster, records []stream.Record) error {
	p, err := c.NewProducer()
	if err != nil {
		return err
	}
	defer p.Close()
	for part := range slices.Chunk(records, 10_000) {
		if _, err := p.Produce(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// document is one of the CMS.
type document struct {
	collection string
	doc        bson.Raw
}

// documents are what an import of the titles makes.
func (b *bench) documents(ctx context.Context) ([]document, error) {
	var file io.Reader = strings.NewReader(madeUp(3000))
	if b.titles != "" {
		content, err := os.ReadFile(b.titles)
		if err != nil {
			return nil, err
		}
		file = bytes.NewReader(content)
	}
	store := &collector{}
	_, err := cms.Import(ctx, store, file, 0, nil)
	return store.docs, err
}

// collector keeps what an import would put into the CMS.
type collector struct {
	cms.Store
	docs []document
}

// Put implements cms.Store.
func (s *collector) Put(_ context.Context, collection string, docs []bson.Raw) (int, error) {
	for _, doc := range docs {
		s.docs = append(s.docs, document{collection, doc})
	}
	return len(docs), nil
}

func inserts(docs []document) (out []stream.Record, err error) {
	for _, d := range docs {
		r, err := change(d, "insert")
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// updates are edits: of every 20, 17 of a text, 2 of a title, one of a date; a tenth of the documents has most of them.
func updates(docs []document, n int) (out []stream.Record, err error) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		at := rnd.IntN(len(docs))
		if rnd.IntN(10) < 8 {
			at = 10 * (at / 10)
		}
		d := &docs[at]
		var edit bson.D
		switch {
		case i%20 < 17:
			edit = bson.D{{Key: "synopsis", Value: bson.D{{Key: "short", Value: fmt.Sprint("Told anew, for the ", i, "th time.")}}}}
		case i%20 < 19:
			edit = bson.D{{Key: "title", Value: fmt.Sprint("Title ", i)}}
		default:
			edit = bson.D{{Key: "publishedAt", Value: bson.NewDateTimeFromTime(time.UnixMilli(int64(1.6e12) + int64(i)*1e6))}}
		}
		if d.doc, err = cms.SetFields(d.doc, edit); err != nil {
			return nil, err
		}
		r, err := change(*d, "update")
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// change is the record that capture writes.
func change(d document, operation string) (stream.Record, error) {
	now := bson.NewDateTimeFromTime(time.Now())
	event, err := bson.Marshal(bson.D{
		{Key: "_id", Value: bson.D{{Key: "_data", Value: strings.Repeat("82", 60)}}}, {Key: "operationType", Value: operation},
		{Key: "fullDocument", Value: d.doc}, {Key: "ns", Value: bson.D{{Key: "db", Value: "cms"}, {Key: "coll", Value: d.collection}}},
		{Key: "documentKey", Value: bson.D{{Key: "_id", Value: d.doc.Lookup("_id")}}}, {Key: "clusterTime", Value: now}, {Key: "wallTime", Value: now},
	})
	if err != nil {
		return stream.Record{}, err
	}
	return capture.Record(d.collection, event)
}

// madeUp is a titles file.
func madeUp(rows int) string {
	var b strings.Builder
	b.WriteString("show_id,type,title,director,cast,country,date_added,release_year,rating,duration,listed_in,description\n")
	for i := range rows {
		kind, duration := "Movie", fmt.Sprintf("%d min", 60+i%90)
		if i%3 == 0 {
			kind, duration = "TV Show", fmt.Sprintf("%d Seasons", 1+i%5)
		}
		var cast []string
		for n := range 8 {
			cast = append(cast, fmt.Sprintf("Person %d", (i*7+n*131)%(rows*3)))
		}
		fmt.Fprintf(&b, "t%d,%s,Title number %d,Person %d,%q,France,%d-%02d-%02d,%d,TV-14,%s,\"Genre %d, Genre %d\",%q\n", i, kind, i, i%900,
			strings.Join(cast, ", "), 2015+i%7, 1+i%12, 1+i%28, 1990+i%30, duration, i%20, i%17,
			strings.Repeat("What it is about, told in a few words. ", 4))
	}
	return b.String()
}
