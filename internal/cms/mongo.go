package cms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// Mongo is the CMS in MongoDB, a replica set: change streams need one.
type Mongo struct {
	client *mongo.Client
	db     *mongo.Database
}

var (
	_ Store  = (*Mongo)(nil)
	_ Source = (*Mongo)(nil)
)

const defaultDatabase = "cms"

// OpenMongo connects. The database is the URI's, or "cms". Close it.
func OpenMongo(ctx context.Context, uri, database string) (*Mongo, error) {
	if database == "" {
		database = defaultDatabase
	}
	client, err := mongo.Connect(options.Client().
		SetServerSelectionTimeout(10 * time.Second).
		SetAppName("regie").
		ApplyURI(uri).
		SetWriteConcern(writeconcern.Majority()))
	if err != nil {
		return nil, fmt.Errorf("connecting to MongoDB: %w", err)
	}
	if err := client.Ping(ctx, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("connecting to MongoDB: %w", err), client.Disconnect(context.WithoutCancel(ctx)))
	}
	return &Mongo{client: client, db: client.Database(database)}, nil
}

// Close disconnects.
func (m *Mongo) Close(ctx context.Context) error { return m.client.Disconnect(ctx) }

// Index makes the indexes that Get needs.
func (m *Mongo) Index(ctx context.Context, collections []string) error {
	for _, c := range collections {
		model := mongo.IndexModel{Keys: bson.D{{Key: "slug", Value: 1}, {Key: "programme", Value: 1}, {Key: "createdAt", Value: 1}}}
		if _, err := m.db.Collection(c).Indexes().CreateOne(ctx, model); err != nil {
			return fmt.Errorf("indexing collection %s: %w", c, err)
		}
	}
	return nil
}

// Get implements Store.
func (m *Mongo) Get(ctx context.Context, collection, ref string) (bson.Raw, error) {
	c := m.db.Collection(collection)
	doc, err := c.FindOne(ctx, bson.D{{Key: "_id", Value: ID(ref)}}).Raw()
	parent, self := reference(collection, ref)
	if errors.Is(err, mongo.ErrNoDocuments) && parent == "" && self != ref {
		doc, err = c.FindOne(ctx, bson.D{{Key: "_id", Value: ID(self)}}).Raw()
	}
	if errors.Is(err, mongo.ErrNoDocuments) {
		bySlug := bson.D{{Key: "slug", Value: self}}
		if parent != "" {
			p, err := m.Get(ctx, "programme", parent)
			if err != nil {
				return nil, err
			}
			bySlug = append(bySlug, bson.E{Key: "programme", Value: p.Lookup("_id")})
		}
		oldest := options.FindOne().SetSort(bson.D{{Key: "createdAt", Value: 1}, {Key: "_id", Value: 1}})
		doc, err = c.FindOne(ctx, bySlug, oldest).Raw()
	}
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, fmt.Errorf("%s %q: %w", collection, ref, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s %q: %w", collection, ref, err)
	}
	return doc, nil
}

// Put implements Store.
func (m *Mongo) Put(ctx context.Context, collection string, docs []bson.Raw) (int, error) {
	if len(docs) == 0 {
		return 0, nil
	}
	c := m.db.Collection(collection)
	keys, err := check(collection, docs)
	if err != nil {
		return 0, err
	}
	ids := make(bson.A, len(docs))
	for i, d := range docs {
		ids[i] = d.Lookup("_id")
	}
	cur, err := c.Find(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}})
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", collection, err)
	}
	there := map[string]bson.Raw{}
	for cur.Next(ctx) {
		k, err := Key(cur.Current.Lookup("_id"))
		if err != nil {
			return 0, err
		}
		there[k] = bytes.Clone(cur.Current)
	}
	if err := cur.Err(); err != nil {
		return 0, fmt.Errorf("reading %s: %w", collection, err)
	}
	var writes []mongo.WriteModel
	for i, d := range docs {
		if same(there[keys[i]], d) {
			continue
		}
		writes = append(writes, mongo.NewReplaceOneModel().SetFilter(bson.D{{Key: "_id", Value: d.Lookup("_id")}}).SetReplacement(d).SetUpsert(true))
	}
	if len(writes) == 0 {
		return 0, nil
	}
	if _, err := c.BulkWrite(ctx, writes); err != nil {
		return 0, fmt.Errorf("writing %s: %w", collection, err)
	}
	return len(writes), nil
}

// same tells whether Put leaves the old document alone.
func same(old, doc bson.Raw) bool {
	if old == nil {
		return false
	}
	if h := lookup(doc, FieldImportHash); h != "" {
		return lookup(old, FieldImportHash) == h
	}
	return bytes.Equal(old, doc)
}

// Set implements Store.
func (m *Mongo) Set(ctx context.Context, collection, ref string, fields bson.D) error {
	if err := checkUpdatedAt(fields); err != nil {
		return fmt.Errorf("changing %s %q: %w", collection, ref, err)
	}
	doc, err := m.Get(ctx, collection, ref)
	if err != nil {
		return err
	}
	if _, err := SetFields(doc, fields); err != nil { // the rules that both stores share
		return fmt.Errorf("changing %s %q: %w", collection, ref, err)
	}
	set, unset := bson.D{}, bson.D{}
	for _, f := range fields {
		if f.Value == nil {
			unset = append(unset, bson.E{Key: f.Key, Value: ""})
		} else {
			set = append(set, f)
		}
	}
	update := bson.D{{Key: "$currentDate", Value: bson.D{{Key: fieldUpdatedAt, Value: true}}}}
	if len(set) > 0 {
		update = append(update, bson.E{Key: "$set", Value: set})
	}
	if len(unset) > 0 {
		update = append(update, bson.E{Key: "$unset", Value: unset})
	}
	res, err := m.db.Collection(collection).UpdateOne(ctx, bson.D{{Key: "_id", Value: doc.Lookup("_id")}}, update)
	if err != nil {
		return fmt.Errorf("changing %s %q: %w", collection, ref, err)
	}
	if res.MatchedCount == 0 {
		return fmt.Errorf("%s %q: %w", collection, ref, ErrNotFound)
	}
	return nil
}

// Delete implements Store.
func (m *Mongo) Delete(ctx context.Context, collection, ref string) error {
	doc, err := m.Get(ctx, collection, ref)
	if err != nil {
		return err
	}
	if _, err := m.db.Collection(collection).DeleteOne(ctx, bson.D{{Key: "_id", Value: doc.Lookup("_id")}}); err != nil {
		return fmt.Errorf("deleting %s %q: %w", collection, ref, err)
	}
	return nil
}
