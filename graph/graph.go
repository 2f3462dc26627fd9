// Package graph is the GraphQL API: the schema, the code generated from it, and its HTTP edge.
//
//	request --> screen --> caller --> transport --> gate: length, nesting, parse, measure, validate --> gqlgen --> resolvers
//	                           |            (seen documents pass at once)                       |
//	response <-- media type, status <-- errors as codes, never causes <-------------------------+
package graph

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/rs/cors"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/text/language"

	"regie/internal/catalog"
	"regie/internal/identity"
)

// Options are what the GraphQL endpoint needs.
type Options struct {
	Schema graphql.ExecutableSchema
	// Attach gives a request what its resolvers need.
	Attach func(ctx context.Context, view catalog.View) context.Context
	// Extensions take part in each operation.
	Extensions []graphql.HandlerExtension
	// Authorize returns a context with the caller that the authorization header's values name, or a *identity.Refusal.
	// Nil: nobody is ever signed in.
	Authorize func(ctx context.Context, authorization []string) (context.Context, error)
	// Patience bounds an operation; 0: 5 s.
	Patience time.Duration
	// Now is the clock that rights are held against.
	Now func() time.Time
	// Origins are the other sites whose pages may ask, such as https://www.example.org (CORS); "*" for all.
	Origins []string
	// Introspection lets clients read the schema.
	Introspection bool
	// Metrics may be nil, and so may Traces.
	Metrics *Metrics
	Traces  trace.TracerProvider
	// Answered, when set, is told of each request that Attach was, once it has its answer.
	Answered func(ctx context.Context)
	Log      *slog.Logger
}

// Handler serves /query and /query/{screen}.
func Handler(o Options) http.Handler {
	if o.Patience == 0 {
		o.Patience = 5 * time.Second
	}
	gate := newGate(o.Schema.Schema(), o.Introspection)
	srv := handler.New(o.Schema)
	srv.AddTransport(transport{})
	srv.Use(gate)
	srv.SetQueryCache(gate)
	for _, e := range o.Extensions {
		srv.Use(e)
	}
	// The gate has parsed and validated what reaches gqlgen; these hold should an entry fall out of its cache meanwhile.
	srv.SetParserTokenLimit(maxTokens)
	srv.SetValidationRulesFn(safeRules)
	if o.Introspection {
		srv.Use(extension.Introspection{})
	}
	srv.SetErrorPresenter(presenter(o.Log))
	srv.SetRecoverFunc(func(ctx context.Context, p any) error {
		return fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	})

	serve := observed(o.Metrics, o.Traces, func(w http.ResponseWriter, r *http.Request) {
		media, _ := negotiate(r.Header.Get("Accept"))
		if media == "" {
			media = mediaJSON
		}
		view, err := viewOf(r)
		if err != nil {
			refuse(w, media, http.StatusBadRequest, err.Error())
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), o.Patience)
		defer cancel()
		known, _ := ctx.Value(outcomeKey{}).(*outcome)
		known.screen = string(view.Screen)
		if o.Authorize != nil {
			if ctx, err = o.Authorize(ctx, r.Header.Values("Authorization")); err != nil {
				known.code = refuseCaller(w, media, err)
				return
			}
		}
		if _, ok := identity.From(ctx); ok {
			w.Header().Set("Cache-Control", "private, no-store")
		}
		view.Now = o.Now()
		ctx = o.Attach(ctx, view)
		srv.ServeHTTP(w, r.WithContext(ctx))
		if o.Answered != nil {
			o.Answered(ctx)
		}
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/query", serve)
	mux.HandleFunc("/query/{screen}", serve)
	if len(o.Origins) == 0 {
		return mux
	}
	return cors.New(cors.Options{
		AllowedOrigins: o.Origins, AllowedMethods: []string{http.MethodGet, http.MethodPost},
		AllowedHeaders: []string{"Authorization", "Content-Type", "X-Screen", "X-Territory"}, MaxAge: 600,
	}).Handler(mux)
}

// viewOf is where the request looks: its screen and territory.
func viewOf(r *http.Request) (catalog.View, error) {
	screen, err := screenOf(r)
	if err != nil {
		return catalog.View{}, err
	}
	territory, err := territoryOf(r)
	return catalog.View{Screen: screen, Territory: territory}, err
}

const defaultTerritory = "FR"

// territoryOf is the country that ?territory= or X-Territory names, in this order; FR when neither does.
func territoryOf(r *http.Request) (string, error) {
	for _, t := range []string{r.URL.Query().Get("territory"), r.Header.Get("X-Territory")} {
		if t == "" {
			continue
		}
		region, err := language.ParseRegion(t)
		if err != nil || !region.IsCountry() || region.Canonicalize().String() != t {
			return "", fmt.Errorf("unknown territory %q: one is a country as two capital letters (ISO 3166-1), such as FR", clip(t))
		}
		return t, nil
	}
	return defaultTerritory, nil
}

func clip(s string) string {
	if len(s) > 20 {
		return s[:20] + "…"
	}
	return s
}

// screenOf is the screen that the path, ?screen= or X-Screen names, in this order; web when none does.
func screenOf(r *http.Request) (catalog.Screen, error) {
	for _, s := range []string{r.PathValue("screen"), r.URL.Query().Get("screen"), r.Header.Get("X-Screen")} {
		if s != "" {
			return catalog.ParseScreen(s)
		}
	}
	return catalog.Web, nil
}
