// Package event is the wire format of kolmo's native events: one JSON object
// per Kafka record, decoded into an [Event] without allocating in steady
// state, or refused with a [Rejection] whose [Reason] is one of a small closed
// set.
//
// # What is accepted
//
// Exactly the JSON of RFC 8259, one object per record, in valid UTF-8, within
// [Limits]. On top of that grammar:
//
//   - A key may stand once. Keys are compared after unescaping, at the top level
//     (unknown fields included), in features (before and after flattening) and in
//     metrics. Inside ignored fields keys are not compared.
//   - A \u escape that is half of a surrogate pair is refused as invalid UTF-8,
//     anywhere in the record: such a text has no UTF-8 form, and replacing it
//     would let two different names become one.
//   - A top-level null reads as the field being absent.
//   - Numbers must lie within float64: 1e400 is refused, 1e-400 is 0.
//   - Unknown fields, and fields that do not belong to the [Role], are ignored;
//     they must still be well-formed.
//
// Names, texts and identifiers may hold any character, control characters
// included: whoever prints them escapes them.
//
// # Which reason wins
//
// Size, emptiness, UTF-8 and depth are judged first, in this order, before any
// parsing; then the grammar of the whole record; then, in input order, what the
// fields mean; last, whether a model was named.
package event
