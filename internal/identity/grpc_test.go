package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"regie/internal/servertest"
	userv1 "regie/proto/user/v1"
)

// authority gives certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	a := authority{}
	c := a.give(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "authority"}})
	key, ok := c.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatal("it has another key")
	}
	return authority{c.Leaf, key}
}

// give makes a certificate; the authority's own when it has none.
func (a authority) give(t testing.TB, c *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// echo answers who asks.
type echo struct {
	userv1.UnimplementedUserServiceServer
}

func (echo) GetStates(ctx context.Context, _ *userv1.GetStatesRequest) (*userv1.GetStatesResponse, error) {
	c, ok := From(ctx)
	if !ok {
		return nil, errors.New("nobody asks")
	}
	return &userv1.GetStatesResponse{States: []*userv1.State{{Id: c.User}}}, nil
}

func (echo) Export(_ *userv1.ExportRequest, s grpc.ServerStreamingServer[userv1.ExportResponse]) error {
	c, ok := From(s.Context())
	if !ok {
		return errors.New("nobody asks")
	}
	return s.Send(&userv1.ExportResponse{Item: &userv1.ExportResponse_Favourite{Favourite: &userv1.FavouriteState{TargetId: c.User}}})
}

type inContext struct {
	grpc.ServerStream
	ctx context.Context
}

func (s inContext) Context() context.Context { return s.ctx }

// service starts a server that asks v who calls the user service. With an authority it speaks TLS, and takes clients with
// its certificates and without.
func service(t *testing.T, v *Verifier, ca *authority, services ...string) string {
	t.Helper()
	who := v.GRPC(userv1.UserService_ServiceDesc.ServiceName, services)
	options := []grpc.ServerOption{
		grpc.UnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			ctx, err := who(ctx, info.FullMethod)
			if err != nil {
				return nil, err
			}
			return next(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			ctx, err := who(s.Context(), info.FullMethod)
			if err != nil {
				return err
			}
			return next(srv, inContext{s, ctx})
		}),
	}
	if ca != nil {
		pool := x509.NewCertPool()
		pool.AddCert(ca.cert)
		options = append(options, grpc.Creds(credentials.NewTLS(&tls.Config{
			MinVersion: tls.VersionTLS13, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven,
			Certificates: []tls.Certificate{ca.give(t, &x509.Certificate{DNSNames: []string{"users.test"}})},
		})))
	}
	srv := grpc.NewServer(options...)
	userv1.RegisterUserServiceServer(srv, echo{})
	healthv1.RegisterHealthServer(srv, health.NewServer())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, address string, creds credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// callers are whom a unary call and a stream find asking.
func callers(t *testing.T, conn *grpc.ClientConn, md metadata.MD) (user string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(t.Context(), md), servertest.Patience)
	defer cancel()
	client := userv1.NewUserServiceClient(conn)
	var streamed string
	s, streamErr := client.Export(ctx, &userv1.ExportRequest{})
	for streamErr == nil {
		var res *userv1.ExportResponse
		if res, streamErr = s.Recv(); streamErr == nil {
			streamed = res.GetFavourite().GetTargetId()
		}
	}
	if errors.Is(streamErr, io.EOF) {
		streamErr = nil
	}
	res, err := client.GetStates(ctx, &userv1.GetStatesRequest{})
	if err == nil {
		user = res.GetStates()[0].GetId()
	}
	if user != streamed || status.Convert(err).String() != status.Convert(streamErr).String() {
		t.Errorf("a call finds %.20q (%v), a stream %.20q (%v)", user, err, streamed, streamErr)
	}
	return user, err
}

