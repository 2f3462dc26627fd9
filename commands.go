package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"regie/internal/cli"
	"regie/internal/cms"
	"regie/internal/grpcserver"
	"regie/internal/stream"
	"regie/internal/users"
	"regie/internal/users/dynamostore"
	schedulev1 "regie/proto/schedule/v1"
)

// do runs a command other than run.
func (c *config) do(ctx context.Context, chosen *kong.Context, std cli.IO) error {
	command := chosen.Command()
	switch command {
	case "completion", "completion <shell>":
		return chosen.Run()
	case "version":
		_, err := fmt.Fprintln(std.Out, version())
		return err
	case "token":
		secret, err := c.tokenSecret()
		if err != nil {
			return err
		}
		return cli.Token(std, secret, c.JWTIssuer, c.JWTAudience, c.Token.User, c.Token.TTL)
	case "import users <file>":
		f := c.Import.Users
		return cli.ImportUsers(ctx, std, users.NewRemoteImport(c.Admin), cli.UsersFile{File: f.File, Errors: f.Errors, Restart: f.Restart})
	case "topics apply", "topics check":
		cluster, err := c.connect(c.Kafka, stream.Config{Log: c.logger(std.Err)})
		if err != nil {
			return err
		}
		defer cluster.Close()
		if command == "topics check" {
			return cluster.Check(ctx)
		}
		created, err := cluster.Apply(ctx, c.Topics.Apply.Replication)
		for _, t := range created {
			_, _ = fmt.Fprintf(std.Out, "created %s\n", t)
		}
		return err
	case "tables apply", "tables check":
		table, err := c.table(ctx, nil)
		if err != nil {
			return err
		}
		if command == "tables check" {
			return table.CheckTable(ctx)
		}
		did, err := table.ApplyTable(ctx, c.capacity)
		for _, d := range did {
			_, _ = fmt.Fprintln(std.Out, d)
		}
		return err
	}
	if strings.HasPrefix(command, "schedule ") {
		return c.schedules(ctx, command, std)
	}
	return c.edit(ctx, command, std)
}

// schedules runs a command on what is pending, through a running process.
func (c *config) schedules(ctx context.Context, command string, std cli.IO) error {
	cfg := grpcserver.ClientConfig{Address: c.GRPC}
	if files := (grpcserver.Files{Cert: c.GRPCTLSCert, Key: c.GRPCTLSKey, CA: c.GRPCTLSClientCA}); files != (grpcserver.Files{}) {
		cfg.TLS = &files
	}
	conn, err := grpcserver.Client(cfg, c.logger(std.Err))
	if err != nil {
		return fmt.Errorf("--grpc: %w", err)
	}
	defer func() { _ = conn.Close() }()
	s := cli.Schedules{IO: std, Service: schedulev1.NewScheduleServiceClient(conn), Address: c.GRPC, Now: time.Now}
	f := &c.Schedule
	switch command {
	case "schedule list":
		return s.List(ctx, cli.ScheduleFilter{Topic: f.List.Topic, Prefix: f.List.Prefix, From: f.List.From, Until: f.List.Until, Limit: f.List.Limit}, f.List.JSON)
	case "schedule show <id>":
		return s.Show(ctx, f.Show.ID, f.Show.JSON)
	case "schedule add <id>":
		return s.Add(ctx, f.Add.ID, cli.Scheduled{Topic: f.Add.Topic, At: f.Add.At, Key: f.Add.Key, Value: f.Add.Value, Headers: f.Add.Header})
	case "schedule move <id> <at>":
		return s.Move(ctx, f.Move.ID, f.Move.At)
	case "schedule fire <id>":
		return s.Fire(ctx, f.Fire.ID)
	}
	return s.Cancel(ctx, f.Cancel.ID)
}

// edit runs a command on the CMS: a MongoDB's, or the embedded one of a running process.
func (c *config) edit(ctx context.Context, command string, std cli.IO) error {
	var store interface {
		cms.Store
		cli.Documents
	} = cms.NewRemote(c.Admin)
	if c.Mongodb != "" {
		m, err := cms.OpenMongo(ctx, c.Mongodb, c.MongodbDatabase)
		if err != nil {
			return err
		}
		defer func() { _ = m.Close(context.WithoutCancel(ctx)) }()
		if err := m.Index(ctx, stream.Collections()); err != nil {
			return err
		}
		store = m
	}
	switch command {
	case "import titles <file>":
		return cli.Import(ctx, std, store, c.Import.Titles.File)
	case "cms get <collection> <slug-or-id>":
		return cli.Get(ctx, std, store, c.CMS.Get.Collection, c.CMS.Get.Ref)
	case "cms set <collection> <slug-or-id> <assignment>":
		return cli.Set(ctx, std, store, c.CMS.Set.Collection, c.CMS.Set.Ref, c.CMS.Set.Assignments)
	case "cms put <collection>", "cms put <collection> <file>":
		return cli.Put(ctx, std, store, c.CMS.Put.Collection, c.CMS.Put.File)
	case "cms export <collection>":
		return cli.Export(ctx, std, store, c.CMS.Export.Collection)
	case "cms delete <collection> <slug-or-id>":
		return cli.Delete(ctx, std, store, c.CMS.Delete.Collection, c.CMS.Delete.Ref)
	}
	return fmt.Errorf("the command %q is not wired", command)
}

// table makes a client of DynamoDB as the flags name it. It asks nothing yet.
func (c *config) table(ctx context.Context, m *dynamostore.Metrics) (*dynamostore.Store, error) {
	return dynamostore.Open(ctx, dynamostore.Config{Address: c.Dynamodb, Table: c.DynamodbTable, Now: time.Now, Metrics: m})
}

// connect makes clients of Kafka as the flags name it, and cfg says the rest. It does no I/O yet.
func (c *config) connect(brokers string, cfg stream.Config) (*stream.Cluster, error) {
	props, err := properties(c.KafkaProperties)
	if err != nil {
		return nil, err
	}
	if brokers == "" {
		return nil, errors.New("--kafka (or REGIE_KAFKA) is missing")
	}
	cfg.Brokers, cfg.Project, cfg.Instance, cfg.Properties, cfg.Leaves = brokers, c.Project, c.Instance, props, c.Leave
	return stream.New(cfg), nil
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
	}
	return v + " " + info.GoVersion
}
