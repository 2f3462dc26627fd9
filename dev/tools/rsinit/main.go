// Command rsinit makes a member of a MongoDB replica set usable: it initiates the set if
// nobody has, then waits until this member is its primary or follows one. dev/stack runs it
// in place of mongosh, which Debian has not.
//
//	rsinit SET HOST:PORT MEMBER'S-HOST:PORT...
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
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: rsinit SET HOST:PORT MEMBER'S-HOST:PORT...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "rsinit:", err)
		os.Exit(1)
	}
}

func run(set, member string, members []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	// Direct, because a set that is not initiated yet has no primary to be found.
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + member + "/?directConnection=true"))
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", member, err)
	}
	defer func() { _ = client.Disconnect(ctx) }()
	admin := client.Database("admin")

	list := make(bson.A, len(members))
	for i, m := range members {
		list[i] = bson.D{{Key: "_id", Value: i}, {Key: "host", Value: m}}
	}
	initiate := bson.D{{Key: "replSetInitiate", Value: bson.D{
		{Key: "_id", Value: set}, {Key: "members", Value: list},
		// A dead primary is noticed after 3 s, as a dead broker is, not 10.
		{Key: "settings", Value: bson.D{{Key: "electionTimeoutMillis", Value: 3000}, {Key: "heartbeatIntervalMillis", Value: 500}}},
	}}}
	err = poll(ctx, func() error { // the others may not listen yet
		err := admin.RunCommand(ctx, initiate).Err()
		if refused := (mongo.CommandError{}); errors.As(err, &refused) && refused.Code == alreadyInitialized {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("initiating %s: %w", set, err)
	}
	err = poll(ctx, func() error {
		var hello struct {
			Primary   bool   `bson:"isWritablePrimary"`
			Secondary bool   `bson:"secondary"`
			Of        string `bson:"primary"`
		}
		if err := admin.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
			return err
		}
		if hello.Primary || hello.Secondary && hello.Of != "" {
			return nil
		}
		return errors.New("it neither is nor has a primary")
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", member, err)
	}
	return nil
}

// poll asks until there is no error, or returns the last one when ctx is done.
func poll(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
