from case import Case, Stream, case, refused

FUNCTIONS = (("sample.weighted", "m"), ("sample.seats", "n"))


def cases() -> list[Case]:
    out = []
    for fn, count in FUNCTIONS:

        def add(name, seed, ids, stakes, n, fn=fn, count=count):
            out.append(case(fn, name, seed=seed, ids=ids, stakes=[str(s) for s in stakes], **{count: n}))

        def no(name, code, seed, ids, stakes, n, fn=fn, count=count):
            out.append(refused(fn, name, *code, seed=seed, ids=ids, stakes=stakes, **{count: n}))

        s = Stream(fn)
        seed = s.hex(32)
        six = [s.hex(32) for _ in range(6)]
        add("one-of-one", seed, six[:1], [7], 1)
        add("none-of-six", seed, six, [1, 2, 3, 4, 5, 6], 0)
        add("six-of-six", seed, six, [1, 2, 3, 4, 5, 6], 6)
        add("equal-stakes", seed, six, [10**9] * 6, 4)
        add("input-order-does-not-matter-1", seed, six, [5, 4, 3, 2, 1, 9], 5)
        order = [3, 0, 5, 1, 4, 2]
        add("input-order-does-not-matter-2", seed, [six[i] for i in order], [[5, 4, 3, 2, 1, 9][i] for i in order], 5)
        add("zero-stakes-are-no-candidates", seed, six, [0, 3, 0, 1, 0, 2], 3)
        add("more-than-candidates", seed, six, [0, 3, 0, 1, 0, 2], 5)
        add("only-zero-stakes", seed, six, [0] * 6, 2)
        add("only-zero-stakes-none-wanted", seed, six, [0] * 6, 0)
        add("nobody", seed, [], [], 3)
        add("nobody-none-wanted", seed, [], [], 0)
        add("one-giant", seed, six, [1, 1, 10**18, 1, 1, 1], 6)
        add("all-u64-max", seed, six, [2**64 - 1] * 6, 6)
        add("cap-of-supply", seed, six, [10**15, 1, 0, 10**15 - 1, 2, 10**14], 5)
        # A total just above 2^255 refuses almost every second integer: attempts beyond 0 occur.
        add("rejection-1", seed, six, [2**255 + 1, 0, 0, 1, 0, 0], 2)
        add("rejection-2", s.hex(32), six, [2**252, 2**254, 2**253, 2**250, 2**251, 2**252 + 2**251 + 12345], 6)
        add("rejection-3", s.hex(32), six, [2**253 - 1] * 5 + [1], 6)
        add("total-2^256", seed, six[:2], [2**255, 2**255], 2)
        add("empty-seed", "", six, [1, 2, 3, 4, 5, 6], 3)
        add("long-seed", s.hex(100), six, [1, 2, 3, 4, 5, 6], 3)
        # A prefix sorts before its extension, and 7f before 80: bytes, not signed numbers, not text of a locale.
        add(
            "ids-compare-as-bytes",
            seed,
            ["80", "7f", "7f00", "00", "ff", "0a", "a0", "0000"],
            [3, 1, 4, 1, 5, 9, 2, 6],
            8,
        )
        forty = [s.hex(32) for _ in range(40)]
        add("forty", s.hex(32), forty, s.integers(40, 0, 10**12), 20)
        add("forty-small-stakes", s.hex(32), forty, s.integers(40, 0, 3), 40)
        add("sixty-one-seats", s.hex(32), forty, s.integers(40, 10**10, 10**15), 61)
        no("duplicate-id", ["SAMPLE_ID_DUPLICATE"], seed, [six[0], six[1], six[0]], ["1", "2", "3"], 1)
        no("duplicate-id-without-stake", ["SAMPLE_ID_DUPLICATE"], seed, [six[0], six[0]], ["1", "0"], 1)
        no("total-above-2^256", ["SAMPLE_STAKE_TOO_LARGE"], seed, six[:2], [str(2**256 - 1), "2"], 1)
        no("negative-stake", [], seed, six[:2], ["1", "-1"], 1)
        no("fractional-stake", [], seed, six[:2], ["1", "1.5"], 1)
        no("empty-stake", [], seed, six[:2], ["1", ""], 1)
        no("stake-as-number", [], seed, six[:2], ["1", 2], 1)
        no("stake-with-leading-zero", [], seed, six[:2], ["1", "02"], 1)
        no("fewer-stakes-than-ids", [], seed, six[:2], ["1"], 1)
        no("more-stakes-than-ids", [], seed, six[:1], ["1", "2"], 1)
        no("upper-case-id", [], seed, ["AB"], ["1"], 1)
        no("half-a-byte", [], seed, ["abc"], ["1"], 1)
        no("seed-not-hex", [], "xyz", ["ab"], ["1"], 1)
        no("negative-count", ["SAMPLE_COUNT_INVALID"], seed, six[:2], ["1", "1"], -1)
        no("fractional-count", [], seed, six[:2], ["1", "1"], 1.5)
        no("count-as-text", [], seed, six[:2], ["1", "1"], "1")
        no("count-null", [], seed, six[:2], ["1", "1"], None)
        no("huge-count", [], seed, six[:2], ["1", "1"], 2**53)
    return out
