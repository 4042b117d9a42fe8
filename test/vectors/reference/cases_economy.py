from case import Case, Stream, case, refused

DAY = 86_400
YEAR = 365.25 * DAY


def cases() -> list[Case]:
    return [*_emission(), *_base_fee(), *_price(), *_slash(), *_poisson()]


def _emission() -> list[Case]:
    def emission(name, epochs, decimals=9):
        return case("econ.emission", name, epochs=epochs, decimals=decimals)

    def no(name, **change):
        return refused("econ.emission", name, **{"epochs": 1, "decimals": 9, **change})

    # ECON-1 states these, in thousandths of a token; ten years are nine tenths of all to within rounding.
    stated = {1: 630_646, 30: 18_747_400, 365: 205_671_770, 3650: 900_000_000}
    out = []
    for epochs, thousandths in stated.items():
        out.append(emission(f"stated-{epochs}", epochs))
        assert abs(int(out[-1].expect["cumulative"]) // 10**6 - thousandths) <= 5, "ECON-1 states the sums"
    return out + [
        emission("none-yet", 0),
        *(emission(f"epoch-{n}", n) for n in (2, 3, 29, 31, 364, 366, 3649, 3651, 10_000)),
        emission("whole-tokens", 365, 0),
        emission("eighteen-decimals", 365, 18),
        emission("thirty-decimals", 100, 30),
        emission("until-nothing-is-minted", 60_000, 0),
        no("negative-epochs", epochs=-1),
        no("fraction-of-an-epoch", epochs=1.5),
        no("epochs-as-text", epochs="1"),
        no("epochs-without-end", epochs=10**9),
        no("negative-decimals", decimals=-1),
        no("decimals-without-end", decimals=1_000),
    ]


def _base_fee() -> list[Case]:
    def fee(name, fee, burned, circulating):
        return case("econ.baseFee", name, fee=str(fee), burned=str(burned), circulating=str(circulating))

    def no(name, **change):
        return refused("econ.baseFee", name, **{"fee": "1", "burned": "1", "circulating": "1", **change})

    s = Stream("econ.baseFee")
    million = 10**15
    target = million * 500 // (10_000 * 365)
    return [
        fee("on-target", 1_000, target, million),
        fee("one-over-target", 1_000, target + 1, million),
        fee("one-under-target", 1_000, target - 1, million),
        fee("nothing-burned-rises-by-an-eighth", 1_000, 0, million),
        fee("more-use-means-less", 1_000, 10 * target, million),
        fee("falls-by-an-eighth-at-most", 8_000, 10**18, million),
        fee("step-of-one-below-eight", 7, 0, million),
        fee("never-below-the-least", 1, 10**18, million),
        fee("from-nothing", 0, 0, million),
        fee("never-above-the-most", 10**9, 0, million),
        fee("above-the-most-comes-down", 2 * 10**9, 0, million),
        fee("nothing-circulates", 1_000, 5, 0),
        fee("above-2^53", 10**8, 2**63, 2**64),
        *(
            fee(f"random-{i}", s.integer(0, 10**6), s.integer(0, 2 * target), s.integer(0, million))
            for i in range(20)
        ),
        no("number", fee=1_000),
        no("negative", burned="-1"),
        no("leading-zero", circulating="01"),
    ]


def _price() -> list[Case]:
    def price(name, *asks):
        return case("econ.price", name, asks=[[str(p), str(stake)] for p, stake in asks])

    s = Stream("econ.price")
    return [
        price("nobody-asks"),
        price("one", (7, 100)),
        price("exactly-two-thirds", (5, 2), (9, 1)),
        price("just-below-two-thirds", (5, 199), (9, 100)),
        price("a-third-cannot-raise-it", (10, 20), (10**12, 9)),
        price("more-than-a-third-can", (10, 19), (10**12, 10)),
        price("a-third-cannot-lower-it", (1, 10), (10, 20)),
        price("two-thirds-can", (1, 20), (10, 10)),
        price("unsorted", (30, 1), (10, 1), (20, 1)),
        price("equal-asks", (10, 1), (10, 1), (20, 1)),
        price("without-stake", (5, 0), (9, 0)),
        price("above-2^53", (2**60, 2**62), (2**61, 2**61)),
        *(
            price(f"random-{i}", *((s.integer(1, 50), s.integer(0, 1_000)) for _ in range(s.integer(1, 12))))
            for i in range(20)
        ),
        refused("econ.price", "numbers", asks=[[1, 2]]),
        refused("econ.price", "without-stakes", asks=[["1"]]),
        refused("econ.price", "no-list", asks="1"),
    ]


def _slash() -> list[Case]:
    def slash(name, stake, epochs):
        return case("econ.slash", name, stake=str(stake), epochs=epochs)

    return [
        slash("a-thousand-tokens", 1_000 * 10**9, 1),
        slash("two-epochs", 1_000 * 10**9, 2),
        slash("a-year", 1_000 * 10**9, 365),
        slash("none", 1_000, 0),
        slash("rounds-up", 21, 1),
        slash("the-last-unit", 1, 1),
        slash("nothing", 0, 5),
        slash("until-nothing-is-left", 10**15, 2_000),
        slash("above-2^53", 2**64 - 1, 10),
        refused("econ.slash", "number", stake=5, epochs=1),
        refused("econ.slash", "negative-epochs", stake="5", epochs=-1),
    ]


def _poisson() -> list[Case]:
    def poisson(name, probability, per_second):
        return case("econ.poisson", name, probability=probability, perSecond=per_second)

    stated = poisson("stated", 1e-13, 1e5)
    assert round(stated.expect["meanSeconds"] / YEAR, 2) == 3.17, "ECON-9 states the mean"
    assert round(stated.expect["medianSeconds"] / YEAR, 2) == 2.2, "ECON-9 states the median"
    return [
        stated,
        poisson("certain", 1.0, 2.5),
        poisson("a-job-a-second", 1e-9, 1.5),
        refused("econ.poisson", "impossible", probability=0, perSecond=1),
        refused("econ.poisson", "more-than-certain", probability=1.5, perSecond=1),
        refused("econ.poisson", "no-jobs", probability=0.5, perSecond=0),
        refused("econ.poisson", "negative", probability=-0.5, perSecond=1),
    ]
