package dynamostore

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Beside is another client of the same table.
func (s *Store) Beside(ctx context.Context, address string) *Store {
	other, err := Open(ctx, Config{Address: address, Table: s.table, Now: s.now})
	if err != nil {
		panic(err)
	}
	return other
}

// Expiries are when a viewer's items expire, by sort key.
func (s *Store) Expiries(ctx context.Context, viewer string) (map[string]time.Time, error) {
	out, err := s.client.Query(ctx, &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: item{":pk": text(viewerKey(viewer, "").pk)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, err
	}
	times := map[string]time.Time{}
	for _, i := range out.Items {
		times[item(i).text("sk")] = time.Unix(item(i).number(ttl), 0)
	}
	return times, nil
}
