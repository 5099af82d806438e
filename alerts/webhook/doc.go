// Package webhook asks others over HTTP to do something about an alert: Airflow,
// Kubeflow Pipelines, GitHub or a signed webhook to train a model again, and signed
// webhooks to hear of alerts.
//
// What is asked has been decided, and published, before. Each target has a queue of
// its own; nothing waits for a target. It is asked until it has answered, and by an
// id that stays, so that being asked again begins nothing new.
package webhook
