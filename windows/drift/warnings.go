package drift

import (
	"fmt"

	"github.com/kolmo-ml/kolmo/windows"
)

// A reference should be wellSized times as large as a window. All windows are
// compared with the same reference: one of a window's own size that happens to lie a
// little off makes a feature that has not changed significant far more often than
// the level says, again and again.
const wellSized = 10

// warn says what a reader of the verdict should know of how far it can be trusted.
func warn(v *Verdict, family []judgement, budget float64) {
	if len(family) == 0 {
		return
	}
	small, uncalibrated, hopeless := 0, 0, 0
	for _, j := range family {
		t := &j.feature.tested
		if t.n < wellSized*t.m {
			small++
		}
		switch {
		case t.calibration == nil:
			uncalibrated++
		case t.ks && t.leastCalibrated() >= budget:
			hopeless++
		}
	}
	add := func(count int, what string) {
		if count > 0 {
			v.Warnings = append(v.Warnings, fmt.Sprintf("%d of %d features: %s", count, len(family), what))
		}
	}
	add(small, "the reference has fewer than ten times the values of the window, and its own accidents are taken for drift")
	if budget > 0 {
		add(uncalibrated, "the budget allows for independent values only, since windows of the reference are not known")
		add(hopeless, "no difference is improbable enough for the budget: the reference has too few windows")
	}
}

// warnOfLimits says where the verdict is no longer a function of the log alone:
// which of too many names are kept depends on the order of arrival.
func warnOfLimits(v *Verdict, w *windows.Window) {
	switch {
	case windows.IsOther(v.Model, v.Version):
		v.Warnings = append(v.Warnings, "events of models or versions beyond the limits are counted here: which they are depends on the order of arrival, and on a replay they need not be the same")
	case w.OverLimit > 0:
		v.Warnings = append(v.Warnings, fmt.Sprintf("%d values are beyond the limits of features or memory and were not kept: which they are depends on the order of arrival, and on a replay they need not be the same", w.OverLimit))
	}
}

// leastCalibrated is the smallest p-value that calibration allows: that of D = 1.
func (t *tested) leastCalibrated() float64 {
	most := *t
	most.statistic = 1
	return most.calibrated(0)
}
