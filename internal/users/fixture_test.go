package users_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"regie/ingest/persist"
	"regie/internal/catalog"
	"regie/internal/grpcserver"
	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/users"
	"regie/internal/users/boltstore"
	"regie/internal/users/dynamostore"
	projectionv1 "regie/proto/projection/v1"
	userv1 "regie/proto/user/v1"
)

// world is Kafka, a catalogue, a store and persist: what instances of the service share.
type world struct {
	t       *testing.T
	cluster *stream.Cluster
	catalog *catalog.Catalog
	store   *flaky
	log     *logged
	ahead   atomic.Int64 // what the clock is, beyond the machine's
	frozen  atomic.Pointer[time.Time]
	offset  int64 // of the catalogue's last change
	// patience is what all that the service waits for may take.
	patience time.Duration
	// persist runs until it is stopped.
	stopPersist func()
}

func (w *world) now() time.Time {
	if at := w.frozen.Load(); at != nil {
		return *at
	}
	return time.Now().Add(time.Duration(w.ahead.Load()))
}

// topics are those of what viewers do.
var topics = append(persist.Inputs(), stream.Dead(persist.Role))

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, servertest.Cluster(t, topics...), time.Minute)
}

func newWorldOn(t *testing.T, cluster *stream.Cluster, patience time.Duration) *world {
	t.Helper()
	redis, err := catalog.Connect(servertest.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	prefix := servertest.Name()
	t.Cleanup(func() {
		it := redis.Scan(context.Background(), 0, prefix+":*", 1000).Iterator()
		for it.Next(context.Background()) {
			redis.Del(context.Background(), it.Val())
		}
		_ = redis.Close()
	})
	w := &world{t: t, cluster: cluster, catalog: catalog.New(redis, prefix), log: &logged{}, patience: patience}
	w.store = w.openStore(t)
	for p := range 3 {
		id := fmt.Sprintf("p%d", p)
		w.put("programme", id, &projectionv1.Programme{Id: "programme:" + id})
		for v := range 3 {
			w.video(fmt.Sprintf("%sv%d", id, v), id, 3000)
		}
	}
	w.startPersist(t.Context())
	return w
}

func (w *world) video(id, programme string, duration int32) {
	w.put("video", id, &projectionv1.Video{Id: "video:" + id, ProgrammeId: "programme:" + programme, Duration: duration})
}

// put writes an entity to the catalogue; a nil blob deletes it.
func (w *world) put(kind, id string, blob proto.Message) {
	w.t.Helper()
	w.offset++
	c := catalog.Change{Kind: kind, ID: id, Fence: stream.Fence{Incarnation: 1, Offset: w.offset}, Blobs: map[catalog.Screen][]byte{}}
	if blob != nil {
		b, err := proto.Marshal(blob)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, s := range catalog.Screens() {
			c.Blobs[s] = b
		}
	}
	if _, err := w.catalog.Apply(w.t.Context(), []catalog.Change{c}, time.Now()); err != nil {
		w.t.Fatal(err)
	}
}

// startPersist runs persist until it is stopped or the test ends. It returns when persist is at the topics' ends.
func (w *world) startPersist(ctx context.Context) {
	w.stopPersist = w.persist(ctx, persist.Role, w.store.both)
}

func (w *world) persist(ctx context.Context, group string, store users.Store) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	log := slog.New(slog.NewTextHandler(w.log, nil))
	consumer := w.cluster.NewConsumer(stream.ConsumerConfig{
		Role: group, Topics: persist.Inputs(), Sink: persist.New(store, w.now, log, persist.NewMetrics(prometheus.NewRegistry())), MaxBatch: persist.MaxBatch,
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := consumer.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	stop = func() { cancel(); wg.Wait() }
	w.t.Cleanup(stop)
	servertest.Eventually(w.t, "persist is ready", consumer.Ready)
	return stop
}

// api is one instance of the service, as a client has it.
type api struct {
	userv1.UserServiceClient
	w       *world
	service *users.Service
	metrics *prometheus.Registry
	stop    func()
}

// instance starts one, whose reads wait for what they ask for longer than users would.
func (w *world) instance(changes ...func(*users.Config)) *api {
	w.t.Helper()
	producer, err := w.cluster.NewProducerWithin(w.patience)
	if err != nil {
		w.t.Fatal(err)
	}
	a := &api{w: w, metrics: prometheus.NewRegistry()}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := users.Config{
		Caller: caller, Producer: producer, Catalog: w.catalog, Store: w.store, Directory: w.store, Wait: w.patience, Patience: w.patience,
		Secret: []byte("secret"), Now: w.now, Metrics: users.NewMetrics(a.metrics), Log: log,
	}
	for _, change := range changes {
		change(&cfg)
	}
	a.service = users.New(cfg)
	a.service.SetLasting(100 * time.Millisecond)
	l := bufconn.Listen(1 << 20)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.service.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	wg.Go(func() {
		err := grpcserver.Run(ctx, l, grpcserver.Config{
			Register: a.service.Register, Check: w.catalog.Ping, Times: users.Times(),
			Metrics: grpcserver.NewMetrics(a.metrics), Log: log,
		})
		if err != nil {
			w.t.Error(err)
		}
	})
	conn, err := grpc.NewClient("passthrough:///users", grpc.WithContextDialer(dialer(l)),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		w.t.Fatal(err)
	}
	a.stop = sync.OnceFunc(func() { _ = conn.Close(); stop(); wg.Wait(); producer.Close() })
	w.t.Cleanup(a.stop)
	a.UserServiceClient = userv1.NewUserServiceClient(conn)
	return a
}

const userHeader = "test-user"

// caller believes what the tests say.
func caller(ctx context.Context) (string, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	if u := md.Get(userHeader); len(u) > 0 {
		return u[0], nil
	}
	return "", status.Error(codes.Unauthenticated, "nobody asks")
}

// as is a context in which the user asks.
func as(t testing.TB, user string) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return metadata.AppendToOutgoingContext(ctx, userHeader, user)
}

// both is what a store of users is.
type both interface {
	users.Store
	users.Directory
}

// openStore opens a bbolt file, or a table of DynamoDB behind a line that can be cut.
func (w *world) openStore(t *testing.T) *flaky {
	t.Helper()
	if os.Getenv("TEST_DYNAMODB") == "" {
		dir := t.TempDir()
		store, err := boltstore.Open(dir, w.now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		return &flaky{both: store, dir: dir}
	}
	to, err := url.Parse(servertest.DynamoDB(t))
	if err != nil {
		t.Fatal(err)
	}
	l := newLine(t, to.Host)
	store := openTable(t, "http://"+l.address, w.now)
	return &flaky{both: store.Store, line: l, table: store.table}
}

// copyStore is a store of all that the world's has now, as a backup would be.
func (w *world) copyStore() both {
	w.t.Helper()
	dir := w.t.TempDir()
	if w.store.line == nil {
		b, err := os.ReadFile(filepath.Join(w.store.dir, "users.db"))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "users.db"), b, 0o600)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		store, err := boltstore.Open(dir, w.now)
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { _ = store.Close() })
		return store
	}
	address := servertest.DynamoDB(w.t)
	to := openTable(w.t, address, w.now)
	client := dynamodb.New(dynamodb.Options{
		BaseEndpoint: &address, Region: "local", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), DisableValidateResponseChecksum: true,
	})
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &w.store.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, item := range page.Items {
			if _, err := client.PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: &to.table, Item: item}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return to.Store
}

