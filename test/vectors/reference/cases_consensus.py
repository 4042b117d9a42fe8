from case import Case, Stream, case, refused
from consensus import letter, quorum


def cases() -> list[Case]:
    return [*_decide(), *_verify(), *_clock(), *_quorum()]


def random_dag(
    s: Stream, stakes: list[int], rounds: int, byzantine: int | None = None, present: int = 90
) -> list[dict]:
    """
    Blocks with a quorum of random parents each. Authors are absent in some rounds, the byzantine one sends two
    blocks in some, and leaders' blocks reach few, so that skips and indirect decisions occur. It must hold less
    than a third of the stake: beyond that a slot can be both committed and skipped, and the rules name neither.
    """
    n = len(stakes)
    last: list[list[str]] = [[f"{letter(a)}0"] for a in range(n)]
    previous = {f"{letter(a)}0": a for a in range(n)}
    blocks: list[dict] = []
    for round_ in range(1, rounds + 1):
        made: dict[str, int] = {}
        for author in range(n):
            twice = author == byzantine and s.integer(0, 2) == 0
            absent = s.integer(1, 100) > present and author != byzantine
            for name in [f"{letter(author)}{round_}", f"{letter(author)}{round_}'"][
                : 0 if absent else 2 if twice else 1
            ]:
                ancestors = _parents(s, stakes, author, last[author], previous)
                ts = round_ * 1000 + s.integer(-700, 700)
                blocks.append({"id": name, "author": author, "round": round_, "ancestors": ancestors, "ts": ts})
                made[name] = author
        if sum(stakes[a] for a in set(made.values())) < quorum(sum(stakes)):
            return blocks
        for name, author in made.items():
            siblings = [other for other, by in made.items() if by == author]
            if name == siblings[0]:
                last[author] = siblings
        previous = made
    return blocks


def _parents(s: Stream, stakes: list[int], author: int, own: list[str], previous: dict[str, int]) -> list[str]:
    """Own block first, then others of the previous round in random order until quorum stake, and sometimes more."""
    chosen = [own[s.integer(0, len(own) - 1)]]
    taken = {author}
    stake = stakes[author] if chosen[0] in previous else 0
    others = sorted(previous, key=lambda _: s.integer(0, 10**9))
    for name in others:
        by = previous[name]
        enough = stake >= quorum(sum(stakes))
        if by in taken or (enough and s.integer(0, 2) > 0):
            continue
        taken.add(by)
        stake += stakes[by]
        chosen.append(name)
    return chosen


def _decide() -> list[Case]:
    s = Stream("consensus.decide")

    def decide(name, stakes, blocks, gc=None, **more):
        given = {"stakes": stakes, "gcDepth": gc, "schedule": {}, "blocks": blocks}
        top = max((b["round"] for b in blocks), default=0)
        return case("consensus.decide", name, **given, **{"upToRound": top, **more})

    equal = [1] * 4
    # No absent block, then absences, an equivocator, and stakes of which three outweigh the rest.
    out = [decide("nothing", equal, [])]
    out += [decide(f"four-{i}", equal, random_dag(s, equal, 9)) for i in range(3)]
    out += [decide(f"four-equivocator-{i}", equal, random_dag(s, equal, 9, byzantine=i)) for i in range(3)]
    out += [decide(f"seven-absent-{i}", [1] * 7, random_dag(s, [1] * 7, 7, 6, present=75)) for i in range(2)]
    weighted = [5, 3, 2, 4, 1]
    out += [decide(f"weighted-{i}", weighted, random_dag(s, weighted, 9, byzantine=2)) for i in range(3)]
    out += [decide(f"gc-{i}", equal, random_dag(s, equal, 12, present=80), gc=i + 1) for i in range(2)]
    huge = [10**15, 10**15 - 1, 10**15 + 7, 10**15]
    out.append(decide("stakes-of-10^15", huge, random_dag(s, huge, 7)))
    blocks = random_dag(s, equal, 9, byzantine=3)
    out.append(decide("up-to-round-6", equal, blocks, upToRound=6))
    dropped = [b["id"] for b in blocks if b["round"] == 4][:1]
    out.append(decide("excluded-block-suspends-what-is-above", equal, blocks, exclude=dropped))
    out.append(decide("last-round-excluded", equal, blocks, exclude=[b["id"] for b in blocks if b["round"] == 9]))
    seen = {d["status"] + "/" + d.get("via", "") for c in out for d in c.expect["decisions"].values()}
    assert seen == {"commit/direct", "commit/indirect", "skip/direct", "skip/indirect", "undecided/"}, seen

    one = {"id": "A1", "author": 0, "round": 1, "ancestors": ["A0", "B0", "C0"], "ts": 1}
    given = {"stakes": equal, "gcDepth": None, "schedule": {}, "blocks": [one], "upToRound": 1}
    out += [
        refused("consensus.decide", "block-twice", **{**given, "blocks": [one, one]}),
        refused("consensus.decide", "unknown-ancestor", **{**given, "blocks": [{**one, "ancestors": ["A0", "X9"]}]}),
        refused(
            "consensus.decide", "ancestor-of-the-same-round", **{**given, "blocks": [{**one, "ancestors": ["A1"]}]}
        ),
        refused("consensus.decide", "unknown-author", **{**given, "blocks": [{**one, "author": 4}]}),
        refused("consensus.decide", "boundless-round", **{**given, "blocks": [{**one, "round": 2**32}]}),
        refused("consensus.decide", "nobody", **{**given, "stakes": []}),
        refused("consensus.decide", "negative-stake", **{**given, "stakes": [1, -1, 1, 1]}),
        refused("consensus.decide", "fractional-round", **{**given, "blocks": [{**one, "round": 1.5}]}),
        refused("consensus.decide", "gc-as-text", **{**given, "gcDepth": "60"}),
    ]
    return out


