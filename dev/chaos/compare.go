package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
)

// difference is what a screen shows that is not what the CMS has.
type difference struct {
	// lost: something that the CMS has is not shown. Otherwise it is stale: what is shown is not so, or not so any more.
	lost bool
	what string
	// of which document, if it is of one.
	collection, id string
}

// comparison compares what the gateways show with what the CMS has.
type comparison struct {
	want documents
	// everything that was ever there: ids by collection, slugs by collection, and videos' slugs.
	ids       map[string][]string
	slugs     map[string][]string
	addresses [][2]string
	gateways  []*instance
	http      *http.Client

	compared    int
	differences []difference
}

// run compares everything on every screen.
func (c *comparison) run(ctx context.Context) error {
	for n, screen := range catalog.Screens() {
		url := "http://" + c.gateways[n%len(c.gateways)].site + "/query/" + string(screen)
		steps := []func(context.Context, string, catalog.Screen) error{c.byID, c.bySlug, c.byAddress, c.lists}
		for _, step := range steps {
			if err := step(ctx, url, screen); err != nil {
				return err
			}
		}
	}
	for _, g := range c.gateways {
		if err := c.byGRPC(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// question is one field of a query, and what it is to be answered.
type question struct {
	what, field    string
	want           any
	collection, id string
}

// ask asks questions, some in a query so that it stays within the gateway's bounds.
func (c *comparison) ask(ctx context.Context, url string, screen catalog.Screen, questions []question, each int) error {
	for some := range slices.Chunk(questions, each) {
		var query strings.Builder
		for i, q := range some {
			fmt.Fprintf(&query, "q%d: %s\n", i, q.field)
		}
		answers := map[string]any{}
		if err := ask(ctx, c.http, url, "{"+query.String()+"}", &answers); err != nil {
			return err
		}
		for i, q := range some {
			c.equal(fmt.Sprintf("%s: %s", screen, q.what), q.collection, q.id, q.want, plain(answers[fmt.Sprint("q", i)]))
		}
	}
	return nil
}

func (c *comparison) equal(what, collection, id string, want, got any) {
	c.compared++
	if reflect.DeepEqual(want, got) {
		return
	}
	d := difference{collection: collection, id: id}
	d.lost, d.what = explain(want, got)
	d.what = what + ": " + d.what
	c.differences = append(c.differences, d)
}

// explain says what differs, and whether it is that something is missing.
func explain(want, got any) (lost bool, what string) {
	w, isObject := want.(object)
	g, both := got.(object)
	if isObject && both {
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(w)) {
			if !reflect.DeepEqual(w[k], g[k]) {
				l, what := explain(w[k], g[k])
				lost = lost || l
				parts = append(parts, k+" "+what)
			}
		}
		return lost, strings.Join(parts, ", ")
	}
	wl, isList := want.([]any)
	gl, both := got.([]any)
	if isList && both {
		missing, extra := without(wl, gl), without(gl, wl)
		switch {
		case len(missing)+len(extra) > 0:
			lost := slices.ContainsFunc(missing, func(v any) bool { return v != nil })
			return lost, fmt.Sprintf("lacks %s and has %s too many", text(missing), text(extra))
		default:
			return false, fmt.Sprintf("has the order %s, not %s", text(gl), text(wl))
		}
	}
	return got == nil, fmt.Sprintf("is %s, not %s", text(got), text(want))
}

// without are those of a that b has not.
func without(a, b []any) []any {
	out := []any{}
	for _, v := range a {
		if !slices.ContainsFunc(b, func(w any) bool { return reflect.DeepEqual(v, w) }) {
			out = append(out, v)
		}
	}
	return out
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// byID asks for every document that ever was.
func (c *comparison) byID(ctx context.Context, url string, screen catalog.Screen) error {
	for _, collection := range slices.Sorted(maps.Keys(c.ids)) {
		var questions []question
		for _, id := range c.ids[collection] {
			global := catalog.GlobalID(collection, id)
			q := question{
				what: global, collection: collection, id: id,
				field: fmt.Sprintf("node(id: %q) { %s }", global, fields[collection]),
			}
			if d := c.want[collection][id]; d != nil {
				q.want = c.want.expect(collection, d, screen)
			}
			questions = append(questions, q)
		}
		if err := c.ask(ctx, url, screen, questions, 15); err != nil {
			return err
		}
	}
	return nil
}

// bySlug asks whom every slug that ever was leads to.
func (c *comparison) bySlug(ctx context.Context, url string, screen catalog.Screen) error {
	var questions []question
	for _, collection := range slices.Sorted(maps.Keys(c.slugs)) {
		for _, slug := range c.slugs[collection] {
			q := question{what: fmt.Sprintf("%s by the slug %s", collection, slug), collection: collection}
			q.field = fmt.Sprintf("%s(by: {slug: %q}) { id }", collection, slug)
			if collection == "page" {
				q.field = fmt.Sprintf("page(slug: %q) { id }", slug)
			}
			if d := c.want.owner(collection, slug, all); d != nil {
				q.id, q.want = d.ID, catalog.GlobalID(collection, d.ID)
			}
			questions = append(questions, q)
		}
	}
	return c.ask(ctx, url, screen, questions, 50)
}

// byAddress asks which video every slug leads to that a video ever had, by what its programme is called now.
func (c *comparison) byAddress(ctx context.Context, url string, screen catalog.Screen) error {
	var questions []question
	for _, a := range c.addresses {
		parent := c.want["programme"][a[0]]
		if parent == nil {
			continue
		}
		q := question{
			what: fmt.Sprintf("video by the slug %s/%s", parent.Slug, a[1]), collection: "video",
			field: fmt.Sprintf("video(by: {slug: {programme: %q, video: %q}}) { id }", parent.Slug, a[1]),
		}
		// The programme's slug may be another's, too.
		p := c.want.owner("programme", parent.Slug, all)
		if d := c.want.owner("video", a[1], func(v *document) bool { return v.Programme == p.ID }); d != nil {
			q.id, q.want = d.ID, catalog.GlobalID("video", d.ID)
		}
		questions = append(questions, q)
	}
	return c.ask(ctx, url, screen, questions, 50)
}

// lists reads the lists that have no owner, and the categories'.
func (c *comparison) lists(ctx context.Context, url string, screen catalog.Screen) error {
	newest := c.want.where("programme", all)
	for order, docs := range map[string][]*document{"NEWEST": newest, "TITLE": slices.SortedFunc(slices.Values(newest), byTitle)} {
		var got []any
		for after, more := "null", true; more; {
			var answer struct {
				Programmes struct {
					Edges    []any
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}
			query := fmt.Sprintf(`{ programmes(first: 100, after: %s, orderBy: %s, filter: {availableOnly: false}) {
				edges { node { id } } pageInfo { hasNextPage endCursor } } }`, after, order)
			if err := ask(ctx, c.http, url, query, &answer); err != nil {
				return err
			}
			page, _ := plain(object{"edges": answer.Programmes.Edges}).([]any)
			got = append(got, page...)
			after, more = fmt.Sprintf("%q", answer.Programmes.PageInfo.EndCursor), answer.Programmes.PageInfo.HasNextPage
		}
		c.equal(fmt.Sprintf("%s: programmes by %s", screen, order), "", "", ids("programme", docs), got)
	}
	var categories []any
	for _, g := range slices.Sorted(slices.Values(genres)) {
		of := c.want.where("programme", func(p *document) bool { return slices.Contains(p.Genres, g) })
		if len(of) > 0 {
			categories = append(categories, object{"slug": strings.ToLower(g), "title": g, "programmes": ids("programme", of)})
		}
	}
	channels := slices.SortedFunc(maps.Values(c.want["channel"]), byTitle) // none has a position
	return c.ask(ctx, url, screen, []question{
		{what: "categories", field: `categories { slug title programmes(first: 100) { edges { node { id } } } }`, want: categories},
		{what: "channels", field: `channels { id }`, want: ids("channel", channels)},
	}, 1)
}

func byTitle(a, b *document) int {
	return cmp.Or(cmp.Compare(catalog.TitleKey(a.Title), catalog.TitleKey(b.Title)), compareIDs(a, b))
}

// byGRPC asks a gateway as other back ends do, on every screen: for every id, and for the list of programmes.
func (c *comparison) byGRPC(ctx context.Context, g *instance) error {
	conn, err := grpc.NewClient(g.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	client := catalogv1.NewCatalogServiceClient(conn)
	for _, screen := range []catalogv1.Screen{catalogv1.Screen_SCREEN_WEB, catalogv1.Screen_SCREEN_MOBILE, catalogv1.Screen_SCREEN_IPTV} {
		what := fmt.Sprintf("gRPC of gateway %s, %s", g.name, screen)
		for _, collection := range slices.Sorted(maps.Keys(c.ids)) {
			for some := range slices.Chunk(c.ids[collection], 500) {
				req := &catalogv1.BatchGetRequest{Screen: screen}
				for _, id := range some {
					req.Lookups = append(req.Lookups, &catalogv1.Lookup{By: &catalogv1.Lookup_Id{Id: catalog.GlobalID(collection, id)}})
				}
				res, err := client.BatchGet(ctx, req)
				if err != nil {
					return err
				}
				for i, r := range res.GetResults() {
					var want, got any
					if d := c.want[collection][some[i]]; d != nil {
						want = object{"slug": d.Slug, "title": d.Title}
					}
					if got, err = blob(r); err != nil {
						return err
					}
					c.equal(fmt.Sprintf("%s: %s", what, req.GetLookups()[i].GetId()), collection, some[i], want, got)
				}
			}
		}
		req := &catalogv1.ListRequest{Screen: screen, PageSize: 500}
		var got []any
		for {
			res, err := client.List(ctx, req)
			if err != nil {
				return err
			}
			for _, r := range res.GetResults() {
				got = append(got, r.GetEntity().GetId())
			}
			if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
				break
			}
		}
		c.equal(what+": programmes", "", "", ids("programme", c.want.where("programme", all)), got)
	}
	return nil
}

// blob is what a result has of an entity, nil when there is none.
func blob(r *catalogv1.Result) (any, error) {
	if r.GetError() != "" {
		return object{"error": r.GetError()}, nil
	}
	if r.GetEntity() == nil {
		return nil, nil
	}
	m, err := r.GetEntity().GetBlob().UnmarshalNew()
	if err != nil {
		return nil, err
	}
	entity, ok := m.(interface {
		proto.Message
		GetSlug() string
		GetTitle() string
	})
	if !ok {
		return nil, fmt.Errorf("%s has no title", m.ProtoReflect().Descriptor().FullName())
	}
	return object{"slug": entity.GetSlug(), "title": entity.GetTitle()}, nil
}
