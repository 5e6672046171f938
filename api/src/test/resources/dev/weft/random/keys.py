"""Writes keys.csv: children of keys by the formulas in the documentation of RandomKey.

    python3 keys.py > keys.csv
"""

M32, M64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
TAG = 0x57454654


def philox(counter, key):
    """Philox4x32-10 (Salmon et al. 2011): counter (x, y, z, w), key (k0, k1)."""
    x, y, z, w = counter
    k0, k1 = key
    for _ in range(10):
        a, b = 0xD2511F53 * x, 0xCD9E8D57 * z
        x, y, z, w = (b >> 32) ^ y ^ k0, b & M32, (a >> 32) ^ w ^ k1, a & M32
        k0, k1 = (k0 + 0x9E3779B9) & M32, (k1 + 0xBB67AE85) & M32
    return x, y, z, w


def derive(seed, value, kind):
    words = philox((value & M32, value >> 32, kind, TAG), (seed & M32, seed >> 32))
    return words[0] | words[1] << 32


def fnv1a(name):
    hash = 0xCBF29CE484222325
    for byte in name.encode("utf-8"):
        hash = (hash ^ byte) * 0x100000001B3 & M64
    return hash


if __name__ == "__main__":
    assert philox((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)) == (
        0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)
    assert fnv1a("foobar") == 0x85944171F73967E8
    print("# child keys by keys.py: seed, child or split, name or index, seed of the child")
    for seed in (0, 1, 42, 0x123456789ABCDEF0, M64):
        for name in ("", "a", "layer0/kernel", "dense/kernel", "blocks.11.attn.c_proj.weight", "größe", "重み", "🧵"):
            print(f"{seed:016x},child,{name},{derive(seed, fnv1a(name), 0):016x}")
        for index in (0, 1, 2, 3, 1000):
            print(f"{seed:016x},split,{index},{derive(seed, index, 1):016x}")
