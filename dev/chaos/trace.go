package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"google.golang.org/protobuf/proto"

	"regie/internal/stream"
	catalogv1 "regie/proto/catalog/v1"
)

// trace says of a collection's documents what the topics had of each last: which stage lost it.
func (c *campaign) trace(ctx context.Context, collection string, ids map[string]string) error {
	cluster := stream.New(stream.Config{Brokers: c.servers.address("KAFKA"), Project: project, Instance: "chaos", Log: slog.New(slog.DiscardHandler)})
	defer cluster.Close()
	captured, transformed := map[string]string{}, map[string]string{}
	err := cluster.ReadAll(ctx, stream.CMS(collection), func(r stream.Record) error {
		var change struct {
			OperationType string
			FullDocument  *struct{ Title, Slug string }
		}
		if err := json.Unmarshal(r.Value, &change); err != nil {
			return err
		}
		captured[string(r.Key)] = fmt.Sprintf("%s %s %+v", r.Source(), change.OperationType, change.FullDocument)
		return nil
	})
	if err != nil {
		return err
	}
	err = cluster.ReadAll(ctx, stream.Catalog(collection), func(r stream.Record) error {
		if r.Value == nil { // a deletion's event came before it
			return nil
		}
		said, err := event(collection, r)
		transformed[string(r.Key)] = fmt.Sprintf("%s %s", r.Source(), said)
		return err
	})
	if err != nil {
		return err
	}
	for id := range ids {
		fmt.Printf("    %s:%s captured last: %s; transformed last: %s\n", collection, id, captured[id], transformed[id])
	}
	return nil
}

func event(collection string, r stream.Record) (string, error) {
	m := map[string]proto.Message{
		"channel": new(catalogv1.ChannelEvent), "programme": new(catalogv1.ProgrammeEvent), "video": new(catalogv1.VideoEvent),
		"person": new(catalogv1.PersonEvent), "page": new(catalogv1.PageEvent),
	}[collection]
	if err := r.Decode(m); err != nil {
		return "", err
	}
	return oneLine(fmt.Sprint(m), 500), nil
}
