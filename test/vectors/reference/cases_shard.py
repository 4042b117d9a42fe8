from case import Case, case, refused

THIRD = {"num": 1, "den": 3}
NINE_TENTHS = {"num": 9, "den": 10}
EIGHT_TENTHS = {"num": 8, "den": 10}


def cases() -> list[Case]:
    return [*_size(), *_seats(), *_tail()]


def _size() -> list[Case]:
    def size(name, encoders, dishonest=THIRD, quorum=NINE_TENTHS, budget="1e-13", rounding="ceil"):
        given = {"encoders": encoders, "dishonest": dishonest, "quorum": quorum, "budget": budget}
        return case("shard.size", name, **given, rounding=rounding)

    def no(name, *code, **change):
        given = {"encoders": 50, "dishonest": THIRD, "quorum": NINE_TENTHS, "budget": "1e-13", "rounding": "ceil"}
        return refused("shard.size", name, *code, **{**given, **change})

    stated = {20: 8, 50: 19, 100: 27, 1000: 37, 10000: 41}
    out = []
    for n, expected in stated.items():
        out.append(size(f"protocol-{n}", n))
        assert out[-1].expect["size"] == expected, "SHARD-2 states the sizes at Q = 0.9"
        out.append(size(f"floor-{n}", n, rounding="floor"))
        out.append(size(f"eight-tenths-{n}", n, quorum=EIGHT_TENTHS))
    out += [size(f"few-encoders-{n}", n) for n in (1, 2, 3, 4, 7)]
    out += [
        size("one-encoder-floor", 1, rounding="floor"),
        size("two-encoders-floor-nobody-dishonest", 2, rounding="floor"),
        size("nobody-dishonest", 100, dishonest={"num": 0, "den": 1}),
        size("unanimity", 100, quorum={"num": 1, "den": 1}),
        size("two-thirds", 200, quorum={"num": 2, "den": 3}, budget="1e-6"),
        size("majority", 300, quorum={"num": 1, "den": 2}, budget="1e-4"),
        size("fractions-not-in-lowest-terms", 100, dishonest={"num": 10, "den": 30}, quorum={"num": 90, "den": 100}),
        size("budget-with-fraction", 100, budget="2.5e-7"),
        size("budget-without-exponent", 100, budget="0.001"),
        size("loose-budget-not-monotone", 60, quorum={"num": 2, "den": 3}, budget="0.05"),
        size("quarter-dishonest", 1000, dishonest={"num": 1, "den": 4}, budget="1e-20"),
        size("quorum-equal-to-dishonest", 90, quorum=THIRD),
        size("quorum-below-dishonest", 90, quorum={"num": 1, "den": 4}),
        no("no-encoders", "SHARD_INPUT_INVALID", encoders=0),
        no("negative-encoders", "SHARD_INPUT_INVALID", encoders=-5),
        no("fractional-encoders", encoders=20.5),
        no("encoders-as-text", encoders="20"),
        no("zero-denominator", dishonest={"num": 1, "den": 0}),
        no("negative-dishonest", "SHARD_INPUT_INVALID", dishonest={"num": -1, "den": 3}),
        no("dishonest-above-one", "SHARD_INPUT_INVALID", dishonest={"num": 4, "den": 3}),
        no("quorum-above-one", "SHARD_INPUT_INVALID", quorum={"num": 4, "den": 3}),
        no("zero-quorum", "SHARD_INPUT_INVALID", quorum={"num": 0, "den": 3}),
        no("budget-zero", "SHARD_INPUT_INVALID", budget="0"),
        no("budget-negative", "SHARD_INPUT_INVALID", budget="-1e-13"),
        no("budget-not-a-number", "RATIONAL_MALFORMED", budget="NaN"),
        no("budget-infinite", "RATIONAL_MALFORMED", budget="Infinity"),
        no("budget-as-number", budget=1e-13),
        no("unknown-rounding", rounding="round"),
    ]
    return out


