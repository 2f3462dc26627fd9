package schedule_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	role "regie/ingest/schedule"
	"regie/internal/servertest"
	"regie/internal/stream"
)

func faulty(t *testing.T) (*kfake.Cluster, *env) {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k, openOn(t, strings.Join(k.ListenAddrs(), ","))
}

// TestKafkaFails at each request that a transaction is made of: it is fired once, when Kafka takes it.
func TestKafkaFails(t *testing.T) {
	k, e := faulty(t)
	e.start(nil)
	var want []string
	next := func(name string) {
		t.Helper()
		want = append(want, name)
		e.produce(e.request(name, time.Second, name))
		e.awaitFired(want...)
		e.awaitPending()
	}
	next("before")
	for name, fault := range map[string]kfake.Fault{
		"the group has another generation": {Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.IllegalGeneration, Count: 1},
		"the instance was replaced":        {Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.InvalidProducerEpoch, Count: 1},
		"the coordinator moves":            {Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.NotCoordinator, Count: 2},
		"the leader moves":                 {Keys: []kmsg.Key{kmsg.Produce}, Topic: e.target, Err: kerr.NotLeaderForPartition, Count: 2},
		"too few replicas":                 {Keys: []kmsg.Key{kmsg.Produce}, Topic: e.target, Err: kerr.NotEnoughReplicas, Count: 3},
	} {
		h := k.Fault(fault)
		next(name)
		if h.Hits() == 0 {
			t.Errorf("%s: nothing failed", name)
		}
	}
	// The transaction is committed, and nobody hears of it.
	cut := 0
	k.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
		if cut++; cut > 1 {
			return nil, nil, false
		}
		k.KeepControl()
		return nil, errors.New("cut"), true
	})
	next("a cut")
	e.onceEach("/"+e.target, len(want))
	e.onceEach(stream.ScheduleHistory, len(want))
}

// TestTooMuchForOneTransaction, as it takes longer than the broker has it go on: less is tried.
func TestTooMuchForOneTransaction(t *testing.T) {
	k, e := faulty(t)
	const n, most = 20, 9 // records: three each
	written, cut := 0, 0
	k.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if p, ok := req.(*kmsg.ProduceRequest); ok && p.TransactionID != nil {
			for _, topic := range p.Topics {
				for _, part := range topic.Partitions {
					written += int(binary.BigEndian.Uint32(part.Records[57:])) // of the batch
				}
			}
		}
		return nil, nil, false
	})
	k.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		end, ok := req.(*kmsg.EndTxnRequest)
		much := ok && end.Commit && written > most
		if written = 0; !much {
			return nil, nil, false
		}
		cut++
		res := kmsg.NewPtrEndTxnResponse()
		res.Version = req.GetVersion()
		res.ErrorCode = kerr.InvalidProducerEpoch.Code
		return res, nil, true
	})
	var rs []stream.Record
	var want []string
	for i := range n {
		want = append(want, fmt.Sprint(i))
		r := e.request(want[i], 0, want[i])
		r.Partition = 4
		rs = append(rs, r)
	}
	e.produce(rs...)
	e.start(nil, n)
	e.awaitFired(want...)
	e.awaitPending()
	t.Logf("%d transactions were too large", cut)
}

// TestATargetThatMayNotBeWritten, though it was known to be a moment ago, holds nothing else up.
func TestATargetThatMayNotBeWritten(t *testing.T) {
	k, e := faulty(t)
	secret := e.topic("secret", nil)
	e.start(nil)
	h := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: secret, Err: kerr.TopicAuthorizationFailed, Count: -1})
	bad := e.request("bad", time.Second, "bad")
	bad.Headers[1].Value = secret
	e.produce(bad, e.request("good", time.Second, "good"), e.request("better", time.Second, "better"))
	e.awaitFired("better", "good")
	servertest.Eventually(e.t, "set aside", func() bool { return len(e.read(stream.Dead(role.Role))) == 1 })
	e.awaitPending()
	if reason := e.read(stream.Dead(role.Role))[0].Headers.Get(stream.HeaderReason); !strings.Contains(reason, secret) || !strings.Contains(reason, "uthorization") || h.Hits() == 0 {
		t.Error(reason)
	}
}

// TestATargetThatDoesNotAnswer has what is for it wait, and nothing else, be it behind them in the index.
func TestATargetThatDoesNotAnswer(t *testing.T) {
	k, e := faulty(t)
	mute := e.topic("mute", nil)
	h := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: mute, Err: kerr.NotEnoughReplicas, Count: -1})
	e.start(nil, 2)
	var rs []stream.Record
	var waiting []string
	for i := range 5 {
		r := e.request(fmt.Sprint("waits ", i), 0, fmt.Sprint("waits ", i))
		r.Headers[1].Value = mute
		rs, waiting = append(rs, r), append(waiting, string(r.Key))
	}
	rs = append(rs, e.request("good", 0, "good"))
	for i := range rs {
		rs[i].Partition = 4
	}
	e.produce(rs...)
	e.awaitFired("good")
	e.awaitPending(waiting...)
	e.produce(e.request("better", 0, "better"))
	e.awaitFired("better", "good")
	h.Remove()
	e.ahead.Add(int64(time.Minute))
	servertest.Eventually(e.t, "all fired", func() bool { return len(e.read("/"+mute)) == len(waiting) })
	e.awaitPending()
	e.onceEach("/"+mute, len(waiting))
	e.onceEach("/"+e.target, 2)
	e.onceEach(stream.ScheduleHistory, len(waiting)+2)
}
