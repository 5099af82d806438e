package service

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
)

// unreachable is the error of a Start that gets no answer from Kafka. It says
// which key of the configuration to mend.
func unreachable(brokers []string, secured, authenticated bool, err error) error {
	at := strings.Join(brokers, ", ")
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return fmt.Errorf("the Kafka brokers at %s refuse the user or the password: %w: mend kafka.sasl.username and kafka.sasl.password_file (or kafka.sasl.password)", at, kerr.SaslAuthenticationFailed)
	case errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.IllegalSaslState):
		return fmt.Errorf("the Kafka brokers at %s do not take the way of authentication: %w: mend kafka.sasl.mechanism, or take the address of another listener", at, err)
	}
	if mend := mendTLS("kafka", err); mend != "" {
		return fmt.Errorf("no Kafka broker can be reached at %s: %w: %s", at, err, mend)
	}
	if !secured && strings.Contains(err.Error(), "tls alert record") {
		return fmt.Errorf("no Kafka broker can be reached at %s: %w: kafka.tls is not set, which a listener with TLS needs", at, err)
	}
	if cutOff(err) {
		var missing []string
		if !secured {
			missing = append(missing, "kafka.tls is not set, which a listener with TLS needs")
		}
		if !authenticated {
			missing = append(missing, "kafka.sasl is not set, which a listener with users needs")
		}
		if len(missing) == 0 {
			missing = append(missing, "a listener without TLS does so: leave kafka.tls out, or take the address of another listener")
		}
		return fmt.Errorf("the Kafka brokers at %s end the connection: %w: %s", at, err, strings.Join(missing, "; "))
	}
	return fmt.Errorf("no Kafka broker can be reached at %s: %w: start it, or mend kafka.brokers", at, err)
}

// cutOff reports whether the other side took the connection and ended it.
func cutOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// mendTLS says what to mend for a TLS handshake that failed; empty for any other
// error. section is kafka or redis.
func mendTLS(section string, err error) string {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	text := err.Error()
	switch {
	case errors.As(err, &unknown):
		return fmt.Sprintf("put the authority that signed the server's certificate into %s.tls.ca_file", section)
	case errors.As(err, &host):
		return fmt.Sprintf("mend the server's address, or set %s.tls.server_name to a name that its certificate has", section)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the server's certificate, or set this machine's clock"
	case errors.As(err, &invalid):
		return fmt.Sprintf("renew the server's certificate, or mend %s.tls.ca_file", section)
	case errors.As(err, &record):
		return fmt.Sprintf("the server speaks no TLS there: leave %s.tls out, or take the address of another listener", section)
	case strings.Contains(text, "certificate required"), strings.Contains(text, "bad certificate"), strings.Contains(text, "expired certificate"),
		strings.Contains(text, "unknown certificate authority"), strings.Contains(text, "unknown certificate"),
		strings.Contains(text, "error decrypting message"): // signed by another authority of the same name
		return fmt.Sprintf("the server does not accept the client's certificate: set %[1]s.tls.cert_file and %[1]s.tls.key_file to one that its authority has signed", section)
	case errors.As(err, &alert), strings.Contains(text, "remote error: tls:"):
		return fmt.Sprintf("the server refuses the connection: mend %s.tls", section)
	}
	return ""
}

// silent says what to mend where a Redis ends the connection, or does not
// answer.
func silent(secured bool, err error) string {
	switch {
	case !secured && cutOff(err):
		return "it ends the connection, as a server with TLS does: set redis.tls, or mend redis.addresses"
	case secured && errors.Is(err, context.DeadlineExceeded):
		return "start it, mend redis.addresses, or leave redis.tls out if it speaks no TLS"
	}
	return "start it, or mend redis.addresses"
}

// topicsDenied is the error of asking for topics of which one is denied.
func topicsDenied(kind string, names []string, err error) error {
	return fmt.Errorf("the Kafka brokers deny kolmo one of the %s topics %s: %w: %s", kind, strings.Join(names, ", "), err, unauthorized(err))
}

// unauthorized says what a user may not do in Kafka; empty for any other error.
func unauthorized(err error) string {
	for _, of := range []error{kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed} {
		if errors.Is(err, of) {
			return "allow kolmo's user what the configuration's README.md lists under Access"
		}
	}
	return ""
}
