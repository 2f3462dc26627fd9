// Package model has the API's types that no Protobuf message describes: inputs, connections and interfaces.
package model

import (
	"fmt"
	"hash/fnv"

	catalogv1 "regie/proto/catalog/v1"
)

// Node is GraphQL's Node: a projection, whose GetId is the global id.
type Node interface{ GetId() string }

// Content is GraphQL's Content.
type Content interface {
	Node
	GetSlug() string
	GetTitle() string
}

// CardTarget is GraphQL's CardTarget: a Content or an ExternalLink.
type CardTarget any

// ExternalLink is another site's address.
type ExternalLink struct{ URL string }

// Category is derived from the genres of programmes.
type Category struct{ Slug, Title string }

var _ Content = (*Category)(nil)

// GetId implements Node.
func (c *Category) GetId() string { return "category:" + c.Slug }

// GetSlug implements Content.
func (c *Category) GetSlug() string { return c.Slug }

// GetTitle implements Content.
func (c *Category) GetTitle() string { return c.Title }

// Path is site-relative.
func (c *Category) Path() string { return "/category/" + c.Slug }

// Revision is a digest of what a category has of its own.
func (c *Category) Revision() string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(c.Title))
	return fmt.Sprintf("%016x", h.Sum64())
}

// Seo is what search engines are told.
type Seo struct {
	Title       string
	Description *string
	Canonical   string
	JSONLd      *string
}

// Season is a programme's, by the programme's CMS id.
type Season struct {
	ProgrammeID  string
	Number       int32
	Title        *string
	EpisodeCount int32
}

// Credit is what somebody did for a programme, both by their CMS ids.
type Credit struct {
	PersonID, ProgrammeID string
	Role                  catalogv1.CreditRole
	Character             *string
}