// table is one of DynamoDB's, of the test's own.
type table struct {
	*dynamostore.Store
	table string
}

func openTable(t *testing.T, address string, now func() time.Time) table {
	t.Helper()
	name := servertest.Name()
	store, err := dynamostore.Open(t.Context(), dynamostore.Config{Address: address, Table: name, Now: now, Transport: servertest.Patient(t)})
	if err == nil {
		_, err = store.ApplyTable(t.Context(), dynamostore.Capacity{})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Drop(context.Background()); err != nil {
			t.Log(err)
		}
	})
	return table{store, name}
}

// line lies between a client and its server, and can be cut: then it ends connections, but keeps its address, which another
// process might take.
type line struct {
	address, to string
	wg          sync.WaitGroup

	mu    sync.Mutex
	isCut bool
	ends  map[net.Conn]bool
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &line{address: l.Addr().String(), to: to, ends: map[net.Conn]bool{}}
	t.Cleanup(func() { _ = l.Close(); p.set(true); p.wg.Wait() })
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.carry(c) })
		}
	})
	return p
}

// set cuts it, or mends it.
func (p *line) set(isCut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isCut = isCut; !isCut {
		return
	}
	for c := range p.ends {
		_ = c.Close()
	}
	clear(p.ends)
}

func (p *line) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	p.mu.Lock()
	isCut := p.isCut
	if !isCut {
		p.ends[client], p.ends[server] = true, true
	}
	p.mu.Unlock()
	if isCut {
		_ = server.Close()
		return
	}
	p.wg.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
	_, _ = io.Copy(client, server)
}

