package identity

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// asymmetric are the algorithms of a JWKS's keys, each by its kind of key.
var asymmetric = []string{"RS256", "ES256", "EdDSA"}

const (
	// everyFile and everyURL are how often the keys are read again; afterFailure is how soon when they could not be.
	everyFile    = time.Second
	everyURL     = 5 * time.Minute
	afterFailure = 5 * time.Second
	// atMost is how often tokens of unknown keys can make it sooner; those in between are refused at once.
	atMost = 10 * time.Second
	// patience is how long such a token waits for the keys to be read again, unless a test is more patient; readLimit what the
	// reading may take.
	patience  = 2 * time.Second
	readLimit = 10 * time.Second
	maxJWKS   = 1 << 20
	// minRSA is what RFC 7518, 3.3 asks for, in bits.
	minRSA = 2048
)

// Keys are an issuer's public keys, by kid, as its JWKS says. While it is away, or damaged, the last ones hold.
type Keys struct {
	source  string
	url     bool
	client  *http.Client
	metrics *Metrics
	log     *slog.Logger

	// known is replaced as a whole; nil until the first were read.
	known atomic.Pointer[map[string]key]
	last  []byte // what known was read from; Run's alone

	patience time.Duration
	wanted   chan struct{} // asks Run to read now
	mu       sync.Mutex
	// reading is closed when the reading has ended that is under way, or else the next one.
	reading  chan struct{}
	underway bool
	ended    time.Time // of the last reading
}

type key struct {
	algorithm string
	public    any
}

// NewKeys does no I/O. The source is a file, or an http or https URL.
func NewKeys(source string, m *Metrics, log *slog.Logger) *Keys {
	return &Keys{
		source: source, url: IsURL(source), client: &http.Client{Timeout: readLimit, CheckRedirect: stayEncrypted}, metrics: m, log: log,
		patience: patience, wanted: make(chan struct{}, 1), reading: make(chan struct{}),
	}
}

// IsURL tells whether a JWKS's source is a URL; else it is a file.
func IsURL(source string) bool {
	u, err := url.Parse(source)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// stayEncrypted refuses redirects that leave https.
func stayEncrypted(r *http.Request, via []*http.Request) error {
	if len(via) >= 5 {
		return errors.New("too many redirects")
	}
	if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
		return errors.New("a redirect leaves https")
	}
	return nil
}

// Run reads the keys, and again from time to time and when a token names one that is not known, until ctx is done.
func (k *Keys) Run(ctx context.Context) error {
	for failing := false; ; {
		err := k.read(ctx)
		if ctx.Err() != nil {
			return nil
		}
		pause := everyFile
		if k.url {
			pause = everyURL
		}
		switch {
		case err != nil:
			pause = afterFailure
			k.metrics.failures.Inc()
			if !failing {
				k.log.Error("reading the issuer's keys failed; the last ones hold", "jwks", k.source, "keys", k.count(), "error", err)
			}
		case failing:
			k.log.Info("the issuer's keys are read again", "jwks", k.source)
		}
		failing = err != nil
		next := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-next.C:
		case <-k.wanted:
		}
		next.Stop()
	}
}

// find returns the key of that id. One that is not known makes Run look again, and is waited for.
func (k *Keys) find(ctx context.Context, kid string) (key, error) {
	if found, ok := k.get(kid); ok {
		return found, nil
	}
	if reading := k.want(); reading != nil {
		limit := time.NewTimer(k.patience)
		defer limit.Stop()
		select {
		case <-reading:
		case <-limit.C:
		case <-ctx.Done():
		}
	}
	if found, ok := k.get(kid); ok { // also what was read since
		return found, nil
	}
	if k.known.Load() == nil {
		return key{}, refuse(Unavailable)
	}
	return key{}, refuse(UnknownKey)
}

func (k *Keys) get(kid string) (key, bool) {
	known := k.known.Load()
	if known == nil {
		return key{}, false
	}
	found, ok := (*known)[kid]
	return found, ok
}

func (k *Keys) count() int {
	if known := k.known.Load(); known != nil {
		return len(*known)
	}
	return 0
}

