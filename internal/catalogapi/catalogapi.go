// Package catalogapi is the gRPC service regie.catalog.v1.CatalogService: what other back ends read of the catalogue.
//
//	BatchGet, List --> internal/catalog: owners, pages, blobs --> Redis
//	Watch <-- revisions that are due <-- Hub <-- one subscription to all changes
//
// It returns errors as they are, or as a status where the request is at fault; internal/grpcserver makes codes of them.
package catalogapi

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"regie/internal/catalog"
	catalogv1 "regie/proto/catalog/v1"
)

// Service implements catalogv1.CatalogServiceServer.
type Service struct {
	catalogv1.UnimplementedCatalogServiceServer
	catalog *catalog.Catalog
	hub     *Hub
	tokens  catalog.Cursors
	log     *slog.Logger
	// patience is what a read of the catalogue may take.
	patience time.Duration
}

var _ catalogv1.CatalogServiceServer = (*Service)(nil)

// New does no I/O. The secret, which all processes share, signs page tokens. The hub, of the same catalogue, is to be
// run beside the service.
func New(c *catalog.Catalog, hub *Hub, secret []byte, log *slog.Logger) *Service {
	return &Service{catalog: c, hub: hub, tokens: catalog.NewCursors(secret), log: log, patience: catalog.Patience}
}

// Register adds the service to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { catalogv1.RegisterCatalogServiceServer(r, s) }

// read calls a read of the catalogue, within the service's patience, however much time the call has.
func read[T any](ctx context.Context, s *Service, what func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	return what(ctx)
}

// invalid is the client's error, told as it is.
func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}
