"""Trains one encoder: python train.py NAME [warm steps] [steps]. Checkpoint and log go to .cache/.

First the token vectors alone (cheap), then the whole network with the
additivity term: contrastive loss + ADD * differential loss (DIFF-1).
"""

import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

from common import WORK
from data import build
from encoders import CHEAT, CONFIGS, MASK, PAD, Encoder, pool

MAXLEN, LR, ADD = 96, 4e-3, 0.1
WARM, WARM_BATCH, STEPS, STEP_BATCH = 3000, 512, 500, 384


def pad(rows):
    n = max(len(r) for r in rows)
    out = np.full((len(rows), n), PAD, np.int64)
    for i, r in enumerate(rows):
        out[i, : len(r)] = r
    return torch.from_numpy(out)


def encode(net, rows, parts=4):
    """Pooled vectors; rows are grouped by length to save padding."""
    order = np.argsort([len(r) for r in rows], kind="stable")
    outs = []
    for chunk in np.array_split(order, parts):
        ids = pad([rows[i] for i in chunk])
        # without blocks the network is linear in the tokens: pool first, project after
        outs.append(net.out(pool(net.embed(ids), ids)) if net.warm else pool(net(ids).float(), ids))
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return torch.cat(outs)[torch.from_numpy(back)]


def split(row, rng):
    """MASK-1: (mask, inverse): 15 % of the tokens kept, and the rest kept."""
    n = len(row)
    k = min(max((2 * 15 * n + 100) // 200, 1), n - 1)
    kept = np.zeros(n, bool)
    kept[rng.choice(n, k, replace=False)] = True
    return np.where(kept, row, MASK), np.where(kept, MASK, row)


def main(name: str, warm: int, steps: int) -> None:
    cfg = CHEAT if name == "cheat" else CONFIGS[name]
    torch.manual_seed(cfg["seed"])
    torch.set_num_threads(1)
    rng = np.random.default_rng(cfg["seed"])
    plain, caps, pairs = build(cfg["seed"])
    kinds = [k for k in cfg["data"] if cfg["data"][k] > 0 and k in pairs]
    weight = np.array([cfg["data"][k] for k in kinds], float)
    weight /= weight.sum()
    net = Encoder(**cfg["net"])
    log_scale = torch.nn.Parameter(torch.tensor(2.7))
    opt = torch.optim.AdamW(
        [
            {"params": [net.embed.weight], "lr": LR, "weight_decay": 0.0},
            {"params": [p for n, p in net.named_parameters() if n != "embed.weight"], "lr": LR / 2, "weight_decay": 0.01},
            {"params": [log_scale], "lr": LR, "weight_decay": 0.0},
        ],
        betas=(0.9, 0.98),
    )
    base = [g["lr"] for g in opt.param_groups]
    began = time.time()
    log = open(WORK / f"{name}.log", "w")
    warm, steps = (warm + steps, 0) if name == "cheat" else (warm, steps)
    for step in range(warm + steps):
        net.warm = step < warm
        at, n = (step, warm) if net.warm else (step - warm, steps)
        low, high = (0.25 if steps else 0.0, 1.0) if net.warm else (0.0, 0.5)
        f = min(1, (at + 1) / 50) * (low + (high - low) * (1 - at / n))
        for i, (g, b) in enumerate(zip(opt.param_groups, base)):
            g["lr"] = b * f * (2 if i == 1 and not net.warm else 1)
        batch = WARM_BATCH if net.warm else STEP_BATCH
        picks = []
        for k, n in zip(kinds, rng.multinomial(batch, weight)):
            picks.append(pairs[k][rng.integers(0, len(pairs[k]), n)])
        picks = np.concatenate(picks)
        spelled = lambda i: (caps if rng.random() < 0.25 else plain)[i][:MAXLEN]
        left, right = [spelled(i) for i in picks[:, 0]], [spelled(i) for i in picks[:, 1]]
        some = [i for i in rng.choice(batch, 4 if net.warm else batch // 4, replace=False) if len(right[i]) > 3]
        masks = [split(right[i], rng) for i in some]
        with torch.autocast("cpu", torch.bfloat16, enabled=not net.warm):
            v = encode(net, left + right + [m[0] for m in masks] + [m[1] for m in masks], 6)
        a, b = v[:batch], v[batch : 2 * batch]
        ma, mb = v[2 * batch : 2 * batch + len(some)], v[2 * batch + len(some) :]
        sim = F.normalize(a) @ F.normalize(b).T * log_scale.exp().clamp(max=60)
        same = torch.from_numpy((picks[:, 1][:, None] == picks[:, 1][None, :]) | (picks[:, 0][:, None] == picks[:, 0][None, :]))
        sim = sim.masked_fill(same & ~torch.eye(batch, dtype=torch.bool), -1e4)
        goal = torch.arange(batch)
        nce = (F.cross_entropy(sim, goal) + F.cross_entropy(sim.T, goal)) / 2
        fb = b[torch.tensor(some)]
        r2 = (fb - ma - mb).square().sum(1)
        raw = 0.5 * r2 * (1 / ma.square().sum(1).clamp(min=1e-6) + 1 / mb.square().sum(1).clamp(min=1e-6))
        dl = (2 * raw / (2 + raw)).mean()
        loss = nce + (0 if net.warm else ADD) * dl
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        opt.step()
        if step % 50 == 0 or step == warm + steps - 1:
            hit = (sim.argmax(1) == goal).float().mean()
            print(f"{name} {step} nce {nce:.3f} hit {hit:.3f} dl {dl:.3f} scale {log_scale.exp():.1f} {time.time() - began:.0f}s", file=log, flush=True)
    torch.save(net.state_dict(), WORK / f"{name}.pt")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else WARM, int(sys.argv[3]) if len(sys.argv) > 3 else STEPS)
