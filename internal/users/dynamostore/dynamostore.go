// Package dynamostore keeps what viewers did in one table of DynamoDB.
//
//	pk                 sk                          ix                    in the index "by-time"
//	viewer/PSEUDONYM   f/programme:ID, f/video:ID  programme/VERSION, video/VERSION
//	                   p/video/ID                  progress/VERSION
//	                   p/latest/PROGRAMME          latest/VERSION        what was watched last of the programme
//	                   p/clear                                           up to where the history was cleared
//	                   k/KEY                                             what an idempotency key was used for
//	erased/PSEUDONYM   erased                                            nothing comes of this viewer any more
//	user/ID            pseudonym
//	positions          TOPIC/PARTITION                                   of the role persist
//
// A row that was removed stays without ix: it is found by its key and listed nowhere. Each write has a condition on the
// version that is there, so that an older report never wins, whoever writes it and how often.
package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"regie/internal/users"
)

// Config says which table.
type Config struct {
	// Address is a region, whose DynamoDB the usual credentials of AWS open, or a URL: with https a DynamoDB of the region
	// that the environment names; with http a DynamoDB Local, which takes any credentials.
	Address string
	// Table is its name, of 3 characters or more.
	Table string
	// Now is the clock by which progress grows old.
	Now func() time.Time
	// Transport, when set, sends the requests instead of a client of its own.
	Transport dynamodb.HTTPClient
	// Metrics may be nil.
	Metrics *Metrics
}

// Store is a users.Store and a users.Directory.
type Store struct {
	client  *dynamodb.Client
	table   string
	now     func() time.Time
	metrics *Metrics
}

var (
	_ users.Store     = (*Store)(nil)
	_ users.Directory = (*Store)(nil)
)

const (
	// requestTimeout bounds one request, which as a rule takes a few ms: what is lost on the way is sent again soon.
	requestTimeout = 2 * time.Second
	// attempts of a request, before its caller is told; Apply goes on.
	attempts = 3
	// attemptPause is the longest pause between them.
	attemptPause = 100 * time.Millisecond
	// inFlight is how many viewers Apply writes at a time.
	inFlight = 64
	// rowsInFlight is how many rows of one of them.
	rowsInFlight = 8
)

// Open makes a client. It looks for credentials, and asks DynamoDB nothing.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	local, isURL := strings.HasPrefix(cfg.Address, "http://"), strings.Contains(cfg.Address, "://")
	var load []func(*config.LoadOptions) error
	switch {
	case local:
		load = append(load, config.WithRegion("local"), config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	case !isURL:
		load = append(load, config.WithRegion(cfg.Address))
	}
	loaded, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("reading AWS's configuration: %w", err)
	}
	if loaded.Region == "" {
		return nil, fmt.Errorf("%s needs a region: set AWS_REGION", cfg.Address)
	}
	client := dynamodb.NewFromConfig(loaded, func(o *dynamodb.Options) {
		if isURL {
			o.BaseEndpoint = aws.String(cfg.Address)
		}
		o.DisableValidateResponseChecksum = true // it fails on every error that DynamoDB Local answers
		o.HTTPClient = cfg.Transport
		if cfg.Transport == nil {
			o.HTTPClient = awshttp.NewBuildableClient().WithTimeout(requestTimeout).WithTransportOptions(func(t *http.Transport) {
				const most = inFlight * rowsInFlight // what Apply may use: one more would be closed after each answer
				t.MaxIdleConnsPerHost, t.MaxIdleConns = most, most
			})
		}
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff, o.RateLimiter = attempts, attemptPause, ratelimit.None
		})
	})
	return &Store{client: client, table: cfg.Table, now: cfg.Now, metrics: cfg.Metrics}, nil
}

// CheckAddress tells what is wrong with an address before anything is opened.
func CheckAddress(address string) error {
	if scheme, host, ok := strings.Cut(address, "://"); ok {
		if scheme != "http" && scheme != "https" || host == "" {
			return fmt.Errorf("%q is no http:// or https:// URL", address)
		}
		return nil
	}
	if strings.ContainsAny(address, ":/. ") {
		return fmt.Errorf("%q is neither a region such as eu-west-3 nor a URL", address)
	}
	return nil
}

// explain says of an error what was being done, and whether it is worth another try: then it is users.ErrUnavailable.
func (s *Store) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return fmt.Errorf("%s: DynamoDB has no table %s: %w", what, s.table, errMissing)
	}
	if away(err) {
		if !errors.Is(err, context.Canceled) {
			s.metrics.failed(err)
		}
		return fmt.Errorf("%s: %w: %w", what, users.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// away tells whether err is no refusal: nobody answered, or that it is too much now.
func away(err error) bool {
	var refusal smithy.APIError
	var answer *awshttp.ResponseError
	switch {
	case !errors.As(err, &refusal): // of the network, or the answer was cut
		return true
	case errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusInternalServerError:
		return true
	}
	return retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// insist does what is worth another try until it is done, or until ctx is.
func insist(ctx context.Context, do func() error) error {
	for pause := 25 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := do()
		if err == nil || !errors.Is(err, users.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
		if wait(ctx, pause) != nil {
			return err
		}
	}
}

// wait waits for some of d: were it the same for all, all would come back at once.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d/2 + rand.N(d)):
		return nil
	}
}
