from case import Case, Stream, case, refused

MODALITIES = ("text", "image", "video", "audio")


def cases() -> list[Case]:
    s = Stream("mask.indices")
    block, beacon, data = s.hex(32), s.hex(32), s.hex(32)

    def draw(name, length, modality="text", masks=8, **change):
        given = {"block": block, "beacon": beacon, "data": data, "length": length, "modality": modality}
        return case("mask.indices", name, **{**given, "masks": masks, **change})

    def no(name, *code, **change):
        given = {"block": block, "beacon": beacon, "data": data, "length": 20, "modality": "text", "masks": 8}
        return refused("mask.indices", name, *code, **{**given, **change})

    out = [draw(f"{modality}-{length}", length, modality) for modality in MODALITIES for length in (2, 3, 10, 33)]
    # round half up of rho L / 100: 15 % of 10 is 1.5, of 30 is 4.5; 85 % of 10 is 8.5.
    out += [draw(f"text-{length}", length) for length in (4, 7, 8, 9, 11, 30, 128)]
    out += [
        draw("text-seven-has-seven-masks", 7, masks=8),
        draw("all-of-them-8-of-8", 8, masks=8),
        draw("thirty-two-masks", 12, "audio", 32),
        draw("thirty-two-of-few", 20, "text", 32),
        draw("two-masks", 50, masks=2),
        draw("image-of-256-patches", 256, "image", 2),
        draw("other-block", 20, block=s.hex(32)),
        draw("other-beacon", 20, beacon=s.hex(32)),
        draw("other-data", 20, data=s.hex(32)),
        draw("zero-hashes", 20, block="00" * 32, beacon="00" * 32, data="00" * 32),
        draw("longest", 4096, masks=2),
        case("mask.indices", "beacon-is-zero-if-absent", block=block, data=data, length=20, modality="text", masks=8),
        draw("too-long", 4097),
        draw("one-element", 1),
        draw("no-element", 0),
        no("negative-length", "MASK_TOO_SHORT", length=-1),
        no("fractional-length", length=2.5),
        no("unknown-modality", modality="smell"),
        no("modality-from-a-prototype", modality="constructor"),
        no("modality-null", modality=None),
        no("one-mask", "MASK_COUNT", masks=1),
        no("no-masks", "MASK_COUNT", masks=0),
        no("thirty-three-masks", "MASK_COUNT", masks=33),
        no("masks-as-text", masks="8"),
        no("short-block", "MASK_SEED", block="00" * 31),
        no("upper-case-data", data="AB" * 32),
    ]
    return out
