package dynamostore

import (
	"cmp"
	"maps"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"regie/internal/users"
	userv1 "regie/proto/user/v1"
)

// key is an item's.
type key struct{ pk, sk string }

// item is what the table has under a key; nil when it has nothing.
type item map[string]types.AttributeValue

// Prefixes of sort keys.
const (
	favourites = "f/"
	videos     = "p/video/"
	latest     = "p/latest/"
	clearRow   = "p/clear"
	idempotent = "k/"
)

// The lists of the index, besides the favourites' kinds: programme and video.
const (
	allProgress    = "progress"
	latestProgress = "latest"
)

func viewerKey(viewer, sk string) key { return key{"viewer/" + viewer, sk} }

// erasedKey is not among the viewer's rows, which are erased all together.
func erasedKey(viewer string) key { return key{"erased/" + viewer, "erased"} }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func (k key) item() item { return item{"pk": text(k.pk), "sk": text(k.sk)} }

func (i item) key() key { return key{i.text("pk"), i.text("sk")} }

func (i item) text(name string) string {
	if v, ok := i[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func (i item) number(name string) int64 {
	if v, ok := i[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(v.Value, 10, 64) // DynamoDB has nothing else there
		return n
	}
	return 0
}

func (i item) bytes(name string) []byte {
	if v, ok := i[name].(*types.AttributeValueMemberB); ok {
		return v.Value
	}
	return nil
}

// version is the item's, "" of what is not there.
func (i item) version() string { return i.text("v") }

// removed: it is there so that what is older does not come back.
func (i item) removed() bool { return i["removed"] != nil }

// list puts the item into a list of the index.
func (i item) list(name string) { i["ix"] = text(name + "/" + i.version()) }

func (s *Store) favouriteItem(viewer string, f users.Favourite) item {
	i := viewerKey(viewer, favourites+f.Target).item()
	i["v"] = text(f.Version.String())
	if f.Removed {
		s.bury(i)
	} else {
		kind, _, _ := strings.Cut(f.Target, ":")
		i.list(kind)
	}
	return i
}

// bury makes a removed row of an item.
func (s *Store) bury(i item) {
	i["removed"] = &types.AttributeValueMemberBOOL{Value: true}
	i["ttl"] = number(s.now().Add(users.KeepRemoved).Unix())
}

func (s *Store) progressItem(viewer string, p users.Progress) item {
	i := viewerKey(viewer, videos+p.VideoId).item()
	if p.Removed {
		i["v"] = text(p.Version.String())
		s.bury(i)
		return i
	}
	i.play(p)
	i.list(allProgress)
	return i
}

// asLatest is a row of progress as what was watched last of its programme.
func (i item) asLatest(k key) item {
	out := maps.Clone(i)
	delete(out, "left")
	maps.Copy(out, k.item())
	out.list(latestProgress)
	return out
}

// maxLeft is how many programmes a row names that it has left.
const maxLeft = 4

// leave notes which programmes the row that takes old's place has left: they have to be looked after.
func (i item) leave(old item) {
	now := i.text("programme")
	var left []types.AttributeValue
	for _, programme := range append([]string{old.text("programme")}, old.left()...) {
		if programme != "" && programme != now && len(left) < maxLeft {
			left = append(left, text(programme))
		}
	}
	if len(left) > 0 {
		i["left"] = &types.AttributeValueMemberL{Value: left}
	}
}

// left are the programmes that the row has left, the last one first.
func (i item) left() (programmes []string) {
	if l, ok := i["left"].(*types.AttributeValueMemberL); ok {
		for _, v := range l.Value {
			if p, ok := v.(*types.AttributeValueMemberS); ok {
				programmes = append(programmes, p.Value)
			}
		}
	}
	return programmes
}

// play describes where a viewer is in a video.
func (i item) play(p users.Progress) {
	i["v"] = text(p.Version.String())
	i["ttl"] = number(p.Version.At.Add(users.KeepProgress).Unix())
	i["video"], i["programme"] = text(p.VideoId), text(p.ProgrammeId)
	i["position"], i["duration"] = number(int64(p.Position)), number(int64(p.Duration))
	if p.SessionId != "" {
		i["session"] = text(p.SessionId)
	}
}

func (i item) favourite() (users.Favourite, error) {
	v, err := users.ParseVersion(i.version())
	return users.Favourite{Target: strings.TrimPrefix(i.text("sk"), favourites), Version: v, Removed: i.removed()}, err
}

func (i item) progress() (users.Progress, error) {
	v, err := users.ParseVersion(i.version())
	return users.Progress{Version: v, Removed: i.removed(), Progress: &userv1.Progress{
		VideoId: i.text("video"), ProgrammeId: i.text("programme"),
		Position: int32(i.number("position")), Duration: int32(i.number("duration")), SessionId: i.text("session"),
	}}, err
}

// newestFirst orders items of lists.
func newestFirst(a, b item) int { return cmp.Compare(b.version(), a.version()) }
