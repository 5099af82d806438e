package evidence

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/alerts"
)

// What README.md says in numbers and names is what the code has.
func TestReadme(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(data)), " ")
	l := DefaultLimits()
	for _, want := range []string{
		fmt.Sprintf("| model versions | %d |", l.Versions),
		fmt.Sprintf("| windows of a version | %d |", l.Windows),
		fmt.Sprintf("| alerts of a version | %d |", l.Alerts),
		fmt.Sprintf("| bytes of everything | %d MiB, or", l.Bytes>>20),
		fmt.Sprintf("records that can be read again | %d MiB |", l.Records>>20),
		fmt.Sprintf("at most %d at once, for at most %.0f s each, and %d MiB", archiveReaders, archiveTimeout.Seconds(), archiveBytes>>20),
		fmt.Sprintf("of each feature %s bytes", map[uintptr]string{4: "four"}[reflect.TypeFor[packed]().Size()]),
		fmt.Sprintf("its effect to 1/%d", effectWhole),
		fmt.Sprintf("`&days=` with %d, %d, %d, %d or `all`", periodDays[0], periodDays[1], periodDays[2], periodDays[3]),
		fmt.Sprintf("at most %d columns", mostColumns),
		fmt.Sprintf("gives %d records, or `&limit=` up to %d", answerVerdicts, mostAnswerVerdicts),
		fmt.Sprintf("and %.0f minutes ago", behindGrace.Minutes()),
		fmt.Sprintf("the last %d windows were published", sparkWindows),
		fmt.Sprintf("is %s days older", map[float64]string{2: "two"}[endedAfter.Hours()/24]),
		fmt.Sprintf("(`%s`, `%s`)", noData, referenceMissing),
		"`" + noData.words().Runbook + "`", "`" + referenceMissing.words().Runbook + "`",
		"`" + alerts.RunbookPath("KolmoBehind") + "`", "`" + alerts.RunbookPath("KolmoPartitionStuck") + "`",
		fmt.Sprintf("Measured with %d model versions, %d days of hourly windows", promised.models, promised.windows/24),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("README.md does not say %q", want)
		}
	}
}
