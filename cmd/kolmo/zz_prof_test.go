package main
import ("testing";"bytes";"os")
func BenchmarkCheckProf(b *testing.B){ f:=os.Getenv("F"); for b.Loop(){ var o bytes.Buffer; run(b.Context(), []string{"check","--reference","/tmp/c05/reference."+f,"--current","/tmp/c05/current."+f}, &o,&o) } }
