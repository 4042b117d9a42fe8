from case import Case, Stream, case, refused

QUANTUM_MAX = 32767


def cases() -> list[Case]:
    return [*_differential_loss(), *_weighted_average(), *_composite()]


def _differential_loss() -> list[Case]:
    s = Stream("score.differentialLoss")

    def loss(name, full, mask, inverse):
        return case("score.differentialLoss", name, full=full, mask=mask, inverse=inverse)

    def no(name, *code, **change):
        given = {"full": [1, 2], "mask": [[1, 0], [0, 1]], "inverse": [[0, 2], [1, 1]]}
        return refused("score.differentialLoss", name, *code, **{**given, **change})

    def random(name, dimension, masks, size):
        vectors = [s.integers(dimension, -size, size) for _ in range(2 * masks + 1)]
        return loss(name, vectors[0], vectors[1 : masks + 1], vectors[masks + 1 :])

    def additive(dimension, masks, size, noise):
        full = s.integers(dimension, -size, size)
        mask = [s.integers(dimension, -size, size) for _ in range(masks)]
        inverse = [[f - x + s.integer(-noise, noise) for f, x in zip(full, a, strict=True)] for a in mask]
        return full, mask, inverse

    constant = [100, -200, 300, 400]
    out = [
        loss("additive", [3, 4], [[1, 0], [0, 1]], [[2, 4], [3, 3]]),
        loss("constant-encoder-costs-10^9", constant, [constant] * 4, [constant] * 4),
        loss("all-zero", [0, 0], [[0, 0]] * 3, [[0, 0]] * 3),
        loss("one-zero-mask", [4, 4], [[0, 0], [1, 1]], [[4, 4], [3, 3]]),
        loss("one-zero-inverse", [4, 4], [[4, 4], [1, 1]], [[0, 0], [3, 3]]),
        loss("zero-full", [0, 0], [[1, 0], [0, 1]], [[-1, 0], [0, -1]]),
        loss("capped-at-2", [1000, 0], [[1, 0], [0, 1]], [[0, 1], [1, 0]]),
        loss("cap-is-met-exactly", [2, 2], [[1, 0], [0, 1]], [[0, 1], [1, 0]]),
        loss("just-below-the-cap", [20, 21], [[10, 1], [1, 10]], [[1, 10], [10, 1]]),
        loss("fabricated-inverse", [500, -300, 7], [[10, 10, 10], [-5, 0, 3]], [[490, -310, -3], [505, -300, 4]]),
        loss("one-mask-has-no-dispersion", [3, 4], [[1, 1]], [[2, 2]]),
        loss("dispersion-just-below", [1000, 1], [[1000, 0], [1000, 44]], [[1000, 0], [1000, 0]]),
        loss("dispersion-at-threshold-1", [0, 0], [[999, 0], [999, 0]], [[0, 999], [0, 999]]),
        loss("opposite-masks", [0, 0], [[7, -3], [-7, 3]], [[-7, 3], [7, -3]]),
        loss(
            "largest-quanta",
            [QUANTUM_MAX] * 8,
            [[QUANTUM_MAX] * 8, [-QUANTUM_MAX] * 8],
            [[-QUANTUM_MAX] * 8, [QUANTUM_MAX] * 8],
        ),
        loss("one-dimension", [5], [[2], [3]], [[3], [3]]),
        loss("floor-of-a-repeating-fraction", [1, 1], [[1, 0], [1, 1], [0, 2]], [[1, 1], [1, 0], [2, 0]]),
        loss("gate-met-exactly", [0, 0, 0], *_threshold_pair(43)),
        loss("gate-missed-by-one", [0, 0, 0], *_threshold_pair(44)),
        random("random-8-by-8", 8, 8, 4000),
        random("random-large", 32, 4, QUANTUM_MAX),
        random("random-thirty-two-masks", 3, 32, 100),
        loss("nearly-additive-1", *additive(16, 8, 3000, 30)),
        loss("nearly-additive-2", *additive(64, 8, 3000, 1)),
        loss(
            "2048-dimensions",
            [QUANTUM_MAX] * 2048,
            [[1] * 2048, [-QUANTUM_MAX] * 2048],
            [[QUANTUM_MAX] * 2048, [0] * 2047 + [1]],
        ),
        loss("no-masks", [1, 2], [], []),
        loss("fewer-inverses", [1, 2], [[1, 0], [0, 1]], [[0, 2]]),
        loss("thirty-three-masks", [1], [[1]] * 33, [[1]] * 33),
        loss("short-mask", [1, 2], [[1, 0], [0]], [[0, 2], [1, 1]]),
        loss("long-inverse", [1, 2], [[1, 0], [0, 1]], [[0, 2, 0], [1, 1]]),
        loss("no-dimension", [], [[], []], [[], []]),
        no("beyond-int16", "EMBEDDING_RANGE", full=[32768, 0]),
        no("minus-32768", "EMBEDDING_RANGE", mask=[[1, -32768], [0, 1]]),
        no("fraction", "EMBEDDING_NOT_INTEGER", full=[1.5, 2]),
        no("null", inverse=[[0, None], [1, 1]]),
        no("nan", mask=[["NaN", 0], [0, 1]]),
        no("flat-mask", mask=[1, 0]),
        no("full-missing", full=None),
    ]
    return out


