// An episode as it goes: asks what is new, follows the latest step until somebody goes back.

/** Milliseconds between two looks. */
const EVERY = 400;
const place = document.getElementById("episode");
let state = null;
let step = 0;
let follows = true;

function show(to) {
  if (!state) return;
  const last = Math.max(0, state.one.steps.length - 1);
  step = Math.max(0, Math.min(to, last));
  follows = step === last;
  drawTrajectory(place, state.data, state.one, step, show);
}

function tell(note) {
  document.getElementById("note").textContent = note;
}

document.addEventListener("keydown", (event) => {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  show(step + by);
});

async function look() {
  try {
    const answer = await fetch(`episode?seen=${state?.version ?? 0}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    if (answer.status !== 204) {
      state = await answer.json();
      document.title = `${state.one.outcome} · ${state.one.request}`;
      show(follows ? Infinity : step);
    }
    tell(state.is_over ? "over" : state.note);
    if (state.is_over) return;
  } catch {
    tell("the server does not answer any more");
  }
  setTimeout(look, EVERY);
}

look();
