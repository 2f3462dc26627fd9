package dynamostore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/prometheus/client_golang/prometheus"

	"regie/internal/servertest"
	"regie/internal/stream"
	"regie/internal/users"
	"regie/internal/users/dynamostore"
	"regie/internal/users/storetest"
	userv1 "regie/proto/user/v1"
)

// open makes a table of the test's own.
func open(t *testing.T, cfg dynamostore.Config) *dynamostore.Store {
	t.Helper()
	cfg.Address, cfg.Table = servertest.DynamoDB(t), servertest.Name()
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Transport == nil {
		cfg.Transport = servertest.Patient(t)
	}
	s, err := dynamostore.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ApplyTable(t.Context(), dynamostore.Capacity{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Drop(context.Background()); err != nil {
			t.Log(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store {
		return open(t, dynamostore.Config{Now: now})
	})
}

// TestStoreOnABadDay is the suite on a DynamoDB of which every 30th request fails: throttled, broken, cut before it
// or, which is worse, after it was done; and whose batches are answered in parts.
func TestStoreOnABadDay(t *testing.T) {
	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store {
		return open(t, dynamostore.Config{Now: now, Transport: &badDay{every: 30}})
	})
}

// badDay fails requests on their way to the real server.
type badDay struct {
	every int
	mu    sync.Mutex
	n     int
	// throttled: all is refused while it is set.
	throttled bool
}

func (b *badDay) Do(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	n, throttled := b.n, b.throttled
	target := r.Header.Get("X-Amz-Target")
	fails := strings.HasSuffix(target, "Item") || strings.HasSuffix(target, "Query")
	if fails {
		b.n++
	}
	b.mu.Unlock()
	if throttled {
		return refusal(r, http.StatusBadRequest, "ProvisionedThroughputExceededException"), nil
	}
	if !fails || b.every == 0 || n%b.every != 0 {
		return b.partly(r, n)
	}
	switch n / b.every % 4 {
	case 0:
		return refusal(r, http.StatusBadRequest, "ProvisionedThroughputExceededException"), nil
	case 1:
		return refusal(r, http.StatusInternalServerError, "InternalServerError"), nil
	case 2:
		return nil, io.ErrUnexpectedEOF
	}
	res, err := http.DefaultTransport.RoundTrip(r) // done, and nobody hears of it
	if err == nil {
		_ = res.Body.Close()
	}
	return nil, io.ErrUnexpectedEOF
}

// partly leaves some of a batch undone, as DynamoDB does when it is too much.
func (b *badDay) partly(r *http.Request, n int) (*http.Response, error) {
	name := map[string]string{"DynamoDB_20120810.BatchGetItem": "UnprocessedKeys", "DynamoDB_20120810.BatchWriteItem": "UnprocessedItems"}[r.Header.Get("X-Amz-Target")]
	if name == "" || b.every == 0 || n%2 == 0 {
		return http.DefaultTransport.RoundTrip(r)
	}
	var ask struct{ RequestItems map[string]json.RawMessage }
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &ask)
	}
	if err != nil {
		return nil, err
	}
	left := map[string]any{}
	for table, raw := range ask.RequestItems {
		if name == "UnprocessedItems" {
			var all []any
			if err := json.Unmarshal(raw, &all); err != nil {
				return nil, err
			}
			done := (len(all) + 1) / 2
			left[table] = all[done:]
			ask.RequestItems[table] = mustJSON(all[:done])
			if len(all) == done {
				delete(left, table)
			}
			continue
		}
		var all map[string]any
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, err
		}
		keys, _ := all["Keys"].([]any)
		done := (len(keys) + 1) / 2
		if len(keys) > done {
			left[table] = map[string]any{"Keys": keys[done:], "ConsistentRead": all["ConsistentRead"]}
		}
		all["Keys"] = keys[:done]
		ask.RequestItems[table] = mustJSON(all)
	}
	// The signature does not hold any more: a DynamoDB Local does not look.
	again := r.Clone(r.Context())
	body = mustJSON(ask)
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res, err := http.DefaultTransport.RoundTrip(again)
	if err != nil || res.StatusCode != http.StatusOK {
		return res, err
	}
	var answer map[string]any
	err = json.NewDecoder(res.Body).Decode(&answer)
	_ = res.Body.Close()
	if err != nil {
		return nil, err
	}
	answer[name] = left
	body = mustJSON(answer)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res.Header.Del("X-Amz-Crc32")
	res.Header.Del("Content-Length")
	return res, nil
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func refusal(r *http.Request, status int, code string) *http.Response {
	body := fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"of the test"}`, code)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// knife lets so many requests pass, then none.
type knife struct {
	mu     sync.Mutex
	left   int
	cancel context.CancelFunc
}

func (k *knife) Do(r *http.Request) (*http.Response, error) {
	k.mu.Lock()
	if k.cancel != nil {
		if k.left--; k.left < 0 {
			k.cancel()
		}
	}
	k.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

func TestCuts(t *testing.T) {
	k := &knife{}
	s := open(t, dynamostore.Config{Transport: k, Now: func() time.Time { return storetest.Start }})
	storetest.Cuts(t, s, func(requests int) context.Context {
		ctx, cancel := context.WithCancel(t.Context())
		k.mu.Lock()
		defer k.mu.Unlock()
		k.left, k.cancel = requests, cancel
		return ctx
	})
}

// gate holds back the first write until it is opened, and then lets it pass even if nobody waits for it any more.
type gate struct {
	once         sync.Once
	reached, let chan struct{}
}

func (g *gate) Do(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem") {
		g.once.Do(func() { close(g.reached); <-g.let; r = r.WithContext(context.WithoutCancel(r.Context())) })
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestAnOwnerThatIsLate has read what is stored, and writes when another one has written what is newer: at each of its writes.
func TestAnOwnerThatIsLate(t *testing.T) {
	row := func(video string, second int, removed bool) users.Progress {
		return users.Progress{
			Version: users.Version{At: now.Add(time.Duration(second) * time.Second), ID: fmt.Sprint("e", second)}, Removed: removed,
			Progress: &userv1.Progress{VideoId: video, ProgrammeId: "p1", Position: int32(second)},
		}
	}
	for name, test := range map[string]struct {
		late, other []users.Progress
		want        int32 // the position of what was watched last; 0: nothing
	}{
		"an older report":            {[]users.Progress{row("v1", 10, false)}, []users.Progress{row("v1", 20, false)}, 20},
		"a newer report":             {[]users.Progress{row("v1", 20, false)}, []users.Progress{row("v1", 10, false)}, 20},
		"of another video, older":    {[]users.Progress{row("v1", 10, false)}, []users.Progress{row("v2", 20, false)}, 20},
		"of another video, newer":    {[]users.Progress{row("v1", 20, false)}, []users.Progress{row("v2", 10, false)}, 20},
		"removed since":              {[]users.Progress{row("v1", 10, false)}, []users.Progress{row("v1", 20, true)}, 0},
		"it removes what is no more": {[]users.Progress{row("v0", 10, true)}, []users.Progress{row("v0", 20, false)}, 20},
	} {
		t.Run(name, func(t *testing.T) {
			g := &gate{reached: make(chan struct{}), let: make(chan struct{})}
			g.once.Do(func() {}) // not yet
			late := open(t, dynamostore.Config{Transport: g})
			other := late.Beside(t.Context(), servertest.DynamoDB(t))
			apply := func(s *dynamostore.Store, ps ...users.Progress) error {
				return s.Apply(t.Context(), []users.Changes{{Viewer: "viewer", Progress: ps}}, nil)
			}
			if err := apply(other, row("v0", 1, false)); err != nil {
				t.Fatal(err)
			}
			g.once = sync.Once{}
			done := make(chan error, 1)
			go func() { done <- apply(late, test.late...) }()
			<-g.reached
			if err := apply(other, test.other...); err != nil {
				t.Fatal(err)
			}
			close(g.let)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			rows, _, err := other.List(t.Context(), "viewer", users.LatestProgress, users.Version{}, 10, true)
			if err != nil {
				t.Fatal(err)
			}
			want := max(test.want, 1)
			if len(rows.Progress) != 1 || rows.Progress[0].Position != want {
				t.Errorf("watched last: %v, not at %d", rows.Progress, want)
			}
		})
	}
}

// TestAnOwnerThatIsLateOfAnErasedViewer: the erasure is applied by another instance while its first write is on the way.
func TestAnOwnerThatIsLateOfAnErasedViewer(t *testing.T) {
	version := users.Version{At: now, ID: "e1"}
	rows := map[string]users.Changes{
		"a favourite": {Favourites: []users.Favourite{{Target: "video:v1", Version: version}}},
		"a report":    {Progress: []users.Progress{{Version: version, Progress: &userv1.Progress{VideoId: "v1", ProgrammeId: "p1"}}}},
		"a clearing":  {Cleared: version},
	}
	for name, change := range rows {
		for _, givenUp := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, given up: %t", name, givenUp), func(t *testing.T) {
				g := &gate{reached: make(chan struct{}), let: make(chan struct{})}
				late := open(t, dynamostore.Config{Transport: g})
				change.Viewer = "viewer"
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- late.Apply(ctx, []users.Changes{change}, nil) }()
				<-g.reached
				other := late.Beside(t.Context(), servertest.DynamoDB(t))
				if err := other.Apply(t.Context(), []users.Changes{{Viewer: "viewer", Erased: true}}, nil); err != nil {
					t.Fatal(err)
				}
				if givenUp {
					cancel()
				}
				close(g.let)
				if err := <-done; (err != nil) && !givenUp {
					t.Fatal(err)
				}
				if left, err := other.Expiries(t.Context(), "viewer"); err != nil || len(left) > 0 {
					t.Errorf("left: %v, %v", left, err)
				}
			})
		}
	}
}

var now = time.Now().Truncate(time.Millisecond).UTC()

func changes(viewers int) (out []users.Changes) {
	for i := range viewers {
		out = append(out, users.Changes{Viewer: fmt.Sprint("viewer-", i), Progress: []users.Progress{{
			Version: users.Version{At: now, ID: fmt.Sprint("e", i)}, Progress: &userv1.Progress{VideoId: "v1", ProgrammeId: "p1", Position: 10},
		}}})
	}
	return out
}

// TestThrottling: Apply goes on until there is capacity again, and readers are told at once.
func TestThrottling(t *testing.T) {
	day, counted := &badDay{}, prometheus.NewRegistry()
	s := open(t, dynamostore.Config{Transport: day, Metrics: dynamostore.NewMetrics(counted)})
	set := func(throttled bool) {
		day.mu.Lock()
		defer day.mu.Unlock()
		day.throttled = throttled
	}
	// failures are those that are counted, by their reason.
	failures := func() map[string]float64 {
		families, err := counted.Gather()
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]float64{}
		for _, m := range families[0].GetMetric() {
			out[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
		}
		return out
	}
	refused := func(n float64) {
		t.Helper()
		n += failures()["throttled"]
		servertest.Eventually(t, "refused so often", func() bool { return failures()["throttled"] >= n })
	}
	set(true)
	done := make(chan error, 1)
	go func() {
		done <- s.Apply(t.Context(), changes(100), map[string]stream.Position{"user.progress/0": {TopicID: "t", Incarnation: 1, Offset: 100}})
	}()
	began := time.Now()
	if _, err := s.Read(t.Context(), "viewer-1", []string{"video:v1"}, true); !errors.Is(err, users.ErrUnavailable) || time.Since(began) > 30*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	refused(10)
	set(false)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, c := range changes(100) {
		rows, err := s.Read(t.Context(), c.Viewer, []string{"video:v1"}, true)
		if err != nil || len(rows.Progress) != 1 {
			t.Fatalf("%s: %v, %v", c.Viewer, rows, err)
		}
	}
	set(true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { done <- s.Apply(ctx, changes(10), nil) }()
	refused(10)
	cancel()
	if err := <-done; !errors.Is(err, users.ErrUnavailable) {
		t.Errorf("it was given up: %v", err)
	}
	set(false)
	for reason, n := range failures() {
		if n >= 10 && reason != "throttled" {
			t.Errorf("%v are counted as %s", n, reason)
		}
	}
}

// TestNobodyAnswers: an address where nobody is, and one that accepts and stays silent.
func TestNobodyAnswers(t *testing.T) {
	silent := &silence{}
	for name, cfg := range map[string]dynamostore.Config{
		"nobody there": {Address: "http://127.0.0.1:1"}, "silence": {Address: "http://127.0.0.1:1", Transport: silent},
	} {
		cfg.Table, cfg.Now = "nowhere", time.Now
		s, err := dynamostore.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		_, err = s.Read(ctx, "viewer", []string{"video:v1"}, false)
		if !errors.Is(err, users.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Apply(ctx, changes(1), nil); !errors.Is(err, users.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

type silence struct{}

func (*silence) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestTable(t *testing.T) {
	url := servertest.DynamoDB(t)
	client := dynamodb.New(dynamodb.Options{
		BaseEndpoint: &url, Region: "local", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), DisableValidateResponseChecksum: true,
	})
	element := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	attribute := func(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: kind}
	}
	for name, test := range map[string]struct {
		made *dynamodb.CreateTableInput
		want []string
		mend bool // apply mends it
	}{
		"missing": {nil, []string{"DynamoDB has no table NAME", "run `regie tables apply`"}, true},
		"no index": {&dynamodb.CreateTableInput{
			KeySchema:            []types.KeySchemaElement{element("pk", types.KeyTypeHash), element("sk", types.KeyTypeRange)},
			AttributeDefinitions: []types.AttributeDefinition{attribute("pk", types.ScalarAttributeTypeS), attribute("sk", types.ScalarAttributeTypeS)},
		}, []string{"table NAME lacks the local index by-time: that cannot be altered", "table NAME never deletes what has expired: run `regie tables apply`"}, false},
		"other keys": {&dynamodb.CreateTableInput{
			KeySchema:            []types.KeySchemaElement{element("id", types.KeyTypeHash)},
			AttributeDefinitions: []types.AttributeDefinition{attribute("id", types.ScalarAttributeTypeN)},
		}, []string{"table NAME has the keys id (HASH, N) instead of pk (HASH, S) and sk (RANGE, S)", "lacks the local index"}, false},
		"an index of other things": {&dynamodb.CreateTableInput{
			KeySchema: []types.KeySchemaElement{element("pk", types.KeyTypeHash), element("sk", types.KeyTypeRange)},
			AttributeDefinitions: []types.AttributeDefinition{
				attribute("pk", types.ScalarAttributeTypeS), attribute("sk", types.ScalarAttributeTypeS), attribute("other", types.ScalarAttributeTypeS),
			},
			LocalSecondaryIndexes: []types.LocalSecondaryIndex{{
				IndexName: aws.String("by-time"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
				KeySchema: []types.KeySchemaElement{element("pk", types.KeyTypeHash), element("other", types.KeyTypeRange)},
			}},
		}, []string{"has the index by-time with the keys pk (HASH, S) and other (RANGE, S) instead of", "has the index by-time without all attributes"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			table := servertest.Name()
			s, err := dynamostore.Open(t.Context(), dynamostore.Config{Address: url, Table: table, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			if test.made != nil {
				test.made.TableName, test.made.BillingMode = &table, types.BillingModePayPerRequest
				if _, err := client.CreateTable(t.Context(), test.made); err != nil {
					t.Fatal(err)
				}
			}
			defer func() { _ = s.Drop(context.Background()) }()
			said := fmt.Sprint(s.CheckTable(t.Context()))
			for _, want := range test.want {
				if !strings.Contains(said, strings.ReplaceAll(want, "NAME", table)) {
					t.Errorf("it says %q\nand not %q", said, want)
				}
			}
			did, err := s.ApplyTable(t.Context(), dynamostore.Capacity{Read: 5, Write: 7})
			if (err == nil) != test.mend {
				t.Errorf("apply did %q, and then: %v", did, err)
			}
			if !test.mend {
				return
			}
			if err := s.CheckTable(t.Context()); err != nil {
				t.Error(err)
			}
			if again, err := s.ApplyTable(t.Context(), dynamostore.Capacity{}); len(again) > 0 || err != nil {
				t.Errorf("apply again did %q, %v", again, err)
			}
			d, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
			if err != nil || *d.Table.ProvisionedThroughput.ReadCapacityUnits != 5 || *d.Table.ProvisionedThroughput.WriteCapacityUnits != 7 {
				t.Errorf("capacity %v, %v", d.Table.ProvisionedThroughput, err)
			}
		})
	}
}

// TestExpiry: what nobody needs any more bears the time at which DynamoDB may delete it.
func TestExpiry(t *testing.T) {
	s := open(t, dynamostore.Config{Now: func() time.Time { return now }})
	old := now.Add(-100 * 24 * time.Hour)
	at := func(at time.Time, id string) users.Version { return users.Version{At: at, ID: id} }
	err := s.Apply(t.Context(), []users.Changes{{
		Viewer:     "viewer",
		Favourites: []users.Favourite{{Target: "video:v1", Version: at(now, "e1")}, {Target: "video:v2", Version: at(old, "e2"), Removed: true}},
		Progress: []users.Progress{
			{Version: at(old, "e3"), Progress: &userv1.Progress{VideoId: "v1", ProgrammeId: "p1"}},
			{Version: at(old, "e4"), Progress: &userv1.Progress{VideoId: "v2", ProgrammeId: "p1"}, Removed: true},
		},
	}}, nil)
	if err == nil {
		_, err = s.Remember(t.Context(), "viewer", "key", []byte("content"), now)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Expiries(t.Context(), "viewer")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]time.Time{
		"f/video:v1": {}, "f/video:v2": now.Add(users.KeepRemoved), "p/video/v1": old.Add(users.KeepProgress), "p/latest/p1": old.Add(users.KeepProgress),
		"p/video/v2": now.Add(users.KeepRemoved), "k/key": now.Add(users.KeepKeys),
	}
	for sk, at := range want {
		if g, ok := got[sk]; !ok || g.Unix() != max(at.Unix(), 0) {
			t.Errorf("%s expires at %v, not %v", sk, g, at)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d items: %v", len(got), got)
	}
}
