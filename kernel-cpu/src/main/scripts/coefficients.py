#!/usr/bin/env python3
"""Prints the coefficients of dev.weft.cpu.scalar's polynomials as Java hex literals, with their errors.

f32: weighted minimax by linear programming on a Chebyshev grid; coefficients are rounded to f32 one after
another, lowest power first, and the rest is fitted again after each.
f64: the same with 60 digits and Lawson's reweighted least squares.
Needs python3-mpmath, numpy and scipy. Arguments: transforms, activations; both without.
"""
import sys

import mpmath as mp
import numpy as np
from scipy.optimize import linprog

mp.mp.dps = 60
TAIL_32, TAIL_64 = 4, 5  # where the normal distribution's variable is 0
CUT = mp.mpf("0.0225")  # tail probability where the truncated normal's central branch ends


def grid(lo, hi, n):
    return [(lo + hi) / 2 + (hi - lo) / 2 * mp.cos(mp.pi * k / (n - 1)) for k in range(n)]


def lp(A, y):
    """Coefficients c with the least max |A c - y|."""
    x0 = np.linalg.lstsq(A, y, rcond=None)[0]
    res = y - A @ x0
    top = np.abs(res).max()
    if top == 0:
        return x0
    scale = np.abs(A).max(0)
    B = A / scale
    one = np.ones((len(y), 1))
    n = A.shape[1]
    cost = np.r_[np.zeros(n), 1.0]
    r = linprog(cost, A_ub=np.vstack([np.c_[B, -one], np.c_[-B, -one]]), b_ub=np.r_[res, -res] / top,
                bounds=[(None, None)] * n + [(0, None)], method="highs")
    return x0 if r.x is None else x0 + r.x[:-1] / scale * top


def fit32(name, f, weight, lo, hi, degree, first=None, scale=0, n=400):
    xs = grid(mp.mpf(lo), mp.mpf(hi), n)
    w = [weight(x) for x in xs]
    rest = [f(x) * v for x, v in zip(xs, w)]
    A = np.array([[float(x ** p * v) for p in range(degree + 1)] for x, v in zip(xs, w)])
    out = []
    for p in range(degree + 1):
        if p == 0 and first is not None:
            c = first
        else:
            c = float(np.float32(lp(A[:, p:], np.array([float(r) for r in rest]))[0]))
        out.append(c)
        rest = [r - mp.mpf(c) * x ** p * v for r, x, v in zip(rest, xs, w)]
    show(name, out, max(abs(r) for r in rest), 24, scale)


def lawson(A, y, steps):
    """Coefficients c with nearly the least max |A c - y|: least squares, reweighted by the error."""
    rows, cols = len(A), len(A[0])
    w = [mp.mpf(1)] * rows
    best, low = None, mp.inf
    for _ in range(steps):
        N = mp.matrix(cols, cols)
        b = mp.matrix(cols, 1)
        for i in range(cols):
            wa = [A[r][i] * w[r] for r in range(rows)]
            b[i] = mp.fdot(wa, y)
            for j in range(i, cols):
                N[i, j] = N[j, i] = mp.fdot(wa, [A[r][j] for r in range(rows)])
        c = mp.lu_solve(N, b)
        err = [abs(mp.fdot(A[r], c) - y[r]) for r in range(rows)]
        top = max(err)
        if top < low:
            best, low = c, top
        w = [v * e for v, e in zip(w, err)]
        total = sum(w)
        w = [v / total for v in w]
    return best


def fit64(name, f, weight, lo, hi, degree, first=None, scale=0):
    xs = grid(mp.mpf(lo), mp.mpf(hi), 6 * degree)
    w = [weight(x) for x in xs]
    A = [[x ** p * v for p in range(degree + 1)] for x, v in zip(xs, w)]
    rest = [f(x) * v for x, v in zip(xs, w)]
    out = []
    for p in range(degree + 1):
        c = first if p == 0 and first is not None else float(lawson([r[p:] for r in A], rest, 12 if p < 5 else 1)[0])
        out.append(c)
        rest = [r - mp.mpf(c) * row[p] for r, row in zip(rest, A)]
    top = max(abs((f(x) - mp.polyval([mp.mpf(c) for c in out[::-1]], x)) * weight(x))
              for x in grid(mp.mpf(lo), mp.mpf(hi), 2000))
    show(name, out, top, 53, scale)


def show(name, coefficients, error, bits, scale):
    print(f"// {name}: relative error {mp.nstr(error, 3)} = {mp.nstr(error * 2 ** bits, 3)} * 2^-{bits}")
    kind = np.float32 if bits == 24 else np.float64
    for p, c in enumerate(coefficients):
        c = mp.ldexp(mp.mpf(c), scale)
        high = float(kind(float(c)))
        print(f"{name}{p} = {literal(high, bits)};")
        if c != high:  # an exact first coefficient in two parts
            print(f"{name}{p}_LOW = {literal(float(kind(float(c - high))), bits)};")


