package identity

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// What a gRPC call's metadata says of who asks.
const (
	// MetadataToken is the viewer's: "Bearer TOKEN".
	MetadataToken = "authorization"
	// MetadataUser is a user's id, of a client whose certificate is a service's.
	MetadataUser = "regie-user"
)

// GRPC returns what finds the caller of one gRPC service's methods, for grpcserver.Config; other methods have none. A
// caller has a token, or is named by a client with a verified certificate whose common name, or one of whose DNS names,
// is one of services. Its errors are statuses.
func (v *Verifier) GRPC(service string, services []string) func(ctx context.Context, method string) (context.Context, error) {
	return func(ctx context.Context, method string) (context.Context, error) {
		if !strings.HasPrefix(method, "/"+service+"/") {
			return ctx, nil
		}
		ctx, err := v.callerOf(ctx, services)
		var r *Refusal
		switch {
		case err == nil:
			return ctx, nil
		case errors.As(err, &r) && r.Reason == Unavailable:
			return ctx, status.Error(codes.Unavailable, err.Error())
		default:
			return ctx, status.Error(codes.Unauthenticated, err.Error())
		}
	}
}

// Operator returns an error, a status's, unless a gRPC call comes from who may administrate: a client that has shown a
// certificate of one of services, as with GRPC, or any on this machine.
func Operator(ctx context.Context, services []string) error {
	if p, ok := peer.FromContext(ctx); ok {
		if a, ok := p.Addr.(*net.TCPAddr); ok && a.IP.IsLoopback() || isService(ctx, services) {
			return nil
		}
	}
	return status.Error(codes.PermissionDenied, "this is for operators: ask on the server's machine, or with a certificate of one of its --grpc-services")
}

func (v *Verifier) callerOf(ctx context.Context, services []string) (context.Context, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	token, users := md.Get(MetadataToken), md.Get(MetadataUser)
	var err error
	switch {
	case len(token) > 0 && len(users) == 0:
		return v.Authorize(ctx, token)
	case len(token) > 0 || len(users) > 1:
		err = refuse(Credentials)
	case len(users) == 0:
		err = refuse(Nobody)
	case !isService(ctx, services):
		err = refuse(Service)
	case !ValidUser(users[0]):
		err = refuse(User)
	default:
		return With(ctx, Caller{User: users[0]}), nil
	}
	v.count(err)
	return ctx, err
}

// isService tells whether the client has shown a certificate that one of the trusted authorities gave to a service.
func isService(ctx context.Context, services []string) bool {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return false
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 || len(info.State.VerifiedChains[0]) == 0 {
		return false
	}
	return slices.ContainsFunc(names(info.State.VerifiedChains[0][0]), func(name string) bool { return slices.Contains(services, name) })
}

func names(c *x509.Certificate) []string {
	all := slices.Clone(c.DNSNames)
	if c.Subject.CommonName != "" {
		all = append(all, c.Subject.CommonName)
	}
	return all
}
