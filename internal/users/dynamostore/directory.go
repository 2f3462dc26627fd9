package dynamostore

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"regie/internal/users"
)

func userKey(user string) key { return key{"user/" + user, "pseudonym"} }

// Pseudonym implements users.Directory.
func (s *Store) Pseudonym(ctx context.Context, user, offered string) (string, error) {
	k := userKey(user)
	// Consistent: after Forget nobody may be given the one that was forgotten.
	found, err := s.get(ctx, "reading a pseudonym", []key{k}, true)
	if err != nil {
		return "", err
	}
	if p := found[k].text("pseudonym"); p != "" {
		erased, err := s.get(ctx, "reading who is erased", []key{erasedKey(p)}, false)
		if err != nil || erased[erasedKey(p)] == nil {
			return p, err
		}
		if err := s.unmap(ctx, user, p); err != nil {
			return "", err
		}
	}
	if offered == "" {
		return "", nil
	}
	i := k.item()
	i["pseudonym"] = text(offered)
	there, err := s.putNew(ctx, "storing a pseudonym", i, "attribute_not_exists(pk)", nil)
	if err != nil || there == nil {
		return offered, err
	}
	return there.text("pseudonym"), nil
}

// putNew writes an item if the condition holds, or else returns what is there.
func (s *Store) putNew(ctx context.Context, what string, i item, condition string, values item) (there item, err error) {
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: i, ConditionExpression: &condition, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		return refused.Item, nil
	}
	return nil, s.explain(what, err)
}

// Forget implements users.Directory: the mapping last, so that a cut Forget can be repeated.
func (s *Store) Forget(ctx context.Context, user, pseudonym string) error {
	if err := insist(ctx, func() error { return s.erase(ctx, pseudonym) }); err != nil {
		return err
	}
	return insist(ctx, func() error { return s.unmap(ctx, user, pseudonym) })
}

// unmap drops the user's mapping, if it leads to the pseudonym.
func (s *Store) unmap(ctx context.Context, user, pseudonym string) error {
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: userKey(user).item(), ConditionExpression: aws.String("pseudonym = :pseudonym"),
		ExpressionAttributeValues: item{":pseudonym": text(pseudonym)},
	})
	_, err = s.held("forgetting a user", err)
	return err
}

// Remember implements users.Directory. Expiry goes by now: DynamoDB takes its time to delete.
func (s *Store) Remember(ctx context.Context, viewer, key string, content []byte, now time.Time) ([]byte, error) {
	expires := now.Add(users.KeepKeys)
	i := viewerKey(viewer, idempotent+key).item()
	i["content"] = &types.AttributeValueMemberB{Value: content}
	i["expires"], i["ttl"] = number(expires.UnixMilli()), number(expires.Unix())
	there, err := s.putNew(ctx, "remembering an idempotency key", i, "attribute_not_exists(pk) OR expires <= :now", item{":now": number(now.UnixMilli())})
	if err != nil {
		return nil, err
	}
	if there == nil {
		return content, nil
	}
	if stored := there.bytes("content"); !bytes.Equal(stored, content) {
		return stored, users.ErrConflict
	}
	return content, nil
}
