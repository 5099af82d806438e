"""The polynomials of tailSeries in ks_tail.go.

log P(D+ >= d) of the one-sample statistic is -N r(d) + g0(d) + g1(d)/N + ...
r and g0 are known in closed form, at the saddle point of the sum; g1 to g4 are
solved for from exact sums at 24 sizes. Needs gmpy2 and mpmath, takes seconds,
and prints Go arrays (r/d^2 by powers of d^2, g/d by powers of d, on [0, 1/2]).
"""
import gmpy2
from gmpy2 import mpfr, mpq, mpz
from mpmath import mp, mpf, mpc, cos, log, lu_solve, matrix, pi, sin

mp.prec = 500
gmpy2.get_context().precision = 500


def log_tail(size, d):
    """The sum of all terms, to 500 bits."""
    total, binomial = mpfr(0), mpz(1)
    for j in range(int(size * (1 - d)) + 1):
        p = mpfr(d) + j / mpfr(size)
        if p < 1:
            total += binomial * p ** (j - 1) * (1 - p) ** (size - j)
        binomial = binomial * (size - j) // (j + 1)
    return gmpy2.log(mpfr(d) * total)


def expansion(d, sizes):
    """g0, g1, ... at d."""
    a, b = matrix(len(sizes), len(sizes)), matrix(len(sizes), 1)
    for i, size in enumerate(sizes):
        b[i] = mpf(str(log_tail(size, d)))
        for k in range(len(sizes)):
            a[i, k] = mpf(size) ** (1 - k)
    return list(lu_solve(a, b))[1:]


def saddle(d):
    """r and g0 at a complex d."""
    def slope(t):
        return log((d + t) / t) - d / (d + t) - log((1 - d - t) / (1 - t)) - d / (1 - d - t)

    def curvature(t):
        return (1 / (d + t) - 1 / t + d / (d + t) ** 2
                + 1 / (1 - d - t) - 1 / (1 - t) - d / (1 - d - t) ** 2)

    t = mpc((1 - d) / 2)
    for _ in range(12):
        t -= slope(t) / curvature(t)
    r = -t * log((d + t) / t) - (1 - t) * log((1 - d - t) / (1 - t))
    return r, log(d * d / ((d + t) ** 2 * t * (1 - t) * -curvature(t))) / 2


def taylor(pick, terms, points=512, radius=mpf(1) / 2):
    """Taylor coefficients by Cauchy's formula on a circle."""
    angles = [2 * pi * k / points for k in range(points)]
    values = [saddle(radius * mpc(cos(x), sin(x)))[pick] for x in angles]
    return [sum(v * mpc(cos(n * x), -sin(n * x)) for v, x in zip(values, angles)).real / points / radius ** n
            for n in range(terms)]


def horner(c, x):
    total = mpf(0)
    for v in reversed(c):
        total = total * x + v
    return total


def through(xs, ys):
    """The polynomial through points, as a function (Newton's form)."""
    c = list(ys)
    for j in range(1, len(xs)):
        for k in range(len(xs) - 1, j - 1, -1):
            c[k] = (c[k] - c[k - 1]) / (xs[k] - xs[k - j])

    def value(x):
        total = c[-1]
        for k in range(len(xs) - 2, -1, -1):
            total = total * (x - xs[k]) + c[k]
        return total
    return value


def economise(f, end, tolerance):
    """The shortest interpolation at Chebyshev nodes of [0, end] within tolerance."""
    grid = [end * k / 200 for k in range(201)]
    for n in range(4, 30):
        nodes = [end / 2 + end / 2 * cos(pi * (2 * k + 1) / (2 * n)) for k in range(n)]
        a, b = matrix(n, n), matrix(n, 1)
        for i, x in enumerate(nodes):
            b[i] = f(x)
            for k in range(n):
                a[i, k] = x ** k
        c = [float(v) for v in lu_solve(a, b)]
        if max(abs(horner([mpf(v) for v in c], x) - f(x)) for x in grid) < tolerance:
            return c
    raise ValueError("no polynomial is close enough")


def show(name, c):
    print(f"\t{name} = [...]float64{{")
    for i in range(0, len(c), 4):
        print("\t\t" + ", ".join(repr(v) for v in c[i:i + 4]) + ",")
    print("\t}")


rate, g0 = taylor(0, 80), taylor(1, 80)
show("tailRate", economise(lambda x: horner(rate[2::2], x), mpf(1) / 4, mpf(10) ** -16))
show("tailG0", economise(lambda x: horner(g0[1:], x), mpf(1) / 2, mpf(10) ** -15))
ds = [mpq(k, 100) for k in [*range(6, 54, 2), 55, 58, 60]]
rows = [expansion(d, [700 + 150 * k for k in range(24)]) for d in ds]
xs = [mpf(int(d.numerator)) / int(d.denominator) for d in ds]
for k, tolerance in ((1, 11), (2, 9), (3, 7), (4, 5)):
    f = through(xs, [row[k] / x for row, x in zip(rows, xs)])
    show(f"tailG{k}", economise(f, mpf(1) / 2, mpf(10) ** -tolerance))
