"""Twenty steps on the GPU beside transformers + PEFT in f32: the same weights, rows, settings and beginning of the adapter.
Every loss within 1 %.

    python twenty_steps.py [--tiny]
"""

import json
import sys
from pathlib import Path

from lam import BINARY, folder, make_data, needs

LIMIT = 1e-2


def main(tiny):
    needs("torch", "transformers", "peft")
    import torch
    from losses import STEPS, Case, beside_loop, examples, run

    beside = "cuda" if torch.cuda.is_available() else "cpu"
    worst = 0.0
    with folder() as place:
        place = Path(place)
        make_data(run, place, tiny)
        for kind, schedule in [("lora", "constant"), ("full", "linear")]:
            case = Case(BINARY, place, kind, schedule, device="cuda", more="bf16 = true\n")
            losses, weights, _ = beside_loop(case, examples(case), beside)
            ours = case.losses()
            assert len(ours) == len(losses) == STEPS, (len(ours), len(losses))
            apart = max(abs(a - b) / b for a, b in zip(ours, losses))
            worst = max(worst, apart)
            figures = {"kind": kind, "losses": ours, "peer_losses": losses, "apart": apart, "weights_apart": weights}
            print(json.dumps(figures))
            print(f"{kind}: {STEPS} steps beside PyTorch ({beside}, f32), loss {ours[0]:.3f} to {ours[-1]:.3f}, at most "
                  f"{apart:.1e} of itself apart; weights {weights:.1e} of their norm apart", flush=True)  # fmt: skip
    return worst <= LIMIT


if __name__ == "__main__":
    sys.exit(0 if main("--tiny" in sys.argv) else 1)
