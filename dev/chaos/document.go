package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/cms"
)

// document is one of the CMS's, of any collection: docs/cms.md says which has which fields.
type document struct {
	ID          string    `bson:"_id"`
	Slug        string    `bson:"slug"`
	FormerSlugs []string  `bson:"formerSlugs,omitempty"`
	Title       string    `bson:"title"`
	Kind        string    `bson:"kind,omitempty"`
	CreatedAt   time.Time `bson:"createdAt"`
	PublishedAt time.Time `bson:"publishedAt"`
	Images      []picture `bson:"images,omitempty"`

	Channel string   `bson:"channel,omitempty"`
	Genres  []string `bson:"genres,omitempty"`
	Credits []credit `bson:"credits,omitempty"`

	Programme string `bson:"programme,omitempty"`
	Season    int    `bson:"season,omitempty"`
	Episode   int    `bson:"episode,omitempty"`
	Duration  int    `bson:"duration,omitempty"`

	Rights []right `bson:"rights,omitempty"`

	Sections []section `bson:"sections,omitempty"`
}

// right is a window in which a video may be watched.
type right struct {
	From  time.Time `bson:"from,omitempty"`
	Until time.Time `bson:"until,omitempty"`
}

// open tells whether a video may be watched.
func (d *document) open(now time.Time) bool {
	return len(d.Rights) == 0 || slices.ContainsFunc(d.Rights, func(r right) bool {
		return !now.Before(r.From) && (r.Until.IsZero() || now.Before(r.Until))
	})
}

type picture struct {
	Role string `bson:"role"`
	URL  string `bson:"url"`
}

type credit struct {
	Person string `bson:"person"`
	Role   string `bson:"role"`
}

// section is a page's, with cards, or a programme's, with a rule.
type section struct {
	Title string `bson:"title"`
	Cards []card `bson:"cards,omitempty"`

	Kinds   []string `bson:"kinds,omitempty"`
	Seasons []int    `bson:"seasons,omitempty"`
	Order   string   `bson:"order,omitempty"`
	Limit   int      `bson:"limit,omitempty"`
}

type card struct {
	Title  string `bson:"title"`
	Target string `bson:"target"`
}

// claims tells whether d's claim on a slug comes before other's: the older one's does.
func (d *document) claims(other *document) bool {
	if !d.CreatedAt.Equal(other.CreatedAt) {
		return d.CreatedAt.Before(other.CreatedAt)
	}
	return d.ID < other.ID
}

// newestFirst orders documents as lists do.
func newestFirst(a, b *document) int {
	if c := b.PublishedAt.Compare(a.PublishedAt); c != 0 {
		return c
	}
	return -compareIDs(a, b)
}

func compareIDs(a, b *document) int {
	if a.ID < b.ID {
		return -1
	}
	return 1
}

// documents are what the CMS has, by collection and id.
type documents map[string]map[string]*document

// read reads a whole CMS.
func readDocuments(ctx context.Context, store *cms.Mongo, collections []string) (documents, error) {
	out := documents{}
	for _, c := range collections {
		out[c] = map[string]*document{}
		err := store.Snapshot(ctx, c, bson.RawValue{}, func(raw bson.Raw) error {
			d := new(document)
			if err := bson.Unmarshal(raw, d); err != nil {
				return fmt.Errorf("decoding a %s: %w", c, err)
			}
			out[c][d.ID] = d
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// where are a collection's documents of which fn says yes, newest first.
func (ds documents) where(collection string, fn func(*document) bool) []*document {
	var out []*document
	for _, d := range ds[collection] {
		if fn(d) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, newestFirst)
	return out
}

// owner is whom a slug leads to, among the documents of which among says yes: the oldest that has it, else the oldest
// that had it, else nobody.
func (ds documents) owner(collection, slug string, among func(*document) bool) *document {
	var has, had *document
	for _, d := range ds[collection] {
		if !among(d) {
			continue
		}
		if d.Slug == slug && (has == nil || d.claims(has)) {
			has = d
		}
		if slices.Contains(d.FormerSlugs, slug) && (had == nil || d.claims(had)) {
			had = d
		}
	}
	if has != nil {
		return has
	}
	return had
}

func all(*document) bool { return true }
