package demo

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	userv1 "regie/proto/user/v1"
)

// PretendViewers is how many viewers are pretended: demo-viewer-1, demo-viewer-2 and so on.
const PretendViewers = 40

const (
	// At first there is a report a second. After a while, when there is something to see, fewer will do: they are kept for ever.
	reportEvery, lazilyEvery = time.Second, 5 * time.Second
	eagerFor                 = 10 * time.Minute
	// favouriteFor is for how long a video is the most popular one; then the next of them is.
	favouriteFor = 3 * time.Minute
	// popular is how many videos are watched at a time, few of them much.
	popular = 60
)

// Traffic has pretend viewers watch the demonstration, so that what is counted of viewers moves: a report a second,
// later fewer, through the user API as a device's. It is for the embedded default alone.
type Traffic struct {
	Users userv1.UserServiceClient
	// As returns a context in which Users is asked on behalf of a user.
	As  func(ctx context.Context, user string) (context.Context, error)
	Log *slog.Logger
}

// Run reports until ctx is done.
func (t *Traffic) Run(ctx context.Context) error {
	cat, err := load(files)
	if err != nil {
		return err
	}
	a := newAudience(cat, rand.New(rand.NewPCG(rand.Uint64(), 0)))
	t.Log.Info("pretend viewers are watching: what is counted of viewers is not of people", "viewers", PretendViewers)
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	lazy := time.After(eagerFor)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-lazy:
			tick.Reset(lazilyEvery)
		case now := <-tick.C:
			user, r := a.next(now)
			if err := t.report(ctx, user, r); err != nil && ctx.Err() == nil {
				t.Log.Debug("a pretend viewer was not heard", "error", err)
			}
		}
	}
}

func (t *Traffic) report(ctx context.Context, user string, r *userv1.Report) error {
	ctx, err := t.As(ctx, user)
	if err != nil {
		return err
	}
	_, err = t.Users.ReportProgress(ctx, &userv1.ReportProgressRequest{Reports: []*userv1.Report{r}}) // of a video that an editor has deleted it says so
	return err
}

// audience are the pretend viewers, and what they watch.
type audience struct {
	videos  []*video // those that anybody may watch, in the order in which they become popular
	rand    *rand.Rand
	rank    *rand.Zipf
	viewers [PretendViewers]struct {
		*video
		position int32
		session  string
	}
	turn int
}

func newAudience(cat *catalogue, r *rand.Rand) *audience {
	a := &audience{rand: r, rank: rand.NewZipf(r, 1.3, 2, popular-1)}
	for _, p := range cat.programmes {
		for _, v := range p.videos {
			if len(p.Rights) == 0 && len(v.Rights) == 0 && v.kind != "LIVE" {
				a.videos = append(a.videos, v)
			}
		}
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(a.videos), func(i, j int) { a.videos[i], a.videos[j] = a.videos[j], a.videos[i] })
	return a
}

// next is what the viewer whose turn it is reports: how far a video has come, or the beginning of another one.
func (a *audience) next(now time.Time) (user string, r *userv1.Report) {
	a.turn = (a.turn + 1) % len(a.viewers)
	v := &a.viewers[a.turn]
	if v.video == nil || v.position >= v.seconds {
		first := int(now.Unix() / int64(favouriteFor.Seconds()))
		v.video = a.videos[(first+int(a.rank.Uint64()))%len(a.videos)]
		v.position, v.session = 0, fmt.Sprintf("pretend-%016x", a.rand.Uint64())
	}
	v.position = min(v.position+1+v.seconds/4+a.rand.Int32N(v.seconds/4+1), v.seconds)
	return "demo-viewer-" + strconv.Itoa(a.turn+1), &userv1.Report{
		VideoId: "video:" + v.id, Position: v.position, OccurredAt: timestamppb.New(now), SessionId: v.session,
	}
}
