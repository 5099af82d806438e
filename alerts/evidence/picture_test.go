package evidence

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// pictureOf asks for a picture and decodes it.
func pictureOf(t testing.TB, handler http.Handler, path string) image.Image {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/"+path, nil))
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "image/png" || answer.Body.Len() > 300_000 {
		t.Fatalf("%s answers %d, %s, %d bytes", path, answer.Code, answer.Header().Get("Content-Type"), answer.Body.Len())
	}
	picture, err := png.Decode(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size != image.Pt(pictureWidth, pictureHeight) {
		t.Fatalf("%s is %v large", path, size)
	}
	return picture
}

// nearColour reports whether a pixel has a colour, but for what smoothing does.
func nearColour(c color.Color, want color.NRGBA) bool {
	r, g, b, _ := c.RGBA()
	off := func(a uint32, b uint8) bool { d := int(a>>8) - int(b); return d < -40 || d > 40 }
	return !off(r, want.R) && !off(g, want.G) && !off(b, want.B)
}

// ink counts the pixels of a colour in a part of a picture, and says which they span.
func ink(picture image.Image, part image.Rectangle, c color.NRGBA) (n int, span image.Rectangle) {
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			if nearColour(picture.At(x, y), c) {
				n++
				span = span.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return n, span
}

// The curves are where the values are: for two uniform distributions, one a fifth
// of the width to the right, every column of pixels has the line at its height.
func TestPictureShowsTheCurves(t *testing.T) {
	f := numericFeature(0.2, true)
	for i, p := range f.Quantiles.P {
		f.Quantiles.Reference[i], f.Quantiles.Current[i] = 100*p, 100*p+25
	}
	f.Location = ptr(50)
	h := NewHistory(Limits{})
	add(t, h, storyVerdict("fraud", "3", 0, map[string]*drift.Feature{"amount": f}))
	picture := pictureOf(t, NewHandler(h, discard(), nil), alerts.PlotPath(alerts.Version{Model: "fraud", Version: "3"}, storyStart, "amount"))
	plot := image.Rect(0, 165, pictureWidth, pictureHeight)
	n, current := ink(picture, image.Rect(0, 165, 900, pictureHeight), currentColour) // without the legend
	if n < 2000 {
		t.Fatalf("the window's curve has %d pixels", n)
	}
	// Its ends are those of the plot, from 0 to 125 and from 0 to 100 %.
	_, all := ink(picture, plot, currentColour)
	width, height := float64(all.Dx()), float64(all.Dy())
	for _, at := range []float64{0.3, 0.45, 0.6} {
		x := all.Min.X + int(at*width)
		share := (125*at - 25) / 100
		y := all.Max.Y - int(share*height)
		if n, _ := ink(picture, image.Rect(x-4, y-8, x+4, y+8), currentColour); n == 0 {
			t.Errorf("at %v of its width the curve is not at %v of its height, in %v", at, share, current)
		}
		share = min(125*at/100, 1)
		y = all.Max.Y - int(share*height)
		if n, _ := ink(picture, image.Rect(x-16, y-24, x+16, y+24), referenceColour); n == 0 {
			t.Errorf("at %v of its width the reference's curve is not at %v of its height", at, share)
		}
	}
	// D stands at 50, from 25 % to 50 %.
	x, low, high := all.Min.X+int(0.4*width), all.Max.Y-int(0.25*height), all.Max.Y-int(0.5*height)
	if n, mark := ink(picture, image.Rect(x-3, high-3, x+3, low+3), inkColour); n < (low-high)*2 {
		t.Errorf("D's line has %d pixels, in %v", n, mark)
	}
	// The headline has been written.
	if n, _ := ink(picture, image.Rect(0, 0, pictureWidth, 90), inkColour); n < 1000 {
		t.Errorf("the headline has %d pixels", n)
	}
}

func TestPictureShowsCategories(t *testing.T) {
	h := NewHistory(Limits{})
	f := categoricalFeature(0.1, true)
	f.Counts = &drift.Counts{Categories: []string{"a", "b"}, Reference: []uint64{50, 50}, Current: []uint64{100, 0}}
	add(t, h, storyVerdict("fraud", "3", 0, map[string]*drift.Feature{"country": f}))
	picture := pictureOf(t, NewHandler(h, discard(), nil), alerts.PlotPath(alerts.Version{Model: "fraud", Version: "3"}, storyStart, "country"))
	below := image.Rect(100, 260, pictureWidth, pictureHeight) // the legend
	_, current := ink(picture, below, currentColour)
	reference, _ := ink(picture, below, referenceColour)
	one, _ := ink(picture, below, currentColour)
	if current.Max.X > pictureWidth/2 {
		t.Errorf("the second category, which has nothing, has a bar in %v", current)
	}
	// Two bars of one half have as much paint as one of all, but for what the top lacks.
	if ratio := float64(reference) / float64(one); ratio < 0.95 || ratio > 1.25 {
		t.Errorf("bars of 50 %% and 50 %% have %d pixels, one of 100 %% %d", reference, one)
	}
}

// Whatever the names and numbers are, there is a picture; what is not there is
// answered as on the pages.
func TestPicturesOfAnything(t *testing.T) {
	for i, name := range append([]string{"日本語の特徴量", "🙂🙂🙂", "ق\u200fيمة", "a\u0301\u0302\u0303"}, hostileNames...) {
		h := NewHistory(Limits{})
		counts := categoricalFeature(0.3, true)
		counts.Counts.Categories[0] = name
		odd := numericFeature(0.1, false)
		odd.Quantiles = &drift.Quantiles{P: []float64{0, 0.5, 1}, Reference: []float64{-1.7e308, 0, 1.7e308}, Current: []float64{7, 7, 7}}
		odd.Location = ptr(-1.7e308)
		v := storyVerdict(name, name, 0, map[string]*drift.Feature{
			name: numericFeature(0.2, true), "counts": counts, "odd": odd, "untested": {Untested: name}, "failed": {Error: name, Test: name, Statistic: ptr(1)},
			"empty": {Type: windows.Categorical, Counts: &drift.Counts{Categories: []string{"x"}, Reference: []uint64{0}, Current: []uint64{0}}},
		})
		v.Reference = nil
		add(t, h, v)
		handler, id := NewHandler(h, discard(), nil), alerts.Version{Model: name, Version: name}
		for feature := range v.Features {
			if i > 0 && feature != "counts" {
				continue // it has the name in its headline and below a bar; once is enough for the others
			}
			pictureOf(t, handler, alerts.PlotPath(id, storyStart, feature))
		}
	}
}

func TestPicturesAreKeptForAsLongAsTheyHold(t *testing.T) {
	handler, fraud := NewHandler(story(t), discard(), nil), alerts.Version{Model: "fraud", Version: "3"}
	for path, want := range map[string]struct {
		code  int
		cache string
	}{
		alerts.PlotPath(fraud, storyStart, "amount"):                                         {200, "max-age=86400"},
		alerts.PlotPath(fraud, time.Time{}, "amount"):                                        {200, "max-age=60"},
		alerts.PlotPath(fraud, storyStart, "no such feature"):                                {404, "no-store"},
		alerts.PlotPath(fraud, storyStart.AddDate(1, 0, 0), "amount"):                        {404, "no-store"},
		alerts.PlotPath(alerts.Version{Model: "unknown"}, time.Time{}, "amount"):             {404, "no-store"},
		"plot.png?name=fraud&version=3&feature=amount&window=yesterday":                      {400, "no-store"},
		alerts.PlotPath(alerts.Version{Model: "eta", Version: "1"}, time.Time{}, "distance"): {200, "max-age=60"},
	} {
		answer := get(t, handler, path)
		if answer.Code != want.code || answer.Header().Get("Cache-Control") != want.cache {
			t.Errorf("%s answers %d, to be kept %q; want %+v", path, answer.Code, answer.Header().Get("Cache-Control"), want)
		}
	}
}

// Who does not wait any more does not have a picture drawn.
func TestPicturesWaitForEachOther(t *testing.T) {
	s := &server{history: story(t), log: discard(), drawing: make(chan struct{}, 1)}
	s.drawing <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	answer := httptest.NewRecorder()
	path := "/" + alerts.PlotPath(alerts.Version{Model: "fraud", Version: "3"}, storyStart, "amount")
	s.plotPicture(answer, httptest.NewRequest(http.MethodGet, path, nil).WithContext(ctx))
	if answer.Body.Len() != 0 {
		t.Error("a picture was drawn while there was no room for it")
	}
	<-s.drawing
	s.plotPicture(answer, httptest.NewRequest(http.MethodGet, path, nil))
	if !bytes.HasPrefix(answer.Body.Bytes(), []byte("\x89PNG")) {
		t.Error("no picture was drawn when there was")
	}
}

// One picture, from the request to its last byte.
func BenchmarkPicture(b *testing.B) {
	handler := NewHandler(story(b), discard(), nil)
	fraud := alerts.Version{Model: "fraud", Version: "3"}
	for _, feature := range []string{"amount", "country"} {
		path := "/" + alerts.PlotPath(fraud, time.Time{}, feature)
		b.Run(feature, func(b *testing.B) {
			for b.Loop() {
				handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
			}
		})
	}
}
