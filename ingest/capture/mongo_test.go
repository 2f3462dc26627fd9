package capture_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"regie/internal/servertest"
)

// TestACollectionThatIsReplacedByARename is how a collection is restored from a copy made beside it.
func TestACollectionThatIsReplacedByARename(t *testing.T) {
	rename := func(t *testing.T, db *mongo.Database) {
		t.Helper()
		err := db.Client().Database("admin").RunCommand(t.Context(), bson.D{
			{Key: "renameCollection", Value: db.Name() + ".copy"}, {Key: "to", Value: db.Name() + ".programme"}, {Key: "dropTarget", Value: true},
		}).Err()
		if err != nil {
			t.Fatal(err)
		}
	}
	fill := func(t *testing.T, db *mongo.Database, docs ...any) {
		t.Helper()
		if _, err := db.Collection("copy").InsertMany(t.Context(), docs); err != nil {
			t.Fatal(err)
		}
	}
	doc := func(id string, n int) bson.D { return bson.D{{Key: "_id", Value: id}, {Key: "n", Value: n}} }
	for name, empty := range map[string]bool{"that had documents": false, "that was not there": true} {
		t.Run(name, func(t *testing.T) {
			s, db := mongoDB(t)
			c := newCluster(t)
			want := history{}
			if !empty {
				put(t, s, `{"_id":"a","n":1}`, `{"_id":"b","n":1}`)
				want = history{"a": {"copy 1", "delete"}, "b": {"copy 1"}}
			}
			stop := start(t, c, s)
			put(t, s, `{"_id":"first"}`)
			await(t, c, "first")
			if empty {
				if err := db.Collection("programme").Drop(t.Context()); err != nil {
					t.Fatal(err)
				}
				awaitWhere(t, c, "the drop is seen", func(h history) bool { return slices.Contains(h["first"], "delete") })
			}
			fill(t, db, doc("b", 2), doc("c", 1))
			rename(t, db)
			want["b"] = append(want["b"], "copy 2")
			want["c"] = []string{"copy 1"}
			awaitWhere(t, c, "c is there", func(h history) bool { return len(h["c"]) > 0 })
			set(t, s, "c", 2)
			want["c"] = append(want["c"], "update 2")
			h := marker(t, c, s, "followed")
			delete(h, "first")
			check(t, want, h)

			// And while nobody watches.
			stop()
			fill(t, db, doc("a", 5))
			rename(t, db)
			start(t, c, s)
			h = awaitWhere(t, c, "a is there", func(h history) bool { return slices.Contains(h["a"], "copy 5") })
			if diff := fmt.Sprint(h.state(t)); diff != "map[a:5]" {
				t.Errorf("the topic has %s", diff)
			}
		})
	}
}

// TestChangesTooLargeForAnEventHoldNobodyUp while capture runs, and while it is down.
func TestChangesTooLargeForAnEventHoldNobodyUp(t *testing.T) {
	s, _ := mongoDB(t)
	c := newCluster(t)
	put(t, s, fmt.Sprintf(`{"_id":"large","n":1,"text":%q}`, strings.Repeat("x", 10<<20)), `{"_id":"a","n":1}`)
	stop := start(t, c, s)
	awaitWhere(t, c, "both are there", func(h history) bool { return len(h["large"]) > 0 && len(h["a"]) > 0 })
	want := history{"large": {"copy 1"}, "a": {"copy 1"}}
	edit := func(n int) {
		t.Helper()
		for _, key := range []string{"a", "large", "a"} {
			n++
			set(t, s, key, n)
			want[key] = append(want[key], fmt.Sprintf("update %d", n))
		}
	}
	edit(10)
	check(t, want, marker(t, c, s, "running"))
	stop()
	edit(20)
	start(t, c, s)
	check(t, want, marker(t, c, s, "after"))
}