def _seats() -> list[Case]:
    def seats(name, dishonest=THIRD, quorum=NINE_TENTHS, budget="1e-13"):
        return case("shard.seats", name, dishonest=dishonest, quorum=quorum, budget=budget)

    def no(name, *code, **change):
        return refused(
            "shard.seats", name, *code, **{"dishonest": THIRD, "quorum": NINE_TENTHS, "budget": "1e-13", **change}
        )

    nine, eight = seats("protocol-nine-tenths"), seats("protocol-eight-tenths", quorum=EIGHT_TENTHS)
    assert nine.expect["size"] == 41 and eight.expect["size"] == 61, "SHARD-1 states them"
    return [
        nine,
        eight,
        seats("unanimity", quorum={"num": 1, "den": 1}),
        seats("two-thirds", quorum={"num": 2, "den": 3}, budget="1e-6"),
        seats("majority", quorum={"num": 1, "den": 2}, budget="1e-4"),
        seats("quarter", dishonest={"num": 1, "den": 4}),
        seats("tenth", dishonest={"num": 1, "den": 10}, quorum=EIGHT_TENTHS),
        seats("small-share", dishonest={"num": 1, "den": 1000}),
        seats("nobody", dishonest={"num": 0, "den": 1}),
        seats("loose-budget", budget="0.5"),
        seats("not-monotone", quorum={"num": 2, "den": 3}, budget="0.05"),
        seats("budget-1e-30", budget="1e-30"),
        seats("budget-2.5e-7", budget="2.5e-7"),
        seats("not-in-lowest-terms", dishonest={"num": 7, "den": 21}, quorum={"num": 72, "den": 90}),
        seats("quorum-equal-to-dishonest", quorum=THIRD),
        seats("quorum-below-dishonest", quorum={"num": 1, "den": 5}),
        no("budget-zero", "SHARD_INPUT_INVALID", budget="0"),
        no("budget-empty", "RATIONAL_MALFORMED", budget=""),
        no("zero-denominator", quorum={"num": 1, "den": 0}),
        no("quorum-missing-den", quorum={"num": 1}),
        no("quorum-as-number", quorum=0.9),
        no("dishonest-null", dishonest=None),
    ]


def _tail() -> list[Case]:
    def tail(name, encoders, bad, size, threshold):
        return case("shard.tail", name, encoders=encoders, dishonestCount=bad, size=size, threshold=threshold)

    def no(name, *code, **change):
        given = {"encoders": 20, "dishonestCount": 7, "size": 8, "threshold": 8}
        return refused("shard.tail", name, *code, **{**given, **change})

    return [
        tail("more-than-there-are", 20, 7, 8, 8),
        tail("all-of-them", 20, 7, 7, 7),
        tail("certain", 20, 7, 8, 0),
        tail("at-least-one", 20, 7, 8, 1),
        tail("pigeonhole", 10, 8, 5, 3),
        tail("nobody-drawn", 20, 7, 0, 0),
        tail("nobody-drawn-one-wanted", 20, 7, 0, 1),
        tail("everybody-drawn", 20, 7, 20, 7),
        tail("everybody-drawn-one-more", 20, 7, 20, 8),
        tail("nobody-dishonest", 20, 0, 8, 1),
        tail("all-dishonest", 20, 20, 8, 8),
        tail("majority-of-19-in-50", 50, 17, 19, 10),
        tail("quorum-of-27-in-100", 100, 34, 27, 25),
        tail("majority-of-37-in-1000", 1000, 334, 37, 19),
        tail("quorum-of-41-in-10000", 10000, 3334, 41, 37),
        tail("one-of-one", 1, 1, 1, 1),
        no("more-dishonest-than-encoders", "SHARD_INPUT_INVALID", dishonestCount=21),
        no("larger-than-population", "SHARD_INPUT_INVALID", size=21),
        no("negative-size", "SHARD_INPUT_INVALID", size=-1),
        no("fractional-threshold", threshold=7.5),
        no("threshold-null", threshold=None),
        no("encoders-as-text", encoders="20"),
    ]
