package main

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"golang.org/x/sync/errgroup"

	"regie/ingest/capture"
	"regie/ingest/persist"
	"regie/ingest/project"
	"regie/ingest/recommend"
	"regie/ingest/schedule"
	"regie/ingest/transform"
	"regie/ingest/trend"
	"regie/internal/catalog"
	"regie/internal/cms"
	"regie/internal/stream"
	"regie/internal/users"
)

// reach tries until a role's server answers: one that is away is waited for, as it is later. Its refusal is an error.
func (p *process) reach(ctx context.Context, role, server string, try func(context.Context) error) error {
	p.checks.Set(role, waiting("is waiting for "+server))
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := try(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil || !stream.Away(err) && !mongo.IsTimeout(err) && !mongo.IsNetworkError(err) && !errors.Is(err, users.ErrUnavailable) {
			return err
		}
		p.checks.Set(role, waiting("is waiting for "+server+": "+err.Error()))
		p.log.Warn("waiting for a server", "role", role, "server", server, "retry_in", pause.String(), "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// reachKafka waits for Kafka and checks the topics, which the embedded one has.
func (p *process) reachKafka(ctx context.Context, role string) error {
	if p.embedded {
		return nil
	}
	return p.reach(ctx, role, "Kafka at "+p.Kafka, p.cluster.Check)
}

func (p *process) reachMongo(ctx context.Context) error {
	if p.embedded {
		return nil
	}
	return p.reach(ctx, capture.Role, "MongoDB", func(ctx context.Context) error {
		m, err := cms.OpenMongo(ctx, p.Mongodb, p.MongodbDatabase)
		if err != nil {
			return err
		}
		p.closeLater(func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			_ = m.Close(ctx) // it says goodbye, which nobody may hear
			return nil
		})
		p.source = m
		return nil
	})
}

func (p *process) capture(ctx context.Context) error {
	err := p.reachKafka(ctx, capture.Role)
	if err == nil {
		err = p.reachMongo(ctx)
	}
	if err != nil {
		return unlessDone(ctx, err)
	}
	role := capture.New(p.cluster, p.source, p.log)
	p.checks.Set(capture.Role, waits(role))
	return role.Run(ctx)
}

func (p *process) transform(ctx context.Context) error {
	if err := p.reachKafka(ctx, transform.Role); err != nil {
		return unlessDone(ctx, err)
	}
	sink, err := p.cluster.NewThrough(transform.Outputs(), transform.Transform)
	if err != nil {
		return err
	}
	defer sink.Close()
	return p.consume(ctx, capture.Role, stream.ConsumerConfig{Role: transform.Role, Topics: transform.Inputs(), Sink: sink})
}

func (p *process) recommend(ctx context.Context) error {
	if err := p.reachKafka(ctx, recommend.Role); err != nil {
		return unlessDone(ctx, err)
	}
	if p.firstStart && p.await(ctx, transform.Role) != nil {
		return nil
	}
	role := recommend.New(recommend.Config{
		Cluster: p.cluster, Catalog: p.state, MostWatched: p.mostWatched, Now: time.Now, Metrics: recommend.NewMetrics(p.metrics), Log: p.log,
	})
	p.checks.Set(recommend.Role, waits(role))
	return role.Run(ctx)
}

func (p *process) project(ctx context.Context) error {
	if err := p.reachKafka(ctx, project.Role); err != nil {
		return unlessDone(ctx, err)
	}
	var screens []string
	for _, s := range catalog.Screens() {
		screens = append(screens, string(s))
	}
	sink := project.New(p.catalog, time.Now, p.log, project.NewMetrics(p.metrics))
	return p.consume(ctx, transform.Role, stream.ConsumerConfig{Role: project.Role, Topics: project.Inputs(), Sink: sink, MaxBatch: project.MaxBatch, Screens: screens})
}

func (p *process) persist(ctx context.Context) error {
	err := p.reachKafka(ctx, persist.Role)
	if err == nil {
		err = p.reachUsers(ctx, persist.Role)
	}
	if err != nil {
		return unlessDone(ctx, err)
	}
	sink := persist.New(p.users, time.Now, p.log, persist.NewMetrics(p.metrics))
	return p.consume(ctx, "", stream.ConsumerConfig{Role: persist.Role, Topics: persist.Inputs(), Sink: sink, MaxBatch: persist.MaxBatch})
}

func (p *process) trend(ctx context.Context) error {
	if err := p.reachKafka(ctx, trend.Role); err != nil {
		return unlessDone(ctx, err)
	}
	sink := trend.New(p.cluster, p.trends, time.Now, p.log, trend.NewMetrics(p.metrics))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return sink.Run(ctx) })
	g.Go(func() error {
		return p.consume(ctx, "", stream.ConsumerConfig{Role: trend.Role, Topics: trend.Inputs(), Sink: sink, MaxBatch: trend.MaxBatch})
	})
	return g.Wait()
}

func (p *process) schedule(ctx context.Context) error {
	if err := p.reachKafka(ctx, schedule.Role); err != nil {
		return unlessDone(ctx, err)
	}
	role := schedule.New(p.cluster, p.schedules, time.Now, p.log, schedule.NewMetrics(p.metrics))
	defer role.Close()
	if err := p.reach(ctx, schedule.Role, "Kafka at "+p.Kafka, role.Open); err != nil {
		return unlessDone(ctx, err)
	}
	return p.consume(ctx, "", role.Consumer())
}

// consume runs a consumer. On the first start it waits for the role before it, if there is one: an empty topic is read to
// its end at once, and the process would be ready without a catalogue.
func (p *process) consume(ctx context.Context, before string, cfg stream.ConsumerConfig) error {
	if before != "" && p.firstStart && p.await(ctx, before) != nil {
		return nil
	}
	consumer := p.cluster.NewConsumer(cfg)
	p.checks.Set(cfg.Role, waits(consumer))
	return consumer.Run(ctx)
}