func TestGRPC(t *testing.T) {
	v := New(Config{Issuer: "https://id.example.org", Audience: "regie", Secret: []byte(secret), Metrics: NewMetrics(prometheus.NewRegistry())})
	good := "Bearer " + sign(t, jwt.SigningMethodHS256, []byte(secret), nil, nil)
	expired := "Bearer " + sign(t, jwt.SigningMethodHS256, []byte(secret), nil, jwt.MapClaims{"exp": 1000})
	ca, stranger := newAuthority(t), newAuthority(t)
	address := service(t, v, &ca, "recommendations", "billing.internal")
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	with := func(certificates ...tls.Certificate) *grpc.ClientConn {
		return dial(t, address, credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool, ServerName: "users.test", Certificates: certificates}))
	}
	client := func(c x509.Certificate) tls.Certificate {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		return ca.give(t, &c)
	}
	none := with()
	byName := with(client(x509.Certificate{Subject: pkix.Name{CommonName: "recommendations"}}))
	byDNS := with(client(x509.Certificate{Subject: pkix.Name{CommonName: "pod-7"}, DNSNames: []string{"x", "billing.internal"}}))
	another := with(client(x509.Certificate{Subject: pkix.Name{CommonName: "front", Organization: []string{"recommendations"}}, DNSNames: []string{"recommendations.evil"}}))
	nameless := with(client(x509.Certificate{}))
	md := metadata.Pairs
	for _, tt := range []struct {
		name       string
		conn       *grpc.ClientConn
		md         metadata.MD
		user, says string
	}{
		{"a token", none, md("authorization", good), "alice", ""},
		{"a token from a service", byName, md("authorization", good), "alice", ""},
		{"a token from who has another certificate", another, md("authorization", good), "alice", ""},
		{"nothing", none, nil, "", Nobody},
		{"nothing from a service", byName, nil, "", Nobody},
		{"an expired token", none, md("authorization", expired), "", Expired},
		{"an expired token from a service", byName, md("authorization", expired), "", Expired},
		{"two tokens", none, md("authorization", good, "authorization", good), "", Credentials},
		{"a user, by a service's name", byName, md("regie-user", "bob"), "bob", ""},
		{"a user, by a service's DNS name", byDNS, md("regie-user", "bob"), "bob", ""},
		{"a user, without a certificate", none, md("regie-user", "bob"), "", Service},
		{"a user, by a certificate that is no service's", another, md("regie-user", "bob"), "", Service},
		{"a user, by a certificate without a name", nameless, md("regie-user", "bob"), "", Service},
		{"a token and another user", byName, md("authorization", good, "regie-user", "bob"), "", Credentials},
		{"a token and another user, without a certificate", none, md("authorization", good, "regie-user", "bob"), "", Credentials},
		{"two users", byName, md("regie-user", "bob", "regie-user", "eve"), "", Credentials},
		{"an empty user", byName, md("regie-user", ""), "", User},
		{"a user of 10 KB", byName, md("regie-user", strings.Repeat("u", 10<<10)), "", User},
	} {
		t.Run(tt.name, func(t *testing.T) {
			user, err := callers(t, tt.conn, tt.md)
			if user != tt.user || (err == nil) != (tt.says == "") || err != nil && (status.Code(err) != codes.Unauthenticated || status.Convert(err).Message() != says[tt.says]) {
				t.Errorf("%.20q asks, %v; want %.20q, %q", user, err, tt.user, tt.says)
			}
		})
	}
	// A certificate of another authority's does not come as far.
	own := stranger.give(t, &x509.Certificate{Subject: pkix.Name{CommonName: "recommendations"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	strange := dial(t, address, credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: pool, ServerName: "users.test",
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil },
	}))
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(t.Context(), "regie-user", "bob"), servertest.Patience)
	defer cancel()
	if _, err := userv1.NewUserServiceClient(strange).GetStates(ctx, &userv1.GetStatesRequest{}); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	if _, err := healthv1.NewHealthClient(none).Check(t.Context(), &healthv1.HealthCheckRequest{}); err != nil {
		t.Errorf("health needs no caller: %v", err)
	}
}

// TestGRPCWithoutTLS wants no service's word where nobody has shown a certificate.
func TestGRPCWithoutTLS(t *testing.T) {
	v := New(Config{Issuer: "https://id.example.org", Audience: "regie", Secret: []byte(secret), Metrics: NewMetrics(prometheus.NewRegistry())})
	conn := dial(t, service(t, v, nil, "recommendations", ""), insecure.NewCredentials())
	if user, err := callers(t, conn, metadata.Pairs("regie-user", "bob")); user != "" || status.Code(err) != codes.Unauthenticated {
		t.Errorf("%q asks, %v", user, err)
	}
	good := "Bearer " + sign(t, jwt.SigningMethodHS256, []byte(secret), nil, nil)
	if user, err := callers(t, conn, metadata.Pairs("authorization", good)); user != "alice" {
		t.Errorf("%q asks, %v", user, err)
	}
	// The issuer's keys were never read: the call may be tried again.
	away := New(Config{Issuer: "i", Audience: "a", Keys: NewKeys("/none", NewMetrics(prometheus.NewRegistry()), nil), Metrics: NewMetrics(prometheus.NewRegistry())})
	conn = dial(t, service(t, away, nil), insecure.NewCredentials())
	if _, err := callers(t, conn, metadata.Pairs("authorization", "Bearer "+newPair(t, "ed", jwt.SigningMethodEdDSA).sign(t, nil))); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
}

func TestOperators(t *testing.T) {
	shown := func(name string) credentials.TLSInfo {
		c := &x509.Certificate{Subject: pkix.Name{CommonName: name}}
		return credentials.TLSInfo{State: tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{c}}}}
	}
	here, there := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}
	for name, c := range map[string]struct {
		peer *peer.Peer
		may  bool
	}{
		"on this machine":                       {&peer.Peer{Addr: here}, true},
		"on this machine, by IPv6":              {&peer.Peer{Addr: &net.TCPAddr{IP: net.IPv6loopback}}, true},
		"elsewhere":                             {&peer.Peer{Addr: there}, false},
		"elsewhere, encrypted":                  {&peer.Peer{Addr: there, AuthInfo: credentials.TLSInfo{}}, false},
		"elsewhere, with a service's":           {&peer.Peer{Addr: there, AuthInfo: shown("recommendations")}, true},
		"elsewhere, with another's certificate": {&peer.Peer{Addr: there, AuthInfo: shown("front")}, false},
		"nobody knows from where":               {&peer.Peer{}, false},
	} {
		if err := Operator(peer.NewContext(t.Context(), c.peer), []string{"recommendations"}); (err == nil) != c.may || err != nil && status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v", name, err)
		}
	}
	if Operator(t.Context(), nil) == nil {
		t.Error("without a peer it may")
	}
}