// flaky is a store that can be away, from any call on.
type flaky struct {
	both
	line       *line  // nil before a bbolt file, which is never away by itself
	dir, table string // where the file is, or the name of the table
	away       atomic.Bool
	// left, unless it is negative, counts the Directory's calls that are answered yet.
	mu       sync.Mutex
	counting bool
	left     int
}

var (
	_ users.Store     = (*flaky)(nil)
	_ users.Directory = (*flaky)(nil)
)

var errAway = fmt.Errorf("%w: cut off by the test", users.ErrUnavailable)

func (f *flaky) check() error {
	if f.away.Load() {
		return errAway
	}
	return nil
}

// after has the Directory answer so many calls, and then none.
func (f *flaky) after(calls int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counting, f.left = true, calls
}

func (f *flaky) cut() {
	if f.line != nil {
		f.line.set(true)
		return
	}
	f.away.Store(true)
}

func (f *flaky) mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counting = false
	if f.line != nil {
		f.line.set(false)
	}
	f.away.Store(false)
}

func (f *flaky) count() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counting {
		if f.left--; f.left < 0 {
			return errAway
		}
	}
	return f.check()
}

func (f *flaky) Read(ctx context.Context, viewer string, ids []string, consistent bool) (users.Rows, error) {
	if err := f.check(); err != nil {
		return users.Rows{}, err
	}
	return f.both.Read(ctx, viewer, ids, consistent)
}

func (f *flaky) List(ctx context.Context, viewer string, what users.What, after users.Version, limit int, consistent bool) (users.Rows, bool, error) {
	if err := f.check(); err != nil {
		return users.Rows{}, false, err
	}
	return f.both.List(ctx, viewer, what, after, limit, consistent)
}

func (f *flaky) Positions(ctx context.Context, partitions []string) (map[string]stream.Position, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return f.both.Positions(ctx, partitions)
}

func (f *flaky) Pseudonym(ctx context.Context, user, offered string) (string, error) {
	if err := f.count(); err != nil {
		return "", err
	}
	return f.both.Pseudonym(ctx, user, offered)
}

func (f *flaky) Forget(ctx context.Context, user, pseudonym string) error {
	if err := f.count(); err != nil {
		return err
	}
	return f.both.Forget(ctx, user, pseudonym)
}

