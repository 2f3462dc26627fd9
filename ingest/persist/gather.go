package persist

import (
	"errors"
	"fmt"
	"maps"

	"google.golang.org/protobuf/proto"

	"regie/internal/stream"
	"regie/internal/users"
)

// gathered is what a batch leaves of each viewer.
type gathered struct {
	viewers []*viewer // in the order in which they come
	byName  map[string]*viewer
	// events, rejected and erasures count the records by topic.
	events, rejected, erasures map[string]int
}

// viewer gathers one viewer's changes, in the order of the log.
type viewer struct {
	name       string
	erased     bool // then nothing else counts, whatever follows
	favourites map[string]users.Favourite
	progress   map[string]users.Progress // by video
	cleared    users.Version
}

// gather reads a batch and rejects what can never be applied.
func gather(b *stream.Batch) *gathered {
	c := &gathered{byName: map[string]*viewer{}, events: map[string]int{}, rejected: map[string]int{}, erasures: map[string]int{}}
	for i := range b.Records {
		r := &b.Records[i]
		c.events[r.Topic]++
		if err := c.add(r); err != nil {
			c.rejected[r.Topic]++
			b.Reject(i, err)
		}
	}
	return c
}

func (c *gathered) add(r *stream.Record) error {
	switch r.Topic {
	case stream.UserFavourite:
		return c.favourite(r)
	case stream.UserProgress:
		return c.progress(r)
	}
	return stream.Permanent(fmt.Errorf("topic %s is none that is stored", r.Topic))
}

func decode(r *stream.Record, m proto.Message) error {
	if r.Value == nil {
		return stream.Permanent(errors.New("the record has no value"))
	}
	return r.Decode(m)
}

// of returns a viewer's, made when it is new.
func (c *gathered) of(name string) *viewer {
	v := c.byName[name]
	if v == nil {
		v = &viewer{name: name}
		c.byName[name] = v
		c.viewers = append(c.viewers, v)
	}
	return v
}

func (v *viewer) setFavourite(f users.Favourite) {
	if v.favourites == nil {
		v.favourites = map[string]users.Favourite{}
	}
	if old, ok := v.favourites[f.Target]; !ok || old.Version.Compare(f.Version) < 0 {
		v.favourites[f.Target] = f
	}
}

func (v *viewer) setProgress(p users.Progress) {
	if v.progress == nil {
		v.progress = map[string]users.Progress{}
	}
	if old, ok := v.progress[p.VideoId]; !ok || old.Version.Compare(p.Version) < 0 {
		v.progress[p.VideoId] = p
	}
}

func (v *viewer) clear(until users.Version) {
	if v.cleared.IsZero() || v.cleared.Compare(until) < 0 {
		v.cleared = until
	}
}

func (c *gathered) erase(topic, viewer string) {
	c.erasures[topic]++
	c.of(viewer).erased = true
}

// changes are the viewers' as the store takes them.
func (c *gathered) changes() []users.Changes {
	out := make([]users.Changes, 0, len(c.viewers))
	for _, v := range c.viewers {
		if v.erased {
			out = append(out, users.Changes{Viewer: v.name, Erased: true})
			continue
		}
		ch := users.Changes{Viewer: v.name, Cleared: v.cleared}
		for _, f := range v.favourites {
			ch.Favourites = append(ch.Favourites, f)
		}
		for _, p := range v.progress {
			if v.cleared.IsZero() || v.cleared.Compare(p.Version) < 0 {
				ch.Progress = append(ch.Progress, p)
			}
		}
		out = append(out, ch)
	}
	return out
}

// rows are how many of a topic's the store is given.
func (c *gathered) rows(changes []users.Changes) map[string]int {
	n := maps.Clone(c.erasures)
	for _, ch := range changes {
		n[stream.UserFavourite] += len(ch.Favourites)
		n[stream.UserProgress] += len(ch.Progress)
		if !ch.Cleared.IsZero() {
			n[stream.UserProgress]++
		}
	}
	return n
}
