// Package scalar marshals the schema's scalars that Go's types do not.
package scalar

import (
	"fmt"
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// MarshalDateTime writes RFC 3339 in UTC, with milliseconds where there are any.
func MarshalDateTime(t *timestamppb.Timestamp) graphql.Marshaler {
	if t == nil {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, `"`+t.AsTime().UTC().Format("2006-01-02T15:04:05.999Z07:00")+`"`)
	})
}

// UnmarshalDateTime reads RFC 3339.
func UnmarshalDateTime(v any) (*timestamppb.Timestamp, error) {
	s, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("a DateTime is a string such as 2026-11-22T20:00:00Z")
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil, fmt.Errorf("a DateTime is a string such as 2026-11-22T20:00:00Z, not %q", s)
	}
	return timestamppb.New(t), nil
}
