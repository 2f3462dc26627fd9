package capture_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"regie/internal/cms"
	"regie/internal/servertest"
)

// replicaSet is a MongoDB of the test's own, to be killed and to have its oplog overrun.
type replicaSet struct {
	t       *testing.T
	binary  string
	members []*member
	store   *cms.Mongo
	db      *mongo.Database
	uri     string
	name    string
}

type member struct {
	addr, dir string
	cmd       *exec.Cmd
}

// oplogBytes is what a set's oplog is cut down to.
const oplogBytes = 1 << 20

// newReplicaSet starts servers of the binary that runs as TEST_MONGO.
func newReplicaSet(t *testing.T, members int) *replicaSet {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*servertest.Patience)
	defer cancel()
	rs := &replicaSet{t: t, name: servertest.Name()}
	var opts struct{ Argv []string }
	model := connect(t, servertest.Mongo(t))
	if err := model.Database("admin").RunCommand(ctx, bson.D{{Key: "getCmdLineOpts", Value: 1}}).Decode(&opts); err != nil {
		t.Fatal(err)
	}
	rs.binary = opts.Argv[0]
	var config bson.A
	var addrs []string
	for i := range members {
		m := &member{addr: servertest.FreeAddress(t), dir: t.TempDir()}
		rs.members = append(rs.members, m)
		rs.start(m)
		t.Cleanup(func() { rs.kill(m) })
		addrs = append(addrs, m.addr)
		config = append(config, bson.D{{Key: "_id", Value: i}, {Key: "host", Value: m.addr}})
	}
	first := connect(t, "mongodb://"+rs.members[0].addr+"/?directConnection=true")
	err := first.Database("admin").RunCommand(ctx, bson.D{{Key: "replSetInitiate", Value: bson.D{
		{Key: "_id", Value: "rs"}, {Key: "members", Value: config},
		{Key: "settings", Value: bson.D{{Key: "electionTimeoutMillis", Value: 1000}, {Key: "heartbeatIntervalMillis", Value: 200}}},
	}}}).Err()
	if err != nil {
		t.Fatal(err)
	}
	rs.uri = "mongodb://" + strings.Join(addrs, ",") + "/?replicaSet=rs"
	rs.db = connect(t, rs.uri).Database(rs.name)
	for {
		if rs.store, err = cms.OpenMongo(ctx, rs.uri, rs.name); err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { rs.store.Close(context.Background()) })
	return rs
}

func connect(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerSelectionTimeout(30 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(context.Background()) })
	return client
}

func (rs *replicaSet) start(m *member) {
	rs.t.Helper()
	_, port, _ := net.SplitHostPort(m.addr)
	log, err := os.Create(filepath.Join(m.dir, "log"))
	if err != nil {
		rs.t.Fatal(err)
	}
	defer log.Close()
	m.cmd = exec.Command(rs.binary, "--dbpath", m.dir, "--port", port, "--bind_ip", "127.0.0.1", "--replSet", "rs", "--nounixsocket",
		"--oplogSize", fmt.Sprint(oplogBytes>>20), "--syncdelay", "1", "--wiredTigerCacheSizeGB", "0.25", "--enableFreeMonitoring", "off",
		"--setParameter", "diagnosticDataCollectionEnabled=false", "--setParameter", "enableTestCommands=1")
	m.cmd.Stdout, m.cmd.Stderr = log, log
	if err := m.cmd.Start(); err != nil {
		rs.t.Fatal(err)
	}
	for end := time.Now().Add(servertest.Patience); ; {
		c, err := net.Dial("tcp", m.addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			rs.t.Fatalf("%s: %v", m.addr, err)
		}
		pause()
	}
}

// kill is kill -9.
func (rs *replicaSet) kill(m *member) {
	if m.cmd != nil {
		m.cmd.Process.Kill()
		m.cmd.Wait()
		m.cmd = nil
	}
}

// primary is the member that takes writes, when one does: a slow machine has them elect one at any time.
func (rs *replicaSet) primary() (primary *member) {
	rs.t.Helper()
	servertest.Await(rs.t, func() string {
		var hello struct{ Primary string }
		if err := rs.db.RunCommand(rs.t.Context(), bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
			return err.Error()
		}
		i := slices.IndexFunc(rs.members, func(m *member) bool { return m.addr == hello.Primary })
		if i < 0 {
			return fmt.Sprintf("%q is no member", hello.Primary)
		}
		primary = rs.members[i]
		return ""
	})
	return primary
}

// overrun writes elsewhere until the oplog has nothing left of what is there now.
func (rs *replicaSet) overrun() {
	rs.t.Helper()
	oplog := rs.db.Client().Database("local").Collection("oplog.rs")
	at := func(natural int) (ts bson.Timestamp) {
		rs.t.Helper()
		doc, err := oplog.FindOne(rs.t.Context(), bson.D{}, options.FindOne().SetSort(bson.D{{Key: "$natural", Value: natural}})).Raw()
		if err != nil {
			rs.t.Fatal(err)
		}
		ts.T, ts.I = doc.Lookup("ts").Timestamp()
		return ts
	}
	traffic := rs.db.Client().Database("traffic").Collection("noise")
	last := at(-1)
	for end := time.Now().Add(servertest.Patience); !at(1).After(last); {
		if _, err := traffic.InsertOne(rs.t.Context(), bson.D{{Key: "text", Value: strings.Repeat("x", 200_000)}}); err != nil {
			rs.t.Fatal(err)
		}
		if time.Now().After(end) {
			rs.t.Fatal("the oplog forgets nothing")
		}
	}
}

// fail has the server answer a command on collection programme with an error, n times.
func (rs *replicaSet) fail(command string, code, n int) {
	rs.t.Helper()
	err := rs.db.Client().Database("admin").RunCommand(rs.t.Context(), bson.D{
		{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: bson.D{{Key: "times", Value: n}}},
		{Key: "data", Value: bson.D{
			{Key: "failCommands", Value: bson.A{command}}, {Key: "errorCode", Value: code},
			{Key: "namespace", Value: rs.name + ".programme"}, {Key: "appName", Value: "regie"},
		}},
	}).Err()
	if err != nil {
		rs.t.Fatal(err)
	}
}

// pause yields while something outside this process comes about.
func pause() { <-time.After(20 * time.Millisecond) }
