// Persist measures the role persist on a backlog of watch progress beside a bare loop that makes one conditional update of
// each event, on the Kafka and DynamoDB that REGIE_KAFKA and REGIE_DYNAMODB name (`make bench-persist` starts them).
//
// The bare loop is measured on a sample of the same events, with as many requests at a time as the role makes. It keeps no
// order, no position, and not what was watched last of each programme, which is every second write of the role.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/ingest/persist"
	"regie/internal/stream"
	"regie/internal/users/dynamostore"
	userv1 "regie/proto/user/v1"
)

func main() {
	var b bench
	flag.IntVar(&b.events, "events", 1_000_000, "how many events wait")
	flag.IntVar(&b.viewers, "viewers", 50_000, "of how many viewers")
	flag.IntVar(&b.sample, "sample", 20_000, "how many of them the bare loop updates")
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
	events, viewers, sample int

	address, name string
	cluster       *stream.Cluster
	transport     *counting
}

func (b *bench) run(ctx context.Context) (err error) {
	kafka := os.Getenv("REGIE_KAFKA")
	if b.address = os.Getenv("REGIE_DYNAMODB"); kafka == "" || b.address == "" {
		return errors.New("REGIE_KAFKA and REGIE_DYNAMODB name no servers: run `make bench-persist`")
	}
	b.name = fmt.Sprintf("bench%x", time.Now().Unix())
	b.cluster = stream.New(stream.Config{Brokers: kafka, Project: b.name, Instance: "bench", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	defer b.cluster.Close()
	defer func() { err = errors.Join(err, b.cluster.Drop(context.WithoutCancel(ctx))) }()
	if _, err := b.cluster.Apply(ctx, 1); err != nil {
		return err
	}
	fmt.Printf("%d events of %d viewers\n", b.events, b.viewers)
	if err := b.produce(ctx); err != nil {
		return err
	}
	took, peak, err := b.role(ctx)
	if err != nil {
		return err
	}
	writes, reads := b.transport.writes.Load(), b.transport.reads.Load()
	fmt.Printf("persist    %8.0f events/s, %.3f writes and %.3f reads per event, peak memory %d MiB\n",
		float64(b.events)/took.Seconds(), float64(writes)/float64(b.events), float64(reads)/float64(b.events), peak)
	bare, err := b.bare(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("one by one %8.0f events/s (%d of them)\n", float64(b.sample)/bare.Seconds(), b.sample)
	fmt.Printf("ratio      %8.1f\n", float64(b.events)/took.Seconds()/(float64(b.sample)/bare.Seconds()))
	return nil
}

// event is the i-th: each viewer watches three videos of two programmes, one after the other, and reports on and on.
func (b *bench) event(r *rand.Rand, i int, begin time.Time) *userv1.ProgressEvent {
	v := r.IntN(b.viewers)
	video := 3 * i / b.events
	return &userv1.ProgressEvent{
		EventUuid: fmt.Sprintf("%08x-0000-4000-8000-%012x", r.Uint32(), i), OccurredAt: timestamppb.New(begin.Add(time.Duration(i) * time.Millisecond)),
		EventType: userv1.ProgressEventType_PROGRESS_EVENT_TYPE_REPORTED, Viewer: fmt.Sprintf("%08x-0000-4000-8000-%012x", v, v),
		Payload: &userv1.Progress{VideoId: fmt.Sprint("v", v%1000+video), ProgrammeId: fmt.Sprint("p", v%1000+video/2), Position: int32(i % 5000), Duration: 5400, SessionId: "one"},
	}
}

func (b *bench) produce(ctx context.Context) error {
	p, err := b.cluster.NewProducer()
	if err != nil {
		return err
	}
	defer p.Close()
	r, begin := rand.New(rand.NewPCG(1, 2)), time.Now().Add(-time.Hour)
	for done := 0; done < b.events; {
		rs := make([]stream.Record, min(10_000, b.events-done))
		for i := range rs {
			e := b.event(r, done+i, begin)
			value, headers, err := stream.Encode(e)
			if err != nil {
				return err
			}
			rs[i] = stream.Record{Topic: stream.UserProgress, Partition: stream.AnyPartition, Key: []byte(e.Viewer), Value: value, Headers: headers}
		}
		if _, err := p.Produce(ctx, rs); err != nil {
			return err
		}
		done += len(rs)
	}
	return nil
}

// counting counts the items that are written and the requests that read.
type counting struct {
	client        *http.Client
	writes, reads atomic.Int64
}

func (c *counting) Do(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem") || strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DeleteItem") {
		c.writes.Add(1)
	} else {
		c.reads.Add(1)
	}
	return c.client.Do(r)
}

func client() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConns: 200, MaxIdleConnsPerHost: 200}}
}

