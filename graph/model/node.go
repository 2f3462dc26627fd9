// Package model has the API's types that no Protobuf message describes: inputs, connections and interfaces.
package model

// Node is GraphQL's Node: a projection, whose GetId is the global id.
type Node interface{ GetId() string }

// Content is GraphQL's Content.
type Content interface {
	Node
	GetSlug() string
	GetTitle() string
}
