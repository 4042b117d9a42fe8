"""CONS-1 to CONS-6 on DAG scenarios, all at once over a finished DAG, by the text of the rules."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    id: str
    author: int
    round: int
    ancestors: tuple[str, ...]
    ts: int


def quorum(total: int) -> int:
    return 2 * total // 3 + 1


def letter(author: int) -> str:
    return chr(ord("A") + author)


class Dag:
    """Blocks whose whole history is known; genesis included."""

    def __init__(self, stakes: list[int], blocks: list[Block]):
        self.stakes = stakes
        self.quorum = quorum(sum(stakes))
        genesis = [Block(f"{letter(a)}0", a, 0, (), 0) for a in range(len(stakes))]
        self.blocks = {b.id: b for b in genesis}
        waiting = list(blocks)
        while True:
            ready = [b for b in waiting if all(a in self.blocks for a in b.ancestors)]
            if not ready:
                break
            self.blocks.update((b.id, b) for b in ready)
            waiting = [b for b in waiting if b.id not in self.blocks]

    def of_round(self, round_: int) -> list[Block]:
        return [b for b in self.blocks.values() if b.round == round_]

    def stake(self, blocks: list[Block]) -> int:
        """Stake of the distinct authors."""
        return sum(self.stakes[a] for a in {b.author for b in blocks})

    def is_certificate(self, candidate: Block, leader: Block) -> bool:
        parents = [self.blocks[a] for a in candidate.ancestors]
        votes = [p for p in parents if p.round == leader.round + 1 and leader.id in p.ancestors]
        return self.stake(votes) >= self.quorum

    def history(self, block: Block) -> set[str]:
        """The block and all below it."""
        seen, todo = {block.id}, [block.id]
        while todo:
            for ancestor in self.blocks[todo.pop()].ancestors:
                if ancestor not in seen:
                    seen.add(ancestor)
                    todo.append(ancestor)
        return seen


def _direct(dag: Dag, round_: int, leaders: list[Block]):
    for leader in leaders:
        certificates = [b for b in dag.of_round(round_ + 2) if dag.is_certificate(b, leader)]
        if dag.stake(certificates) >= dag.quorum:
            return {"status": "commit", "block": leader.id, "via": "direct"}
    next_round = dag.of_round(round_ + 1)
    blames = [[b for b in next_round if leader.id not in b.ancestors] for leader in leaders] or [next_round]
    if all(dag.stake(blame) >= dag.quorum for blame in blames):
        return {"status": "skip", "via": "direct"}
    return None


def _indirect(dag: Dag, round_: int, leaders: list[Block], above: dict[int, dict], last: int):
    anchor = next((above[r] for r in range(round_ + 3, last + 1) if above[r]["status"] != "skip"), None)
    if anchor is None or anchor["status"] == "undecided":
        return {"status": "undecided"}
    history = [dag.blocks[i] for i in dag.history(dag.blocks[anchor["block"]])]
    for leader in leaders:
        if any(b.round == round_ + 2 and dag.is_certificate(b, leader) for b in history):
            return {"status": "commit", "block": leader.id, "via": "indirect"}
    return {"status": "skip", "via": "indirect"}


def _timestamp(dag: Dag, leader: Block, previous: int) -> int:
    """CONS-6: the first time up to which the parents hold more than half of their stake."""
    parents = [dag.blocks[a] for a in leader.ancestors if dag.blocks[a].round == leader.round - 1]
    total, sum_ = dag.stake(parents), 0
    for parent in sorted(parents, key=lambda b: (b.ts, b.author)):
        sum_ += dag.stakes[parent.author]
        if 2 * sum_ > total:
            return max(previous, parent.ts)
    return previous


def decide(stakes: list[int], gc_depth: int | None, blocks: list[Block]):
    dag = Dag(stakes, blocks)
    last = max(b.round for b in dag.blocks.values()) - 2
    decided: dict[int, dict] = {}
    for round_ in range(last, 0, -1):
        author = round_ % len(stakes)
        leaders = sorted((b for b in dag.of_round(round_) if b.author == author), key=lambda b: b.id)
        decided[round_] = _direct(dag, round_, leaders) or _indirect(dag, round_, leaders, decided, last)

    commits: list[dict] = []
    taken: set[str] = set()
    gc_round, timestamp = 0, 0
    for round_ in range(1, last + 1):
        decision = decided[round_]
        if decision["status"] == "undecided":
            break
        if decision["status"] == "skip":
            continue
        leader = dag.blocks[decision["block"]]
        timestamp = _timestamp(dag, leader, timestamp)
        sub_dag = [dag.blocks[i] for i in dag.history(leader) - taken if dag.blocks[i].round > gc_round]
        ordered = [b.id for b in sorted(sub_dag, key=lambda b: (b.round, b.author, b.id))]
        taken.update(ordered)
        commits.append({"index": len(commits) + 1, "leader": leader.id, "blocks": ordered, "timestamp": timestamp})
        gc_round = max(0, round_ - gc_depth) if gc_depth is not None else 0
    slots = {f"{letter(r % len(stakes))}{r}": decided[r] for r in range(1, last + 1)}
    return {"decisions": slots, "commits": commits}


def verify_block(stakes: list[int], block: dict, refs: dict[str, list[int]]) -> str | None:
    """The first failed check, in the order of CONFORMANCE.md."""
    n, author, round_, ancestors = len(stakes), block["author"], block["round"], block["ancestors"]
    if block.get("epoch", 0) != 0:
        return "WrongEpoch"
    if round_ == 0:
        return "UnexpectedGenesis"
    if author >= n:
        return "InvalidAuthor"
    if len(ancestors) > n:
        return "TooManyAncestors"
    if not ancestors:
        return "InsufficientParents"
    genesis = {f"{letter(a)}0": [0, a] for a in range(n)}
    seen: set[int] = set()
    parents = 0
    for position, name in enumerate(ancestors):
        ref_round, ref_author = refs[name] if name in refs else genesis[name]
        if ref_author >= n:
            return "InvalidAuthor"
        if (ref_author == author) != (position == 0):
            return "InvalidAncestorPosition"
        if ref_round >= round_:
            return "InvalidAncestorRound"
        if ref_round == 0 and genesis.get(name) != [0, ref_author]:
            return "UnknownGenesis"
        if ref_author in seen:
            return "DuplicateAncestorAuthor"
        seen.add(ref_author)
        if ref_round == round_ - 1:
            parents += stakes[ref_author]
    return None if parents >= quorum(sum(stakes)) else "InsufficientParents"


def clock(stakes: list[int], start: int, blocks: list[list]) -> list[int]:
    round_, seen, out = start, set(), []
    for name, block_round in blocks:
        author = ord(name) - ord("A")
        if block_round > round_:
            round_, seen = block_round, set()
        if block_round == round_:
            seen.add(author)
            if sum(stakes[a] for a in seen) >= quorum(sum(stakes)):
                round_, seen = round_ + 1, set()
        out.append(round_)
    return out
