package transform

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
)

// Bounds of docs/cms.md, in characters and elements.
const (
	maxTitle    = 300
	maxText     = 20_000
	maxSlug     = catalog.MaxSlug
	maxURL      = 2000
	maxRef      = 1000
	maxBlurHash = 100
	maxLabel    = 50
	maxSEO      = 2000

	maxFormerSlugs = 50
	maxImages      = 100
	maxBadges      = 20
	maxRights      = 100
	maxScreens     = 10
	maxCountries   = 300
	maxTags        = 50

	week = 7 * 24 * 3600 // in seconds
)

var (
	imageRoles = namesOf[catalogv1.ImageRole]("IMAGE_ROLE_", catalogv1.ImageRole_value)
	ageCodes   = namesOf[catalogv1.AgeCode]("AGE_CODE_", catalogv1.AgeCode_value)
	offers     = namesOf[catalogv1.Offer]("OFFER_", catalogv1.Offer_value)
	badgeKinds = namesOf[catalogv1.BadgeKind]("BADGE_KIND_", catalogv1.BadgeKind_value)
	screens    = names[catalogv1.Screen]{
		"web":    catalogv1.Screen_SCREEN_WEB,
		"mobile": catalogv1.Screen_SCREEN_MOBILE,
		"iptv":   catalogv1.Screen_SCREEN_IPTV,
	}
)

// formerSlugs are those that a document had, without the one that it has.
func (d document) formerSlugs(slug string) []string {
	var out []string
	for _, s := range d.texts("formerSlugs", maxFormerSlugs, maxSlug, d.checkSlug) {
		if s != slug && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// created is when the document was: its createdAt, else what its ObjectID tells, else the epoch.
func (d document) created() *timestamppb.Timestamp {
	if t := d.date("createdAt"); t != nil {
		return t
	}
	if v, ok := d.get("_id"); ok && v.Type == bson.TypeObjectID {
		return timestamppb.New(v.ObjectID().Timestamp())
	}
	return timestamppb.New(time.Unix(0, 0))
}

// published is what lists by date are ordered by.
func (d document) published(created *timestamppb.Timestamp) *timestamppb.Timestamp {
	if t := d.date("publishedAt"); t != nil {
		return t
	}
	return created
}

func (d document) synopsis() *catalogv1.Synopsis {
	n, ok := d.nested("synopsis")
	if !ok {
		return nil
	}
	return &catalogv1.Synopsis{Short: n.text("short", maxText), Medium: n.text("medium", maxText), Long: n.text("long", maxText)}
}

// tags are slugs, each once: what editors type is what rules find.
func (d document) tags() []string {
	var out []string
	for _, s := range d.texts("tags", maxTags, maxSlug, d.checkSlug) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// countries are an array of ISO 3166-1 alpha-2 codes.
func (d document) countries(field string) []string {
	var out []string
	d.list(field, maxCountries, func(at string, v bson.RawValue) {
		s, _ := v.StringValueOK()
		if len(s) != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
			d.fail(at, "must be a country as two capital letters (ISO 3166-1)")
			return
		}
		out = append(out, s)
	})
	return out
}

func (d document) images() []*catalogv1.Image {
	return documents(d, "images", maxImages, func(n document) *catalogv1.Image {
		address := n.required("url", maxURL)
		n.checkAddress("url", address)
		return &catalogv1.Image{
			Role: enum(n, "role", imageRoles), Url: address,
			Alt: n.text("alt", maxTitle), BlurHash: n.text("blurHash", maxBlurHash),
		}
	})
}

func (d document) checkAddress(at, s string) {
	ok := isHTTPS
	if strings.HasPrefix(s, "/") {
		ok = isPath
	}
	if s != "" && !ok(s) {
		d.fail(at, "must be a URL that begins with https:// or a path that begins with one /")
	}
}

// isHTTPS and isPath tell whether s is an absolute https URL or a path of this site, and for a browser too: it takes //
// and /\ for another site, and leaves tabs and line ends out.
func isHTTPS(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && !strings.Contains(s, `\`)
}

func isPath(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "" && u.Host == "" && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && !strings.Contains(s, `\`)
}

func (d document) rights() []*catalogv1.Right {
	return documents(d, "rights", maxRights, func(n document) *catalogv1.Right {
		r := &catalogv1.Right{
			Screens:     n.screens(),
			Territories: n.countries("territories"),
			From:        n.date("from"),
			Until:       n.date("until"),
			Offer:       enumOr(n, "offer", offers, catalogv1.Offer_OFFER_FREE),
		}
		if r.From != nil && r.Until != nil && !r.Until.AsTime().After(r.From.AsTime()) {
			n.fail("until", "must be after from")
		}
		return r
	})
}

func (d document) screens() []catalogv1.Screen { return enums(d, "screens", maxScreens, screens) }

// ageRating is nil when the document says nothing of it.
func (d document) ageRating() *catalogv1.AgeRating {
	_, rated := d.get("ageRating")
	a := &catalogv1.AgeRating{
		Code:          enumOr(d, "ageRating", ageCodes, catalogv1.AgeCode_AGE_CODE_UNSPECIFIED),
		NotBeforeHour: d.integer("notBeforeHour", 0, 23),
	}
	if !rated && a.NotBeforeHour == nil {
		return nil
	}
	return a
}

func (d document) badges() []*catalogv1.Badge {
	return documents(d, "badges", maxBadges, func(n document) *catalogv1.Badge {
		b := &catalogv1.Badge{Kind: enum(n, "kind", badgeKinds), Label: n.text("label", maxLabel)}
		if b.Label == "" {
			b.Label = label(b.Kind)
		}
		return b
	})
}

// label is what viewers read on a badge whose editors wrote nothing.
func label(k catalogv1.BadgeKind) string {
	switch k {
	case catalogv1.BadgeKind_BADGE_KIND_NEW:
		return "Nouveau"
	case catalogv1.BadgeKind_BADGE_KIND_LIVE:
		return "En direct"
	case catalogv1.BadgeKind_BADGE_KIND_LAST_DAYS:
		return "Derniers jours"
	case catalogv1.BadgeKind_BADGE_KIND_MAX:
		return "Max"
	case catalogv1.BadgeKind_BADGE_KIND_EXCLUSIVE:
		return "Exclusif"
	case catalogv1.BadgeKind_BADGE_KIND_COMING_SOON:
		return "Bientôt"
	}
	return ""
}

func (d document) seo() *catalogv1.Seo {
	n, ok := d.nested("seo")
	if !ok {
		return nil
	}
	return &catalogv1.Seo{Title: n.text("title", maxTitle), Description: n.text("description", maxSEO)}
}
