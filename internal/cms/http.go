package cms

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// maxBody bounds a request: a Put's documents together, as Extended JSON.
const maxBody = 64 << 20

var errTooLarge = fmt.Errorf("the documents have more than %d MiB together as Extended JSON, and none was written: put fewer at once", maxBody>>20)

// Handler serves a store to Remote, at /cms/{collection}/{ref}; all documents of a collection are at /cms/{collection}.
// Documents are canonical Extended JSON, one a line.
func Handler(store Store, source Source, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, fn func(r *http.Request, collection, ref string) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			collection := r.PathValue("collection")
			err := CheckCollection(collection)
			var answer any
			if err == nil {
				answer, err = fn(r, collection, r.PathValue("ref"))
				if errors.As(err, new(*http.MaxBytesError)) {
					err = errTooLarge
				}
			} else {
				err = badRequest{err}
			}
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			if err != nil {
				status := statusOf(err)
				if status >= 500 {
					log.Error("editing the CMS", "method", r.Method, "path", r.URL.Path, "error", err)
				}
				w.WriteHeader(status)
				answer = map[string]string{"error": err.Error()}
			}
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
	handle("GET /cms/{collection}/{ref}", func(r *http.Request, collection, ref string) (any, error) {
		doc, err := store.Get(r.Context(), collection, ref)
		if err != nil {
			return nil, err
		}
		ext, err := bson.MarshalExtJSON(doc, true, false)
		return json.RawMessage(ext), err
	})
	mux.HandleFunc("GET /cms/{collection}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("Trailer", headerDone)
		err := source.Snapshot(r.Context(), r.PathValue("collection"), bson.RawValue{}, func(doc bson.Raw) error {
			ext, err := bson.MarshalExtJSON(doc, true, false)
			if err == nil {
				_, err = w.Write(append(ext, '\n'))
			}
			return err
		})
		if err != nil { // what was sent is not all: the answer breaks off
			log.Error("reading all of a collection", "path", r.URL.Path, "error", err)
			return
		}
		w.Header().Set(headerDone, "true")
	})
	handle("POST /cms/{collection}", func(r *http.Request, collection, _ string) (any, error) {
		docs, err := readDocuments(r.Body)
		if err != nil {
			return nil, badRequest{err}
		}
		n, err := store.Put(r.Context(), collection, docs)
		return map[string]int{"written": n}, err
	})
	handle("PATCH /cms/{collection}/{ref}", func(r *http.Request, collection, ref string) (any, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, badRequest{err}
		}
		var fields bson.D
		if err := readExtJSON(body, &fields); err != nil {
			return nil, badRequest{fmt.Errorf("the body is not Extended JSON: %w", err)}
		}
		return struct{}{}, store.Set(r.Context(), collection, ref, fields)
	})
	handle("DELETE /cms/{collection}/{ref}", func(r *http.Request, collection, ref string) (any, error) {
		return struct{}{}, store.Delete(r.Context(), collection, ref)
	})
	return mux
}

// headerDone is the trailer of an answer that has all documents.
const headerDone = "Regie-Done"

// badRequest is an error of who edits, not of the store.
type badRequest struct{ error }

func (b badRequest) Unwrap() error { return b.error }

