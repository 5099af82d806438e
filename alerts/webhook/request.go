package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"
)

// A caller sends requests to one server.
type caller struct {
	transport http.RoundTripper
	timeout   time.Duration // of one request
	now       func() time.Time
}

// A reply is what a server has answered.
type reply struct {
	status int
	header http.Header
	body   []byte // cut off at mostReplyBytes
}

const mostReplyBytes = 4 << 20

// do sends a request and reads what is answered, whatever that is. Redirects are
// not followed: they would be with another method, or take the credentials elsewhere.
func (c *caller) do(ctx context.Context, method, url string, header http.Header, body []byte) (*reply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no answer within %v", c.timeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("User-Agent", "kolmo")
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // read only
	answer, err := io.ReadAll(io.LimitReader(response.Body, mostReplyBytes))
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return &reply{status: response.StatusCode, header: response.Header, body: answer}, nil
}

// ok reports whether the server did what it was asked to.
func (r *reply) ok() bool { return r.status/100 == 2 }

// decode reads the answer's JSON.
func (r *reply) decode(into any) error {
	if err := json.Unmarshal(r.body, into); err != nil {
		return fmt.Errorf("its answer cannot be read: %w: %s", err, oneLine(r.body))
	}
	return nil
}

// A refusal is an answer that is no success.
type refusal struct {
	status int
	text   string
	after  time.Duration // how long the server wants to be left alone; 0: it does not say
}

func (e *refusal) Error() string { return fmt.Sprintf("it answered %d: %s", e.status, e.text) }

// ours reports whether the request is what is wrong: it will be refused again, until
// somebody mends the configuration, here or there.
func (e *refusal) ours() bool {
	return e.status/100 == 4 && e.status != http.StatusTooManyRequests && e.status != http.StatusRequestTimeout && e.status != http.StatusTooEarly ||
		e.status/100 == 3
}

// gone reports whether the server never wants to be asked again.
func (e *refusal) gone() bool { return e.status == http.StatusGone }

// mostAfter bounds how long a server can keep itself from being asked.
const mostAfter = time.Hour

// refused is the error of a reply.
func (c *caller) refused(r *reply) error {
	e := &refusal{status: r.status, text: oneLine(r.body)}
	if r.status/100 == 3 {
		e.text = "it is elsewhere: write its address, " + oneLine([]byte(r.header.Get("Location")))
	}
	if after := r.header.Get("Retry-After"); after != "" {
		if seconds, err := strconv.Atoi(after); err == nil {
			e.after = time.Duration(seconds) * time.Second
		} else if at, err := http.ParseTime(after); err == nil {
			e.after = at.Sub(c.now())
		}
		e.after = min(max(e.after, 0), mostAfter)
	}
	return e
}

// asRefusal finds the refusal in an error; nil when there is none.
func asRefusal(err error) *refusal {
	var e *refusal
	if errors.As(err, &e) {
		return e
	}
	return nil
}

func oneLine(text []byte) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(text[:min(len(text), 300)]), "")), " ")
}

// encode writes JSON whose bytes are the same each time.
func encode(v any) ([]byte, error) {
	body, err := json.Append(nil, v, json.SortMapKeys)
	if err != nil {
		return nil, fmt.Errorf("writing the request: %w", err)
	}
	return body, nil
}
