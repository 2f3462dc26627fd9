package boltstore

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"regie/internal/users"
)

// tx is the buckets within a transaction. Keys that begin with a viewer have a NUL behind it.
type tx struct {
	favourites *bbolt.Bucket // viewer target -> row
	progress   *bbolt.Bucket // viewer video -> row
	cleared    *bbolt.Bucket // viewer -> version
	times      *bbolt.Bucket // viewer list NUL version -> target or video: what is there
	of         *bbolt.Bucket // viewer programme, behind its length, version -> video: what is there of each programme
	users      *bbolt.Bucket // user -> pseudonym
	keys       *bbolt.Bucket // viewer key -> remembered
	erased     *bbolt.Bucket // viewer -> row, of which only the expiry counts
	positions  *bbolt.Bucket // partition -> position
	now        time.Time
}

var buckets = []string{"favourites", "progress", "cleared", "times", "of", "users", "keys", "erased", "positions"}

// The lists, besides the favourites' kinds: programme and video.
const (
	allProgress    = "progress"
	latestProgress = "latest"
)

// lists are those that are merged to what is listed.
func lists(what users.What) []string {
	switch what {
	case users.FavouriteProgrammes:
		return []string{"programme"}
	case users.FavouriteVideos:
		return []string{"video"}
	case users.AllFavourites:
		return []string{"programme", "video"}
	case users.AllProgress:
		return []string{allProgress}
	case users.LatestProgress:
		return []string{latestProgress}
	}
	panic("nothing is listed as " + string(what))
}

func (s *Store) in(t *bbolt.Tx) *tx {
	b := func(name string) *bbolt.Bucket { return t.Bucket([]byte(name)) }
	return &tx{
		favourites: b("favourites"), progress: b("progress"), cleared: b("cleared"), times: b("times"), of: b("of"),
		users: b("users"), keys: b("keys"), erased: b("erased"), positions: b("positions"), now: s.now(),
	}
}

// row is a favourite or progress as it is stored.
type row struct {
	Version string `json:"v"`
	Removed bool   `json:"removed,omitempty"`
	// Expires, in Unix milliseconds, is when nobody needs the row any more. 0: never.
	Expires   int64  `json:"expires,omitempty"`
	Programme string `json:"programme,omitempty"`
	Position  int32  `json:"position,omitempty"`
	Duration  int32  `json:"duration,omitempty"`
	Session   string `json:"session,omitempty"`
}

func putJSON(b *bbolt.Bucket, key []byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Put(key, text)
}

func getJSON(b *bbolt.Bucket, key []byte, v any) (there bool, err error) {
	text := b.Get(key)
	if text == nil {
		return false, nil
	}
	return true, json.Unmarshal(text, v)
}

func join(viewer, rest string) []byte { return []byte(viewer + "\x00" + rest) }

func listed(viewer, list, version string) []byte { return join(viewer, list+"\x00"+version) }

func ofProgramme(viewer, programme, version string) []byte {
	k := join(viewer, "")
	k = binary.BigEndian.AppendUint16(k, uint16(len(programme)))
	return append(append(k, programme...), version...)
}

