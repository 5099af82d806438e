package service

import (
	"net"
	"net/http"
	"time"

	"github.com/kolmo-ml/kolmo/configs"
)

// httpTransport reaches those who are told or asked something. where names the TLS in
// errors, which is nil where it is as the system has it.
func httpTransport(timeout time.Duration, where string, t *configs.TLS) (*http.Transport, error) {
	transport := &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: timeout}).DialContext, TLSHandshakeTimeout: timeout,
		MaxIdleConnsPerHost: 1, IdleConnTimeout: 5 * time.Minute, ForceAttemptHTTP2: true,
	}
	if t != nil {
		config, err := tlsConfig(where, t)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = config
	}
	return transport, nil
}
