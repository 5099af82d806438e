package service

import (
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// Steps names every step at which a crash can come in between, in the order in
// which an event goes through them.
func Steps() []string {
	var names []string
	for _, s := range redisstore.Steps() {
		names = append(names, string(s))
	}
	for _, s := range kafka.Steps() {
		names = append(names, string(s))
	}
	return names
}

// steppers gives each package the function in its own terms.
func steppers(at func(string)) (func(redisstore.Step), func(kafka.Step)) {
	if at == nil {
		return nil, nil
	}
	return func(s redisstore.Step) { at(string(s)) }, func(s kafka.Step) { at(string(s)) }
}
