package grpcserver_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"regie/internal/grpcserver"
	"regie/internal/httpserver"
	"regie/internal/servertest"
	catalogv1 "regie/proto/catalog/v1"
)

// authority makes certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t), file: filepath.Join(t.TempDir(), "ca.pem")}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	write(t, a.file, "CERTIFICATE", der)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// files has a certificate of a name, and the authorities that its bearer believes.
func (a *authority) files(name string, believes *authority) grpcserver.Files {
	a.t.Helper()
	dir := a.t.TempDir()
	f := grpcserver.Files{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	if believes != nil {
		f.CA = believes.file
	}
	a.issue(name, f)
	return f
}

func (a *authority) issue(name string, f grpcserver.Files) {
	a.t.Helper()
	key := newKey(a.t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	write(a.t, f.Cert, "CERTIFICATE", der)
	if der, err = x509.MarshalECPrivateKey(key); err != nil {
		a.t.Fatal(err)
	}
	write(a.t, f.Key, "EC PRIVATE KEY", der)
}

// serveTLS returns the address of a server that tells the name of its caller's certificate.
func serveTLS(t *testing.T, f grpcserver.Files) (address string, log *logged) {
	t.Helper()
	log = &logged{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	config, err := grpcserver.ServerTLS(f, logger)
	if err != nil {
		t.Fatal(err)
	}
	l, err := httpserver.Listen("--grpc", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- grpcserver.Run(ctx, l, grpcserver.Config{
			Register: func(r grpc.ServiceRegistrar) { catalogv1.RegisterCatalogServiceServer(r, named{}) },
			Check:    func(context.Context) error { return nil },
			Metrics:  grpcserver.NewMetrics(prometheus.NewRegistry()), TLS: config, Log: logger,
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), log
}

type named struct {
	catalogv1.UnimplementedCatalogServiceServer
}

func (named) BatchGet(ctx context.Context, _ *catalogv1.BatchGetRequest) (*catalogv1.BatchGetResponse, error) {
	name := "nobody"
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok && len(info.State.VerifiedChains) > 0 {
			name = info.State.VerifiedChains[0][0].Subject.CommonName
		}
	}
	return nil, status.Error(codes.AlreadyExists, name)
}

// asked is what a new connection comes to: the name that the server knows the client by, or an error's text.
func asked(t *testing.T, address string, f grpcserver.Files) string {
	t.Helper()
	conn, err := grpcserver.Client(grpcserver.ClientConfig{Address: address, TLS: &f}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = catalogv1.NewCatalogServiceClient(conn).BatchGet(within(t, servertest.Patience), &catalogv1.BatchGetRequest{})
	if s := status.Convert(err); s.Code() == codes.AlreadyExists {
		return s.Message()
	}
	return "error: " + err.Error()
}

func TestTLS(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	open, _ := serveTLS(t, ours.files("regie", nil))
	mutual, _ := serveTLS(t, ours.files("regie", ours))
	for _, tt := range []struct {
		name, address string
		client        grpcserver.Files
		want          string
	}{
		{"a server that asks for no certificate", open, grpcserver.Files{CA: ours.file}, "nobody"},
		{"a server of an authority that is not believed", open, grpcserver.Files{CA: theirs.file}, "error: "},
		{"a client that shows its certificate", mutual, ours.files("recommendations", ours), "recommendations"},
		{"a client without one", mutual, grpcserver.Files{CA: ours.file}, "error: "},
		{"a client with one of another authority", mutual, theirs.files("recommendations", ours), "error: "},
	} {
		if got := asked(t, tt.address, tt.client); got != tt.want && (tt.want != "error: " || !strings.HasPrefix(got, tt.want)) {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
	conn := dial(t, mutual) // in plain text
	if _, err := catalogv1.NewCatalogServiceClient(conn).BatchGet(within(t, servertest.Patience), &catalogv1.BatchGetRequest{}); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
}

func TestCertificatesAreReplacedWhileTheServerRuns(t *testing.T) {
	old, young := newAuthority(t), newAuthority(t)
	files := old.files("regie", nil)
	address, log := serveTLS(t, files)
	if got := asked(t, address, grpcserver.Files{CA: old.file}); got != "nobody" {
		t.Fatal(got)
	}
	if err := os.WriteFile(files.Cert, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := asked(t, address, grpcserver.Files{CA: old.file}); got != "nobody" || !strings.Contains(log.String(), files.Cert) {
		t.Errorf("%s; %s", got, log)
	}
	young.issue("regie", files)
	if got := asked(t, address, grpcserver.Files{CA: young.file}); got != "nobody" {
		t.Error(got)
	}
}

func TestBrokenFilesAreToldByName(t *testing.T) {
	a := newAuthority(t)
	good := a.files("regie", a)
	other := a.files("regie", a)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		files grpcserver.Files
		says  string
	}{
		"no key":                   {grpcserver.Files{Cert: good.Cert}, "both"},
		"the key of another":       {grpcserver.Files{Cert: good.Cert, Key: other.Key}, good.Cert},
		"no such file":             {grpcserver.Files{Cert: good.Cert + "x", Key: good.Key}, good.Cert + "x"},
		"authorities without any":  {grpcserver.Files{Cert: good.Cert, Key: good.Key, CA: empty}, empty},
		"authorities not readable": {grpcserver.Files{Cert: good.Cert, Key: good.Key, CA: empty + "x"}, empty + "x"},
	} {
		_, server := grpcserver.ServerTLS(tt.files, slog.New(slog.DiscardHandler))
		_, client := grpcserver.ClientTLS(tt.files, slog.New(slog.DiscardHandler))
		for _, err := range []error{server, client} {
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	var b bytes.Buffer
	if _, err := grpcserver.ClientTLS(grpcserver.Files{}, slog.New(slog.NewTextHandler(&b, nil))); err != nil || b.Len() > 0 {
		t.Error(err, b.String()) // the system's authorities
	}
}
