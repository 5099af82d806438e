// Package runbooks holds what to do when an alert fires: one text for each alert,
// which begins with how to tell in two minutes whether it is real. They are served
// beside the page, so that the link in an alert works wherever the page does.
package runbooks