// before moves to the last key that is before one.
func before(c *bbolt.Cursor, key []byte) (k, v []byte) {
	if k, _ := c.Seek(key); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// beyond, behind a prefix, is behind all versions.
const beyond = 0xff

// last is the last key that begins so, and its value.
func last(b *bbolt.Bucket, prefix []byte) (key, value []byte) {
	k, v := before(b.Cursor(), append(slices.Clip(prefix), beyond))
	if !bytes.HasPrefix(k, prefix) {
		return nil, nil
	}
	return k, v
}

// drop deletes all keys that begin so.
func drop(b *bbolt.Bucket, prefix []byte) error {
	var keys [][]byte
	c := b.Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) apply(c *users.Changes) error {
	if c.Erased {
		if err := putJSON(t.erased, []byte(c.Viewer), row{Expires: t.now.Add(users.KeepRemoved).UnixMilli()}); err != nil {
			return err
		}
		return t.erase(c.Viewer)
	}
	if t.erased.Get([]byte(c.Viewer)) != nil {
		return nil
	}
	for _, f := range c.Favourites {
		if err := t.putFavourite(c.Viewer, f); err != nil {
			return err
		}
	}
	if v := c.Cleared.String(); !c.Cleared.IsZero() && v > string(t.cleared.Get([]byte(c.Viewer))) {
		if err := t.cleared.Put([]byte(c.Viewer), []byte(v)); err != nil {
			return err
		}
	}
	for _, p := range c.Progress {
		if err := t.putProgress(c.Viewer, p); err != nil {
			return err
		}
	}
	return nil
}

// erase drops all that there is of a viewer.
func (t *tx) erase(viewer string) error {
	for _, b := range []*bbolt.Bucket{t.favourites, t.progress, t.times, t.of, t.keys} {
		if err := drop(b, join(viewer, "")); err != nil {
			return err
		}
	}
	return t.cleared.Delete([]byte(viewer))
}

func (t *tx) putFavourite(viewer string, f users.Favourite) error {
	key, version := join(viewer, f.Target), f.Version.String()
	list, _, _ := strings.Cut(f.Target, ":")
	var old row
	there, err := getJSON(t.favourites, key, &old)
	if err != nil || there && old.Version >= version {
		return err
	}
	if there && !old.Removed {
		if err := t.times.Delete(listed(viewer, list, old.Version)); err != nil {
			return err
		}
	}
	r := row{Version: version, Removed: f.Removed}
	if f.Removed {
		r.Expires = t.now.Add(users.KeepRemoved).UnixMilli()
	} else if err := t.times.Put(listed(viewer, list, version), []byte(f.Target)); err != nil {
		return err
	}
	return putJSON(t.favourites, key, r)
}

func (t *tx) putProgress(viewer string, p users.Progress) error {
	if p.Version.At.Before(t.oldest()) {
		return nil
	}
	key, version := join(viewer, p.VideoId), p.Version.String()
	var old row
	there, err := getJSON(t.progress, key, &old)
	if err != nil || there && old.Version >= version {
		return err
	}
	r := row{Version: version, Removed: p.Removed}
	if p.Removed {
		r.Expires = t.now.Add(users.KeepRemoved).UnixMilli()
	} else {
		r.Programme, r.Position, r.Duration, r.Session = p.ProgrammeId, p.Position, p.Duration, p.SessionId
		r.Expires = p.Version.At.Add(users.KeepProgress).UnixMilli()
	}
	if there && !old.Removed {
		if err := t.unlist(viewer, old); err != nil {
			return err
		}
	}
	if !r.Removed {
		if err := t.enlist(viewer, p.VideoId, r); err != nil {
			return err
		}
	}
	return putJSON(t.progress, key, r)
}

// unlist takes a row of progress out of the lists.
func (t *tx) unlist(viewer string, r row) error {
	if err := t.times.Delete(listed(viewer, allProgress, r.Version)); err != nil {
		return err
	}
	return t.relist(viewer, r.Programme, func() error { return t.of.Delete(ofProgramme(viewer, r.Programme, r.Version)) })
}

// enlist puts a row of progress into the lists.
func (t *tx) enlist(viewer, video string, r row) error {
	if err := t.times.Put(listed(viewer, allProgress, r.Version), []byte(video)); err != nil {
		return err
	}
	return t.relist(viewer, r.Programme, func() error { return t.of.Put(ofProgramme(viewer, r.Programme, r.Version), []byte(video)) })
}

// relist keeps what was watched last of a programme right while change changes what was watched of it.
func (t *tx) relist(viewer, programme string, change func() error) error {
	prefix := ofProgramme(viewer, programme, "")
	before, _ := last(t.of, prefix)
	before = bytes.Clone(before)
	if err := change(); err != nil {
		return err
	}
	after, video := last(t.of, prefix)
	if bytes.Equal(before, after) {
		return nil
	}
	if before != nil {
		if err := t.times.Delete(listed(viewer, latestProgress, string(before[len(prefix):]))); err != nil {
			return err
		}
	}
	if after == nil {
		return nil
	}
	return t.times.Put(listed(viewer, latestProgress, string(after[len(prefix):])), bytes.Clone(video))
}

// oldest is when progress was reported that still counts.
func (t *tx) oldest() time.Time { return t.now.Add(-users.KeepProgress).Truncate(time.Millisecond) }

// sweep drops what has expired.
func (t *tx) sweep() error {
	for _, b := range []*bbolt.Bucket{t.favourites, t.progress, t.keys, t.erased} {
		expired := map[string]row{}
		err := b.ForEach(func(k, text []byte) error {
			var r row
			if err := json.Unmarshal(text, &r); err != nil {
				return err
			}
			if r.Expires > 0 && r.Expires < t.now.UnixMilli() {
				expired[string(k)] = r
			}
			return nil
		})
		if err != nil {
			return err
		}
		for k, r := range expired {
			if b == t.progress && !r.Removed {
				viewer, _, _ := strings.Cut(k, "\x00")
				if err := t.unlist(viewer, r); err != nil {
					return err
				}
			}
			if err := b.Delete([]byte(k)); err != nil {
				return err
			}
		}
	}
	var cleared [][]byte
	oldest := users.Version{At: t.oldest()}.String()
	err := t.cleared.ForEach(func(k, version []byte) error {
		if string(version) < oldest { // nothing that it is about counts any more
			cleared = append(cleared, bytes.Clone(k))
		}
		return nil
	})
	for _, k := range cleared {
		err = errors.Join(err, t.cleared.Delete(k))
	}
	return err
}
