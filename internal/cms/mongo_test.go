package cms_test

import (
	"context"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"regie/internal/cms"
	"regie/internal/servertest"
	"regie/internal/stream"
)

func TestMongo(t *testing.T) {
	uri := servertest.Mongo(t)
	testStore(t, func(t *testing.T) (store, func() store) {
		name := servertest.Name()
		database(t, uri, name)
		open := func() *cms.Mongo {
			m, err := cms.OpenMongo(t.Context(), uri, name)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		m := open()
		t.Cleanup(func() { m.Close(context.Background()) })
		if err := m.Index(t.Context(), stream.Collections()); err != nil {
			t.Fatal(err)
		}
		return m, func() store {
			if err := m.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			m = open()
			return m
		}
	})
}

// database makes a database whose changes know the documents before them, and drops it in the end.
func database(t *testing.T, uri, name string) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Database(name).Drop(context.Background()); err != nil {
			t.Error(err)
		}
		client.Disconnect(context.Background())
	})
	for _, c := range stream.Collections() {
		images := options.CreateCollection().SetChangeStreamPreAndPostImages(bson.D{{Key: "enabled", Value: true}})
		if err := client.Database(name).CreateCollection(t.Context(), c, images); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAMongoThatIsNotThere(t *testing.T) {
	if _, err := cms.OpenMongo(t.Context(), "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100&connectTimeoutMS=100", ""); err == nil {
		t.Error("opened")
	}
	if _, err := cms.OpenMongo(t.Context(), "redis://127.0.0.1", ""); err == nil {
		t.Error("opened what is no MongoDB's URI")
	}
}