def literal(value, bits):
    mantissa, exponent = value.hex().split("p")
    mantissa = mantissa.rstrip("0")
    mantissa = mantissa + "0" if mantissa.endswith(".") else mantissa
    return f"{mantissa}p{int(exponent)}{'f' if bits == 24 else ''}"


def log_q(h):
    """-2 ln(1 - h/2) / h."""
    return -2 * mp.log1p(-h / 2) / h if h else mp.mpf(1)


def log_weight(h):
    """h q(h) relative to -2 ln u, where u = 1 - h/2 when h >= 0 and at most half of it otherwise."""
    value = -2 * mp.log1p(-h / 2)
    if h == 0:
        return mp.mpf(1)
    return abs(h / value) if h > 0 else abs(h) / (2 * mp.log(2) + value)


def sin_s(s):
    a = mp.sqrt(s) * mp.pi / 4
    return mp.sin(a) / mp.sqrt(s) if s else mp.pi / 4


def cos_s(s):
    return mp.cos(mp.sqrt(s) * mp.pi / 4)


def ratio(w):
    """z / q for p (1 - p) = w^2, q = 1/2 - p."""
    q = mp.sqrt(max(mp.mpf(0), mp.mpf(1) / 4 - w * w))
    return mp.sqrt(2) * mp.erfinv(2 * q) / q if q > mp.mpf(10) ** -25 else mp.sqrt(2 * mp.pi)


def centre(lo, hi, cast):
    return mp.mpf(float(cast(float((lo + hi) / 2))))


one = mp.mpf(1)
w0 = mp.sqrt(CUT * (1 - CUT))
half_ln2 = mp.log(2) / 2


def expm1_q(r):
    """(e^r - 1 - r) / r^2."""
    return (mp.expm1(r) - r) / r ** 2 if abs(r) > mp.mpf(10) ** -25 else one / 2


def log1p_q(f):
    """(ln(1 + f) - f) / f^2."""
    return (mp.log1p(f) - f) / f ** 2 if abs(f) > mp.mpf(10) ** -25 else -one / 2


def square_over(g):
    """The weight of q in x + x^2 q(x) relative to g(x)."""
    return lambda x: x ** 2 / abs(g(x)) if x else mp.mpf(0)


def tail(y, c):
    """(t + c) e^(t^2/2) Phi(-t) at y = (t - c) / (t + c)."""
    t = c * (1 + y) / (1 - y)
    return (t + c) * mp.exp(t * t / 2) * mp.erfc(t / mp.sqrt(2)) / 2


def transforms():
    fit32("LOG", log_q, log_weight, -2 * one / 3, 2 * one / 3, 8, first=one)
    fit32("SIN", sin_s, lambda s: 1 / sin_s(s), 0, 1, 3, first=mp.pi / 4, scale=-31)
    fit32("COS", cos_s, lambda s: 1 / cos_s(s), 0, 1, 3, first=one)
    c = centre(w0, one / 2, np.float32)
    print("// ROOT centre", float(c).hex())
    fit32("ROOT", lambda v: ratio(v + c), lambda v: 1 / ratio(v + c), w0 - c, one / 2 - c, 11)

    fit64("LOG", log_q, log_weight, -2 * one / 3, 2 * one / 3, 19, first=one)
    fit64("SIN", sin_s, lambda s: 1 / sin_s(s), 0, 1, 6, first=mp.pi / 4, scale=-63)
    fit64("COS", cos_s, lambda s: 1 / cos_s(s), 0, 1, 6, first=one)
    c = centre(mp.sqrt(w0), mp.sqrt(one / 2), np.float64)
    print("// ROOT centre", float(c).hex())
    fit64("ROOT", lambda v: ratio((v + c) ** 2), lambda v: 1 / ratio((v + c) ** 2), mp.sqrt(w0) - c, mp.sqrt(one / 2) - c, 19)


def activations():
    fit32("EXP", expm1_q, square_over(mp.expm1), -half_ln2, half_ln2, 4)
    fit32("LOG", log1p_q, square_over(mp.log1p), -one / 4, one / 2, 8)
    c = mp.mpf(TAIL_32)
    fit32("TAIL", lambda y: tail(y, c), lambda y: 1 / tail(y, c), -1, (mp.mpf(13.3) - c) / (mp.mpf(13.3) + c), 9)

    fit64("EXP", expm1_q, square_over(mp.expm1), -half_ln2, half_ln2, 9)
    fit64("LOG", log1p_q, square_over(mp.log1p), -one / 4, one / 2, 19)
    c = mp.mpf(TAIL_64)
    fit64("TAIL", lambda y: tail(y, c), lambda y: 1 / tail(y, c), -1, (38 - c) / (38 + c), 21)


if __name__ == "__main__":
    for name in sys.argv[1:] or ["transforms", "activations"]:
        {"transforms": transforms, "activations": activations}[name]()
