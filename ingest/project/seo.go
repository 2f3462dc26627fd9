package project

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

// thing is schema.org's. It has no url: where it lies is composed at read.
type thing struct {
	Context       string   `json:"@context"`
	Type          string   `json:"@type"`
	Name          string   `json:"name"`
	Description   string   `json:"description,omitempty"`
	Image         []string `json:"image,omitempty"`
	ThumbnailURL  []string `json:"thumbnailUrl,omitempty"`
	DateCreated   string   `json:"dateCreated,omitempty"`
	DatePublished string   `json:"datePublished,omitempty"`
	UploadDate    string   `json:"uploadDate,omitempty"`
	Duration      string   `json:"duration,omitempty"`
	EpisodeNumber *int32   `json:"episodeNumber,omitempty"`
	PartOfSeason  *season  `json:"partOfSeason,omitempty"`
	Genre         []string `json:"genre,omitempty"`
	Countries     []named  `json:"countryOfOrigin,omitempty"`
}

type season struct {
	Type   string `json:"@type"`
	Number int32  `json:"seasonNumber"`
}

type named struct {
	Type string `json:"@type"`
	Name string `json:"name"`
}

// seo is what the editors tell search engines, else what they tell viewers, with the thing it is.
func seo(in *catalogv1.Seo, title, description string, t thing) *projectionv1.Seo {
	out := &projectionv1.Seo{Title: cmp.Or(in.GetTitle(), title), Description: cmp.Or(in.GetDescription(), description)}
	t.Context, t.Name, t.Description = "https://schema.org", title, out.Description
	b, err := json.Marshal(t) // safe within HTML
	if err != nil {
		panic(err) // texts and numbers
	}
	out.JsonLd = string(b)
	return out
}

func programmeSeo(in *catalogv1.Programme, images []*projectionv1.Image) *projectionv1.Seo {
	t := thing{Type: "CreativeWork", Image: pictures(images), DatePublished: date(in.GetPublishedAt())}
	switch in.GetKind() {
	case catalogv1.ProgrammeKind_PROGRAMME_KIND_FILM:
		t.Type = "Movie"
	case catalogv1.ProgrammeKind_PROGRAMME_KIND_SERIES, catalogv1.ProgrammeKind_PROGRAMME_KIND_MAGAZINE,
		catalogv1.ProgrammeKind_PROGRAMME_KIND_NEWS, catalogv1.ProgrammeKind_PROGRAMME_KIND_GAME,
		catalogv1.ProgrammeKind_PROGRAMME_KIND_REALITY, catalogv1.ProgrammeKind_PROGRAMME_KIND_KIDS:
		t.Type = "TVSeries"
	}
	if in.Year != nil {
		t.DateCreated = strconv.Itoa(int(in.GetYear()))
	}
	for _, g := range in.GetGenres() {
		t.Genre = append(t.Genre, g.GetTitle())
	}
	for _, c := range in.GetCountries() {
		t.Countries = append(t.Countries, named{"Country", c})
	}
	return seo(in.GetSeo(), in.GetTitle(), summary(in.GetSynopsis()), t)
}

func videoSeo(in *catalogv1.Video, images []*projectionv1.Image) *projectionv1.Seo {
	t := thing{Image: pictures(images), DatePublished: date(in.GetPublishedAt()), Duration: duration(in.GetDuration())}
	switch in.GetKind() {
	case catalogv1.VideoKind_VIDEO_KIND_FILM:
		t.Type = "Movie"
	case catalogv1.VideoKind_VIDEO_KIND_EPISODE:
		t.Type, t.EpisodeNumber = "TVEpisode", in.EpisodeNumber
		if in.SeasonNumber != nil {
			t.PartOfSeason = &season{"TVSeason", in.GetSeasonNumber()}
		}
	default:
		t.Type, t.UploadDate, t.ThumbnailURL = "VideoObject", t.DatePublished, t.Image
	}
	return seo(in.GetSeo(), in.GetTitle(), summary(in.GetSynopsis()), t)
}

func pageSeo(in *catalogv1.Page) *projectionv1.Seo {
	return seo(in.GetSeo(), in.GetTitle(), "", thing{Type: "WebPage"})
}

func summary(s *catalogv1.Synopsis) string { return cmp.Or(s.GetShort(), s.GetMedium()) }

// pictures are the images' addresses, without the lettering's.
func pictures(in []*projectionv1.Image) []string {
	var out []string
	for _, i := range in {
		if i.GetRole() != catalogv1.ImageRole_IMAGE_ROLE_LOGO {
			out = append(out, i.GetUrl())
		}
	}
	return out
}

func date(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().Format(time.RFC3339)
}

// duration is ISO 8601's, such as PT1H2M3S; "" for none.
func duration(seconds int32) string {
	if seconds <= 0 {
		return ""
	}
	b := []byte("PT")
	for _, part := range [...]struct {
		n    int32
		unit byte
	}{{seconds / 3600, 'H'}, {seconds / 60 % 60, 'M'}, {seconds % 60, 'S'}} {
		if part.n > 0 {
			b = append(strconv.AppendInt(b, int64(part.n), 10), part.unit)
		}
	}
	return string(b)
}
