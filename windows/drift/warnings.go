package drift

import "fmt"

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

// leastCalibrated is the smallest p-value that calibration allows: that of D = 1.
func (t *tested) leastCalibrated() float64 {
	most := *t
	most.statistic = 1
	return most.calibrated(0)
}
