package main

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"regie/internal/admin"
)

// readiness tells as a metric what /readyz does.
type readiness struct {
	roles  []string
	checks *admin.Checks
}

var (
	_ prometheus.Collector = readiness{}

	roleReady = prometheus.NewDesc("regie_role_ready", "1 when the role can do its work, 0 while it waits: /readyz says for what.", []string{"role"}, nil)
)

func (r readiness) Describe(out chan<- *prometheus.Desc) { out <- roleReady }

func (r readiness) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, role := range r.roles {
		v := 0.0
		if r.checks.Check(ctx, role) == nil {
			v = 1
		}
		out <- prometheus.MustNewConstMetric(roleReady, prometheus.GaugeValue, v, role)
	}
}

func waiting(why string) func(context.Context) error {
	return func(context.Context) error { return errors.New(why) }
}

// unlessDone is err, or nil when ctx is done: then that is the reason.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// waits asks a role what it waits for before it can do its work.
func waits(role interface{ Waiting() error }) func(context.Context) error {
	return func(context.Context) error { return role.Waiting() }
}