func (f *flaky) Remember(ctx context.Context, viewer, key string, content []byte, now time.Time) ([]byte, error) {
	if err := f.count(); err != nil {
		return nil, err
	}
	return f.both.Remember(ctx, viewer, key, content, now)
}

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// faulty returns a broker that can be made to fail, and a cluster of it.
func faulty(t *testing.T) (*kfake.Cluster, *stream.Cluster) {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	c := stream.New(stream.Config{Brokers: strings.Join(k.ListenAddrs(), ","), Project: servertest.Name(), Instance: "test", Log: servertest.Log(t)})
	t.Cleanup(c.Close)
	if _, err := c.Apply(t.Context(), 1, topics...); err != nil {
		t.Fatal(err)
	}
	return k, c
}

// records are all that a topic has.
func (w *world) records(topic string) (out []stream.Record) {
	w.t.Helper()
	if err := w.cluster.ReadAll(w.t.Context(), topic, func(r stream.Record) error { out = append(out, r); return nil }); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) favourites() (out []*userv1.FavouriteEvent) {
	w.t.Helper()
	for _, r := range w.records(stream.UserFavourite) {
		e := &userv1.FavouriteEvent{}
		if err := r.Decode(e); err != nil {
			w.t.Fatal(err)
		}
		if string(r.Key) != e.GetViewer() {
			w.t.Errorf("the key %q is not the viewer %q", r.Key, e.GetViewer())
		}
		out = append(out, e)
	}
	return out
}

func (w *world) progress() (out []*userv1.ProgressEvent) {
	w.t.Helper()
	for _, r := range w.records(stream.UserProgress) {
		e := &userv1.ProgressEvent{}
		if err := r.Decode(e); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

var errNoReceipt = errors.New("there is no receipt")

// add makes a favourite, and fails the test if that has a problem.
func (a *api) add(user, target, key string) *userv1.SetFavouriteResponse {
	a.w.t.Helper()
	return a.set(user, &userv1.SetFavouriteRequest{TargetId: target, IdempotencyKey: key})
}

func (a *api) set(user string, req *userv1.SetFavouriteRequest) *userv1.SetFavouriteResponse {
	a.w.t.Helper()
	res, err := a.SetFavourite(as(a.w.t, user), req)
	if err == nil && (len(res.GetProblems()) > 0 || res.GetReceipt().GetToken() == "") {
		err = errNoReceipt
	}
	if err != nil {
		a.w.t.Fatalf("%v: %v", err, res)
	}
	return res
}

func (w *world) report(video string, position int32, ago time.Duration) *userv1.Report {
	return &userv1.Report{VideoId: "video:" + video, Position: position, OccurredAt: stamp(w.now().Add(-ago)), SessionId: "s1"}
}

func (a *api) reports(user string, rs ...*userv1.Report) *userv1.ReportProgressResponse {
	a.w.t.Helper()
	res, err := a.ReportProgress(as(a.w.t, user), &userv1.ReportProgressRequest{Reports: rs})
	if err == nil && (len(res.GetProblems()) > 0 || res.GetReceipt().GetToken() == "") {
		err = errNoReceipt
	}
	if err != nil {
		a.w.t.Fatalf("%v: %v", err, res)
	}
	return res
}

// listed are the favourites that a user sees who waits for receipts, again and again where a busy machine takes longer.
func (a *api) listed(user string, receipts ...string) []string {
	a.w.t.Helper()
	var res *userv1.ListFavouritesResponse
	servertest.Await(a.w.t, func() string {
		var err error
		res, err = a.ListFavourites(as(a.w.t, user), &userv1.ListFavouritesRequest{PageSize: 100, NotBefore: strings.Join(receipts, "~")})
		if err != nil {
			a.w.t.Fatal(err)
		}
		if len(receipts) > 0 && res.GetConsistency() != userv1.Consistency_CONSISTENCY_CONSISTENT {
			return fmt.Sprint(res)
		}
		return ""
	})
	out := []string{}
	for _, f := range res.GetFavourites() {
		out = append(out, f.GetTargetId())
	}
	return out
}
