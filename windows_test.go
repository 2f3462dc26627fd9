package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"regie/internal/servertest"
)

// instant is when one programme's window opens and another's closes, and those of two videos of a third one, which can be
// watched all the time.
type instant struct {
	*system
	t  *testing.T
	at time.Time
}

const windowsQuery = `{
	opens: programme(by: {id: "programme:opens"}) { ...whole } closes: programme(by: {id: "programme:closes"}) { ...whole }
	steady: programme(by: {id: "programme:steady"}) { ...whole }
	opening: video(by: {id: "video:opening"}) { availability { from state until } }
	closing: video(by: {id: "video:closing"}) { availability { from state until } }
	list: channel(by: {slug: "windows"}) { programmes { edges { node { slug } } } }
	rail: page(slug: "home") { sections { edges { node { cards { edges { node { target { ... on Programme { slug } } } } } } } } }
} fragment whole on Programme {
	availability { from state until } sections { title cards { edges { node { target { ... on Video { slug } } } } } }
}`

// put writes all documents.
func (i instant) put() {
	i.t.Helper()
	put := func(collection, id string, doc bson.M) {
		doc["slug"], doc["title"] = id, strings.ToUpper(id)
		_, err := i.mongo.Collection(collection).ReplaceOne(i.t.Context(), bson.M{"_id": id}, doc, options.Replace().SetUpsert(true))
		if err != nil {
			i.t.Fatal(err)
		}
	}
	from, until := bson.A{bson.M{"from": i.at}}, bson.A{bson.M{"until": i.at}}
	put("channel", "windows", bson.M{"kind": "TV"})
	put("page", "home", bson.M{"sections": bson.A{bson.M{"rule": bson.M{"channel": "windows", "order": "TITLE"}}}})
	sections := bson.A{
		bson.M{"title": "Bonus", "kinds": bson.A{"BONUS"}, "limit": 2}, bson.M{"title": "Episodes", "kinds": bson.A{"EPISODE"}, "limit": 2},
	}
	for id, rights := range map[string]bson.A{"opens": from, "closes": until, "steady": nil} {
		put("programme", id, bson.M{"kind": "SERIES", "channel": "windows", "sections": sections, "rights": rights})
	}
	published := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	video := func(id, programme, kind string, rights bson.A) {
		published = published.Add(-time.Hour)
		put("video", id, bson.M{"programme": programme, "kind": kind, "duration": 60, "publishedAt": published, "rights": rights})
	}
	video("opening", "steady", "EPISODE", from)
	video("episode", "steady", "EPISODE", nil)
	video("closing", "steady", "BONUS", until)
	video("bonus-1", "steady", "BONUS", nil)
	video("bonus-2", "steady", "BONUS", nil)
	video("opens-1", "opens", "EPISODE", nil)
	video("closes-1", "closes", "EPISODE", nil)
}

// before and after are what is answered then.
func (i instant) before() map[string]string {
	at := i.at.Format(time.RFC3339)
	return map[string]string{
		"opens": at + " UPCOMING -", "opening": at + " UPCOMING -",
		"closes": "- AVAILABLE " + at + " closes-1 Episodes", "closing": "- AVAILABLE " + at,
		"steady": "- AVAILABLE - closing bonus-1 Bonus episode Episodes",
		"list":   "closes steady", "rail": "closes steady",
	}
}

func (i instant) after() map[string]string {
	at := i.at.Format(time.RFC3339)
	return map[string]string{
		"opens": at + " AVAILABLE - opens-1 Episodes", "opening": at + " AVAILABLE -",
		"closes": "- EXPIRED " + at, "closing": "- EXPIRED " + at,
		"steady": "- AVAILABLE - bonus-1 bonus-2 Bonus opening episode Episodes",
		"list":   "opens steady", "rail": "opens steady",
	}
}

// answered is what the gateway says, each field as the words in it; a list's in alphabetical order.
func (i instant) answered() map[string]string {
	i.t.Helper()
	a := ask(i.t, i.site+"/query", windowsQuery, nil)
	if len(a.Errors) > 0 {
		i.t.Fatalf("the gateway answers %v", a.Errors)
	}
	out := map[string]string{}
	for field, v := range a.Data {
		words := wordsOf(v)
		if field == "list" {
			slices.Sort(words)
		}
		out[field] = strings.Join(words, " ")
	}
	return out
}

