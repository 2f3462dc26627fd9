// Command rsinit makes a MongoDB replica set usable: it initiates the set if nobody has,
// then waits until this member is its primary. dev/stack runs it in place of mongosh,
// which Debian has not.
//
//	rsinit SET HOST:PORT
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const alreadyInitialized = 23 // MongoDB's error code

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: rsinit SET HOST:PORT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "rsinit:", err)
		os.Exit(1)
	}
}

func run(set, member string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	// Direct, because a set that is not initiated yet has no primary to be found.
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + member + "/?directConnection=true"))
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", member, err)
	}
	defer func() { _ = client.Disconnect(ctx) }()
	admin := client.Database("admin")

	err = admin.RunCommand(ctx, bson.D{{Key: "replSetInitiate", Value: bson.D{
		{Key: "_id", Value: set},
		{Key: "members", Value: bson.A{bson.D{{Key: "_id", Value: 0}, {Key: "host", Value: member}}}},
	}}}).Err()
	if refused := (mongo.CommandError{}); err != nil && (!errors.As(err, &refused) || refused.Code != alreadyInitialized) {
		return fmt.Errorf("initiating %s: %w", set, err)
	}

	for {
		var hello struct {
			Primary bool `bson:"isWritablePrimary"`
		}
		if err := admin.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
			return fmt.Errorf("asking %s for its role: %w", member, err)
		}
		if hello.Primary {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s to become primary: %w", member, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
