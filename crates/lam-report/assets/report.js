// The list of this page's trajectories, what narrows it and what leads to it; and the mark of the current chapter.

/** Trajectories that a list shows at once. */
const MOST = 200;
const shown = { trajectory: null, step: 0 };
let data = null;
let viewer = null;

/** Options in an order that people expect: numbers by size, words by the alphabet. */
function inOrder(values) {
  return [...values].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
}

function boxes() {
  return [...viewer.querySelectorAll("[data-filter]")];
}

function fillFilters() {
  for (const box of boxes()) {
    const chosen = box.value;
    const values = inOrder(new Set(data.trajectories.map((one) => String(one[box.dataset.filter]))));
    box.replaceChildren(element("option", { value: "" }, "all"), ...values.map((value) => element("option", { value }, value)));
    box.value = values.includes(chosen) ? chosen : "";
  }
}

function matching() {
  const wanted = boxes().map((box) => [box.dataset.filter, box.value]).filter(([, value]) => value);
  return data.trajectories.filter((one) => wanted.every(([key, value]) => String(one[key]) === value));
}

function mark(one) {
  return element("span", { class: outcomeClass(one), "aria-label": one.outcome }, one.outcome === "success" ? "✓" : "✗");
}

function drawList() {
  const rows = matching();
  const items = rows.slice(0, MOST).map((one) => {
    const steps = `${one.length} ${one.length === 1 ? "step" : "steps"}${one.steps ? "" : ", not in this page"}`;
    const words = element("span", {}, one.request, element("small", {}, `${one.model}, ${one.family}, ${steps}`));
    return element("li", {}, element("button", { type: "button", "data-id": one.id, onclick: () => show(one, 0) }, mark(one), words));
  });
  if (rows.length > MOST) items.push(element("li", { class: "more" }, `and ${rows.length - MOST} more: narrow the list`));
  viewer.querySelector("[data-list]").replaceChildren(...items);
  const kept = rows.find((one) => one.id === shown.trajectory?.id);
  if (rows.length) show(kept || rows[0], kept ? shown.step : 0);
  else viewer.querySelector("[data-detail]").replaceChildren(element("p", { class: "absent" }, "No trajectory of this page has this combination."));
}

function show(one, step) {
  shown.trajectory = one;
  shown.step = Math.max(0, Math.min(step, (one.steps || []).length - 1));
  for (const button of viewer.querySelectorAll("[data-list] button")) {
    if (button.dataset.id === one.id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  drawTrajectory(viewer.querySelector("[data-detail]"), data, one, shown.step, (to) => show(one, to));
}

/** A row or a family leads to its trajectories: the list is narrowed to them before the page goes there. */
function followLink(event) {
  const link = event.target.closest?.("a.show");
  if (!link || !viewer) return;
  for (const box of boxes()) {
    const value = { model: link.dataset.showModel, family: link.dataset.showFamily }[box.dataset.filter] || "";
    box.value = [...box.options].some((option) => option.value === value) ? value : "";
  }
  drawList();
}

let observer = null;
function markChapter() {
  observer?.disconnect();
  const links = new Map([...document.querySelectorAll("nav li a")].map((link) => [link.hash.slice(1), link]));
  observer = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((each) => each.isIntersecting)) {
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  for (const section of document.querySelectorAll("section[id]")) observer.observe(section);
}

/** Draws what the page holds now; what was chosen stays chosen. */
function start() {
  data = JSON.parse(document.getElementById("trajectory-data").textContent);
  const chosen = viewer ? Object.fromEntries(boxes().map((box) => [box.dataset.filter, box.value])) : {};
  viewer = document.querySelector("[data-viewer]");
  if (viewer) {
    viewer.hidden = false;
    fillFilters();
    for (const box of boxes()) {
      if ([...box.options].some((option) => option.value === chosen[box.dataset.filter])) box.value = chosen[box.dataset.filter];
      box.addEventListener("change", drawList);
    }
    drawList();
  }
  markChapter();
}

document.addEventListener("click", followLink);
start();