// want asks for a reading and returns what is closed once it has ended; nil when the last one was just now.
func (k *Keys) want() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.underway {
		if !k.ended.IsZero() && time.Since(k.ended) < atMost {
			return nil
		}
		select {
		case k.wanted <- struct{}{}:
		default:
		}
	}
	return k.reading
}

// read replaces the keys by what the source has now.
func (k *Keys) read(ctx context.Context) error {
	k.mu.Lock()
	k.underway = true
	select {
	case <-k.wanted: // this reading is what was asked for
	default:
	}
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.underway, k.ended = false, time.Now()
		close(k.reading)
		k.reading = make(chan struct{})
	}()

	b, err := k.load(ctx)
	if err != nil {
		return err
	}
	if !bytes.Equal(b, k.last) {
		known, skipped, err := parse(b)
		if err != nil {
			return fmt.Errorf("reading %s: %w", k.source, err)
		}
		for _, s := range skipped {
			k.log.Warn("a key of the issuer's is left out", "jwks", k.source, "error", s)
		}
		k.known.Store(&known)
		k.last = b
		k.metrics.keys.Set(float64(len(known)))
		k.log.Info("the issuer's keys are new", "jwks", k.source, "keys", len(known))
	}
	k.metrics.refreshed.SetToCurrentTime()
	return nil
}

func (k *Keys) load(ctx context.Context) ([]byte, error) {
	if !k.url {
		f, err := os.Open(k.source)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		return bounded(f)
	}
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.source, nil)
	if err != nil {
		return nil, err
	}
	r.Close = true // the next one is minutes away
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := k.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", k.source, res.Status)
	}
	return bounded(res.Body)
}

func bounded(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxJWKS+1))
	if err == nil && len(b) > maxJWKS {
		err = fmt.Errorf("it has more than %d KiB", maxJWKS>>10)
	}
	return b, err
}

// CheckJWKS tells what is wrong with a JWKS's file.
func CheckJWKS(file string) error {
	b, err := (&Keys{source: file}).load(context.Background())
	if err == nil {
		_, _, err = parse(b)
	}
	return err
}

// parse reads a JWKS: the keys that can verify a token, and what is wrong with the others. None at all is an error.
func parse(b []byte) (keys map[string]key, skipped []error, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, nil, fmt.Errorf("it is no JWKS: %w", err)
	}
	keys = map[string]key{}
	for i, raw := range set.Keys {
		kid, k, err := parseKey(raw)
		if _, twice := keys[kid]; err == nil && twice {
			err = errors.New("another key has the same kid")
		}
		if err != nil {
			skipped = append(skipped, fmt.Errorf("key %d (kid %q): %w", i+1, kid, err))
			continue
		}
		keys[kid] = k
	}
	if len(keys) == 0 {
		return nil, nil, errors.Join(append([]error{errors.New("it has no key that can verify a token")}, skipped...)...)
	}
	return keys, skipped, nil
}

func parseKey(raw json.RawMessage) (kid string, k key, err error) {
	var j jose.JSONWebKey
	if err := json.Unmarshal(raw, &j); err != nil {
		return "", key{}, err
	}
	public := j.Public()
	switch p := public.Key.(type) {
	case *rsa.PublicKey:
		if k = (key{"RS256", p}); p.N.BitLen() < minRSA {
			err = fmt.Errorf("it has %d bits, and needs %d", p.N.BitLen(), minRSA)
		}
	case *ecdsa.PublicKey:
		if k = (key{"ES256", p}); p.Curve != elliptic.P256() {
			err = fmt.Errorf("its curve is %s, and must be P-256", p.Params().Name)
		}
	case ed25519.PublicKey:
		k = key{"EdDSA", p}
	default:
		err = errors.New("it is no RSA, P-256 or Ed25519 key")
	}
	switch {
	case err != nil:
	case j.KeyID == "":
		err = errors.New("it has no kid")
	case j.Algorithm != "" && j.Algorithm != k.algorithm:
		err = fmt.Errorf("its algorithm is %s, and must be %s", j.Algorithm, k.algorithm)
	case j.Use != "" && j.Use != "sig":
		err = fmt.Errorf("its use is %q, not sig", j.Use)
	}
	return j.KeyID, k, err
}
