package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	// byTime is the index of what is there, by time. It is local: so it can be read consistently.
	byTime = "by-time"
	// ttl is the attribute by which DynamoDB deletes what nobody needs any more, in Unix seconds.
	ttl = "ttl"
	// tableWithin is how long a table may take to be made or changed.
	tableWithin = 2 * time.Minute
)

var errMissing = errors.New("run `regie tables apply`")

// Capacity is what a table is paid for by: reads and writes a second, or on demand when both are 0.
type Capacity struct{ Read, Write int64 }

// ParseCapacity reads "on-demand" or "READ/WRITE".
func ParseCapacity(s string) (Capacity, error) {
	if s == "on-demand" {
		return Capacity{}, nil
	}
	r, w, _ := strings.Cut(s, "/")
	read, err1 := strconv.ParseInt(r, 10, 64)
	write, err2 := strconv.ParseInt(w, 10, 64)
	if err1 != nil || err2 != nil || read < 1 || write < 1 {
		return Capacity{}, fmt.Errorf("%q is neither on-demand nor READ/WRITE units such as 100/500", s)
	}
	return Capacity{read, write}, nil
}

func schema(sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange}}
}

// ApplyTable makes the table with its index if there is none, turns expiry on, and checks the rest. It returns what it
// did. The capacity is that of a new table: one that is there keeps its own.
func (s *Store) ApplyTable(ctx context.Context, c Capacity) (did []string, err error) {
	in := &dynamodb.CreateTableInput{
		TableName: &s.table, KeySchema: schema("sk"), BillingMode: types.BillingModePayPerRequest,
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{{
			IndexName: aws.String(byTime), KeySchema: schema("ix"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}},
	}
	for _, name := range []string{"pk", "sk", "ix"} {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS})
	}
	if c != (Capacity{}) {
		in.BillingMode = types.BillingModeProvisioned
		in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: &c.Read, WriteCapacityUnits: &c.Write}
	}
	_, err = s.client.CreateTable(ctx, in)
	var exists *types.ResourceInUseException
	switch {
	case err == nil:
		did = append(did, "created the table "+s.table)
	case !errors.As(err, &exists):
		return nil, s.explain("creating the table "+s.table, err)
	}
	if err := s.awaitTable(ctx); err != nil {
		return did, err
	}
	expiry, err := s.expiry(ctx)
	if err != nil {
		return did, err
	}
	if expiry == "" {
		_, err := s.client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
			TableName: &s.table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(ttl), Enabled: aws.Bool(true)},
		})
		if err != nil {
			return did, s.explain("turning on expiry in the table "+s.table, err)
		}
		did = append(did, "turned on expiry by the attribute "+ttl)
	}
	return did, s.CheckTable(ctx)
}

// awaitTable waits until the table can be used.
func (s *Store) awaitTable(ctx context.Context) error {
	w := dynamodb.NewTableExistsWaiter(s.client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, 2*time.Second
	})
	if err := w.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &s.table}, tableWithin); err != nil {
		return s.explain("waiting for the table "+s.table, err)
	}
	return nil
}

// expiry is the attribute by which items expire, "" for none.
func (s *Store) expiry(ctx context.Context) (string, error) {
	out, err := s.client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &s.table})
	if err != nil {
		return "", s.explain("asking for the expiry of the table "+s.table, err)
	}
	d := out.TimeToLiveDescription
	if d == nil || d.TimeToLiveStatus != types.TimeToLiveStatusEnabled && d.TimeToLiveStatus != types.TimeToLiveStatusEnabling {
		return "", nil
	}
	return aws.ToString(d.AttributeName), nil
}

// CheckTable compares the table with what it must be, and tells all that differs and what to do.
func (s *Store) CheckTable(ctx context.Context) error {
	out, err := s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.table})
	if err != nil {
		return s.explain("asking for the table "+s.table, err)
	}
	var errs []error
	differs := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("table %s "+format, append([]any{s.table}, args...)...))
	}
	const anew = "that cannot be altered: name a new table, which `regie tables apply` makes, and copy the items whose pk begins with user/; persist fills in the rest from Kafka"
	t := out.Table
	if status := t.TableStatus; status != types.TableStatusActive && status != types.TableStatusUpdating {
		differs("is %s: wait until it is ACTIVE", status)
	}
	if got, want := keys(t.KeySchema, t.AttributeDefinitions), keysWanted("sk"); got != want {
		differs("has the keys %s instead of %s: %s", got, want, anew)
	}
	n := slices.IndexFunc(t.LocalSecondaryIndexes, func(i types.LocalSecondaryIndexDescription) bool { return aws.ToString(i.IndexName) == byTime })
	if n < 0 {
		differs("lacks the local index %s: %s", byTime, anew)
	} else {
		index := t.LocalSecondaryIndexes[n]
		if got, want := keys(index.KeySchema, t.AttributeDefinitions), keysWanted("ix"); got != want {
			differs("has the index %s with the keys %s instead of %s: %s", byTime, got, want, anew)
		}
		if index.Projection == nil || index.Projection.ProjectionType != types.ProjectionTypeAll {
			differs("has the index %s without all attributes: %s", byTime, anew)
		}
	}
	switch expiry, err := s.expiry(ctx); {
	case err != nil:
		errs = append(errs, err)
	case expiry == "":
		differs("never deletes what has expired: %w", errMissing)
	case expiry != ttl:
		differs("expires by the attribute %s instead of %s: turn that off with AWS's own tools, then run `regie tables apply`", expiry, ttl)
	}
	return errors.Join(errs...)
}

func keys(elements []types.KeySchemaElement, attributes []types.AttributeDefinition) string {
	var out []string
	for _, e := range elements {
		kind := ""
		for _, a := range attributes {
			if aws.ToString(a.AttributeName) == aws.ToString(e.AttributeName) {
				kind = string(a.AttributeType)
			}
		}
		out = append(out, fmt.Sprintf("%s (%s, %s)", aws.ToString(e.AttributeName), e.KeyType, kind))
	}
	return strings.Join(out, " and ")
}

func keysWanted(sort string) string { return fmt.Sprintf("pk (HASH, S) and %s (RANGE, S)", sort) }

// Drop deletes the table, for tests and benchmarks, which leave none behind.
func (s *Store) Drop(ctx context.Context) error {
	_, err := s.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &s.table})
	return s.explain("deleting the table "+s.table, err)
}