def _verify() -> list[Case]:
    refs = {f"{letter(a)}{r}": [r, a] for a in range(7) for r in range(1, 9)}

    def verify(name, ancestors, author=0, round_=5, stakes=(1, 1, 1, 1), extra=None, **more):
        block = {"author": author, "round": round_, "ancestors": ancestors, **more}
        named = {a: refs[a] for a in ancestors if a in refs} | (extra or {})
        return case("consensus.verifyBlock", name, stakes=list(stakes), block=block, refs=named)

    return [
        verify("good", ["A4", "B4", "C4"]),
        verify("all-ancestors", ["A4", "B4", "C4", "D4"]),
        verify("on-genesis", ["A0", "B0", "D0"], round_=1),
        verify("own-block-is-older", ["A2", "B4", "C4", "D4"]),
        verify("own-block-is-genesis", ["A0", "B4", "C4", "D4"]),
        verify("an-older-ancestor-beside-a-quorum", ["A4", "B4", "D4", "C1"]),
        verify("wrong-epoch", ["A4", "B4", "C4"], epoch=1),
        verify("wrong-epoch-comes-first", [], author=9, round_=0, epoch=1),
        verify("round-0", [], round_=0),
        verify("round-0-comes-before-the-author", [], author=9, round_=0),
        verify("unknown-author", ["A4", "B4", "C4"], author=4),
        verify("unknown-author-comes-before-the-count", [], author=4),
        verify("too-many", ["A4", "B4", "C4", "D4", "B3"]),
        verify("too-many-comes-before-what-they-are", ["A4", "A4", "A4", "A4", "A4"]),
        verify("no-ancestors", []),
        verify("ancestor-of-unknown-author", ["A4", "E4", "B4"]),
        verify("own-block-missing", ["B4", "C4", "D4"]),
        verify("own-block-second", ["B4", "A4", "C4"]),
        verify("own-block-twice", ["A4", "A3", "B4", "C4"]),
        verify("ancestor-of-the-same-round", ["A4", "B5", "C4"]),
        verify("ancestor-of-a-later-round", ["A4", "B6", "C4"]),
        verify("own-ancestor-of-the-same-round", ["A5", "B4", "C4"]),
        verify("position-comes-before-round", ["B6", "A4", "C4"]),
        verify("unknown-genesis", ["A0", "B?0", "C0"], round_=1, extra={"B?0": [0, 1]}),
        verify("unknown-own-genesis", ["A?0", "B0", "C0"], round_=1, extra={"A?0": [0, 0]}),
        verify("author-twice", ["A4", "B4", "B3", "C4"]),
        verify("equivocation-among-ancestors", ["A4", "B4", "B4'", "C4"], extra={"B4'": [4, 1]}),
        verify("two-of-four", ["A4", "B4"]),
        verify("quorum-only-with-older", ["A4", "B4", "C3", "D3"]),
        verify("own-block-older-and-below-quorum", ["A3", "B4", "C4"]),
        verify("stake-not-count-1", ["A4", "B4"], stakes=(5, 4, 1, 1)),
        verify("stake-not-count-2", ["A4", "C4", "D4"], stakes=(5, 4, 1, 1)),
        verify("quorum-of-exactly-two-thirds-is-none", ["A4", "B4"], stakes=(1, 1, 1)),
        verify("three-of-three", ["A4", "B4", "C4"], stakes=(1, 1, 1)),
        verify("one-validator", ["A4"], stakes=(1,)),
        verify("stakes-beyond-2^53", ["A4", "B4", "C4"], stakes=(2**52, 2**52, 2**52, 2**53 - 1)),
        refused(
            "consensus.verifyBlock",
            "author-as-text",
            stakes=[1],
            block={"author": "A", "round": 1, "ancestors": []},
            refs={},
        ),
        refused(
            "consensus.verifyBlock",
            "unresolved-ancestor",
            stakes=[1],
            block={"author": 0, "round": 2, "ancestors": ["A1"]},
            refs={},
        ),
    ]


