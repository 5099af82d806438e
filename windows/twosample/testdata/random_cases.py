"""Random cases with their answers to all digits: random_cases.jsonl.gz.

    python random_cases.py CASES SEED [KIND ...] > random_cases.jsonl && gzip -9n random_cases.jsonl

Needs scipy, mpmath and gmpy2. CASES is how many of each kind; the committed file
has 40 of each with seed 1. Every line has a kind; probabilities are natural
logarithms, from integers, or from 60 digits.
"""
import json
import math
import random
import sys
from fractions import Fraction

import gmpy2
from gmpy2 import mpz
from mpmath import mp, mpf
from scipy import stats

mp.dps = 60
rnd = random.Random(int(sys.argv[2]))


def log_ratio(a, b):
    """log(a/b) of integers, rounded once; None for 0."""
    if a == 0:
        return None
    return float(mp.log(mpf(int(a))) - mp.log(mpf(int(b))))


def wide(low, high):
    """An integer, evenly spread in its logarithm."""
    return int(round(math.exp(rnd.uniform(math.log(low), math.log(high)))))


def ks_exact():
    """Paths that leave the band, counted in integers."""
    if rnd.random() < 0.3:
        n = m = wide(1, 3000)
    elif rnd.random() < 0.3:
        g = wide(1, 60)
        n, m = g * wide(1, 8), g * wide(1, 8)
    else:
        n, m = wide(1, 300), wide(1, 600)
    g = math.gcd(n, m)
    lcm = n * m // g
    h = min(lcm, max(1, int(lcm * rnd.choice([rnd.random(), rnd.random() * 3 / math.sqrt(min(n, m)), 1 / lcm]))))
    every = gmpy2.comb(n + m, n)
    if n == m:
        outside = sum((1 if k % 2 else -1) * 2 * gmpy2.comb(2 * n, n - k * h) for k in range(1, n // h + 1))
        outside = every if h == 1 else outside
    else:
        up, down = m // g, n // g
        column = [mpz(0)] * (m + 1)
        for i in range(n + 1):
            for j in range(m + 1):
                if abs(i * up - j * down) >= h:
                    column[j] = mpz(0)
                elif i == 0 and j == 0:
                    column[j] = mpz(1)
                else:
                    column[j] = (column[j] if i else mpz(0)) + (column[j - 1] if j else mpz(0))
        outside = every - column[m]
    return dict(n=n, m=m, h=h, log_p=log_ratio(outside, every))


def ks_tied():
    levels = rnd.choice([2, 3, 5, 10, 40])
    x = sorted(rnd.randrange(levels) for _ in range(wide(1, 60)))
    y = sorted(rnd.randrange(levels) for _ in range(wide(1, 60)))
    n, m = len(x), len(y)
    g = math.gcd(n, m)
    up, down = m // g, n // g
    pooled = sorted(x + y)
    ends = [s > 0 and (s == n + m or pooled[s - 1] != pooled[s]) for s in range(n + m + 1)]
    h = max(1, int(n * m // g * rnd.random() ** 2))
    column = [mpz(0)] * (m + 1)
    for i in range(n + 1):
        for j in range(m + 1):
            if i == 0 and j == 0:
                column[j] = mpz(1)
                continue
            paths = (column[j] if i else mpz(0)) + (column[j - 1] if j else mpz(0))
            column[j] = mpz(0) if ends[i + j] and abs(i * up - j * down) >= h else paths
    every = gmpy2.comb(n + m, n)
    return dict(x=x, y=y, h=h, log_p=log_ratio(every - column[m], every))


def one_sample_tail():
    """Twice the sum of all terms; what lies beyond both bounds is below 1e-30 of it."""
    size = wide(141, 4000)
    d = math.sqrt(rnd.uniform(12, min(2000, 0.98 * size)) / size)
    t = mpf(d)
    total = mpf(0)
    binomial = mpz(1)
    for j in range(int(size * (1 - d)) + 1):
        q = 1 - t - mpf(j) / size
        if q >= 0:
            total += int(binomial) * (t + mpf(j) / size) ** (j - 1) * q ** (size - j)
        binomial = binomial * (size - j) // (j + 1)
    return dict(size=size, d=d, log_p=float(mp.log(2 * t * total)))


def one_sample_scipy():
    size = wide(2, 1_000_000)
    d = min(1, rnd.uniform(0.2, 5) / math.sqrt(size))
    return dict(size=size, d=d, p=float(stats.kstwo.sf(d, size)))


def fisher():
    n1, n2 = wide(1, 10 ** rnd.choice([1, 2, 4, 9])), wide(1, 10 ** rnd.choice([1, 2, 4, 9]))
    successes = rnd.randint(0, min(n1 + n2, rnd.choice([3, 20, 300])))
    least, largest = max(0, successes - n2), min(n1, successes)
    k1 = rnd.randint(least, largest)
    if rnd.random() < 0.1:  # few failures instead
        k1, successes = n1 - k1, n1 + n2 - successes
        least, largest = max(0, successes - n2), min(n1, successes)
    failures = n1 + n2 - successes
    if min(successes, failures) > 400:
        raise ValueError("too many splits")
    few = min(successes, failures)
    swapped = few == failures and failures < successes
    # In terms of the rarer outcome.
    total = gmpy2.comb(n1 + n2, few)
    range_low, range_high = max(0, few - n2), min(n1, few)
    split = {x: gmpy2.comb(n1, x) * gmpy2.comb(n2, few - x) for x in range(range_low, range_high + 1)}
    x0 = n1 - k1 if swapped else k1
    low = sum(w for x, w in split.items() if x <= x0)
    high = sum(w for x, w in split.items() if x >= x0)
    if swapped:
        low, high = high, low
    limit = split[x0] * (10 ** 7 + 1) // 10 ** 7
    two = sum(w for w in split.values() if w <= limit)
    return dict(k1=k1, n1=n1, k2=successes - k1, n2=n2,
                log_less=log_ratio(low, total), log_greater=log_ratio(high, total), log_two=log_ratio(two, total))


def beta_tail():
    windows, degrees = wide(1, 10 ** rnd.choice([1, 2, 4, 9])), wide(1, 10 ** rnd.choice([1, 2, 3]))
    ratio = math.exp(rnd.uniform(-12, 6)) * degrees / windows
    a, b, y = mpf(windows) / 2, mpf(degrees) / 2, 1 / (1 + mpf(ratio))
    # All terms of the power series are positive.
    total, term, k = mpf(1), mpf(1), 0
    while term > total * mpf(10) ** -40:
        term *= (a + b + k) / (a + 1 + k) * y
        total += term
        k += 1
        if k > 20_000:
            return None
    value = a * mp.log(y) + b * mp.log1p(-y) - mp.log(a * mp.beta(a, b)) + mp.log(total)
    return dict(windows=windows, degrees=degrees, ratio=ratio, log_p=float(value))


def non_central():
    degrees = wide(1, 200)
    centre = math.exp(rnd.uniform(math.log(1e-3), math.log(1e5)))
    x = (degrees + centre) * math.exp(rnd.uniform(-1, 1.5)) + rnd.uniform(0, 5)
    a, w, half = mpf(degrees) / 2, mpf(centre) / 2, mpf(x) / 2
    # Q(a+j+1, x) = Q(a+j, x) + x^(a+j) e^-x / Gamma(a+j+1): positive terms throughout.
    mp.dps = 40
    q = mp.gammainc(a, half, mp.inf, regularized=True)
    step = mp.exp(a * mp.log(half) - half - mp.loggamma(a + 1))
    weight, total, j = mp.exp(-w), mpf(0), 0
    while True:
        total += weight * q
        if j > w and j > mp.sqrt(w * half) + 10 and weight < total * mpf(10) ** -25:
            break
        q += step
        step *= half / (a + j + 1)
        j += 1
        weight *= w / j
    mp.dps = 60
    return dict(degrees=degrees, centre=centre, x=x, log_p=float(mp.log(total)))


def counts():
    k = rnd.choice([1, 2, 5, 10, 50])
    top = rnd.choice([3, 100, 10 ** 6, 10 ** 12])
    ref = [0 if rnd.random() < 0.15 else rnd.randint(0, top) for _ in range(k)]
    kind = rnd.random()
    if kind < 0.3:  # nearly the same proportions
        cur = [c * 3 + rnd.randint(0, 1) for c in ref]
    elif kind < 0.4:  # the same
        cur = [c * 2 for c in ref]
    elif kind < 0.5:  # nothing in common
        cur = [0 if c else rnd.randint(1, top) for c in ref]
    else:
        cur = [0 if rnd.random() < 0.15 else rnd.randint(0, rnd.choice([3, 100, 10 ** 6])) for _ in range(k)]
    n, m = sum(ref), sum(cur)
    if n == 0 or m == 0:
        return None
    psi = js = hellinger = chi2 = mpf(0)
    tv = Fraction(0)
    for a, b in zip(ref, cur):
        if a + b == 0:
            continue
        p, q = mpf(a) / n, mpf(b) / m
        fp, fq = p or mpf(1e-4), q or mpf(1e-4)
        psi += (fq - fp) * mp.log(fq / fp)
        middle = (p + q) / 2
        js += sum(v * mp.log(v / middle, 2) / 2 for v in (p, q) if v)
        hellinger += (mp.sqrt(p) - mp.sqrt(q)) ** 2 / 2
        tv += abs(Fraction(a, n) - Fraction(b, m)) / 2
        chi2 += mpf(b * n - a * m) ** 2 / (mpf(n) * m * (a + b))
    dof = sum(a + b > 0 for a, b in zip(ref, cur)) - 1
    log_p = 0.0
    if dof > 0:
        log_p = float(mp.log(mp.gammainc(mpf(dof) / 2, chi2 / 2, mp.inf, regularized=True))) if chi2 < 1e6 else None
    return dict(ref=ref, cur=cur, psi=float(psi), js=float(js), hellinger=float(mp.sqrt(hellinger)),
                tv=float(mpf(tv.numerator) / tv.denominator), chi2=float(chi2), dof=dof, log_p=log_p)


def area():
    scale = 10.0 ** rnd.choice([-300, -8, 0, 8, 150])
    shift = rnd.choice([0, 0, 1e3, 1e15]) * scale
    levels = rnd.choice([0, 0, 3, 20])

    def sample():
        values = [rnd.gauss(0, 1) for _ in range(wide(1, 60))]
        if levels:
            values = [round(v * levels) / levels for v in values]
        return sorted(float(v * scale + shift) for v in values)
    x, y = sample(), sample()
    pooled = sorted(set(x + y))
    total = Fraction(0)
    for low, high in zip(pooled, pooled[1:]):
        f = Fraction(sum(v <= low for v in x), len(x))
        g = Fraction(sum(v <= low for v in y), len(y))
        total += abs(f - g) * (Fraction(high) - Fraction(low))
    return dict(x=x, y=y, area=float(total))


def proportions():
    n1, n2 = wide(1, 10 ** rnd.choice([2, 5, 12])), wide(1, 10 ** rnd.choice([2, 5, 12]))
    rate = rnd.choice([rnd.random(), 1e-3, 0.999])
    k1, k2 = (min(n, max(0, int(n * rate * math.exp(rnd.uniform(-0.5, 0.5))))) for n in (n1, n2))
    k, n = k1 + k2, n1 + n2
    if k in (0, n):
        return None
    z = mpf(k1 * n2 - k2 * n1) / mp.sqrt(mpf(n1) * n2 * k * (n - k) / n)
    log_p = mp.log(mp.erfc(abs(z) / mp.sqrt(2))) if abs(z) < 1000 else None
    return dict(k1=k1, n1=n1, k2=k2, n2=n2, z=float(z), log_p=None if log_p is None else float(log_p))


KINDS = (ks_exact, ks_tied, one_sample_tail, one_sample_scipy, fisher, beta_tail, non_central, counts, area, proportions)
for make in KINDS:
    if sys.argv[3:] and make.__name__ not in sys.argv[3:]:
        continue
    made = 0
    while made < int(sys.argv[1]):
        case = make()
        if case is not None:
            print(json.dumps(dict(kind=make.__name__, **case), separators=(",", ":")))
            made += 1
