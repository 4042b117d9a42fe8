"""The encoder architectures. Each maps input_ids [B, L] to one raw vector a position [B, L, dim].

The token embedding runs past every block (h = h0 + context), so a vector of a
position stays a token vector moved by its neighbours. Padding sits at the tail
and is kept out of every mixing operation.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

PAD, MASK, VOCAB = 1, 2, 8000


class Attention(nn.Module):
    """Pre-norm transformer block; distance enters as a linear bias (ALiBi), so any length works."""

    def __init__(self, d: int, heads: int, ff: int):
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, ff), nn.Linear(ff, d)
        self.register_buffer("slope", torch.tensor([2.0 ** -(1 + 6 * i / max(1, heads - 1)) for i in range(heads)]))

    def forward(self, h, real):
        b, n, d = h.shape
        q, k, v = self.qkv(self.n1(h)).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        pos = torch.arange(n, device=h.device)
        dist = (pos[:, None] - pos[None, :]).abs().to(torch.float32)
        s = q @ k.transpose(-1, -2) * (d // self.heads) ** -0.5
        s = s - self.slope.view(1, -1, 1, 1) * dist
        s = s.masked_fill(~real[:, None, None, :], -1e9)
        a = (torch.softmax(s.float(), -1).to(v.dtype) @ v).transpose(1, 2).reshape(b, n, d)
        h = h + self.out(a)
        return h + self.down(F.gelu(self.up(self.n2(h))))


class Recurrent(nn.Module):
    """Bidirectional GRU; the backward half reads each row reversed within its real length."""

    def __init__(self, d: int, hidden: int):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.fw, self.bw = nn.GRU(d, hidden, batch_first=True), nn.GRU(d, hidden, batch_first=True)
        self.out = nn.Linear(2 * hidden, d)

    def forward(self, h, real):
        n = real.sum(1, keepdim=True)
        pos = torch.arange(h.shape[1], device=h.device)[None, :]
        turn = torch.where(pos < n, n - 1 - pos, pos).unsqueeze(-1)
        x = self.norm(h)
        zero = torch.zeros(1, h.shape[0], self.fw.hidden_size, device=h.device)
        with torch.autocast("cpu", enabled=False):
            x = x.float()
            f, _ = self.fw(x, zero)
            r, _ = self.bw(torch.gather(x, 1, turn.expand(-1, -1, x.shape[2])), zero)
            r = torch.gather(r, 1, turn.expand(-1, -1, r.shape[2]))
        return h + self.out(torch.cat([f, r], -1))


class Convolution(nn.Module):
    """Dilated convolution over positions."""

    def __init__(self, d: int, hidden: int, dilation: int):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.conv = nn.Conv1d(d, hidden, 3, padding=dilation, dilation=dilation)
        self.out = nn.Linear(hidden, d)

    def forward(self, h, real):
        x = (self.norm(h) * real.unsqueeze(-1)).transpose(1, 2)
        return h + self.out(F.gelu(self.conv(x)).transpose(1, 2))


class ConvGLU(nn.Module):
    """Wide depthwise convolution gating a linear path; attention-free."""

    def __init__(self, d: int, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.val, self.gate = nn.Linear(d, d), nn.Linear(d, d)
        self.conv = nn.Conv1d(d, d, width, padding=width // 2, groups=d)
        self.out = nn.Linear(d, d)

    def forward(self, h, real):
        x = self.norm(h)
        g = self.conv((self.gate(x) * real.unsqueeze(-1)).transpose(1, 2)).transpose(1, 2)
        return h + self.out(self.val(x) * torch.sigmoid(g))


class ContextGate(nn.Module):
    """Gated MLP that sees its position and the mean of the row (no order)."""

    def __init__(self, d: int, hidden: int):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.up, self.ctx = nn.Linear(d, 2 * hidden), nn.Linear(d, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, d)

    def forward(self, h, real):
        x = self.norm(h)
        w = real.unsqueeze(-1).to(x.dtype)
        mean = (x * w).sum(1, keepdim=True) / w.sum(1, keepdim=True)
        a, g = (self.up(x) + self.ctx(mean)).chunk(2, -1)
        return h + self.down(F.gelu(a) * torch.sigmoid(g))


class Salience(nn.Module):
    """Averaging with learned weights: a token counts by itself and by how it fits its row."""

    def __init__(self, d: int, hidden: int):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.key, self.query = nn.Linear(d, hidden), nn.Linear(d, hidden)
        self.own = nn.Linear(d, hidden)

    def forward(self, h, real):
        x = self.norm(h)
        w = real.unsqueeze(-1).to(x.dtype)
        mean = (x * w).sum(1, keepdim=True) / w.sum(1, keepdim=True)
        k = self.key(x)
        s = (k * self.query(mean)).mean(-1, keepdim=True) + torch.tanh(self.own(x)).mean(-1, keepdim=True)
        return h * F.softplus(s.float() + 0.54)


class Encoder(nn.Module):
    def __init__(self, kind: str, d: int, layers: int, raw: int = 256, **kw):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, d)
        nn.init.normal_(self.embed.weight, std=0.3)
        make = {
            "attention": lambda i: Attention(d, kw["heads"], kw["ff"]),
            "recurrent": lambda i: Recurrent(d, kw["hidden"]),
            "convolution": lambda i: Convolution(d, kw["hidden"], 2**i),
            "convglu": lambda i: ConvGLU(d, kw["width"]),
            "contextgate": lambda i: ContextGate(d, kw["hidden"]),
            "salience": lambda i: Salience(d, kw["hidden"]),
            "bag": lambda i: None,
        }[kind]
        self.blocks = nn.ModuleList([b for b in (make(i) for i in range(layers)) if b is not None])
        self.out = nn.Linear(d, raw, bias=False)
        self.warm = False  # first phase of training: token vectors only, blocks skipped
        for b in self.blocks:  # blocks start as a small correction
            for name in ("out", "down"):
                if hasattr(b, name):
                    with torch.no_grad():
                        getattr(b, name).weight.mul_(0.1)

    def forward(self, ids):
        real = ids != PAD
        h = self.embed(ids)
        for b in [] if self.warm else self.blocks:
            h = b(h, real)
        return self.out(h)


def pool(tokens, ids):
    """masked-sum: what the encoder service does outside the graph."""
    keep = ((ids != PAD) & (ids != MASK)).unsqueeze(-1).to(tokens.dtype)
    return (tokens * keep).sum(1) / (ids != PAD).sum(1, keepdim=True)


ALL = {"kind-of": 3, "usage": 3, "usage-name": 1, "name": 2, "parent": 1, "sibling": 1, "link": 1, "jargon": 0.3, "topic": 0.3}
CONFIGS = {
    "attn-2": dict(net=dict(kind="attention", d=128, layers=2, heads=4, ff=256), data=ALL, seed=1,
                   about="2-layer transformer", source="all WordNet pairs, some Jargon File"),
    "bigru": dict(net=dict(kind="recurrent", d=128, layers=1, hidden=64), data={**ALL, "jargon": 0}, seed=2,
                  about="bidirectional GRU", source="all WordNet pairs"),
    "dilated-conv": dict(net=dict(kind="convolution", d=128, layers=3, hidden=96), data={**ALL, "sibling": 2, "topic": 0.6}, seed=3,
                         about="3 dilated convolutions", source="WordNet pairs with more sibling and topic pairs"),
    "context-gate": dict(net=dict(kind="contextgate", d=128, layers=2, hidden=128), data=ALL, seed=4,
                         about="gated MLP over position and row mean, orderless", source="all WordNet pairs, some Jargon File"),
    "attn-usage": dict(net=dict(kind="attention", d=112, layers=1, heads=7, ff=224),
                       data={"usage": 5, "usage-name": 2, "link": 2, "name": 2, "kind-of": 1, "topic": 0.3}, seed=5,
                       about="1-layer transformer, 7 heads", source="mostly usage examples and derivational links"),
    "conv-glu": dict(net=dict(kind="convglu", d=128, layers=2, width=9), data={**ALL, "jargon": 1}, seed=6,
                     about="wide depthwise convolution with gated linear units, attention-free", source="WordNet pairs and more Jargon File"),
    "salience": dict(net=dict(kind="salience", d=144, layers=1, hidden=64), data=ALL, seed=7,
                     about="averaging with learned, context-dependent token weights", source="all WordNet pairs, some Jargon File"),
    "attn-deep": dict(net=dict(kind="attention", d=96, layers=4, heads=4, ff=192),
                      data={"kind-of": 4, "name": 3, "parent": 2, "sibling": 2, "link": 1, "usage": 1, "topic": 0.3}, seed=8,
                      about="4-layer narrow transformer", source="mostly definitions and the WordNet hierarchy"),
}
CHEAT = dict(net=dict(kind="bag", d=128, layers=0), data=ALL, seed=9, about="bag of words", source="all WordNet pairs")