def _clock() -> list[Case]:
    s = Stream("consensus.clock")

    def clock(name, stakes, start, blocks):
        return case("consensus.clock", name, stakes=stakes, start=start, blocks=blocks)

    def walk(stakes, length):
        return [
            [letter(s.integer(0, len(stakes) - 1)), 1 + i // (2 * len(stakes)) + s.integer(-1, 1)]
            for i in range(length)
        ]

    equal = [1] * 4
    return [
        clock("nothing", equal, 1, []),
        clock("three-of-four", equal, 1, [["A", 1], ["B", 1], ["C", 1], ["D", 1]]),
        clock("an-author-counts-once", equal, 1, [["A", 1], ["A", 1], ["A", 1], ["B", 1], ["B", 1], ["C", 1]]),
        clock("old-blocks-do-nothing", equal, 3, [["A", 1], ["B", 2], ["C", 1], ["D", 2], ["A", 3]]),
        clock("a-jump-starts-afresh", equal, 1, [["A", 1], ["B", 1], ["C", 7], ["D", 7], ["A", 7], ["B", 8]]),
        clock("start-at-genesis", equal, 0, [["A", 0], ["B", 0], ["C", 0], ["A", 1]]),
        clock("stake-decides", [6, 1, 1, 1], 1, [["B", 1], ["C", 1], ["D", 1], ["A", 1]]),
        clock("one-holds-a-quorum", [7, 1, 1, 1], 1, [["A", 1], ["A", 2], ["B", 3], ["A", 3]]),
        clock("jump-by-a-quorum-holder", [7, 1, 1, 1], 1, [["A", 9]]),
        clock("two-thirds-are-not-enough", [1, 1, 1], 1, [["A", 1], ["B", 1], ["C", 1]]),
        *(
            clock(f"walk-{i}", stakes, 1, walk(stakes, 60))
            for i, stakes in enumerate(([1] * 4, [1] * 7, [3, 1, 4, 1, 5]))
        ),
        refused("consensus.clock", "unknown-author", stakes=equal, start=1, blocks=[["E", 1]]),
        refused("consensus.clock", "negative-round", stakes=equal, start=1, blocks=[["A", -1]]),
        refused("consensus.clock", "author-as-number", stakes=equal, start=1, blocks=[[0, 1]]),
        refused("consensus.clock", "start-missing", stakes=equal, blocks=[]),
    ]


def _quorum() -> list[Case]:
    totals = [*range(11), 99, 100, 101, 10**6, 2**53 - 1]
    out = [case("consensus.quorum", f"{total}", total=total) for total in totals]
    out += [
        case("consensus.quorum", f"text-{total}", total=str(total))
        for total in (7, 2**53 + 1, 10**15, 2**64 - 1, 10**24)
    ]
    for name, total in (
        ("negative", -1),
        ("fraction", 1.5),
        ("unsafe", 2**53),
        ("text-negative", "-1"),
        ("hex", "0x7"),
        ("null", None),
    ):
        out.append(refused("consensus.quorum", name, total=total))
    return out
