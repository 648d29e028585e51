"""What is measured: models, shapes, and which settings of the peer are tried. Knows no process and no clock.

A work's key is `<letter>[-<variant>]`; letters are those of the table in README.md.
"""

from dataclasses import dataclass

MODELS = {
    "small": dict(hidden=512, layers=8, heads=8, key_values=4, feed_forward=1408, vocab=8192, dtype="float32"),
    "tiny": dict(hidden=256, layers=6, heads=4, key_values=2, feed_forward=704, vocab=4096, dtype="float32"),
    # Mistral-7B's width, two of its 32 layers.
    "slice": dict(hidden=4096, layers=2, heads=32, key_values=8, feed_forward=14336, vocab=32768, dtype="bfloat16"),
}
HEAD_DIM = {"small": 64, "tiny": 64, "slice": 128}

# Environment in which glibc keeps large freed blocks, as our own processes do; tried for the peer as well.
KEEPING_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 34), "MALLOC_TOP_PAD_": str(64 << 20)}


@dataclass(frozen=True)
class Setting:
    """A way in which the peer can do a work."""

    precision: str
    malloc: bool = False

    def __str__(self):
        return self.precision + (" + malloc settings" if self.malloc else "")

    def environment(self):
        return KEEPING_MALLOC if self.malloc else {}


def settings(*precisions):
    return tuple(Setting(precision, malloc) for precision in precisions for malloc in (False, True))


@dataclass(frozen=True)
class Train:
    """Training steps, optimizer included."""

    key: str
    model: str
    finetuning: str
    documents: int
    length: int
    steps: int
    checkpointing: bool = False
    peers: tuple = ()
    rounds: int = 3
    # Key of the work whose peer this one is compared with.
    peer_of: str | None = None

    unit = "tokens/s"
    peer = "PyTorch + PEFT"

    def ours(self):
        return ["train", "--finetuning", self.finetuning, "--precision", "bf16"] + self._shape()

    def theirs(self, setting):
        return ["peer_train.py", "--finetuning", self.finetuning, "--precision", setting.precision] + self._shape()

    def models(self):
        return [self.model]

    def peer_model(self, setting):
        return self.model

    def kind(self):
        """Works of one kind share the peer's setting."""
        return f"{self.model} {self.finetuning}"

    def _shape(self):
        sizes = ["--documents", self.documents, "--length", self.length, "--steps", self.steps]
        return [str(size) for size in sizes] + (["--checkpointing"] if self.checkpointing else [])


@dataclass(frozen=True)
class Decode:
    """Greedy tokens after a prompt of 256 tokens."""

    key: str
    model: str
    batch: int
    tokens: int
    weights: str = "bf16"
    llama: bool = False
    peers: tuple = ()
    rounds: int = 3
    peer_of = None

    unit = "tokens/s"

    @property
    def peer(self):
        return "llama.cpp" if self.llama else "transformers"

    def ours(self):
        return ["decode", "--weights", self.weights] + self._shape()

    def theirs(self, setting):
        program = "peer_llama.py" if self.llama else "peer_generate.py"
        return [program, "--precision", setting.precision] + self._shape()

    def models(self):
        return sorted({self.model, *(self.peer_model(setting).removesuffix(".gguf") for setting in self.peers)})

    def kind(self):
        """As in training."""
        return f"{self.model} batch {self.batch} {self.peers[0]}"

    def peer_model(self, setting):
        return f"{self.model}.{setting.precision}.gguf" if self.llama else self.model

    def _shape(self):
        return ["--batch", str(self.batch), "--prompt", "256", "--tokens", str(self.tokens)]


@dataclass(frozen=True)
class Products:
    """The matrix products of a model's linear layers, forward and backward, beside what the processor can do."""

    key: str
    model: str
    tokens: int
    precision: str

    unit = "GFLOP/s"
    peer = "registers alone"

    def ours(self):
        return ["products", "--precision", self.precision, "--tokens", str(self.tokens)]

    def models(self):
        return [self.model]


LORA = settings("f32", "autocast", "bf16 base, autocast")
WIDE = settings("f32", "bf16 base, autocast")
GENERATE = (Setting("f32"), Setting("bf16"))
HALVES = (Setting("f16"), Setting("bf16"))


def decodes(model, tokens, rounds):
    name = f"d-{model}"
    for batch, rounds in zip((1, 8, 32), rounds):
        yield Decode(f"{name}-{batch}", model, batch, tokens, peers=GENERATE, rounds=rounds)
    yield Decode(f"{name}-llama-bf16", model, 1, tokens, llama=True, peers=HALVES)
    yield Decode(f"{name}-llama-q8_0", model, 1, tokens, "q8_0", True, (Setting("q8_0"),))
    # Ours is in the form that training has in 4 bits: Q4_K.
    yield Decode(f"{name}-llama-q4", model, 1, tokens, "q4", True, (Setting("q4_0"), Setting("q4_k")))


WORKS = [
    Train("a", "small", "lora", 4, 512, 4, peers=LORA),
    Train("a-checkpointing", "small", "lora", 4, 512, 3, True, LORA),
    Train("b", "tiny", "full", 8, 256, 8, peers=settings("f32", "autocast")),
    Train("c", "slice", "lora", 1, 1024, 2, peers=WIDE, rounds=2),
    Train("c-qlora-8bit", "slice", "qlora-8bit", 1, 1024, 2, rounds=2, peer_of="c"),
    Train("c-qlora-4bit", "slice", "qlora-4bit", 1, 1024, 2, rounds=2, peer_of="c"),
    *decodes("small", 64, (3, 3, 3)),
    # The prompts alone take a minute here.
    *decodes("slice", 16, (3, 2, 1)),
    Products("e-small-f32", "small", 2048, "f32"),
    Products("e-small-bf16", "small", 2048, "bf16"),
    Products("e-slice-f32", "slice", 1024, "f32"),
    Products("e-slice-bf16", "slice", 1024, "bf16"),
]
