package stream_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"regie/internal/stream"
)

func TestResume(t *testing.T) {
	const now = 2_000_000_000
	log := stream.Assigned{Topic: "t", TopicID: "id", Low: 10, High: 100, Committed: -1}
	with := func(change func(*stream.Assigned)) stream.Assigned { a := log; change(&a); return a }
	at := func(offset int64) *stream.Position {
		return &stream.Position{TopicID: "id", Incarnation: 7, Offset: offset}
	}
	doubted := func(sure int64) *stream.Position {
		return &stream.Position{TopicID: "id", Incarnation: 7, Offset: 42, Doubt: "failed over", Sure: sure}
	}
	foreign := func(committed int64) stream.Assigned {
		return with(func(a *stream.Assigned) { a.Committed, a.Foreign = committed, true })
	}
	tests := map[string]struct {
		log    stream.Assigned
		stored *stream.Position
		want   stream.Start
		said   bool // why it does not begin where the sink stood
	}{
		"what was applied last may be gone":           {log, doubted(30), stream.Start{Offset: 30, Incarnation: 7}, true},
		"what was ever applied may be gone":           {log, doubted(0), stream.Start{Offset: 10, Incarnation: 7}, true},
		"some may be gone, and the group is behind":   {with(func(a *stream.Assigned) { a.Committed = 20 }), doubted(30), stream.Start{Offset: 20, Incarnation: 7}, true},
		"some may be gone, of another topic":          {log, &stream.Position{TopicID: "old", Incarnation: 7, Offset: 42, Doubt: "failed over", Sure: 40}, stream.Start{Offset: 10, Incarnation: now}, true},
		"an operator set the group back":              {foreign(30), at(42), stream.Start{Offset: 30, Incarnation: 7}, true},
		"an operator set the group forward":           {foreign(60), at(42), stream.Start{Offset: 42, Incarnation: 7}, false},
		"the group was set beyond the end":            {foreign(1000), at(42), stream.Start{Offset: 42, Incarnation: 7}, false},
		"the log's beginning moved right to it":       {with(func(a *stream.Assigned) { a.Low = 42 }), at(42), stream.Start{Offset: 42, Incarnation: 7}, false},
		"the log was cut behind and some may be gone": {with(func(a *stream.Assigned) { a.Low = 35 }), doubted(30), stream.Start{Offset: 35, Incarnation: 7}, true},
		"the sink has nothing":                        {log, nil, stream.Start{Offset: 10, Incarnation: now}, true},
		"the sink has nothing, the group has":         {with(func(a *stream.Assigned) { a.Committed = 50 }), nil, stream.Start{Offset: 10, Incarnation: now}, true},
		"where it stood":                              {log, at(42), stream.Start{Offset: 42, Incarnation: 7}, false},
		"at the log's end":                            {log, at(100), stream.Start{Offset: 100, Incarnation: 7}, false},
		"beyond the log's end":                        {log, at(101), stream.Start{Offset: 10, Incarnation: now}, true},
		"another topic of that name":                  {log, &stream.Position{TopicID: "old", Incarnation: 7, Offset: 42}, stream.Start{Offset: 10, Incarnation: now}, true},
		"another topic, the clock stepped back": {
			log, &stream.Position{TopicID: "old", Incarnation: now + 5, Offset: 42}, stream.Start{Offset: 10, Incarnation: now + 6}, true,
		},
		"beyond the end twice in a second": {
			log, &stream.Position{TopicID: "id", Incarnation: now, Offset: 101}, stream.Start{Offset: 10, Incarnation: now + 1}, true,
		},
		"the group committed less":          {with(func(a *stream.Assigned) { a.Committed = 30 }), at(42), stream.Start{Offset: 30, Incarnation: 7}, false},
		"the group committed more":          {with(func(a *stream.Assigned) { a.Committed = 60 }), at(42), stream.Start{Offset: 42, Incarnation: 7}, false},
		"the group was set back to 0":       {with(func(a *stream.Assigned) { a.Committed = 0 }), at(42), stream.Start{Offset: 10, Incarnation: 7}, false},
		"the log's beginning moved past it": {with(func(a *stream.Assigned) { a.Low = 50 }), at(42), stream.Start{Offset: 50, Incarnation: 7}, true},
		"the log is empty and new":          {with(func(a *stream.Assigned) { a.Low, a.High = 0, 0 }), nil, stream.Start{Offset: 0, Incarnation: now}, true},
		"everything in the log was deleted": {with(func(a *stream.Assigned) { a.Low = 100 }), at(100), stream.Start{Offset: 100, Incarnation: 7}, false},
		"the group lags behind a moved start": {
			with(func(a *stream.Assigned) { a.Low, a.Committed = 50, 20 }), at(60), stream.Start{Offset: 50, Incarnation: 7}, false,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := stream.Resume(tt.log, tt.stored, time.Unix(now, 0))
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(stream.Start{}, "Why", "Detail")); diff != "" {
				t.Error(diff)
			}
			if said := got.Why != ""; said != tt.said {
				t.Errorf("reason %q", got.Why)
			}
		})
	}
}
