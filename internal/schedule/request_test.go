package schedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"regie/internal/schedule"
	"regie/internal/stream"
)

// name is a cluster's whose project is p.
func name(whole string) string {
	if n, ok := strings.CutPrefix(whole, "p."); ok {
		return n
	}
	return "/" + whole
}

// TestRequestsAreReadAsTheyWereMade: what a producer asks for is what is to be produced.
func TestRequestsAreReadAsTheyWereMade(t *testing.T) {
	at := time.Unix(1893456000, 1)
	for what, r := range map[string]stream.Record{
		"all":         {Key: []byte("k"), Value: []byte("v"), Headers: stream.Headers{{Key: "h", Value: "1"}}},
		"an empty":    {Key: []byte("k"), Value: []byte{}},
		"a tombstone": {Key: []byte("k")},
		"no key":      {Value: []byte("v")},
	} {
		asked := schedule.Request("id", at, "elsewhere", r)
		if asked.Value == nil {
			t.Errorf("%s: the request is a tombstone", what)
		}
		e := schedule.Read(asked, name)
		if e.Problem != "" || e.ID != "id" || e.Epoch != 1893456001 || e.Target != "elsewhere" {
			t.Errorf("%s: %+v", what, e)
		}
		if diff := cmp.Diff([][]byte{r.Key, r.Value}, [][]byte{e.Key, e.Value}); diff != "" {
			t.Error(what, diff)
		}
	}
}

// TestWhoMayBeWritten goes through all of the project's topics: one that is added has a writer, too.
func TestWhoMayBeWritten(t *testing.T) {
	may := map[string]bool{stream.ProgrammeTouched: true}
	for _, topic := range stream.Topics() {
		if err := schedule.CheckTarget("p."+topic.Name, name); (err == nil) != may[topic.Name] {
			t.Errorf("%s: %v", topic.Name, err)
		}
	}
	for target, ok := range map[string]bool{
		"elsewhere": true, "cms.video": true, "other.cms.video": true, "p.own": true, "p.owncms.x": true, "elsewhere.dead": true,
		"p.schedule.later": false, "p.notify.dead": false, "__transaction_state": false, "": false, ".": false, "a/b": false, strings.Repeat("x", 250): false,
	} {
		if err := schedule.CheckTarget(target, name); (err == nil) != ok {
			t.Errorf("%q: %v", target, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("1893456000", "elsewhere", "k", "nil", []byte("v"))
	f.Add("-1", "p.cms.video", "", "x", []byte{})
	f.Fuzz(func(t *testing.T, epoch, target, key, payload string, value []byte) {
		e := schedule.Read(stream.Record{Key: []byte("id"), Value: value, Headers: stream.Headers{
			{Key: schedule.HeaderEpoch, Value: epoch}, {Key: schedule.HeaderTargetTopic, Value: target},
			{Key: schedule.HeaderTargetKey, Value: key}, {Key: schedule.HeaderPayload, Value: payload}}}, name)
		if e.Problem == "" && (e.Epoch < 0 || e.Epoch > schedule.LastEpoch || e.Target != target) || e.Problem != "" && e.Epoch != 0 {
			t.Errorf("%+v", e)
		}
		if e.Problem == "" {
			if n, err := fmt.Sscan(epoch, new(int64)); n != 1 || err != nil {
				t.Errorf("the epoch %q was taken", epoch)
			}
		}
	})
}
