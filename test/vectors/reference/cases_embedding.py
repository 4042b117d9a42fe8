from case import Case, Stream, case, refused


def cases() -> list[Case]:
    def quantise(name, vector):
        return case("embedding.quantise", name, vector=vector)

    def no(name, vector, *code):
        return refused("embedding.quantise", name, *code, vector=vector)

    s = Stream("embedding.quantise")
    half = 1 / 4096
    return [
        quantise("zeros", [0, 0.0, -0.0]),
        quantise("ones", [1, -1, 1.0, -1.0]),
        quantise("halves-to-even", [half * k for k in (-7, -5, -3, -1, 1, 3, 5, 7)]),
        quantise("around-a-half", [half * (1 - 2**-52), half, half * (1 + 2**-52), 3 * half * (1 - 2**-53)]),
        quantise("minus-half", [-0.5 / 2048, -1.5 / 2048, -2.5 / 2048]),
        quantise("one-quantum", [1 / 2048, -1 / 2048]),
        quantise("tiny", [5e-324, -5e-324, 1e-300, 2.2250738585072014e-308]),
        quantise("largest", [32767 / 2048, -32767 / 2048]),
        quantise("rounds-to-largest", [32767.49 / 2048, -32767.49 / 2048]),
        quantise("rounds-beyond-largest", [32767.5 / 2048]),
        quantise("minus-32768", [-16]),
        quantise("minus-32767.5-rounds-beyond", [-32767.5 / 2048]),
        quantise("sixteen", [16]),
        quantise("huge", [1e300]),
        quantise("greatest-double", [1.7976931348623157e308]),
        quantise("thirds", [1 / 3, -2 / 3, 4 / 3]),
        quantise("random", [s.integer(-(10**15), 10**15) / 10**14 for _ in range(64)]),
        quantise("random-small", [s.integer(-(10**9), 10**9) / 10**13 for _ in range(64)]),
        quantise("longest", [0.25, -0.25] * 1024),
        quantise("empty", []),
        quantise("too-long", [0] * 2049),
        no("nan", ["NaN"]),
        no("infinity", ["Infinity"]),
        no("null", [1, None, 2]),
        no("text", "1,2"),
        no("nested", [[1]]),
        no("boolean", [True]),
    ]
