package catalog_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"regie/internal/catalog"
	"regie/internal/stream"
)

func part(topic string, n int32) stream.Assigned { return stream.Assigned{Topic: topic, Partition: n} }

func end(topic string, n int32, offset int64) stream.Record {
	return stream.Record{Topic: topic, Partition: n, Offset: offset, TopicID: "a/b+c", Fence: stream.Fence{Incarnation: 7, Offset: offset}}
}

func TestPositionsAreKeptByRole(t *testing.T) {
	s := open(t)
	parts := []stream.Assigned{part("a", 0), part("b", 0), part("a", 1)}
	mine := s.Positions("project")
	got, err := mine.Load(t.Context(), parts)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(make([]*stream.Position, 3), got); diff != "" {
		t.Errorf("at first: %s", diff)
	}
	if err := mine.Store(t.Context(), []stream.Record{end("a", 1, 41), end("b", 0, 9)}); err != nil {
		t.Fatal(err)
	}
	if err := mine.Store(t.Context(), []stream.Record{end("a", 1, 42)}); err != nil {
		t.Fatal(err)
	}
	want := []*stream.Position{nil, {TopicID: "a/b+c", Incarnation: 7, Offset: 10}, {TopicID: "a/b+c", Incarnation: 7, Offset: 43}}
	for name, p := range map[string]*catalog.Positions{"itself": mine, "the next of this role": s.Positions("project")} {
		got, err := p.Load(t.Context(), parts)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got, err = s.Positions("trend").Load(t.Context(), parts); err != nil || got[1] != nil {
		t.Errorf("another role: %v, %v", got, err)
	}
}

func TestPositionsThatMoved(t *testing.T) {
	parts := []stream.Assigned{part("a", 0), part("a", 1)}
	tests := map[string]struct {
		behind func(t *testing.T, s *store)
		moved  []stream.Assigned
	}{
		"nobody touched them": {func(*testing.T, *store) {}, nil},
		"emptied": {func(t *testing.T, s *store) {
			for _, k := range s.keys() {
				s.redis.Del(t.Context(), k)
			}
		}, parts},
		"one is another instance's": {func(t *testing.T, s *store) {
			other := s.Positions("project")
			if _, err := other.Load(t.Context(), parts); err != nil {
				t.Fatal(err)
			}
			if err := other.Store(t.Context(), []stream.Record{end("a", 1, 99)}); err != nil {
				t.Fatal(err)
			}
		}, parts[1:]},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			p := s.Positions("project")
			if _, err := p.Load(t.Context(), parts); err != nil {
				t.Fatal(err)
			}
			if err := p.Store(t.Context(), []stream.Record{end("a", 0, 1), end("a", 1, 1)}); err != nil {
				t.Fatal(err)
			}
			tt.behind(t, s)
			moved, err := p.Moved(t.Context(), parts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.moved, moved); diff != "" {
				t.Error(diff)
			}
			before, err := s.Positions("project").Load(t.Context(), parts)
			if err != nil {
				t.Fatal(err)
			}
			err = p.Store(t.Context(), []stream.Record{end("a", 0, 2), end("a", 1, 2)})
			if errors.Is(err, stream.ErrMoved) != (tt.moved != nil) {
				t.Errorf("storing: %v", err)
			}
			if tt.moved == nil {
				return
			}
			after, err := p.Load(t.Context(), parts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("refused and stored nevertheless: %s", diff)
			}
			// Having looked again, it goes on.
			if err := p.Store(t.Context(), []stream.Record{end("a", 0, 2), end("a", 1, 2)}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAPositionThatIsNoneIsSaid(t *testing.T) {
	s := open(t)
	if err := s.redis.HSet(t.Context(), s.prefix+":position:project:a", "0", "rubbish").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Positions("project").Load(t.Context(), []stream.Assigned{part("a", 0)}); err == nil {
		t.Error("it is taken for one")
	}
}

// TestAFailureBesideAnAbsentPositionIsSaid: it must not be taken for another absent one, which begins a log again.
func TestAFailureBesideAnAbsentPositionIsSaid(t *testing.T) {
	s := open(t)
	if err := s.redis.Set(t.Context(), s.prefix+":position:project:b", "no hash", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Positions("project").Load(t.Context(), []stream.Assigned{part("a", 0), part("b", 0)}); err == nil {
		t.Errorf("%v and no error", got)
	}
}