// TestPreImagesAreEnabledWhereItMay and are done without where it may not.
func TestPreImagesAreEnabledWhereItMay(t *testing.T) {
	rs := newReplicaSet(t, 1)
	before := func(t *testing.T) (enabled bool) {
		t.Helper()
		specs, err := rs.db.ListCollectionSpecifications(t.Context(), bson.D{{Key: "name", Value: "programme"}})
		if err != nil || len(specs) != 1 {
			t.Fatalf("%v, %v", specs, err)
		}
		enabled, _ = specs[0].Options.Lookup("changeStreamPreAndPostImages", "enabled").BooleanOK()
		return enabled
	}
	for name, tt := range map[string]struct {
		refuse, exists, want bool
	}{
		"a collection that is there":  {exists: true, want: true},
		"one that comes later":        {want: true},
		"one that may not be changed": {refuse: true, exists: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			if err := rs.db.Drop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if tt.refuse {
				const unauthorized = 13
				rs.fail("collMod", unauthorized, 1)
			}
			if tt.exists {
				put(t, rs.store, `{"_id":"first"}`)
			}
			start(t, c, rs.store)
			if !tt.exists {
				awaitWhere(t, c, "it follows", func(history) bool { return position(t, c) != "" })
			}
			put(t, rs.store, `{"_id":"a","n":1}`)
			await(t, c, "a")
			marker(t, c, rs.store, "prepared")
			for n := range 5 {
				set(t, rs.store, "a", n+2)
			}
			h := marker(t, c, rs.store, "end")
			if got := before(t); got != tt.want {
				t.Errorf("pre-images are enabled: %t, want %t", got, tt.want)
			}
			if len(h["a"]) != 6 || h["a"][5] != "update 6" || tt.want && !slices.Contains(h["a"], "update 3") {
				t.Errorf("a: %v", h["a"])
			}
		})
	}
}

// TestThePrimaryFails by stepping down, kill -9 and restart, under load.
func TestThePrimaryFails(t *testing.T) {
	t.Parallel()
	rs, c := newReplicaSet(t, 3), newCluster(t)
	put(t, rs.store, `{"_id":"a","n":0}`)
	start(t, c, rs.store)
	await(t, c, "a")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	var longest time.Duration
	go func() { // one edit after the other; one whose answer was lost is made again, which changes nothing
		n := 0
		for ctx.Err() == nil {
			began := time.Now()
			for {
				_, err := rs.db.Collection("programme").UpdateByID(t.Context(), "a", bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: n + 1}}}})
				if err == nil {
					break
				}
			}
			n++
			longest = max(longest, time.Since(began))
		}
		done <- n
	}()
	seen := func(more int) {
		t.Helper()
		from := len(readHistory(t, c)["a"])
		awaitWhere(t, c, "edits go on", func(h history) bool { return len(h["a"]) > from+more })
	}
	seen(50)
	stepDown := bson.D{{Key: "replSetStepDown", Value: 5}, {Key: "secondaryCatchUpPeriodSecs", Value: 2}}
	servertest.Await(t, func() string { // it is refused while no other has caught up
		if err := rs.db.Client().Database("admin").RunCommand(t.Context(), stepDown).Err(); err != nil {
			return err.Error()
		}
		return ""
	})
	seen(100)
	for range 2 {
		m := rs.primary()
		rs.kill(m)
		seen(100)
		rs.start(m)
		seen(50)
	}
	for _, m := range rs.members { // a majority gone, and back: all of them
		rs.kill(m)
	}
	for _, m := range rs.members {
		rs.start(m)
	}
	seen(50)
	cancel()
	n := <-done
	h := marker(t, c, rs.store, "end")
	want := []string{"copy 0"}
	for i := range n {
		want = append(want, fmt.Sprintf("update %d", i+1))
	}
	if !slices.Equal(want, h["a"]) {
		i := 0
		for i < min(len(want), len(h["a"])) && want[i] == h["a"][i] {
			i++
		}
		t.Errorf("%d edits, %d in the topic, which differ from number %d on: %v", n, len(h["a"])-1, i, h["a"][i:min(i+5, len(h["a"]))])
	}
	t.Logf("%d edits, the longest took %v", n, longest)
}
