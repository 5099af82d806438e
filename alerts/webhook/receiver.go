package webhook

import (
	"context"
	"net/http"
	"time"
)

// Receiver is sent webhooks that are signed as Standard Webhooks says.
type Receiver struct {
	URL     string
	Secrets [][]byte // the newest first; several while they are replaced
}

// receiver is a Receiver to send to. It tells apart by the id what it has had.
type receiver struct {
	Receiver
	caller
}

// An envelope is the body that Standard Webhooks recommends.
type envelope struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it came about
	Data      any       `json:"data"`
}

func (w *receiver) ask(ctx context.Context, o *order) (taken, error) {
	return taken{}, w.send(ctx, o.ID, &envelope{Type: "retraining.triggered", Timestamp: o.at.UTC(), Data: o.message})
}

// send sends one webhook, signed at the moment it is sent.
func (w *receiver) send(ctx context.Context, id string, e *envelope) error {
	body, err := encode(e)
	if err != nil {
		return err
	}
	header := make(http.Header)
	sign(header, w.Secrets, id, w.now(), body)
	r, err := w.do(ctx, http.MethodPost, w.URL, header, body)
	if err != nil {
		return err
	}
	if !r.ok() {
		return w.refused(r)
	}
	return nil
}
