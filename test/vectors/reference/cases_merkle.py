from case import Case, Stream, case, cited, refused

# Certificate Transparency's own test tree (leaf inputs and roots of `merkle_tree_test` in its reference code).
CT_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def cases() -> list[Case]:
    s = Stream("merkle")

    def leaves(n):
        return [s.hex(s.integer(0, 40)) for _ in range(n)]

    def root(name, of):
        return case("merkle.root", name, leaves=of)

    def path(name, of, index):
        return case("merkle.path", name, leaves=of, index=index)

    out = [cited("merkle.root", "ct-0", {"root": EMPTY_ROOT}, leaves=[])]
    out += [cited("merkle.root", f"ct-{n}", {"root": CT_ROOTS[n - 1]}, leaves=CT_LEAVES[:n]) for n in range(1, 9)]
    out += [root(f"random-{n}", leaves(n)) for n in (1, 2, 3, 9, 15, 16, 17, 33, 64, 65, 100)]
    out += [
        root("equal-leaves", ["ab"] * 6),
        root("order-matters-1", ["01", "02", "03"]),
        root("order-matters-2", ["02", "01", "03"]),
        root("last-leaf-is-not-doubled-1", ["01", "02", "03"]),
        root("last-leaf-is-not-doubled-2", ["01", "02", "03", "03"]),
        root("long-leaf", ["5a" * 2000]),
        refused("merkle.root", "upper-case", leaves=["AB"]),
        refused("merkle.root", "half-a-byte", leaves=["abc"]),
        refused("merkle.root", "number", leaves=[1]),
        refused("merkle.root", "not-a-list", leaves="00"),
        refused("merkle.root", "null", leaves=[None]),
    ]
    out += [path(f"ct-8-{i}", CT_LEAVES, i) for i in range(8)]
    out += [path(f"ct-7-{i}", CT_LEAVES[:7], i) for i in (0, 3, 4, 5, 6)]
    out += [path(f"ct-5-{i}", CT_LEAVES[:5], i) for i in (0, 4)]
    out += [
        path("single-leaf", ["aa"], 0),
        path("two-leaves-last", ["aa", "bb"], 1),
        path("equal-leaves", ["ab"] * 6, 5),
        *(path(f"random-33-{i}", leaves(33), i) for i in (0, 16, 31, 32)),
        path("random-100-97", leaves(100), 97),
        path("no-leaves", [], 0),
        path("index-is-the-count", ["aa", "bb"], 2),
        refused("merkle.path", "negative-index", "MERKLE_INDEX", leaves=["aa"], index=-1),
        refused("merkle.path", "fractional-index", leaves=["aa", "bb"], index=0.5),
        refused("merkle.path", "index-as-text", leaves=["aa", "bb"], index="0"),
        refused("merkle.path", "huge-index", "MERKLE_INDEX", leaves=["aa", "bb"], index=2**32),
    ]
    return out
