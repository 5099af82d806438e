package configs

import (
	"fmt"
	"net/url"
	"time"
)

// Alertmanager says who is told which alerts stand. Without URLs nobody is.
type Alertmanager struct {
	URLs    []string      // of every Alertmanager, http or https
	Resend  time.Duration // how often an alert is told again
	Timeout time.Duration // of one request
	// At most one of the two says who asks.
	BasicAuth   *BasicAuth // nil: none
	BearerToken Secret
	TLS         *TLS // nil: as the system has it
}

// BasicAuth is a user and a password.
type BasicAuth struct {
	Username string
	Password Secret
}

func (a *Alertmanager) fields() []field {
	return []field{
		{key: "urls", value: list{into: &a.URLs, item: webURL, least: 1}, fallback: "none", meaning: "Every Alertmanager, such as http://localhost:9093; the members of a cluster one by one, not a load balancer before them. Without any, nobody is told."},
		{key: "resend", value: duration(&a.Resend, time.Second, time.Hour), meaning: "How often an alert is told again while it fires. Alertmanager takes one that is not told four times in a row for resolved."},
		{key: "timeout", value: duration(&a.Timeout, 100*time.Millisecond, 10*time.Minute), meaning: "How long one request may take."},
		{key: "basic_auth", value: optional[BasicAuth]{&a.BasicAuth, (*BasicAuth).fields}, meaning: "User and password, where Alertmanager asks for them."},
		{key: "bearer_token", value: secret(&a.BearerToken), meaning: "A token, where Alertmanager asks for one; as ${NAME} it stays out of the file. This or bearer_token_file."},
		{key: "bearer_token_file", value: secretFile{&a.BearerToken}, meaning: "File that holds the token; a newline at its end is not part of it."},
		{key: "tls", value: optional[TLS]{&a.TLS, (*TLS).fields}, meaning: "TLS of https URLs that is not as the system has it."},
	}
}

func (b *BasicAuth) fields() []field {
	return []field{
		{key: "username", required: true, value: text(&b.Username), meaning: "Who asks."},
		{key: "password", value: secret(&b.Password), meaning: "The password; as ${NAME} it stays out of the file. This or password_file."},
		{key: "password_file", value: secretFile{&b.Password}, meaning: "File that holds the password; a newline at its end is not part of it."},
	}
}

// webURL is the URL of a server. What would be a secret in it has keys of its own.
func webURL(into *string) value {
	const want = "the URL of a server without user, query and fragment, such as http://localhost:9093"
	u := pattern(into, "URL", `^https?://[^/\s@?#]+(/[^\s@?#]*)?$`, want)
	fits := u.parse
	u.parse = func(s string) (string, error) {
		s, err := fits(s)
		if err != nil {
			return "", err
		}
		if parsed, err := url.Parse(s); err != nil || parsed.Hostname() == "" {
			return "", fmt.Errorf("is not %s", want)
		}
		return s, nil
	}
	return u
}

// alertmanager reports what contradicts in who is told.
func (d *decoder) alertmanager(a *Alertmanager) {
	const path = "alertmanager"
	if d.has(path) && !d.blamed(path) && !d.has(path+".urls") {
		d.reportAt(path, "there is nobody to tell: add urls, or leave the section out")
	}
	d.pairs(path + ".tls")
	d.passwords(path+".basic_auth", a.BasicAuth != nil && !d.blamed(path+".basic_auth"))
	text, file := d.has(path+".bearer_token"), d.has(path+".bearer_token_file")
	if text && file {
		d.reportAt(path+".bearer_token_file", "both bearer_token and bearer_token_file are given: leave one out")
	}
	if (text || file) && d.has(path+".basic_auth") {
		d.reportAt(path+".basic_auth", "both basic_auth and a bearer token are given: leave one out")
	}
}
