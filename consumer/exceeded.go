package consumer

import "github.com/kolmo-ml/kolmo/windows"

// tellExceeded counts what a committed checkpoint holds of what went beyond
// limits, and says so, one line a limit in ten seconds.
func (o *owner) tellExceeded() {
	exceeded := o.state.TakeExceeded()
	if !exceeded.Any() {
		return
	}
	for i, n := range exceeded {
		if n == 0 {
			continue
		}
		limit := windows.Limit(i)
		o.consumer.options.Metrics.overLimit(limit.String(), n)
		o.consumer.limited.warn("limit "+limit.String(), "the input is beyond a limit: "+consequence(limit),
			"limit", limit.String(), "mend", mend(limit), "topic", o.topic.Name, "partition", o.partition, "since_last_checkpoint", n)
	}
}

// consequence says what has become of what is beyond a limit.
func consequence(l windows.Limit) string {
	switch l {
	case windows.LimitModels:
		return "events of more models are counted under model " + windows.Other
	case windows.LimitVersions:
		return "events of more versions are counted under version " + windows.Other + " of their model"
	case windows.LimitFeatures:
		return "values of more features are not counted"
	case windows.LimitCategories:
		return "values of more categories, or longer ones, are counted under category " + windows.Other
	case windows.LimitStatuses:
		return "requests with more statuses are counted under status " + windows.Other
	case windows.LimitPanes:
		return "events for more open windows count for nothing"
	case windows.LimitMemory:
		return "there is no memory for more models, features, categories or values"
	default:
		return "something is not counted"
	}
}

// mend names the key of the configuration that sets a limit.
func mend(l windows.Limit) string {
	switch l {
	case windows.LimitModels:
		return "raise limits.models, or name the models that matter in the configuration"
	case windows.LimitVersions:
		return "raise limits.versions_per_model"
	case windows.LimitFeatures:
		return "raise limits.features_per_model"
	case windows.LimitCategories:
		return "raise limits.categories or limits.name_length"
	case windows.LimitPanes:
		return "raise limits.open_windows"
	case windows.LimitMemory:
		return "raise memory_limit, or add instances"
	default:
		return "send fewer"
	}
}
