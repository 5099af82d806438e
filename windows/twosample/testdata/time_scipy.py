"""Medians of scipy.stats.ks_2samp in microseconds, at the sizes of
BenchmarkTwoSampleTest, sorting included, on samples that rotate.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python time_scipy.py
"""
import time
import warnings

import numpy as np
from scipy.stats import ks_2samp

SIZES = [(10, 10), (10, 11), (100, 100), (100, 101), (1000, 1000), (1000, 1001), (100, 10_000), (1000, 10_000),
         (5000, 10_000), (10_000, 10_000), (9999, 10_000), (1000, 100_000), (100_000, 100_000), (100_000, 99_999),
         (10_000, 1_000_000), (1_000_000, 1_000_000), (1_000_000, 999_999)]

warnings.simplefilter("ignore")
random = np.random.default_rng(1)
for n, m in SIZES:
    for shift in (0, 0.1, 1):
        rotate = min(64, max(4, 1_000_000 // max(n, m)))
        pairs = [(random.normal(size=n), random.normal(size=m) + shift) for _ in range(rotate)]
        times = []
        while len(times) < 5 or (sum(times) < 0.4 and len(times) < 2000):
            x, y = pairs[len(times) % rotate]
            start = time.perf_counter()
            ks_2samp(x, y)
            times.append(time.perf_counter() - start)
        print(f"{n}x{m}/shift={shift} {np.median(times) * 1e6:.1f}", flush=True)
