package dynamostore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"regie/internal/users"
)

const (
	// batchGet and batchWrite are DynamoDB's own limits.
	batchGet   = 100
	batchWrite = 25
	// rounds is how often a batch is asked for again of which only a part was answered.
	rounds = 8
)

// get reads items by key, each once. Those that are not there are in the answer as nil.
func (s *Store) get(ctx context.Context, what string, keys []key, consistent bool) (map[key]item, error) {
	found := map[key]item{}
	for _, k := range keys {
		found[k] = nil
	}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for part := range slices.Chunk(slices.Collect(maps.Keys(found)), batchGet) {
		g.Go(func() error {
			items, err := s.getBatch(gctx, part, consistent)
			mu.Lock()
			defer mu.Unlock()
			for _, i := range items {
				found[i.key()] = i
			}
			return s.explain(what, err)
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return found, nil
}

// errUnprocessed says that DynamoDB answers a part of a batch again and again.
var errUnprocessed = errors.New("a part of the batch was not processed")

func (s *Store) getBatch(ctx context.Context, keys []key, consistent bool) (items []item, err error) {
	ask := types.KeysAndAttributes{ConsistentRead: aws.Bool(consistent)}
	for _, k := range keys {
		ask.Keys = append(ask.Keys, k.item())
	}
	pause := 10 * time.Millisecond
	for range rounds {
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{s.table: ask}})
		if err != nil {
			return nil, err
		}
		for _, i := range out.Responses[s.table] {
			items = append(items, i)
		}
		left, ok := out.UnprocessedKeys[s.table]
		if !ok || len(left.Keys) == 0 {
			return items, nil
		}
		ask = left
		if err := wait(ctx, pause); err != nil {
			return nil, err
		}
		pause *= 2
	}
	return nil, errUnprocessed
}

// condition is what must hold of what is there, for a write to be done. Attributes are named #v and #pk.
type condition struct {
	expression string
	version    string // :v, if it is not ""
}

func (c condition) names() map[string]string {
	if c.version == "" {
		return map[string]string{"#pk": "pk"}
	}
	return map[string]string{"#v": "v"}
}

func (c condition) values() map[string]types.AttributeValue {
	if c.version == "" {
		return nil
	}
	return map[string]types.AttributeValue{":v": text(c.version)}
}

// newerThanStored: an older one never wins.
func newerThanStored(version string) condition {
	return condition{"attribute_not_exists(#v) OR #v < :v", version}
}

// still: nobody has written since it was read.
func still(seen item) condition {
	if seen == nil {
		return condition{expression: "attribute_not_exists(#pk)"}
	}
	return condition{"#v = :v", seen.version()}
}

// put writes an item, if the condition holds.
func (s *Store) put(ctx context.Context, what string, i item, c condition) (done bool, err error) {
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: i, ConditionExpression: &c.expression, ExpressionAttributeNames: c.names(), ExpressionAttributeValues: c.values(),
	})
	return s.held(what, err)
}

// remove deletes an item, if the condition holds.
func (s *Store) remove(ctx context.Context, what string, k key, c condition) (done bool, err error) {
	_, err = s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: k.item(), ConditionExpression: &c.expression, ExpressionAttributeNames: c.names(), ExpressionAttributeValues: c.values(),
	})
	return s.held(what, err)
}

func (s *Store) held(what string, err error) (bool, error) {
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		return false, nil
	}
	return err == nil, s.explain(what, err)
}

// erase deletes all rows of a viewer.
func (s *Store) erase(ctx context.Context, viewer string) error {
	const what = "erasing rows"
	q := &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("pk, sk"),
		KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: item{":pk": text(viewerKey(viewer, "").pk)},
	}
	for {
		out, err := s.client.Query(ctx, q)
		if err != nil {
			return s.explain(what, err)
		}
		for part := range slices.Chunk(out.Items, batchWrite) {
			if err := s.deleteBatch(ctx, part); err != nil {
				return s.explain(what, err)
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		q.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func (s *Store) deleteBatch(ctx context.Context, keys []map[string]types.AttributeValue) error {
	var ask []types.WriteRequest
	for _, k := range keys {
		ask = append(ask, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: k}})
	}
	pause := 10 * time.Millisecond
	for range rounds {
		out, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.table: ask}})
		if err != nil {
			return err
		}
		if ask = out.UnprocessedItems[s.table]; len(ask) == 0 {
			return nil
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
		pause *= 2
	}
	return errUnprocessed
}

// page asks for a stretch of one of a viewer's lists.
type page struct {
	viewer, list string
	// from and to are the first and last version, "" for none.
	from, to string
	// programme, if it is not "", is the only one that counts.
	programme  string
	consistent bool
}

// beyond is behind every version.
const beyond = "~"

func (s *Store) query(p page) *dynamodb.QueryInput {
	if p.to == "" {
		p.to = beyond
	}
	q := &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String(byTime), ConsistentRead: aws.Bool(p.consistent), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: aws.String("pk = :pk AND ix BETWEEN :from AND :to"),
		ExpressionAttributeValues: item{
			":pk": text(viewerKey(p.viewer, "").pk), ":from": text(p.list + "/" + p.from), ":to": text(p.list + "/" + p.to),
		},
	}
	if p.programme != "" {
		q.FilterExpression = aws.String("programme = :programme")
		q.ExpressionAttributeValues[":programme"] = text(p.programme)
	}
	return q
}

// find calls each with a list's items, the newest first, until it returns false. One answer of DynamoDB has at most 1 MB.
func (s *Store) find(ctx context.Context, what string, p page, limit int32, each func(item) bool) error {
	q := s.query(p)
	if limit > 0 {
		q.Limit = &limit
	}
	for {
		out, err := s.client.Query(ctx, q)
		if err != nil {
			return s.explain(what, err)
		}
		for _, i := range out.Items {
			if !each(i) {
				return nil
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		q.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func (s *Store) count(ctx context.Context, what string, p page) (n int, err error) {
	q := s.query(p)
	q.Select = types.SelectCount
	for {
		out, err := s.client.Query(ctx, q)
		if err != nil {
			return 0, s.explain(what, err)
		}
		n += int(out.Count)
		if len(out.LastEvaluatedKey) == 0 {
			return n, nil
		}
		q.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// oldest is the version below which no progress counts.
func (s *Store) oldest() string {
	return users.Version{At: s.now().Add(-users.KeepProgress)}.String()
}