// role times the role from its first record to its last, and tells the process's peak memory meanwhile.
func (b *bench) role(ctx context.Context) (took time.Duration, peak int, err error) {
	b.transport = &counting{client: client()}
	store, err := dynamostore.Open(ctx, dynamostore.Config{Address: b.address, Table: b.name, Now: time.Now, Transport: b.transport})
	if err != nil {
		return 0, 0, err
	}
	if _, err := store.ApplyTable(ctx, dynamostore.Capacity{}); err != nil {
		return 0, 0, err
	}
	b.transport.reads.Store(0)
	defer func() { err = errors.Join(err, store.Drop(context.WithoutCancel(ctx))) }()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // the peak is this role's
		return 0, 0, err
	}
	ctx, done := context.WithCancel(ctx)
	defer done()
	sink := persist.New(store, time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)), persist.NewMetrics(prometheus.NewRegistry()))
	t := &timed{Sink: sink, want: b.events, done: done}
	consumer := b.cluster.NewConsumer(stream.ConsumerConfig{Role: persist.Role, Topics: persist.Inputs(), Sink: t, MaxBatch: persist.MaxBatch})
	if err := consumer.Run(ctx); err != nil {
		return 0, 0, err
	}
	if t.got < t.want {
		return 0, 0, context.Cause(ctx)
	}
	return t.took, peakMemory(), nil
}

// timed is a sink with a stopwatch: from the first record to the end of the last one's batch.
type timed struct {
	stream.Sink
	want, got int
	began     time.Time
	took      time.Duration
	done      context.CancelFunc
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

// peakMemory is the process's, in MiB.
func peakMemory() int {
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
			kib, _ := strconv.Atoi(fields[1])
			return kib >> 10
		}
	}
	return 0
}

// bare makes one conditional update of each event of a sample.
func (b *bench) bare(ctx context.Context) (took time.Duration, err error) {
	db := dynamodb.New(dynamodb.Options{
		BaseEndpoint: &b.address, Region: "local", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), HTTPClient: client(), DisableValidateResponseChecksum: true,
	})
	table := b.name + "-bare"
	_, err = db.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange}},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
	})
	if err != nil {
		return 0, err
	}
	defer func() {
		_, derr := db.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: &table})
		err = errors.Join(err, derr)
	}()
	r, begin := rand.New(rand.NewPCG(1, 2)), time.Now().Add(-time.Hour)
	began := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(64)
	for i := range b.sample {
		e := b.event(r, i, begin)
		g.Go(func() error {
			text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
			number := func(n int32) types.AttributeValue { return &types.AttributeValueMemberN{Value: strconv.Itoa(int(n))} }
			_, err := db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: &table, Key: map[string]types.AttributeValue{"pk": text(e.Viewer), "sk": text(e.Payload.VideoId)},
				UpdateExpression:         aws.String("SET v = :v, #p = :p, #d = :d, programme = :programme"),
				ConditionExpression:      aws.String("attribute_not_exists(v) OR v < :v"),
				ExpressionAttributeNames: map[string]string{"#p": "position", "#d": "duration"},
				ExpressionAttributeValues: map[string]types.AttributeValue{
					":v": text(fmt.Sprintf("%015d.%s", e.OccurredAt.AsTime().UnixMilli(), e.EventUuid)), ":p": number(e.Payload.Position), ":d": number(e.Payload.Duration), ":programme": text(e.Payload.ProgrammeId),
				},
			})
			var older *types.ConditionalCheckFailedException
			if errors.As(err, &older) {
				return nil
			}
			return err
		})
	}
	err = g.Wait()
	return time.Since(began), err
}
