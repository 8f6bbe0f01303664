"""Checking an Ed25519 signature (RFC 8032, section 5.1.7), with integers and nothing else.

Nothing here is secret, so nothing has to take the same time whatever the numbers are. What is
accepted is what libsodium accepts, which minisign checks with: S below the group's order (no second
signature made of a first), points in their only encoding and of no small order (no key that takes
every message), and R compared by its bytes (no cofactor).
"""

from .standard import standard_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    _Point = tuple[
        int, int, int, int
    ]  # extended coordinates X, Y, Z, T: x = X/Z, y = Y/Z, xy = T/Z
    _Multiple = tuple[int, int, int, int]  # of a table: Y - X, Y + X, 2Z, 2dT

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)  # of -1
_TWICE_D = 2 * _D % _P
_NEUTRAL = (0, 1, 1, 0)
_BASE = 4 * pow(5, -1, _P) % _P  # y of the base point, whose x is even
_WIDTH = 5  # of the windows: 8 multiples of each point


def is_signature(key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether the 64 bytes are the signature of a message by the owner of a key (32 bytes)."""
    if len(signature) != 64 or len(key) != 32:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    public = _decode(key)
    if scalar >= _L or public is None or _is_small(public):
        return False
    sha512 = standard_module("_sha512", "_sha2").sha512
    digest = sha512(signature[:32] + key + message).digest()
    # [S]B = R + [k]A, so R is [S]B + [k](-A)
    x, y, z, t = public
    found = _sum(scalar, int.from_bytes(digest, "little") % _L, (_P - x, y, z, _P - t))
    return _encode(found) == signature[:32] and not _is_small(found)


def _decode(data: bytes) -> "_Point | None":
    """Return the point, None if the bytes are not the encoding of one (RFC 8032, 5.1.3)."""
    y = int.from_bytes(data, "little")
    odd, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * v**3 * pow(u * v**7, (_P - 5) // 8, _P) % _P
    if (v * x * x - u) % _P:
        x = x * _ROOT % _P
        if (v * x * x - u) % _P:
            return None
    if not x and odd:
        return None
    if x & 1 != odd:
        x = _P - x
    return x, y, 1, x * y % _P


def _encode(point: "_Point") -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    x, y = x * inverse % _P, y * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _is_small(point: "_Point") -> bool:
    """Tell whether the point's order divides 8: then every eighth multiple of it is neutral."""
    for _ in range(3):
        point = _double(point)
    return not point[0] % _P


def _double(point: "_Point") -> "_Point":  # RFC 8032, 5.1.4
    x, y, z, _ = point
    a, b = x * x, y * y
    h = a + b
    e = h - (x + y) ** 2
    g = a - b
    f = 2 * z * z + g
    # One division each: the sums above are left as they are
    e, f, g, h = e % _P, f % _P, g % _P, h % _P
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _add(point: "_Point", other: "_Multiple") -> "_Point":  # RFC 8032, 5.1.4
    x, y, z, t = point
    minus, plus, twice, product = other
    a, b = (y - x) * minus % _P, (y + x) * plus % _P
    c, d = t * product % _P, z * twice % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _sum(first: int, second: int, point: "_Point") -> "_Point":
    """Return [first]B + [second]point, doubling once for both (Straus and Shamir)."""
    base = _decode(_BASE.to_bytes(32, "little"))
    assert base is not None  # noqa: S101  # a constant
    pairs = ((_digits(first), _multiples(base)), (_digits(second), _multiples(point)))
    total: _Point = _NEUTRAL
    for place in range(max(len(digits) for digits, _ in pairs) - 1, -1, -1):
        total = _double(total)
        for digits, multiples in pairs:
            digit = digits[place] if place < len(digits) else 0
            if digit > 0:
                total = _add(total, multiples[digit >> 1])
            elif digit:
                minus, plus, twice, product = multiples[-digit >> 1]
                total = _add(total, (plus, minus, twice, -product))
    return total


def _digits(number: int) -> list[int]:
    """Return the digits, from the lowest: each 0 or odd, of any five at most one that is not 0."""
    found = []
    while number:
        digit = 0
        if number & 1:
            digit = number & (1 << _WIDTH) - 1
            if digit >> _WIDTH - 1:
                digit -= 1 << _WIDTH
            number -= digit
        found.append(digit)
        number >>= 1
    return found


def _multiples(point: "_Point") -> "list[_Multiple]":
    """Return the odd multiples 1, 3, 5 ... of a point, as `_add` takes them."""
    step = _prepared(_double(point))
    found = []
    for _ in range(1 << _WIDTH - 2):
        found.append(_prepared(point))
        point = _add(point, step)
    return found


def _prepared(point: "_Point") -> "_Multiple":
    x, y, z, t = point
    return (y - x) % _P, (y + x) % _P, 2 * z % _P, t * _TWICE_D % _P
