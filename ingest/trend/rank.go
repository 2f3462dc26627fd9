package trend

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"regie/internal/stream"
	"regie/internal/trend"
	catalogv1 "regie/proto/catalog/v1"
)

// news is what was counted and is not ranked yet. The consumer tells, Run hears.
type news struct {
	mu    sync.Mutex
	items map[*trend.Window]map[trend.Counted]bool
	// whole: partitions were begun, so all is to be ranked; what their last owner had counted it may not have ranked.
	whole bool
	// anew: counts began anew that are in the rankings.
	anew bool
	come chan struct{}
}

func newNews() news {
	return news{items: map[*trend.Window]map[trend.Counted]bool{}, come: make(chan struct{}, 1)}
}

func (n *news) add(counts map[trend.Ending]map[trend.Counted]int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for e, items := range counts {
		if n.items[e.Window] == nil {
			n.items[e.Window] = map[trend.Counted]bool{}
		}
		for item := range items {
			n.items[e.Window][item] = true
		}
	}
	n.ring()
}

func (n *news) restart(anew bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.whole, n.anew = true, n.anew || anew
	n.ring()
}

// ring does not wait for Run.
func (n *news) ring() {
	select {
	case n.come <- struct{}{}:
	default:
	}
}

func (n *news) take() (items map[*trend.Window]map[trend.Counted]bool, whole, anew bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	items, whole, anew = n.items, n.whole, n.anew
	n.items, n.whole, n.anew = map[*trend.Window]map[trend.Counted]bool{}, false, false
	return items, whole, anew
}

// again gives back what could not be ranked.
func (n *news) again(items map[*trend.Window]map[trend.Counted]bool, anew bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for w, some := range items {
		if n.items[w] == nil {
			n.items[w] = map[trend.Counted]bool{}
		}
		maps.Copy(n.items[w], some)
	}
	n.anew = n.anew || anew
	n.ring()
}

const (
	// rankEvery is how soon what goes on being counted is ranked again; what comes after a silence is at once.
	rankEvery = 300 * time.Millisecond
	// rankPause is how long at the most passes between two rounds, however long they take.
	rankPause = 2 * time.Second
	// look is how soon is seen that a window has ended.
	look = time.Second
	// rankWithin bounds one attempt.
	rankWithin = time.Minute
)

// Run ranks what is counted, until ctx is done. Every instance tells the rankings the sums of all partitions, of the items
// that it counted; and of all items when it was given partitions, and when a window begins to be kept. So nothing is
// lost with an instance.
func (s *Sink) Run(ctx context.Context) error {
	r := ranker{Sink: s, whole: map[trend.Ending]bool{}, touch: map[string]time.Time{}}
	var err error
	if r.producer, err = s.cluster.NewProducerWithin(10 * time.Second); err != nil {
		return err
	}
	defer r.producer.Close()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.news.come:
		case <-tick.C:
		}
		began := time.Now()
		if err := r.round(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("ranking what is watched, will retry", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(min(max(rankEvery, 10*time.Since(began)), rankPause)):
		}
	}
}

// ranker is Run's own.
type ranker struct {
	*Sink
	producer *stream.Producer
	// whole are the windows all of whose items were ranked.
	whole map[trend.Ending]bool
	// served is the window that lists are sorted by, as it was seen last; none since partitions were begun.
	served trend.Ending
	// touch are the programmes of which is to be told that their videos' order has changed, and from when on.
	touch map[string]time.Time
}

