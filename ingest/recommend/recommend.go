// Package recommend is the role that computes programmes' sections by the editors' rules.
//
//	regie.catalog.{video,programme} --> state ------------> Redis: each programme's videos in order, and its rules
//	                                      |                              (internal/catalog)      |
//	                                      v                                                      |
//	                       regie.catalog.programme-touched --> sections <------------------------'
//	                                      ^                       |
//	                           schedule --'                       |   one transaction, with the touches' offsets:
//	                              ^                               +--> regie.catalog.programme-enriched, if it changed
//	                              '---- regie.schedule.request <--'    when it changes by itself
//
// State and sections are consumers of their own. Whoever owns a video's partition puts it into the lists of its programme,
// whoever owns the programme's partition of touches computes its sections: nobody else, and one after the other. What it
// reads of a programme is the heads of lists, so a change costs the same whatever the programme's size.
package recommend

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"regie/internal/catalog"
	"regie/internal/stream"
)

// Role is the name of this role.
const Role = "recommend"

// touches are what sections consumes, and the second part of its group's name.
const touches = "touches"

// Inputs are the topics that the state is made of.
func Inputs() []string { return []string{stream.Catalog(video), stream.Catalog(programme)} }

// The kinds of entities that the role keeps in its catalogue: sections are what it has told of a programme's.
const (
	video     = "video"
	programme = "programme"
	sections  = "sections"
)

// Config says what the role works with.
type Config struct {
	Cluster *stream.Cluster
	// Catalog is the role's own: nobody else's keys begin with its prefix.
	Catalog *catalog.Catalog
	// MostWatched are, of each of programmes, the ids of its videos that were watched most of late, at most n, the most watched
	// first.
	MostWatched func(ctx context.Context, programmeIDs []string, now time.Time, n int) ([][]string, error)
	// Now is called by several goroutines.
	Now     func() time.Time
	Metrics *Metrics
	Log     *slog.Logger
}

// Recommend is the role.
type Recommend struct {
	cluster  *stream.Cluster
	state    *stateSink
	sections *sectionsSink
	// consumers are those of state and of sections.
	consumers [2]*stream.Consumer
}

// New does no I/O.
func New(cfg Config) *Recommend {
	cfg.Log = cfg.Log.With("role", Role)
	whole := cfg.Catalog.Whole(Role)
	r := &Recommend{cluster: cfg.Cluster}
	r.state = &stateSink{Config: cfg, positions: cfg.Catalog.Positions(Role), whole: whole, replayed: map[string]int64{}, incarnations: map[string]int64{}, marked: map[string]bool{}}
	r.sections = &sectionsSink{Config: cfg, positions: cfg.Catalog.Positions(Role), whole: whole, written: cfg.Catalog.Whole(Role + "." + outputs)}
	r.consumers[0] = cfg.Cluster.NewConsumer(stream.ConsumerConfig{
		Role: Role, Topics: Inputs(), Sink: r.state, AtEnd: r.state.atEnd, MaxBatch: 6000,
	})
	r.consumers[1] = cfg.Cluster.NewConsumer(stream.ConsumerConfig{
		Role: Role, Part: touches, Topics: []string{stream.ProgrammeTouched}, Sink: r.sections, Transactional: true, MaxBatch: 1000,
	})
	return r
}

// Waiting is what the role waits for; nil when it is ready.
func (r *Recommend) Waiting() error {
	for _, c := range r.consumers {
		if err := c.Waiting(); err != nil {
			return err
		}
	}
	return nil
}

// Run computes sections until ctx is done.
func (r *Recommend) Run(ctx context.Context) error {
	p, err := r.cluster.NewProducer()
	if err != nil {
		return err
	}
	defer p.Close()
	r.state.producer, r.sections.producer = p, p
	defer r.sections.close()
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range r.consumers {
		g.Go(func() error { return c.Run(ctx) })
	}
	return g.Wait()
}
