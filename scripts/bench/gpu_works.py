"""What is measured on a GPU, who is the peer, and what the goals are. Knows no program."""

from dataclasses import dataclass, field

MISTRAL_7B = {
    "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
    "intermediate_size": 14336, "vocab_size": 32768, "max_position_embeddings": 32768, "rope_theta": 1e6,
}  # fmt: skip
TINY = {
    "hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64,
    "intermediate_size": 192, "vocab_size": 512, "max_position_embeddings": 512, "rope_theta": 1e6,
}  # fmt: skip

LORA_PEERS = ("peft", "peft-bf16", "liger", "compile")


@dataclass
class Goal:
    """A figure to reach: at least (or at most) so much, or so many times that of a peer (the fastest where none is named)
    or of another work of ours."""

    least: float | None = None
    most: float | None = None
    times: float | None = None
    peer: str | None = None

    def text(self, unit):
        if self.times is not None:
            return f"{self.times:g} x {self.peer or 'the fastest peer'}"
        return f"at least {self.least:,g} {unit}" if self.least is not None else f"at most {self.most:g} {unit}"


@dataclass
class Work:
    """A training work: what our runner and the peers call it."""

    key: str
    work: str
    tiny: str
    peers: tuple
    goals: list = field(default_factory=list)
    memory: Goal | None = None
    unit: str = "tokens/s"

    def of(self, tiny):
        return self.tiny if tiny else self.work


@dataclass
class Decode:
    """Greedy tokens after a prompt."""

    key: str
    batch: int
    peers: tuple = ()
    goals: list = field(default_factory=list)
    weights: str = "bf16"
    plain: bool = False
    memory: Goal | None = None
    unit: str = "tokens/s"

    def of(self, tiny):
        prompt, tokens = decoded(tiny)
        return f"{self.weights}:decode:{self.batch}x{prompt}+{tokens}" + (":plain" if self.plain else "")


def decoded(tiny):
    """Tokens of a prompt, and of what is generated after its first one."""
    return (16, 4) if tiny else (256, 64)


STEPS = [Goal(least=17_500), Goal(times=1.12), Goal(times=1.9, peer="peft")]
TRAIN = [
    Work("lora-1x4096", "lora:1x4096", "lora:1x32", LORA_PEERS, STEPS),
    # PEFT's default would need 200 GiB here.
    Work("lora-4x4096", "lora:4x4096", "lora:2x32", ("peft-bf16", "liger", "compile"), STEPS[:2]),
    Work("lora-1x4096-recompute", "lora:1x4096:recompute", "lora:1x32:recompute", LORA_PEERS, [Goal(times=1.2)]),
    Work("lora-1x2048-recompute", "lora:1x2048:recompute", "lora:1x24:recompute", ("peft-bf16", "liger"),
         memory=Goal(most=16)),
    Work("qlora-1x2048", "qlora-4bit:1x2048:recompute", "qlora-4bit:1x24:recompute", ("bitsandbytes",),
         [Goal(times=1.5)], memory=Goal(most=5.5)),
    Work("qlora-1x4096", "qlora-4bit:1x4096:recompute", "qlora-4bit:1x32:recompute", ("bitsandbytes",),
         [Goal(times=1.5)]),
]  # fmt: skip
TRAJECTORIES = [
    # A screen of Writer and what a step adds to it, of which 20 tokens are trained, as pipelines record them (decision
    # 004): peers read the screen anew for each of the 11 steps.
    Work("writer-11", "lora:shared:11x872+100", "lora:shared:3x24+22", ("peft-bf16", "liger", "compile"),
         [Goal(times=4)], unit="steps of trajectories/s"),
]  # fmt: skip
PEERS_DECODE = ("static", "graph")


def decodes():
    """Every form of weights and number of requests, with CUDA graphs and plain."""
    goals = {
        "decode-1": [Goal(least=230)],
        "decode-32": [Goal(least=5_500)],
        "decode-1-q8": [Goal(times=1.4, peer="decode-1")],
        "decode-1-q4": [Goal(times=1.8, peer="decode-1")],
    }
    for weights, short in (("bf16", ""), ("q8_0", "-q8"), ("q4", "-q4")):
        for batch in (1, 8, 32):
            key = f"decode-{batch}{short}"
            yield Decode(key, batch, () if short else PEERS_DECODE, goals.get(key, []), weights)
            yield Decode(f"{key}-plain", batch, weights=weights, plain=True)


# Those over one model stand together: they share a load.
TRAIN = [work for work in TRAIN if work.work.startswith("lora:")] + TRAJECTORIES + [
    work for work in TRAIN if not work.work.startswith("lora:")
]  # fmt: skip
DECODE = list(decodes())
WORKS = TRAIN + DECODE
LOAD_GOAL_SECONDS = 15
