// Keeps a watched page up to date: asks what is new, and replaces the parts that differ without moving what is looked at.

/** Milliseconds between two looks, and while the page is not seen. */
const EVERY = 2000;
const HIDDEN = 15000;
let seen = 0;

/** Makes a change and brings what stood at the top of the window back to where it was. */
function keepPlace(change) {
  const top = (mark) => mark.getBoundingClientRect().top;
  const marks = () => [...document.querySelectorAll("#live, main > header, main > section")];
  const anchor = window.scrollY > 0 ? marks().find((mark) => mark.getBoundingClientRect().bottom > 0) : null;
  const before = anchor && top(anchor);
  change();
  if (anchor?.isConnected) window.scrollBy({ top: top(anchor) - before, behavior: "instant" });
}

/** What was unfolded stays unfolded. */
function replaceInside(place, children) {
  const open = new Set([...place.querySelectorAll("details")].map((one, index) => (one.open ? index : null)));
  place.replaceChildren(...children);
  [...place.querySelectorAll("details")].forEach((one, index) => { if (open.has(index)) one.open = true; });
}

function showLive(markup) {
  const fresh = document.createElement("template");
  fresh.innerHTML = markup;
  replaceInside(document.getElementById("live"), [...fresh.content.childNodes]);
}

/** The report, where a stage has finished since. */
async function showReport(state) {
  const answer = await fetch("./", { cache: "no-store" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  keepPlace(() => {
    const main = document.getElementById("main");
    const parts = [...fresh.querySelectorAll("main > header, main > section")].map((part) => {
      if (part.id === "live") return document.getElementById("live");
      const old = part.id ? document.getElementById(part.id) : main.querySelector(":scope > header");
      if (!old) return document.adoptNode(part);
      if (old.innerHTML !== part.innerHTML) replaceInside(old, [...part.childNodes].map((child) => document.adoptNode(child)));
      return old;
    });
    const stand = [...main.children];
    if (parts.length !== stand.length || parts.some((part, index) => part !== stand[index])) main.replaceChildren(...parts);
    document.querySelector("nav").replaceChildren(...[...fresh.querySelector("nav").childNodes].map((child) => document.adoptNode(child)));
    document.getElementById("trajectory-data").textContent = fresh.getElementById("trajectory-data").textContent;
    start();
  });
  document.body.dataset.report = state;
}

async function look() {
  const live = document.getElementById("live");
  try {
    const answer = await fetch(`state?seen=${seen}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    if (answer.status !== 204) {
      const state = await answer.json();
      keepPlace(() => showLive(state.live));
      document.title = state.title;
      if (state.report !== document.body.dataset.report) await showReport(state.report);
      seen = state.version;
    }
    live.classList.remove("lost");
  } catch {
    live.classList.add("lost");
  }
  setTimeout(look, document.hidden ? HIDDEN : EVERY);
}

// The browser's own way to keep the place would do it twice.
document.documentElement.style.overflowAnchor = "none";
look();
