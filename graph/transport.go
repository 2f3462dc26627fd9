package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"regie/internal/identity"
)

const maxBody = 128 << 10

// transport is GraphQL over HTTP: POST with a JSON body, and GET. Request errors are 400 where the client accepts
// application/graphql-response+json; under application/json only what is no GraphQL request at all is.
type transport struct{}

var _ graphql.Transport = transport{}

const (
	mediaGraphQL = "application/graphql-response+json"
	mediaJSON    = "application/json"
)

// Supports implements graphql.Transport.
func (transport) Supports(*http.Request) bool { return true }

// Do implements graphql.Transport.
func (transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	media, ok := negotiate(r.Header.Get("Accept"))
	if !ok {
		refuse(w, mediaJSON, http.StatusNotAcceptable, "Accept must allow "+mediaGraphQL+" or "+mediaJSON+".")
		return
	}
	var params *graphql.RawParams
	var status int
	var problem string
	start := graphql.Now()
	switch r.Method {
	case http.MethodGet:
		params, problem = fromURL(r)
		status = http.StatusBadRequest
	case http.MethodPost:
		params, status, problem = fromBody(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		refuse(w, media, http.StatusMethodNotAllowed, "GraphQL is asked by GET or POST.")
		return
	}
	if problem != "" {
		refuse(w, media, status, problem)
		return
	}
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}

	ctx := r.Context()
	op, errs := exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		response := exec.DispatchError(graphql.WithOperationContext(ctx, op), errs)
		tell(ctx, op, response)
		status := http.StatusOK
		if media == mediaGraphQL {
			status = http.StatusBadRequest
		}
		write(w, media, status, response)
		return
	}
	if r.Method == http.MethodGet && op.Operation.Operation != ast.Query {
		w.Header().Set("Allow", "POST")
		refuse(w, media, http.StatusMethodNotAllowed, "By GET only queries are answered.")
		return
	}
	next, ctx := exec.DispatchOperation(ctx, op)
	response := next(ctx)
	if response == nil { // the time was over, or the client gone, before it began
		response = exec.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(ctx.Err())})
	}
	tell(ctx, op, response)
	write(w, media, http.StatusOK, response)
}

// negotiate chooses the response's media type; a client that names none gets application/json.
func negotiate(accept string) (string, bool) {
	if accept == "" {
		return mediaJSON, true
	}
	chosen := ""
	for part := range strings.SplitSeq(accept, ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil || params["q"] == "0" {
			continue
		}
		switch media {
		case mediaGraphQL:
			return mediaGraphQL, true
		case mediaJSON, "application/*", "*/*", "text/html": // a browser's address line, too
			chosen = mediaJSON
		}
	}
	return chosen, chosen != ""
}

func fromURL(r *http.Request) (*graphql.RawParams, string) {
	if len(r.URL.RawQuery) > maxBody {
		return nil, "The URL is too long."
	}
	q := r.URL.Query()
	p := &graphql.RawParams{Query: q.Get("query"), OperationName: q.Get("operationName")}
	if p.Query == "" {
		return nil, `The parameter "query" is missing.`
	}
	if !utf8.ValidString(p.Query) { // JSON's decoder mends it
		return nil, `The parameter "query" is no UTF-8.`
	}
	for name, into := range map[string]*map[string]any{"variables": &p.Variables, "extensions": &p.Extensions} {
		if v := q.Get(name); v != "" {
			if err := decode(strings.NewReader(v), into); err != nil {
				return nil, `The parameter "` + name + `" is not a JSON object.`
			}
		}
	}
	return p, ""
}

func fromBody(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, int, string) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != mediaJSON {
		return nil, http.StatusUnsupportedMediaType, "Content-Type must be application/json."
	}
	if c := params["charset"]; c != "" && !strings.EqualFold(c, "utf-8") {
		return nil, http.StatusUnsupportedMediaType, "The charset must be UTF-8."
	}
	var body struct {
		Query         *string         `json:"query"`
		OperationName *string         `json:"operationName"`
		Variables     *map[string]any `json:"variables"`
		Extensions    *map[string]any `json:"extensions"`
	}
	var tooLarge *http.MaxBytesError
	switch err := decode(http.MaxBytesReader(w, r.Body, maxBody), &body); {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge, "The body is larger than 128 KiB."
	case err != nil:
		return nil, http.StatusBadRequest, "The body is not a GraphQL request as JSON."
	case body.Query == nil:
		return nil, http.StatusBadRequest, `The field "query" is missing.`
	}
	p := &graphql.RawParams{Query: *body.Query}
	if body.OperationName != nil {
		p.OperationName = *body.OperationName
	}
	if body.Variables != nil {
		p.Variables = *body.Variables
	}
	if body.Extensions != nil {
		p.Extensions = *body.Extensions
	}
	return p, 0, ""
}

// decode reads one JSON value and nothing after it. Numbers keep their digits.
func decode(r io.Reader, into any) error {
	d := json.NewDecoder(r)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("something follows the JSON value")
		}
		return err
	}
	return nil
}

func refuse(w http.ResponseWriter, media string, status int, message string) {
	write(w, media, status, &graphql.Response{Errors: gqlerror.List{coded(CodeBadInput, message)}})
}

// refuseCaller answers one whose credentials are not taken; nothing is resolved. The response's code is returned.
func refuseCaller(w http.ResponseWriter, media string, err error) string {
	var refusal *identity.Refusal
	if !errors.As(err, &refusal) {
		panic(err) // it is the one kind
	}
	e, status := unavailable(refusal.Error()), http.StatusServiceUnavailable
	if refusal.Reason != identity.Unavailable {
		e, status = coded(CodeUnauthenticated, refusal.Error()), http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	e.Extensions["reason"] = refusal.Reason
	write(w, media, status, &graphql.Response{Errors: gqlerror.List{e}})
	return e.Extensions["code"].(string)
}

func write(w http.ResponseWriter, media string, status int, response *graphql.Response) {
	h := w.Header()
	h.Set("Content-Type", media+"; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept, Authorization, X-Screen, X-Territory")
	if len(response.Errors) > 0 {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(encode(response))
}

// encode writes the response without a second pass over its data, which is JSON already.
func encode(response *graphql.Response) []byte {
	var b bytes.Buffer
	b.Grow(len(response.Data) + 64)
	b.WriteByte('{')
	if len(response.Errors) > 0 {
		b.WriteString(`"errors":`)
		marshal(&b, response.Errors)
	}
	if response.Data != nil {
		comma(&b)
		b.WriteString(`"data":`)
		b.Write(response.Data)
	}
	if len(response.Extensions) > 0 {
		comma(&b)
		b.WriteString(`"extensions":`)
		marshal(&b, response.Extensions)
	}
	b.WriteString("}\n")
	return b.Bytes()
}

func comma(b *bytes.Buffer) {
	if b.Len() > 1 {
		b.WriteByte(',')
	}
}

func marshal(b *bytes.Buffer, v any) {
	j, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings
	}
	b.Write(j)
}
