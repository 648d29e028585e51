// Draws the sampled trajectories of this page and marks the current chapter. Every text is set as text, never as markup.
"use strict";

const data = JSON.parse(document.getElementById("trajectory-data").textContent);
const viewer = document.querySelector("[data-viewer]");
const shown = { trajectory: null, step: 0 };

/** An element with attributes and children; strings become text nodes. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function filters() {
  return Object.fromEntries([...viewer.querySelectorAll("[data-filter]")].map((box) => [box.dataset.filter, box.value]));
}

function fillFilters() {
  for (const box of viewer.querySelectorAll("[data-filter]")) {
    const values = [...new Set(data.trajectories.map((one) => one[box.dataset.filter]))];
    box.append(element("option", { value: "" }, "all"), ...values.map((value) => element("option", { value }, value)));
    box.addEventListener("change", drawList);
  }
}

function matching() {
  const wanted = Object.entries(filters()).filter(([, value]) => value);
  return data.trajectories.filter((one) => wanted.every(([key, value]) => one[key] === value));
}

function mark(one) {
  const success = one.outcome === "success";
  return element("span", { class: success ? "good" : "bad", "aria-label": one.outcome }, success ? "✓" : "✗");
}

function drawList() {
  const rows = matching();
  const list = viewer.querySelector("[data-list]");
  list.replaceChildren(...rows.map((one) => {
    const words = element("span", {}, one.request, element("small", {}, `${one.model}, ${one.steps.length} steps`));
    return element("li", {}, element("button", { type: "button", "data-id": one.id, onclick: () => show(one, 0) }, mark(one), words));
  }));
  if (rows.length) show(rows.includes(shown.trajectory) ? shown.trajectory : rows[0], 0);
  else viewer.querySelector("[data-detail]").replaceChildren(element("p", { class: "absent" }, "No sampled trajectory has this combination."));
}

function show(one, step) {
  shown.trajectory = one;
  shown.step = Math.max(0, Math.min(step, one.steps.length - 1));
  for (const button of viewer.querySelectorAll("[data-list] button")) {
    if (button.dataset.id === one.id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  const detail = viewer.querySelector("[data-detail]");
  const hadFocus = detail.contains(document.activeElement);
  detail.replaceChildren(...heading(one), stepButtons(one), ...(one.steps.length ? [stepBody(one, shown.step)] : []));
  if (hadFocus) detail.querySelector(".steps [aria-current]")?.focus();
}

function heading(one) {
  const tags = [one.model, one.family, `${one.phrasing} wording`, `${one.split} set`, one.attempt ? `try ${one.attempt + 1}` : null, one.task];
  const verdict = one.error ? `environment error: ${one.error}` : one.verdict.reason || "no reason given";
  const parts = (one.verdict.sub_scores || []).map(([name, complete]) => `${name}: ${complete}`).join(", ");
  return [
    element("p", { class: "request" }, `“${one.request}”`),
    element("p", { class: "tags" }, tags.filter(Boolean).join(" · ")),
    element("p", { class: `verdict ${one.outcome === "success" ? "good" : "bad"}` },
      element("strong", {}, one.outcome), " ", element("span", {}, `${verdict} (judge: ${one.verdict.judge})${parts ? ` ${parts}` : ""}`)),
  ];
}

function stepButtons(one) {
  const go = (step) => () => show(one, step);
  const numbers = one.steps.map((step, index) => element("button", {
    type: "button", class: step.status === "ok" ? null : "failed", "aria-current": index === shown.step ? "step" : null,
    "aria-label": `step ${index + 1}, ${step.status}`, onclick: go(index),
  }, String(index + 1)));
  const bar = element("div", { class: "steps", role: "group", "aria-label": "Steps, also with the arrow keys" },
    element("button", { type: "button", disabled: shown.step === 0, "aria-label": "previous step", onclick: go(shown.step - 1) }, "←"), ...numbers,
    element("button", { type: "button", disabled: shown.step >= one.steps.length - 1, "aria-label": "next step", onclick: go(shown.step + 1) }, "→"));
  bar.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) { event.preventDefault(); show(one, shown.step + by); }
  });
  return bar;
}

function stepBody(one, index) {
  const step = one.steps[index];
  const action = step.action;
  const call = action.function ? `${action.function}(${Object.entries(action.args).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(", ")})` : "no call";
  const target = action.control_label ? `on ${action.control_label} “${action.control_name}”` : "on the application";
  const outcome = [step.status.replace("_", " "), step.message, step.reward === null ? "" : `reward ${step.reward}`, step.seconds ? `${(step.seconds * 1000).toFixed(1)} ms` : ""];
  return element("div", { class: "step-body" },
    element("div", {},
      ...pictures(one, index),
      element("h4", {}, `Screen: ${step.screen.length} controls`), controls(step),
      element("h4", {}, "Document"), element("p", { class: "paper-text", tabindex: "0" }, data.texts[step.document] || "(empty)"),
      step.selection ? element("p", {}, element("small", {}, `selected: “${step.selection}”`)) : null),
    element("div", {},
      element("h4", {}, "Thought"), element("p", {}, action.thought || "none"),
      element("h4", {}, "Call"), element("pre", { class: "call" }, element("code", {}, `${call}\n${target}\n${action.status}`)),
      element("h4", {}, "Outcome"), element("p", { class: step.status === "ok" ? null : "bad" }, outcome.filter(Boolean).join(" · ")),
      element("h4", {}, "Plan that remains"),
      action.plan.length ? element("ol", {}, ...action.plan.map((line) => element("li", {}, line))) : element("p", {}, "nothing")));
}

/* The screen before a step and after it, where the evaluation kept pictures. */
function pictures(one, index) {
  const kept = data.pictures[one.id] || [];
  const frame = (source, words) => source && element("button", {
    type: "button", class: "screenshot", title: "enlarge", onclick: (event) => event.currentTarget.classList.toggle("large"),
  }, element("img", { src: source, alt: `The screen ${words}` }), element("small", {}, words));
  const frames = [frame(kept[index], "before this step"), frame(kept[index + 1], "after it")].filter(Boolean);
  return frames.length ? [element("div", { class: "screenshots" }, ...frames)] : [];
}

function controls(step) {
  const list = element("ul", { class: "controls", tabindex: "0", "aria-label": "Controls on the screen" });
  for (const [label, number] of step.screen) {
    const [type, text, enabled, selected, value] = data.controls[number];
    const chosen = label === step.action.control_label;
    const classes = [chosen ? "chosen" : step.acceptable.includes(label) ? "acceptable" : "", enabled ? "" : "off", selected ? "on" : ""];
    list.append(element("li", { class: classes.filter(Boolean).join(" ") || null, title: `${type}${value ? `: ${value}` : ""}` },
      element("span", {}, label), text || type, chosen ? element("b", { class: "hidden" }, " (chosen)") : null));
  }
  return list;
}

function markChapter() {
  const links = new Map([...document.querySelectorAll("nav li a")].map((link) => [link.hash.slice(1), link]));
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((each) => each.isIntersecting)) {
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  for (const section of document.querySelectorAll("section[id]")) observer.observe(section);
}

if (viewer) {
  viewer.hidden = false;
  fillFilters();
  drawList();
}
markChapter();
