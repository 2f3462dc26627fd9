package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
)

// opening is what an editor writes instead of the day on which a window begins: some time after each start, see Open. In
// Documents it begins in years.
const opening = "opening"

var inYears = time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC)

// Open has the windows that open some time after each start begin at a time, and returns how many documents that changed.
// One that is not the demonstration's own any more, because somebody edited or deleted it, stays as it is.
func Open(ctx context.Context, store cms.Store, at time.Time) (int, error) {
	cat, err := load(files)
	if err != nil {
		return 0, err
	}
	n := 0
	open := func(collection, id string, rights []right, doc func() bson.D) error {
		i := slices.IndexFunc(rights, func(r right) bool { return r.From == opening })
		if i < 0 {
			return nil
		}
		stored, err := store.Get(ctx, collection, id)
		if errors.Is(err, cms.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		as := func(from time.Time) (bson.Raw, error) {
			rights[i].from = from
			return bson.Marshal(doc())
		}
		// It is the demonstration's own if it is what this would write, but for when the window begins.
		begins, ok := stored.Lookup("rights", strconv.Itoa(i), "from").DateTimeOK()
		own, err := as(bson.DateTime(begins).Time())
		if err != nil || !ok || !bytes.Equal(own, stored) {
			return err
		}
		opened, err := as(at)
		if err != nil {
			return err
		}
		written, err := store.Put(ctx, collection, []bson.Raw{opened})
		n += written
		return err
	}
	for _, p := range cat.programmes {
		err := open("programme", p.ID, p.Rights, func() bson.D { return programmeDoc(p) })
		for _, v := range p.videos {
			if err == nil {
				err = open("video", v.id, v.Rights, func() bson.D { return videoDoc(p, v) })
			}
		}
		if err != nil {
			return n, fmt.Errorf("opening %s: %w", p.slug, err)
		}
	}
	return n, nil
}
