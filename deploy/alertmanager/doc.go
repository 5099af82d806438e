// Package alertmanager holds what is shipped for Alertmanager: whom which alert of
// kolmo reaches, what holds back what, and how a notification reads. Its tests have a
// real Alertmanager do it.
package alertmanager