func statusOf(err error) int {
	switch {
	case errors.Is(err, errTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound
	case errors.As(err, new(badRequest)):
		return http.StatusBadRequest
	case errors.Is(err, syscall.ENOSPC):
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

func readDocuments(r io.Reader) ([]bson.Raw, error) {
	var docs []bson.Raw
	lines := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("reading documents: %w", err)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			var doc bson.Raw
			if err := readExtJSON(line, &doc); err != nil {
				return nil, fmt.Errorf("document %d is not Extended JSON: %w", len(docs)+1, err)
			}
			docs = append(docs, doc)
		}
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
	}
}

// readExtJSON decodes what encoding/json, whose depth is bounded, has read before: the driver's parser is not.
func readExtJSON(b []byte, into any) error {
	var checked json.RawMessage
	if err := json.Unmarshal(b, &checked); err != nil {
		return err
	}
	return bson.UnmarshalExtJSON(b, false, into)
}

// Remote is the store of another process, by its admin address.
type Remote struct {
	base   string
	client *http.Client
}

var _ Store = (*Remote)(nil)

// NewRemote does no I/O. The address is host:port.
func NewRemote(address string) *Remote {
	return &Remote{base: "http://" + address + "/cms/", client: &http.Client{Timeout: time.Minute}}
}

// Get implements Store.
func (r *Remote) Get(ctx context.Context, collection, ref string) (bson.Raw, error) {
	var ext json.RawMessage
	if err := r.do(ctx, http.MethodGet, collection, ref, nil, &ext); err != nil {
		return nil, err
	}
	var doc bson.Raw
	if err := bson.UnmarshalExtJSON(ext, true, &doc); err != nil {
		return nil, fmt.Errorf("reading %s %q: %w", collection, ref, err)
	}
	return doc, nil
}

// Put implements Store.
func (r *Remote) Put(ctx context.Context, collection string, docs []bson.Raw) (int, error) {
	if _, err := check(collection, docs); err != nil {
		return 0, err
	}
	var body bytes.Buffer
	for i, d := range docs {
		ext, err := bson.MarshalExtJSON(d, true, false)
		if err != nil {
			return 0, fmt.Errorf("writing document %d of %s: %w", i+1, collection, err)
		}
		body.Write(ext)
		body.WriteByte('\n')
		if body.Len() > maxBody {
			return 0, errTooLarge // the server would end the connection, perhaps before its answer is read
		}
	}
	var answer struct{ Written int }
	err := r.do(ctx, http.MethodPost, collection, "", &body, &answer)
	return answer.Written, err
}

// Set implements Store.
func (r *Remote) Set(ctx context.Context, collection, ref string, fields bson.D) error {
	ext, err := bson.MarshalExtJSON(fields, true, false)
	if err != nil {
		return fmt.Errorf("writing the fields of %s %q: %w", collection, ref, err)
	}
	return r.do(ctx, http.MethodPatch, collection, ref, bytes.NewReader(ext), nil)
}

// Delete implements Store.
func (r *Remote) Delete(ctx context.Context, collection, ref string) error {
	return r.do(ctx, http.MethodDelete, collection, ref, nil, nil)
}

// Each calls fn with every document of a collection.
func (r *Remote) Each(ctx context.Context, collection string, fn func(bson.Raw) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+url.PathEscape(collection), nil)
	if err != nil {
		return fmt.Errorf("asking %s: %w", r.base, err)
	}
	res, err := (&http.Client{}).Do(req) // however long it takes
	if err != nil {
		return r.unreachable(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("asking %s: the answer is %s: is this a regie with the embedded CMS?", req.URL, res.Status)
	}
	lines := bufio.NewReaderSize(res.Body, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", req.URL, err)
		}
		var doc bson.Raw
		if err := bson.UnmarshalExtJSON(line, true, &doc); err != nil {
			return fmt.Errorf("reading %s: %w", req.URL, err)
		}
		if err := fn(doc); err != nil {
			return err
		}
	}
	if res.Trailer.Get(headerDone) == "" {
		return fmt.Errorf("reading %s: the answer breaks off: its log says why", req.URL)
	}
	return nil
}

func (r *Remote) unreachable(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("no regie answers at %s: start one with `go run .`, name its address with --admin, or a MongoDB with --mongodb", strings.TrimSuffix(strings.TrimPrefix(r.base, "http://"), "/cms/"))
	}
	return fmt.Errorf("asking %s: %w", r.base, err)
}

func (r *Remote) do(ctx context.Context, method, collection, ref string, body io.Reader, into any) error {
	u := r.base + url.PathEscape(collection)
	if ref != "" {
		u += "/" + url.PathEscape(ref)
	}
	req, err := http.NewRequestWithContext(ctx, method, u, body)
	if err != nil {
		return fmt.Errorf("asking %s: %w", r.base, err)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return r.unreachable(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		var problem struct{ Error string }
		if err := json.NewDecoder(res.Body).Decode(&problem); err != nil || problem.Error == "" {
			return fmt.Errorf("asking %s: the answer is %s: is this a regie with the embedded CMS?", u, res.Status)
		}
		if res.StatusCode == http.StatusNotFound {
			return fmt.Errorf("%s %q: %w", collection, ref, ErrNotFound)
		}
		return errors.New(problem.Error)
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", u, err)
	}
	return nil
}
