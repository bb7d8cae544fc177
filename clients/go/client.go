package nianbao

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

const (
	// messageBytesMax is what one message may have, on the server and by gRPC's own default.
	messageBytesMax = 4 << 20
	// retryBytesMax lets a call be repeated whatever its size; gRPC keeps 256 KiB by default.
	retryBytesMax = messageBytesMax + 64<<10
	// keepaliveAfter is how long a connection is silent, with calls under way, until it is asked
	// whether it lives: what drops it on the way often says nothing, and a stream would wait for ever.
	keepaliveAfter = time.Minute
	// principalBytesMax is the limit principal_bytes_max of the server.
	principalBytesMax = 128
)

// Client is a connection to one server. It is safe for use by several goroutines.
//
// The fields are the generated stubs, for every method that Client itself has not. Their calls have
// the same deadlines, retries, request ids, principal and errors.
type Client struct {
	Reports    nianbaov1.ReportServiceClient
	Organs     nianbaov1.OrganServiceClient
	Aggregates nianbaov1.AggregateServiceClient
	Documents  nianbaov1.DocumentServiceClient
	Formats    nianbaov1.FormatServiceClient
	Admin      nianbaov1.AdminServiceClient

	connection *grpc.ClientConn
}

// TLS says how the server is known and, where it wants to know, the client. Each is the path of a
// PEM file.
type TLS struct {
	// CA has the certificates that are trusted. Empty means those of the system.
	CA string
	// Certificate and Key are the client's own. Both or none.
	Certificate, Key string
	// ServerName is the name in the server's certificate where it is not the host of the target.
	ServerName string
}

// Option is a choice about a connection.
type Option func(*settings) error

type settings struct {
	credentials credentials.TransportCredentials
	principal   string
	timeout     time.Duration
	dial        []grpc.DialOption
}

// WithPlaintext connects without TLS.
func WithPlaintext() Option {
	return func(s *settings) error {
		return s.secure(insecure.NewCredentials())
	}
}

// WithTLS connects with TLS. The zero TLS trusts the certificates of the system.
func WithTLS(choice TLS) Option {
	return func(s *settings) error {
		config, err := choice.config()
		if err != nil {
			return err
		}
		return s.secure(credentials.NewTLS(config))
	}
}

// WithPrincipal says who calls. The server takes printable ASCII of up to 128 bytes.
func WithPrincipal(principal string) Option {
	return func(s *settings) error {
		s.principal = principal
		return checkPrincipal(principal)
	}
}

// WithTimeout replaces the deadline of each call that has one in the service config. A context with
// an earlier one ends the call earlier.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) error {
		if timeout <= 0 {
			return refuse("a timeout is longer than nothing, not %v", timeout)
		}
		s.timeout = timeout
		return nil
	}
}

// WithDialOptions adds options of gRPC, such as keepalive or interceptors.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) error {
		s.dial = append(s.dial, options...)
		return nil
	}
}

// Connect makes a client of the server at target, host:port. WithPlaintext or WithTLS must be among
// the options: neither is assumed. It returns before there is a connection; the first call makes it.
func Connect(target string, options ...Option) (*Client, error) {
	var chosen settings
	for _, option := range options {
		if err := option(&chosen); err != nil {
			return nil, err
		}
	}
	if chosen.credentials == nil {
		return nil, refuse("say WithTLS or WithPlaintext")
	}
	if target == "" || strings.HasPrefix(target, "http:") || strings.HasPrefix(target, "https:") {
		return nil, refuse("the target is host:port, not %q", target)
	}
	config, err := serviceConfig(chosen.timeout)
	if err != nil {
		return nil, err
	}
	dial := append([]grpc.DialOption{
		grpc.WithTransportCredentials(chosen.credentials),
		grpc.WithDefaultServiceConfig(config),
		// Nothing but the published file decides what is retried.
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxRetryRPCBufferSize(retryBytesMax)),
		grpc.WithChainUnaryInterceptor(unaryCalls, unaryPrincipal(chosen.principal)),
		grpc.WithChainStreamInterceptor(streamCalls, streamPrincipal(chosen.principal)),
		grpc.WithUserAgent("nianbao-go/" + Version),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveAfter}),
	}, chosen.dial...)
	connection, err := grpc.NewClient(target, dial...)
	if err != nil {
		return nil, refusal(err, "cannot connect to %q: %v", target, err)
	}
	return newClient(connection), nil
}

func newClient(connection *grpc.ClientConn) *Client {
	return &Client{
		Reports:    nianbaov1.NewReportServiceClient(connection),
		Organs:     nianbaov1.NewOrganServiceClient(connection),
		Aggregates: nianbaov1.NewAggregateServiceClient(connection),
		Documents:  nianbaov1.NewDocumentServiceClient(connection),
		Formats:    nianbaov1.NewFormatServiceClient(connection),
		Admin:      nianbaov1.NewAdminServiceClient(connection),
		connection: connection,
	}
}

// Close ends the connection and every call on it.
func (c *Client) Close() error {
	return c.connection.Close()
}

func (s *settings) secure(chosen credentials.TransportCredentials) error {
	if s.credentials != nil {
		return refuse("say WithTLS or WithPlaintext, once")
	}
	s.credentials = chosen
	return nil
}

func (t TLS) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, refusal(err, "cannot read the certificates to trust: %v", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, refuse("no certificate stands in %s", t.CA)
		}
	}
	if (t.Certificate == "") != (t.Key == "") {
		return nil, refuse("a client certificate needs its key, and a key its certificate")
	}
	if t.Certificate != "" {
		own, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		if err != nil {
			return nil, refusal(err, "cannot read the client's certificate: %v", err)
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}

func checkPrincipal(principal string) error {
	unprintable := func(r rune) bool { return r < ' ' || r > '~' }
	if principal == "" || len(principal) > principalBytesMax ||
		strings.ContainsFunc(principal, unprintable) {
		return refuse("a principal is 1 to %d characters of printable ASCII, not %q",
			principalBytesMax, principal)
	}
	return nil
}

// refuse is the error of a wrong argument.
func refuse(format string, values ...any) error {
	text := fmt.Sprintf(format, values...)
	return refusal(errors.New(text), "%s", text)
}
