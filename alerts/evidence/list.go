package evidence

import (
	"slices"
	"strconv"
)

// A windowList is one page of the list of a period's windows, newest first.
type windowList struct {
	Total        int
	Rows         []windowRow
	Open         bool // it was asked for
	Newer, Older string
}

// A windowRow names a window in the list of all.
type windowRow struct {
	Span, Machine, Link, Events, Words string
	Selected                           bool
}

// listedWindows is how many windows a page of the list has.
const listedWindows = 48

// newWindowList makes the page that asked, the parameter `list` of a request,
// numbers from 1; the one with the selected window where it does not. link leads
// to the same window.
func newWindowList(v *version, p *period, selected *window, asked string, link string) windowList {
	n := len(p.windows)
	pages := (n + listedWindows - 1) / listedWindows
	out := windowList{Total: n}
	at := (n - 1 - slices.Index(p.windows, selected)) / listedWindows
	if page, err := strconv.Atoi(asked); err == nil && 1 <= page && page <= pages {
		at, out.Open = page-1, true
	}
	for i := n - 1 - at*listedWindows; i >= max(0, n-(at+1)*listedWindows); i-- {
		w := p.windows[i]
		out.Rows = append(out.Rows, windowRow{
			Span: span(w.start, w.end), Machine: machine(w.start), Link: p.model(v, w),
			Events: count(w.events), Words: w.words(), Selected: w == selected,
		})
	}
	to := func(page int) string { return link + p.suffix + "&list=" + strconv.Itoa(page) + "#windows" }
	if at > 0 {
		out.Newer = to(at)
	}
	if at+1 < pages {
		out.Older = to(at + 2)
	}
	return out
}
