package catalog_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
)

func TestTitleKey(t *testing.T) {
	for title, want := range map[string]string{
		"Le Greffe":              "le greffe",
		"ÉTÉ":                    "ete",
		"E\u0301te\u0301":        "ete",
		"« Les  “Autres” »":      "les autres",
		"#1 : L'heure":           "1 lheure",
		"…":                      "",
		"":                       "",
		"\x00a\x00b":             "ab",
		"Ça\tva\nbien":           "ca va bien",
		"ﬁn":                     "fin",
		"Ⅻ":                      "xii",
		"日本語":                    "日本語",
		"\xff\xfea":              "a",
		"a ":                     "a",
		strings.Repeat("é", 100): strings.Repeat("e", 60),
	} {
		if got := catalog.TitleKey(title); got != want {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
	sorted := []string{"...Zut", "« Abc »", "ÀBD", "abé", "Été", "Ette", "zut"}
	slices.SortFunc(sorted, func(a, b string) int { return strings.Compare(catalog.TitleKey(a), catalog.TitleKey(b)) })
	if diff := cmp.Diff([]string{"« Abc »", "ÀBD", "abé", "Été", "Ette", "...Zut", "zut"}, sorted); diff != "" {
		t.Error(diff)
	}
	for _, long := range []string{strings.Repeat("日", 100), strings.Repeat("a ", 100)} {
		key := catalog.TitleKey(long)
		if len(key) > 63 || strings.TrimSpace(key) != key || strings.ToValidUTF8(key, "") != key {
			t.Errorf("%d bytes: %q", len(key), key)
		}
	}
}

func TestFacets(t *testing.T) {
	got := catalog.Facets(catalog.ByDate, "FILM", "k", catalog.Scope("a"), catalog.Scope("b"))
	want := []catalog.Place{
		{Set: "date", Key: "k"}, {Set: "date:FILM", Key: "k"},
		{Set: "date/a", Key: "k"}, {Set: "date:FILM/a", Key: "k"},
		{Set: "date/b", Key: "k"}, {Set: "date:FILM/b", Key: "k"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	day := date(2)
	got = catalog.VideoPlaces("p", "EPISODE", num(3), num(4), day)
	want = []catalog.Place{
		{Set: "of/p", Key: "date/2026-01-02T00:00:00.000"}, {Set: "of/p", Key: "date:EPISODE/2026-01-02T00:00:00.000"},
		{Set: "of/p", Key: "episode:EPISODE/00003:00004:2026-01-02T00:00:00.000"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got = catalog.VideoPlaces("p", "FILM", nil, nil, day); len(got) != 3 || got[2].Key != "episode:FILM/"+catalog.EpisodeKey(nil, nil, day) {
		t.Errorf("without numbers: %v", got)
	}
}

func TestEpisodeOrder(t *testing.T) {
	keys := []string{
		catalog.EpisodeKey(num(1), num(1), date(9)),
		catalog.EpisodeKey(num(1), num(2), date(1)),
		catalog.EpisodeKey(num(1), num(10), date(1)),
		catalog.EpisodeKey(num(1), nil, date(1)),
		catalog.EpisodeKey(num(2), num(1), date(1)),
		catalog.EpisodeKey(num(10), num(1), date(1)),
		catalog.EpisodeKey(nil, num(1), date(1)),
		catalog.EpisodeKey(nil, nil, date(1)),
		catalog.EpisodeKey(nil, nil, date(2)),
	}
	if !slices.IsSorted(keys) {
		t.Errorf("not in order: %q", keys)
	}
}

func TestDateAndRankOrder(t *testing.T) {
	at := func(year, ms int) string {
		return catalog.DateKey(timestamppb.New(time.Date(year, 1, 1, 0, 0, 0, ms*1e6, time.UTC)))
	}
	if keys := []string{at(1, 0), at(999, 0), at(1969, 0), at(2026, 0), at(2026, 1), at(2026, 10), at(9999, 0)}; !slices.IsSorted(keys) {
		t.Errorf("not in order: %q", keys)
	}
	if keys := []string{catalog.RankKey(0, "z"), catalog.RankKey(1, "Été"), catalog.RankKey(1, "fa"), catalog.RankKey(2, "a"), catalog.RankKey(10, "a")}; !slices.IsSorted(keys) {
		t.Errorf("not in order: %q", keys)
	}
}

func TestSlugsOfTwoProgrammesNeverMeet(t *testing.T) {
	if a, b := catalog.VideoSlug("p:x", "y"), catalog.VideoSlug("p", "x:y"); a == b {
		t.Errorf("both are %v", a)
	}
	if a, b := catalog.SlugOf("video", "x").Family, catalog.Videos("x"); a == b {
		t.Errorf("both are %v", a)
	}
}

func TestMembers(t *testing.T) {
	for _, id := range []string{"a", "", "a\x00b", "\x00", "\x01", "a\x01\x01", "\x01\x02\x00", "é:{}"} {
		s := open(t)
		s.apply(item{Ref: catalog.Ref{Kind: "programme", ID: id}, fence: fence(1), kind: "FILM", day: 3, note: "w,1,,FR"}.change())
		for _, m := range s.page(view, catalog.List{Family: catalog.Programmes, Order: catalog.ByDate, First: 1}).Members {
			if catalog.ID(m) != id || catalog.KeyOf(m) != catalog.DateKey(date(3)) || catalog.Cursor(m) != catalog.CursorOf(catalog.KeyOf(m), id) {
				t.Errorf("%q in %q: id %q, key %q, cursor %q", id, m, catalog.ID(m), catalog.KeyOf(m), catalog.Cursor(m))
			}
		}
	}
}
