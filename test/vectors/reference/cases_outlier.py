from case import Case, Stream, case, refused


def cases() -> list[Case]:
    s = Stream("score.outlier")

    def outlier(name, points, k=None):
        given = {"points": points} if k is None else {"points": points, "k": k}
        return case("score.outlier", name, **given)

    def no(name, *code, **change):
        return refused("score.outlier", name, *code, **{"points": [[0, 0], [1, 0], [0, 1], [1, 1]], **change})

    def cloud(n, dimension, low=-2000, high=2000):
        return [s.integers(dimension, low, high) for _ in range(n)]

    square = [[0, 0], [1, 0], [0, 1], [1, 1]]
    grid = [[x, y] for x in range(4) for y in range(4)]
    near = [[0, 0], [1000, 0], [0, 1000], [1000, 1000], [500, 500]]
    return [
        outlier("one-point", [[3, 4]]),
        outlier("two-points", [[0], [1]]),
        outlier("three-points", [[0, 0], [1, 0], [50, 50]]),
        outlier("two-equal-points", [[5, 5], [5, 5]]),
        outlier("square", square),
        outlier("square-and-one-far", [*square, [20, 20]]),
        outlier("line", [[x] for x in (0, 1, 2, 3, 4, 5, 6)]),
        outlier("line-with-outlier", [[x] for x in (0, 1, 2, 3, 4, 100)]),
        outlier("grid-with-ties", grid),
        outlier("grid-k-3", grid, 3),
        outlier("two-clusters", [[0, 0], [1, 0], [0, 1], [1, 1], [100, 100], [101, 100], [100, 101]]),
        outlier("all-equal", [[7, 7]] * 6),
        outlier("three-left-after-merging", [[0, 0], [0, 0], [0, 0], [10, 0], [0, 10]]),
        outlier("duplicates-merge", [[0, 0], [10, 0], [0, 10], [10, 10], [10, 10], [3, 50]]),
        outlier("most-are-copies", [[5, 5]] * 5 + [[0, 1], [3, 0], [7, 9], [9, 2]]),
        outlier("closer-than-a-thousandth", [*near, [500, 500.5]]),
        outlier("not-closer-than-a-thousandth", [*near, [500, 502]]),
        outlier("chain-of-close-points", [[0], [0.9], [1.8], [2000], [4100], [6300], [8600]]),
        outlier("exactly-a-thousandth-stays-apart", [[0], [1], [1000], [2001], [-1000]]),
        outlier("twelve", cloud(12, 4)),
        outlier("twelve-k-1", cloud(12, 4), 1),
        outlier("twelve-k-5", cloud(12, 4), 5),
        outlier("twelve-k-11", cloud(12, 4), 11),
        outlier("k-cut-to-all-others", cloud(6, 3), 50),
        outlier("thirty-with-outliers", [*cloud(28, 8, -100, 100), [900] * 8, [-900] * 8], 10),
        outlier("eight-encoders-of-34-vectors", cloud(8, 34)),
        outlier("fractions", [[x / 7 for x in p] for p in cloud(9, 3)]),
        outlier("tiny-scale", [[x * 1e-12 for x in p] for p in cloud(7, 2)]),
        outlier("scale-of-the-epsilon", [[x * 1e-13 for x in p] for p in cloud(7, 2)]),
        outlier("large-scale", [[x * 1e100 for x in p] for p in cloud(7, 2)]),
        outlier("nobody", []),
        outlier("different-dimensions", [[0, 0], [1]]),
        no("squares-overflow", "OUTLIER_NOT_FINITE", points=[[1e200], [-1e200], [0], [1]]),
        no("nan", points=[["NaN", 0], [1, 1], [2, 2], [3, 3]]),
        no("null", points=[[None, 0], [1, 1], [2, 2], [3, 3]]),
        no("infinity", points=[["Infinity"], [1], [2], [3]]),
        no("k-zero", "OUTLIER_NEIGHBOURS", k=0),
        no("k-negative", "OUTLIER_NEIGHBOURS", k=-1),
        no("k-fraction", k=2.5),
        no("k-text", k="2"),
        no("flat-points", points=[1, 2, 3, 4]),
    ]
