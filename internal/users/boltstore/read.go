package boltstore

import (
	"bytes"
	"slices"
	"strings"

	"regie/internal/users"
	userv1 "regie/proto/user/v1"
)

// floor is the version that progress must be behind to be there.
func (t *tx) floor(viewer string) string {
	return max(string(t.cleared.Get([]byte(viewer))), users.Version{At: t.oldest()}.String())
}

// read appends the rows of an id.
func (t *tx) read(viewer, id string, rows *users.Rows) error {
	if err := t.readFavourite(viewer, id, rows); err != nil {
		return err
	}
	kind, bare, _ := strings.Cut(id, ":")
	if kind == "programme" {
		_, video := last(t.of, ofProgramme(viewer, bare, ""))
		if video == nil {
			return nil
		}
		bare = string(video)
	}
	return t.readProgress(viewer, bare, t.floor(viewer), rows)
}

func (t *tx) readFavourite(viewer, target string, rows *users.Rows) error {
	var r row
	there, err := getJSON(t.favourites, join(viewer, target), &r)
	if err != nil || !there || r.Removed {
		return err
	}
	v, err := users.ParseVersion(r.Version)
	if err != nil {
		return err
	}
	rows.Favourites = append(rows.Favourites, users.Favourite{Target: target, Version: v})
	return nil
}

func (t *tx) readProgress(viewer, video, floor string, rows *users.Rows) error {
	var r row
	there, err := getJSON(t.progress, join(viewer, video), &r)
	if err != nil || !there || r.Removed || r.Version <= floor {
		return err
	}
	v, err := users.ParseVersion(r.Version)
	if err != nil {
		return err
	}
	rows.Progress = append(rows.Progress, users.Progress{Version: v, Progress: &userv1.Progress{
		VideoId: video, ProgrammeId: r.Programme, Position: r.Position, Duration: r.Duration, SessionId: r.Session,
	}})
	return nil
}

// place is a row's in a list.
type place struct{ version, id string }

func (t *tx) list(viewer string, what users.What, after users.Version, limit int) (rows users.Rows, more bool, err error) {
	favourites := what != users.AllProgress && what != users.LatestProgress
	floor := ""
	if !favourites {
		floor = t.floor(viewer)
	}
	var places []place
	for _, list := range lists(what) {
		places = append(places, t.page(viewer, list, after, floor, limit+1)...)
		if favourites {
			rows.Total += t.count(viewer, list)
		}
	}
	slices.SortFunc(places, func(a, b place) int { return strings.Compare(b.version, a.version) })
	if more = len(places) > limit; more {
		places = places[:limit]
	}
	for _, p := range places {
		if favourites {
			err = t.readFavourite(viewer, p.id, &rows)
		} else {
			err = t.readProgress(viewer, p.id, floor, &rows)
		}
		if err != nil {
			return users.Rows{}, false, err
		}
	}
	return rows, more, nil
}

// page is at most limit places of a list behind after, the newest first, down to the floor.
func (t *tx) page(viewer, list string, after users.Version, floor string, limit int) (places []place) {
	prefix := listed(viewer, list, "")
	from := append(slices.Clip(prefix), beyond)
	if !after.IsZero() {
		from = listed(viewer, list, after.String())
	}
	c := t.times.Cursor()
	k, v := before(c, from)
	for ; bytes.HasPrefix(k, prefix) && string(k[len(prefix):]) > floor && len(places) < limit; k, v = c.Prev() {
		places = append(places, place{string(k[len(prefix):]), string(v)})
	}
	return places
}

func (t *tx) count(viewer, list string) (n int) {
	prefix := listed(viewer, list, "")
	c := t.times.Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		n++
	}
	return n
}