def _threshold_pair(x: int):
    """
    Masks (x, 10, 1) and (x, 10, -1), inverses (7, 1, 0): V = 2 / (x^2 + 10^2 + 1^2 + 7^2 + 1^2), which is
    1/1000 for x = 43.
    """
    return [[x, 10, 1], [x, 10, -1]], [[7, 1, 0], [7, 1, 0]]


def _weighted_average() -> list[Case]:
    s = Stream("score.weightedAverage")

    def average(name, losses, embeddings, excluded=()):
        given = {"lossesPpb": [str(x) for x in losses], "embeddings": embeddings, "excluded": list(excluded)}
        return case("score.weightedAverage", name, **given)

    def no(name, *code, **change):
        given = {"lossesPpb": ["1", "2"], "embeddings": [[1, 2], [3, 4]], "excluded": []}
        return refused("score.weightedAverage", name, *code, **{**given, **change})

    ten = [s.integers(16, -QUANTUM_MAX, QUANTUM_MAX) for _ in range(10)]
    ten_losses = s.integers(10, 0, 10**9)
    return [
        average("one", [0], [[5, -5, 0]]),
        average("equal-losses", [7, 7], [[1, 2], [3, 5]]),
        average("floor-below-zero", [0, 0], [[-1, 1], [0, 0]]),
        average("floor-just-below-an-integer", [0, 1], [[-3, 3], [-3, 3]]),
        average("best-and-worst-weigh-nine-to-one", [0, 2 * 10**9], [[9000], [-9000]]),
        average("additive-against-constant", [0, 10**9], [[100, -100], [0, 0]]),
        average("one-unit-apart", [123456789, 123456790], [[1000], [-1000]]),
        average("largest-quanta", [0, 0, 0], [[QUANTUM_MAX], [QUANTUM_MAX], [QUANTUM_MAX]]),
        average("smallest-quanta", [0, 1, 2], [[-QUANTUM_MAX], [-QUANTUM_MAX], [-QUANTUM_MAX]]),
        average("excluded-one", [0, 5, 10**9], [[30000, 1], [2, 3], [4, -5]], [0]),
        average("excluded-all-but-one", [0, 5, 10**9], [[1, 1], [2, -3], [4, 5]], [0, 2]),
        average("excluded-all", [0, 5], [[1, 1], [2, 3]], [0, 1]),
        average("ten", ten_losses, ten),
        average("ten-excluded-three", ten_losses, ten, [2, 5, 9]),
        average("ten-excluded-in-any-order", ten_losses, ten, [9, 2, 5]),
        average("2048-dimensions", [1, 10**8], [[-QUANTUM_MAX] * 2048, [QUANTUM_MAX] * 2048]),
        no("nobody", "WEIGHT_COUNT", lossesPpb=[], embeddings=[]),
        no("negative-loss", lossesPpb=["-1", "2"]),
        no("loss-above-two", "WEIGHT_LOSS", lossesPpb=["2000000001", "2"]),
        no("loss-as-number", lossesPpb=[1, 2]),
        no("loss-not-decimal", lossesPpb=["0x1", "2"]),
        no("fewer-losses", "WEIGHT_COUNT", lossesPpb=["1"]),
        no("different-dimensions", "EMBEDDING_DIMENSION", embeddings=[[1, 2], [3]]),
        no("no-dimension", "EMBEDDING_DIMENSION", embeddings=[[], []]),
        no("beyond-int16", "EMBEDDING_RANGE", embeddings=[[1, 2], [32768, 0]]),
        no("fraction", "EMBEDDING_NOT_INTEGER", embeddings=[[1, 2], [3.5, 0]]),
        no("null-coordinate", embeddings=[[1, 2], [None, 0]]),
        no("excluded-out-of-range", excluded=[2]),
        no("excluded-negative", excluded=[-1]),
        no("excluded-twice", excluded=[1, 1]),
    ]


