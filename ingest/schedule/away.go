package schedule

import (
	"context"
	"time"

	"regie/internal/schedule"
)

const (
	// awayMin and awayMax bound how long what is for a target that does not answer waits. To find that out takes the time that
	// a transaction has, in which nothing else is fired: so it is done less often each time.
	awayMin = 10 * time.Second
	awayMax = 5 * time.Minute
)

// absence is a target's that exists, and took nothing in the time that a transaction has.
type absence struct {
	// since is the epoch of the earliest that waits for it.
	since int64
	// until is when it is tried again, by the role's clock, after a wait.
	until time.Time
	wait  time.Duration
}

// leave notes that the targets of jobs did not answer, and why, and puts the jobs off.
func (s *Schedule) leave(ctx context.Context, jobs map[*schedule.Entry]error) error {
	now := s.now()
	late := make([]schedule.Entry, 0, len(jobs))
	for e, err := range jobs {
		late = append(late, *e)
		a := s.away[e.Target]
		if a == nil {
			a = &absence{since: e.Epoch}
			s.away[e.Target] = a
		}
		if !a.until.After(now) {
			a.wait = min(max(2*a.wait, awayMin), awayMax)
			a.until = now.Add(a.wait)
			s.cluster.Metrics().Retried(Role)
			s.log.Warn("a target does not answer: what is for it waits", "target", e.Target, "retry_in", a.wait.String(), "error", err)
		}
	}
	return s.putOff(ctx, late)
}

// putOff has the index forget that jobs are due until their targets are tried again. The partitions' states hear of it by the
// next round, which finds nothing.
func (s *Schedule) putOff(ctx context.Context, jobs []schedule.Entry) error {
	return s.index.PutOff(ctx, jobs, func(e schedule.Entry) time.Time {
		a := s.away[e.Target]
		a.since = min(a.since, e.Epoch)
		return a.until
	})
}

// answering puts off what is for targets that are not to be tried yet, and returns the others.
func (s *Schedule) answering(ctx context.Context, jobs []schedule.Entry) (rest []schedule.Entry, err error) {
	now := s.now()
	var late []schedule.Entry
	for _, e := range jobs {
		if a := s.away[e.Target]; a != nil && a.until.After(now) {
			late = append(late, e)
		} else {
			rest = append(rest, e)
		}
	}
	if len(late) == 0 {
		return jobs, nil
	}
	return rest, s.putOff(ctx, late)
}

// waiting is the epoch of the earliest that waits for any target; schedule.Never for none. A target that was not tried when it
// was time has nobody waiting any more: they were cancelled, or are another instance's.
func (s *Schedule) waiting() int64 {
	first := int64(schedule.Never)
	for name, a := range s.away {
		if s.now().Sub(a.until) > awayMax {
			delete(s.away, name)
			continue
		}
		first = min(first, a.since)
	}
	return first
}
