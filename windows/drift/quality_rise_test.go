package drift

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// slowRise adds up binomial coefficients as integers.
func slowRise(k1, n1, k2, n2 uint64) float64 {
	choose := func(n, k uint64) *big.Int { return new(big.Int).Binomial(int64(n), int64(k)) }
	sum := new(big.Int)
	for k := k1; k <= min(n1, k1+k2); k++ {
		sum.Add(sum, new(big.Int).Mul(choose(n1, k), choose(n2, k1+k2-k)))
	}
	p, _ := new(big.Rat).SetFrac(sum, choose(n1+n2, k1+k2)).Float64()
	return p
}

func TestARiseBesideTheSlowOne(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		n1, n2 := 1+random.Uint64N(300), 1+random.Uint64N(300)
		k1, k2 := random.Uint64N(n1+1), random.Uint64N(n2+1)
		if random.IntN(2) == 0 {
			k1, k2 = random.Uint64N(min(n1, 5)+1), random.Uint64N(min(n2, 5)+1)
		}
		if k1*n2 < k2*n1 {
			continue // no rise, and never asked for
		}
		z, p := rise(k1, n1, k2, n2)
		want := slowRise(k1, n1, k2, n2)
		if z < exactFrom && p.P > 0.15 && want > 0.15 {
			continue
		}
		if math.Abs(p.P-want) > 1e-10*want {
			t.Errorf("%d of %d after %d of %d: p %v, want %v", k1, n1, k2, n2, p.P, want)
		}
		if successes := k1 + k2; !math.IsNaN(z) != (successes > 0 && successes < n1+n2) {
			t.Errorf("%d of %d after %d of %d: z is %v", k1, n1, k2, n2, z)
		}
	}
}

// However small a p-value, its logarithm is there.
func TestARiseBeyondFloat64(t *testing.T) {
	for _, c := range [][4]uint64{{100_000, 100_000, 0, 100_000}, {1000, 1000, 0, 1_000_000}, {400_000, 1_000_000, 2000, 1_000_000}} {
		if _, p := rise(c[0], c[1], c[2], c[3]); p.P != 0 || math.IsInf(p.LogP, 0) || p.LogP > -700 {
			t.Errorf("%v: p %v, log %v", c, p.P, p.LogP)
		}
	}
}
