// Package reference holds what windows are compared with: how it is built from
// rows or from windows, how it is encoded, and which one serves when.
//
// A reference keeps, per feature, counts between its own quantiles over all of
// its rows, however many, and a uniform sample of its values. The quantiles are
// the grid on which windows are counted from then on.
package reference
