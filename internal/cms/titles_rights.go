package cms

import (
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// ageRatings are the catalogue's ages by rating. Those that are not here, such as NR and UR, tell none; 13+ and the like
// are ages themselves.
var ageRatings = map[string]string{
	"TV-Y": "ALL", "TV-G": "ALL", "G": "ALL",
	"TV-Y7": "AGE_10", "TV-Y7-FV": "AGE_10", "PG": "AGE_10", "TV-PG": "AGE_10",
	"PG-13": "AGE_12", "TV-14": "AGE_12",
	"R": "AGE_16", "TV-MA": "AGE_16",
	"NC-17": "AGE_18",
}

// ageOf is a rating's ageRating, or "".
func ageOf(rating string) string {
	if age, ok := strings.CutSuffix(rating, "+"); ok {
		switch n, err := strconv.Atoi(age); {
		case err != nil || n < 0:
			return ""
		case n >= 18:
			return "AGE_18"
		case n >= 16:
			return "AGE_16"
		case n >= 12:
			return "AGE_12"
		case n >= 7:
			return "AGE_10"
		default:
			return "ALL"
		}
	}
	return ageRatings[strings.ToUpper(rating)]
}

// right is how the title is restricted, or nil: three of four are not. The file tells nothing of it: each restriction is
// chosen by the id, and they come together as chance has it.
func (t title) right() bson.D {
	var d bson.D
	if t.percent("screens", 5) {
		screens := [][]string{{"web", "mobile"}, {"web", "iptv"}, {"web"}}
		d = append(d, bson.E{Key: "screens", Value: screens[t.choose("which screens", len(screens))]})
	}
	if t.countries != nil && t.percent("territories", 8) {
		d = append(d, bson.E{Key: "territories", Value: t.countries})
	}
	if !t.published.IsZero() && t.percent("window", 9) {
		ends := t.choose("which ends", 3) // 0: both
		if ends != 1 {
			d = append(d, bson.E{Key: "from", Value: bson.NewDateTimeFromTime(t.published)})
		}
		if ends != 2 {
			until := t.published.AddDate(1+t.choose("years", 9), 0, t.choose("days", 365))
			d = append(d, bson.E{Key: "until", Value: bson.NewDateTimeFromTime(until)})
		}
	}
	if t.percent("max", 8) {
		d = append(d, bson.E{Key: "offer", Value: "MAX"})
	}
	return d
}
