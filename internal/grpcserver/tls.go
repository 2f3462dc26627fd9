package grpcserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"google.golang.org/grpc/credentials"
)

// Files of PEM are what a process shows and believes. They may be replaced while it runs: each new connection goes by
// what they hold then, or, as long as that is broken, by what they held before.
type Files struct {
	// Cert is the process's certificate, with those between it and the authority's, and Key its key.
	Cert, Key string
	// CA has the authorities of those on the other side; "": of clients no certificate is asked for, and servers' are the
	// system's to verify.
	CA string
}

// ServerTLS has a server show its certificate, and ask clients for theirs if there is a CA.
func ServerTLS(f Files, log *slog.Logger) (*tls.Config, error) {
	if f.Cert == "" || f.Key == "" {
		return nil, errors.New("a certificate and its key are both needed")
	}
	r := &reader{files: f, log: log}
	if err := r.read(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		own, ca := r.current()
		c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}, Certificates: []tls.Certificate{own}}
		if ca != nil {
			c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, ca
		}
		return c, nil
	}}, nil
}

// ClientTLS has a client verify servers, and show its certificate to those that ask, if it has one. The authorities are
// read once.
func ClientTLS(f Files, log *slog.Logger) (credentials.TransportCredentials, error) {
	if (f.Cert == "") != (f.Key == "") {
		return nil, errors.New("a certificate and its key are both needed, or neither")
	}
	r := &reader{files: f, log: log}
	if err := r.read(); err != nil {
		return nil, err
	}
	_, ca := r.current()
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: ca}
	if f.Cert != "" {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			own, _ := r.current()
			return &own, nil
		}
	}
	return credentials.NewTLS(c), nil
}

// reader has what the files held when they were last whole.
type reader struct {
	files Files
	log   *slog.Logger

	mu  sync.Mutex
	own tls.Certificate
	ca  *x509.CertPool
}

func (r *reader) current() (tls.Certificate, *x509.CertPool) {
	if err := r.read(); err != nil {
		r.log.Warn("keeping the certificates that were there before", "error", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.own, r.ca
}

func (r *reader) read() error {
	var own tls.Certificate
	var ca *x509.CertPool
	if r.files.Cert != "" {
		var err error
		if own, err = tls.LoadX509KeyPair(r.files.Cert, r.files.Key); err != nil {
			return fmt.Errorf("reading the certificate %s and its key %s: %w", r.files.Cert, r.files.Key, err)
		}
	}
	if r.files.CA != "" {
		text, err := os.ReadFile(r.files.CA)
		if err != nil {
			return fmt.Errorf("reading authorities: %w", err)
		}
		if ca = x509.NewCertPool(); !ca.AppendCertsFromPEM(text) {
			return fmt.Errorf("reading authorities: %s has no certificate in PEM", r.files.CA)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own, r.ca = own, ca
	return nil
}
