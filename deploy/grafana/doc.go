// Package grafana makes the dashboards that are shipped for Grafana: the fleet of
// models, one model version, and kolmo itself. The JSON in dashboards is what it
// makes; provisioning has Grafana load it.
package grafana