def _composite() -> list[Case]:
    s = Stream("score.composite")

    def composite(name, loss, lof, latency):
        return case("score.composite", name, loss=loss, lof=lof, latency=latency)

    def no(name, *code, **change):
        return refused("score.composite", name, *code, **{"loss": [1, 2], "lof": [1, 1.1], "latency": [0, 1], **change})

    def shuffled(n, low, high):
        values = s.integers(n, low, high)
        assert len(set(values)) == n
        return values

    return [
        composite("one", [5], [1], [0]),
        composite("two", [1, 2], [1.0, 1.1], [1, 0]),
        composite("loss-beats-lof", [10, 20], [1.4, 1.0], [1, 0]),
        composite("latency-does-not-choose-the-winner", [10, 20, 30], [1.0, 1.1, 1.2], [2, 1, 0]),
        composite("three-orders", [3, 1, 2], [2, 3, 1], [1, 2, 3]),
        composite("tied-losses", [5, 5, 9], [1.0, 1.2, 1.1], [0, 1, 2]),
        composite("tied-lof", [1, 2, 3, 4], [1, 1, 1, 1], [3, 2, 1, 0]),
        composite("tied-latency", [4, 3, 2, 1], [1.3, 1.2, 1.1, 1.0], [0, 0, 0, 0]),
        composite("three-way-tie-in-the-middle", [1, 5, 5, 5, 9], [1.0, 1.4, 1.3, 1.2, 1.1], [4, 3, 2, 1, 0]),
        composite("negative-and-fractional", [-1.5, 0, 1e-300], [0.99, 1.01, 1.0], [-3, 7, 0.5]),
        composite("minus-zero-ties-with-zero", [0, -0.0, 1], [1.0, 1.1, 1.2], [0, 1, 2]),
        composite("losses-in-ppb", [999999999, 1000000000, 123456789], [1.02, 0.98, 1.3], [0, 1, 2]),
        composite("ten", shuffled(10, 0, 10**9), [x / 1000 for x in shuffled(10, 900, 2000)], list(range(10))),
        composite(
            "forty",
            shuffled(40, 0, 10**9),
            [x / 10**6 for x in shuffled(40, 900000, 2 * 10**6)],
            list(range(39, -1, -1)),
        ),
        composite("extremes", [1.7976931348623157e308, -1.7976931348623157e308], [5e-324, 0], [9007199254740991, 0]),
        no("nobody", "SCORE_COUNT", loss=[], lof=[], latency=[]),
        no("fewer-lof", "SCORE_COUNT", lof=[1]),
        no("more-latency", "SCORE_COUNT", latency=[0, 1, 2]),
        no("nan", loss=["NaN", 1]),
        no("null", lof=[None, 1]),
        no("infinity", latency=["Infinity", 1]),
        no("not-a-list", loss=1),
    ]
