//go:build unix

package servers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CertificateFiles names PEM files: an authority, and a certificate that it has signed for localhost and
// 127.0.0.1, good for a server and for a client.
type CertificateFiles struct{ CA, Cert, Key string }

// Certificates makes an authority and a certificate in a folder of the test's own, valid for an hour.
func Certificates(tb testing.TB) CertificateFiles {
	tb.Helper()
	return CertificatesUntil(tb, time.Now().Add(time.Hour))
}

// CertificatesUntil is Certificates with another end for the certificate, be it in the past; the authority is
// valid all the same.
func CertificatesUntil(tb testing.TB, end time.Time) CertificateFiles {
	tb.Helper()
	dir := tb.TempDir()
	files := CertificateFiles{
		CA: filepath.Join(dir, "ca.pem"), Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"),
	}

	authorityKey := newKey(tb)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	writePEM(tb, files.CA, "CERTIFICATE", sign(tb, authority, authority, authorityKey.Public(), authorityKey))

	key := newKey(tb)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: end.Add(-2 * time.Hour), NotAfter: end, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	writePEM(tb, files.Cert, "CERTIFICATE", sign(tb, leaf, authority, key.Public(), authorityKey))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	writePEM(tb, files.Key, "PRIVATE KEY", der)
	return files
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func sign(tb testing.TB, certificate, by *x509.Certificate, public crypto.PublicKey, with crypto.Signer) []byte {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, certificate, by, public, with)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func writePEM(tb testing.TB, path, kind string, der []byte) {
	tb.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
}