// round ranks what is new, in the window that ends next and in the one after it: so that nobody finds that empty when its
// time has come.
func (r *ranker) round(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, rankWithin)
	defer cancel()
	began, now := time.Now(), r.now()
	items, whole, anew := r.news.take()
	if whole || anew {
		clear(r.whole)
		r.served = trend.Ending{}
	}
	defer func() {
		if err != nil { // what was ranked, and in another order, may not have been heard
			r.news.again(items, anew)
			r.served = trend.Ending{}
		}
	}()
	ranked := false
	var round []trend.Ending
	for _, w := range trend.Windows() {
		end := w.End(now)
		for _, e := range []trend.Ending{{Window: w, At: end}, {Window: w, At: end.Add(w.Hop)}} {
			round = append(round, e)
			if anew {
				if err := r.trend.Forget(ctx, e); err != nil {
					return err
				}
			}
			some := slices.Collect(maps.Keys(items[w]))
			if r.whole[e] && len(some) == 0 {
				continue
			}
			if !r.whole[e] {
				some = nil
			}
			reordered, err := r.trend.Rank(ctx, e, some, now)
			if err != nil {
				return err
			}
			r.whole[e], ranked = true, true
			if w == trend.WindowOf(trend.Lately) && e.At.Equal(end) {
				r.reordered(reordered, now)
			}
		}
	}
	// What is counted goes into the windows of a round alone: others are to be ranked anew, should a clock that was set lead back to them.
	maps.DeleteFunc(r.whole, func(e trend.Ending, _ bool) bool { return !slices.Contains(round, e) })
	if ranked {
		r.metrics.ranked(time.Since(began))
	}
	if err := r.shift(ctx, now); err != nil {
		return err
	}
	r.tell(ctx, now)
	return nil
}

// shift notes programmes whose order may be another because lists are sorted by another window now, or because an instance
// was killed before it told.
func (r *ranker) shift(ctx context.Context, now time.Time) error {
	w := trend.WindowOf(trend.Lately)
	served := trend.Ending{Window: w, At: w.End(now)}
	if served == r.served {
		return nil
	}
	for _, at := range []time.Time{now.Add(-w.Hop), now} {
		top, err := r.trend.Top(ctx, trend.Programmes, trend.Lately, at, trend.MaxRanked)
		if err != nil {
			return err
		}
		for _, p := range top {
			r.reordered([]string{p.ID}, now)
		}
	}
	r.served = served
	return nil
}

func (r *ranker) reordered(programmes []string, now time.Time) {
	for _, id := range programmes {
		if _, ok := r.touch[id]; !ok {
			r.touch[id] = now
		}
	}
}

const (
	// touchEvery is how often at the most is told of a programme, by whichever instance.
	touchEvery = 30 * time.Second
	// touchAgain is how soon is tried again what was told less than that ago.
	touchAgain = 2 * time.Second
)

// tell says which programmes' videos are watched in another order. What it cannot say now it tries again; what a crash makes
// it forget, the next owner's start says.
func (r *ranker) tell(ctx context.Context, now time.Time) {
	var due []string
	for id, from := range r.touch {
		if !from.After(now) {
			due = append(due, id)
			r.touch[id] = now.Add(touchAgain)
		}
	}
	if len(due) == 0 {
		return
	}
	slices.Sort(due)
	first, err := r.trend.Once(ctx, "touched", due, touchEvery)
	var records []stream.Record
	for _, id := range first {
		value, headers, eerr := stream.Encode(&catalogv1.ProgrammeTouchedEvent{
			EventUuid: uuid.NewString(), OccurredAt: timestamppb.New(now), Reason: catalogv1.TouchReason_TOUCH_REASON_TREND,
		})
		if eerr != nil {
			err = eerr
			break
		}
		records = append(records, stream.Record{Topic: stream.ProgrammeTouched, Partition: stream.AnyPartition, Key: []byte(id), Value: value, Headers: headers})
	}
	var ds []stream.Delivery
	if err == nil && len(records) > 0 {
		ds, err = r.producer.Produce(ctx, records)
	}
	for i, d := range ds {
		if d.Err == nil && err == nil {
			delete(r.touch, first[i])
			r.metrics.touched.Inc()
		} else if err == nil {
			err = d.Err
		}
	}
	if err != nil && ctx.Err() == nil {
		r.log.Warn("telling of programmes whose videos are watched in another order", "programmes", len(due), "error", err)
	}
}
