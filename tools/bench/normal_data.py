"""The inputs of `fovea bench --suite gpu` (NormalData.java), bit for bit: works on int64 arrays of NumPy and of PyTorch."""
import math

QUANTILES = 1 << 16


def quantile(p):
    """Acklam's approximation of the inverse normal distribution function."""
    if p > 0.5:
        return -quantile(1 - p)
    if p < 0.02425:
        q = math.sqrt(-2 * math.log(p))
        return (((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e+00) * q
                  - 2.549732539343734e+00) * q + 4.374664141464968e+00) * q + 2.938163982698783e+00) / (
            (((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e+00) * q
             + 3.754408661907416e+00) * q + 1)
    q = p - 0.5
    r = q * q
    return (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r
              + 1.383577518672690e+02) * r - 3.066479806614716e+01) * r + 2.506628277459239e+00) * q / (
        ((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r
          + 6.680131188771972e+01) * r - 1.328068155288572e+01) * r + 1)


def table():
    """Element values by pick; f32 and then the storage type round them."""
    return [quantile((i + 0.5) / QUANTILES) for i in range(QUANTILES)]


def picks(seed, words):
    """For words 0, 1, 2...: an array each of the picks of elements 4w, 4w + 1, 4w + 2, 4w + 3."""
    z = (words + ((seed << 48) + 1)) * _signed(0x9E3779B97F4A7C15)
    z = (z ^ _shifted(z, 30)) * _signed(0xBF58476D1CE4E5B9)
    z = (z ^ _shifted(z, 27)) * _signed(0x94D049BB133111EB)
    z = z ^ _shifted(z, 31)
    return [(z >> 16 * j) & (QUANTILES - 1) for j in range(4)]


def _signed(x):
    return x - (1 << 64) if x >> 63 else x


def _shifted(z, n):
    return (z >> n) & ((1 << 64 - n) - 1)
