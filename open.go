package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/internal/catalog"
	"regie/internal/cms"
	"regie/internal/demo"
	"regie/internal/embedded"
	"regie/internal/httpserver"
	"regie/internal/stream"
)

// open opens addresses, servers and clients. What it opened is in closers, also after an error.
func (p *process) open(ctx context.Context) (err error) {
	for _, role := range p.Run.Role {
		p.checks.Set(role, ready(func() bool { return false }, "is starting"))
	}
	if p.ops, err = httpserver.Listen("--admin", p.Admin); err != nil && !p.embedded {
		return err
	}
	if err == nil {
		p.closeLater(p.ops.Close)
	}
	inUse := err
	kafka, redis, boot := p.Kafka, p.Redis, ""
	if p.embedded {
		// The folder first: of two processes beside each other, the second is told of the first.
		if p.servers, err = embedded.Open(p.Data, p.log); err != nil {
			return err
		}
		p.closeLater(func() error { p.servers.Close(); return nil })
		if inUse != nil {
			return inUse
		}
		kafka, redis = p.servers.Kafka, p.servers.Redis
		// The embedded broker never aborts what a killed process left open, so each start has ids of its own.
		boot = strconv.FormatInt(p.began.UnixMilli(), 36)
		if err := p.openEmbeddedCMS(ctx); err != nil {
			return err
		}
	}
	if p.has("gateway") {
		if p.pages, err = httpserver.Listen("--http", p.HTTP); err != nil {
			return err
		}
		p.closeLater(p.pages.Close)
	}
	if p.has("capture") && !p.embedded {
		m, err := cms.OpenMongo(ctx, p.Mongodb, p.MongodbDatabase)
		if err != nil {
			return err
		}
		p.closeLater(func() error { return m.Close(context.Background()) })
		p.source = m
	}
	if p.has("project") || p.has("gateway") {
		catalog.LogTo(p.log)
		client, err := catalog.Connect(redis)
		if err != nil {
			return err
		}
		p.closeLater(client.Close)
		p.catalog = catalog.New(client, p.Project+":1")
	}
	if p.has("capture") || p.has("transform") || p.has("project") {
		if p.cluster, err = p.connect(kafka, boot, p.log); err != nil {
			return err
		}
		p.closeLater(func() error { p.cluster.Close(); return nil })
		if p.embedded {
			_, err = p.cluster.Apply(ctx, 1)
		} else {
			err = p.cluster.Check(ctx)
		}
	}
	return err
}

func (p *process) closeLater(end func() error) {
	p.closers = append(p.closers, func() error {
		if err := end(); err != nil && !errors.Is(err, os.ErrClosed) && !strings.Contains(err.Error(), "use of closed network connection") {
			return err
		}
		return nil
	})
}

// openEmbeddedCMS opens the CMS's file, which the first start fills with the demonstration catalogue.
func (p *process) openEmbeddedCMS(ctx context.Context) error {
	store, err := cms.OpenBolt(p.Data, time.Now)
	if err != nil {
		return err
	}
	p.closeLater(store.Close)
	p.source, p.editor = store, cms.Handler(store, p.log)
	if p.secret == "" {
		if p.secret, err = keptSecret(filepath.Join(p.Data, "secret")); err != nil {
			return err
		}
	}
	const mark = "demonstration catalogue"
	if done, err := store.Marked(mark); done || err != nil {
		return err
	}
	p.firstStart = true
	n, err := importDemonstration(ctx, store)
	if err != nil {
		return fmt.Errorf("importing the demonstration catalogue: %w", err)
	}
	_, _ = fmt.Fprintf(p.std.Out, "First start: %d documents of the demonstration catalogue imported into %s.\n", n, p.Data)
	return store.Mark(mark)
}

func importDemonstration(ctx context.Context, store cms.Store) (written int, err error) {
	docs, err := demo.Documents()
	if err != nil {
		return 0, err
	}
	byCollection := map[string][]bson.Raw{}
	for _, d := range docs {
		raw, err := bson.Marshal(d.Doc)
		if err != nil {
			return 0, err
		}
		byCollection[d.Collection] = append(byCollection[d.Collection], raw)
	}
	for _, c := range stream.Collections() {
		n, err := store.Put(ctx, c, byCollection[c])
		if written += n; err != nil {
			return written, err
		}
	}
	return written, nil
}

// keptSecret reads the secret in a file, or makes it.
func keptSecret(file string) (string, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		b = []byte(rand.Text())
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("keeping the secret that signs cursors: %w", err)
	}
	return string(b), nil
}

// announce says when the process is ready, and where.
func (p *process) announce(ctx context.Context) error {
	if p.poll(ctx, func() bool { _, ok := p.checks.Ready(ctx); return ok }) != nil {
		return nil
	}
	took := time.Since(p.began).Round(10 * time.Millisecond)
	if !p.embedded {
		p.log.Info("ready", "roles", strings.Join(p.Run.Role, ","), "took", took.String(), "admin", p.ops.Addr().String())
		<-ctx.Done()
		return nil
	}
	elsewhere := ""
	if address := p.ops.Addr().String(); address != defaultAdmin {
		elsewhere = " --admin " + address
	}
	site, ops := "http://"+p.pages.Addr().String(), "http://"+p.ops.Addr().String()
	_, _ = fmt.Fprintf(p.std.Out, `Regie is ready after %s: every role, on embedded servers that keep their data in %s.

  %s/           the start page: freshness, examples
  %s/graphiql   GraphiQL
  %s/query      GraphQL for the web; /query/mobile and /query/iptv for the other screens
  %s/metrics    metrics; also /readyz, /livez, /debug/pprof

Edit something: go run . cms set programme SLUG title='A new title'%s
Stop with Ctrl-C.
`, took, p.Data, site, site, site, ops, elsewhere)
	<-ctx.Done()
	return nil
}
