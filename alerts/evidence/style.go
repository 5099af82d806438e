package evidence

// StyleSheet is the style sheet of the pages, for a page that is not served and
// carries it within.
func StyleSheet() (string, error) {
	data, err := pages.ReadFile("pages/style.css")
	return string(data), err
}

// EffectClass is the class by which the style sheet colours an effect of a strip.
func EffectClass(effect float64) string { return effectClass(float32(effect)) }