// wordsOf are the values in an answer, by the names of their fields.
func wordsOf(v any) (out []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, wordsOf(v[k])...)
		}
	case []any:
		for _, e := range v {
			out = append(out, wordsOf(e)...)
		}
	case nil:
		out = append(out, "-")
	default:
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// nextInstant writes documents of an instant to come after lead, or after longer on a slow machine, and returns when what is
// before it is served.
func (s *system) nextInstant(t *testing.T, lead time.Duration) instant {
	t.Helper()
	for ; ; lead *= 2 {
		i := instant{s, t, time.Now().UTC().Add(lead).Truncate(time.Second)}
		i.put()
		var got map[string]string
		servertest.Await(t, func() string {
			if got = i.answered(); maps.Equal(got, i.before()) || maps.Equal(got, i.after()) {
				return ""
			}
			return fmt.Sprintf("%v is neither %v nor %v", got, i.before(), i.after())
		})
		if maps.Equal(got, i.before()) && time.Until(i.at) > time.Second {
			return i
		}
		i.become(slices.Collect(maps.Keys(got))...) // the machine is slow
	}
}

// windowsLead is for a machine that is not slow.
const windowsLead = 4 * time.Second

// become waits until fields are what they are after the instant, and returns how late each was. Until the instant nothing may
// be other than before.
func (i instant) become(fields ...string) map[string]time.Duration {
	i.t.Helper()
	before, after := i.before(), i.after()
	late := map[string]time.Duration{}
	servertest.Await(i.t, func() (missing string) {
		got := i.answered()
		now := time.Now()
		if now.Before(i.at) && !maps.Equal(got, before) {
			i.t.Fatalf("%s before the instant it is %v, not %v", i.at.Sub(now), got, before)
		}
		for _, f := range fields {
			if got[f] != after[f] {
				missing = fmt.Sprintf("%s is %q, not %q", f, got[f], after[f])
			} else if _, ok := late[f]; !ok {
				late[f] = now.Sub(i.at).Round(time.Millisecond)
			}
		}
		return missing
	})
	return late
}

// TestWindowsOnTime: a window that opens or closes changes availability, lists, rails and sections at that second, without an
// editor; those that wait for ingest as soon as it is back, when it was down over that time.
func TestWindowsOnTime(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	ingest := []string{"capture", "transform", "recommend", "project", "schedule"}
	all := append(slices.Clone(ingest), "gateway")
	s.env = append(s.env, "REGIE_INSTANCE=one")
	for _, role := range all {
		s.ports[role] = freeAddresses(t)
		s.start(role)
	}
	s.site = "http://" + s.ports["gateway"][0]
	for _, role := range all {
		s.awaitReady(role)
	}
	// The gateway has a clock of its own; the others wait for the scheduler.
	clock, scheduled := []string{"opening", "closing", "closes", "list", "rail"}, []string{"opens", "steady"}
	t.Run("while all runs", func(t *testing.T) {
		t.Attr("windows-late", fmt.Sprint(s.nextInstant(t, windowsLead).become(slices.Concat(clock, scheduled)...)))
	})
	t.Run("while ingest is down", func(t *testing.T) {
		var i instant
		for lead := windowsLead; ; lead *= 2 {
			i = s.nextInstant(t, lead)
			// A touch of an edit that is still under way would stand in for the scheduler's.
			pause(t.Context(), time.Until(i.at.Add(-lead/4)))
			for _, role := range ingest {
				s.roles[role].kill()
			}
			if time.Now().Before(i.at) {
				break
			}
			for _, role := range ingest { // the machine is slow
				s.start(role)
			}
			i.become(slices.Concat(clock, scheduled)...)
		}
		i.become(clock...)
		for _, f := range scheduled {
			if got := i.answered()[f]; got == i.after()[f] {
				t.Errorf("%s is %q, and nobody was there to compute it", f, got)
			}
		}
		began := time.Now()
		for _, role := range ingest {
			s.start(role)
		}
		i.become(slices.Concat(clock, scheduled)...)
		t.Attr("windows-after-a-restart", time.Since(began).Round(time.Millisecond).String())
	})
}
