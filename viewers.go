package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"regie/internal/grpcserver"
	"regie/internal/identity"
	"regie/internal/users"
	"regie/internal/users/boltstore"
	"regie/internal/users/dynamostore"
	userv1 "regie/proto/user/v1"
)

// usersStore is where what viewers did is kept, and whose it is.
type usersStore interface {
	users.Store
	users.Directory
}

// openUsers opens the store of what viewers did, once for all roles.
func (p *process) openUsers(ctx context.Context) error {
	m := dynamostore.NewMetrics(p.metrics)
	if !p.embedded {
		store, err := p.table(ctx, m)
		p.users = store
		return err
	}
	store, err := boltstore.Open(p.Data, time.Now)
	if err != nil {
		return err
	}
	p.closeLater(store.Close)
	p.users = store
	return nil
}

// openUserAPI makes the role users, and the gateway's way to it: to --users, or to this process's without a network.
func (p *process) openUserAPI() error {
	p.calls = grpcserver.NewMetrics(p.metrics)
	files := grpcserver.Files{Cert: p.GRPCTLSCert, Key: p.GRPCTLSKey, CA: p.GRPCTLSClientCA}
	if p.has(users.Role) {
		producer, err := p.cluster.NewProducerWithin(users.WriteTime)
		if err != nil {
			return err
		}
		p.closeLater(func() error { producer.Close(); return nil })
		p.userAPI = users.New(users.Config{
			Caller: caller, Producer: producer, Catalog: p.catalog, Store: p.users, Directory: p.users,
			Secret: []byte(p.secret), Now: time.Now, Metrics: users.NewMetrics(p.metrics), Log: p.log.With("role", users.Role),
		})
	}
	if p.rpc != nil && files != (grpcserver.Files{}) {
		var err error
		if p.tls, err = grpcserver.ServerTLS(files, p.part("tls")); err != nil {
			return fmt.Errorf("--grpc-tls-cert, --grpc-tls-key, --grpc-tls-client-ca: %w", err)
		}
	}
	if !p.has("gateway") {
		return nil
	}
	cfg := grpcserver.ClientConfig{Address: p.Users, Traces: p.traces}
	switch {
	case p.Users == "" && p.userAPI != nil:
		p.inside = bufconn.Listen(1 << 20)
		p.closeLater(p.inside.Close)
		cfg.Dial = p.inside.DialContext
	case p.Users == "":
		cfg.Dial = func(context.Context) (net.Conn, error) { return nil, errors.New("this gateway was given no --users") }
	case files != (grpcserver.Files{}):
		cfg.TLS = &files
	}
	conn, err := grpcserver.Client(cfg, p.part("tls"))
	if err != nil {
		return fmt.Errorf("--users: %w", err)
	}
	p.closeLater(conn.Close)
	p.viewers = userv1.NewUserServiceClient(conn)
	return nil
}

// runUsers is the role users. It answers before its servers do: that they do not.
func (p *process) runUsers(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.userAPI.Run(ctx) })
	if p.inside != nil {
		g.Go(func() error { return grpcserver.Run(ctx, p.inside, p.serves(users.Role, p.userAPI.Register)) })
	}
	g.Go(func() error {
		err := p.reachKafka(ctx, users.Role)
		if err == nil {
			err = p.reachUsers(ctx, users.Role)
		}
		if err == nil {
			p.checks.Set(users.Role, func(context.Context) error { return nil }) // also without Redis: reads go on
		}
		return unlessDone(ctx, err)
	})
	return g.Wait()
}

// reachUsers waits for DynamoDB and checks the table.
func (p *process) reachUsers(ctx context.Context, role string) error {
	table, ok := p.users.(*dynamostore.Store)
	if !ok {
		return nil
	}
	return p.reach(ctx, role, "DynamoDB at "+p.Dynamodb, table.CheckTable)
}

// caller is the user whom a call's credentials name.
func caller(ctx context.Context) (string, error) {
	c, ok := identity.From(ctx)
	if !ok {
		return "", status.Error(codes.Unauthenticated, "the call has no credentials")
	}
	return c.User, nil
}
