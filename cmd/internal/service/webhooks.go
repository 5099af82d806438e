package service

import (
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/alerts/webhook"
	"github.com/kolmo-ml/kolmo/configs"
)

// webhookTimeout bounds one request to a webhook.
const webhookTimeout = 10 * time.Second

// subscribers are those of a configuration.
func subscribers(list []configs.Subscriber) ([]webhook.Subscriber, error) {
	var all []webhook.Subscriber
	for i := range list {
		c := &list[i]
		transport, err := httpTransport(webhookTimeout, "webhook "+c.Name+": tls", c.TLS)
		if err != nil {
			return nil, err
		}
		all = append(all, webhook.Subscriber{Name: c.Name, Receiver: webhook.Receiver{URL: c.URL, Secrets: c.Secrets()}, Transport: transport})
	}
	return all, nil
}

// resendWebhooks is how often it is looked whether webhooks have been told of
// everything, where no Alertmanager is told anything.
const resendWebhooks = time.Minute

// notifyWebhooks makes the notifier, and has closers tell it what they tell others.
func notifyWebhooks(o *Options, closing *kafka.Options) (*webhook.Notifier, error) {
	if closing.Resend == 0 {
		closing.Resend = resendWebhooks
	}
	n, err := webhook.NewNotifier(webhook.NotifierOptions{
		Subscribers: o.Subscribers, Timeout: webhookTimeout, Valid: 2 * closing.Resend, Metrics: webhook.NewNotifierMetrics(o.Registry), Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	if closing.Notifier == nil {
		closing.Notifier = n
	} else {
		closing.Notifier = both{closing.Notifier, n}
	}
	return n, nil
}

// both are told everything.
type both [2]kafka.Notifier

// Notify implements kafka.Notifier.
func (b both) Notify(shard int, standing []alerts.Standing) {
	for _, n := range b {
		n.Notify(shard, standing)
	}
}

// Release implements kafka.Notifier.
func (b both) Release(shard int) {
	for _, n := range b {
		n.Release(shard)
	}
}
