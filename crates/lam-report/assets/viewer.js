// Draws one trajectory, step by step. Every text is set as text, never as markup.
"use strict";

/** An element with attributes and children; strings become text nodes. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function outcomeClass(one) {
  return { success: "good", running: "muted" }[one.outcome] || "bad";
}

/** The trajectory at a step; `go` is called with the step that is asked for. */
function drawTrajectory(place, data, one, step, go) {
  const hadFocus = place.contains(document.activeElement);
  const steps = one.steps || [];
  const parts = [...heading(one)];
  if (one.steps) parts.push(stepButtons(one, step, go));
  else parts.push(elsewhere(one));
  if (steps.length) parts.push(stepBody(data, one, step));
  place.replaceChildren(...parts);
  if (hadFocus) place.querySelector(".steps [aria-current]")?.focus({ preventScroll: true });
}

function heading(one) {
  const tags = [one.model, one.family, one.phrasing ? `${one.phrasing} wording` : null, one.split ? `${one.split} set` : null,
    one.attempt ? `try ${one.attempt + 1}` : null, one.task];
  return [
    element("p", { class: "request" }, `“${one.request}”`),
    element("p", { class: "tags" }, tags.filter(Boolean).join(" · ")),
    verdict(one),
  ];
}

/** The verdict, part by part; what was expected and what was found stand on lines of their own. */
function verdict(one) {
  const said = one.error ? `environment error: ${one.error}` : one.verdict?.reason || "";
  const lines = said.split(/; (?=expected: |found: |changed: )/).filter(Boolean).map((line) => {
    const [, word, rest] = line.match(/^(expected|found|changed): ([^]*)$/) || [null, null, line];
    return word ? element("div", { class: "fact" }, element("b", {}, word), " ", rest) : element("div", {}, line);
  });
  const parts = (one.verdict?.sub_scores || []).map(([name, complete]) => element("div", {}, `${name}: ${complete}`));
  const judge = one.verdict?.judge ? element("small", {}, `judge: ${one.verdict.judge}`) : null;
  return element("div", { class: `verdict ${outcomeClass(one)}` }, element("strong", {}, one.outcome), element("div", { class: "why" }, ...lines, ...parts, judge));
}

/** Said in place of steps that the page has no room for. */
function elsewhere(one) {
  return element("div", { class: "absent" }, element("p", {}, `Its ${one.length} steps are not in this page. This prints them:`),
    element("pre", { class: "call" }, element("code", {}, `lam-train data show ${quoted(document.body.dataset.run + one.file)} --id ${one.id.slice(0, 12)}`)));
}

/** As a shell reads it. */
function quoted(text) {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function stepButtons(one, shown, go) {
  const numbers = one.steps.map((step, index) => element("button", {
    type: "button", class: step.status && step.status !== "ok" ? "failed" : null, "aria-current": index === shown ? "step" : null,
    "aria-label": step.is_end ? "the end" : `step ${index + 1}, ${step.status || "under way"}`, onclick: () => go(index),
  }, step.is_end ? "end" : String(index + 1)));
  const bar = element("div", { class: "steps", role: "group", "aria-label": "Steps, also with the arrow keys" },
    element("button", { type: "button", disabled: shown === 0, "aria-label": "previous step", onclick: () => go(shown - 1) }, "←"), ...numbers,
    element("button", { type: "button", disabled: shown >= one.steps.length - 1, "aria-label": "next step", onclick: () => go(shown + 1) }, "→"));
  bar.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) { event.preventDefault(); event.stopPropagation(); go(shown + by); }
  });
  return bar;
}

function stepBody(data, one, index) {
  const step = one.steps[index];
  return element("div", { class: "step-body" },
    element("div", {},
      ...pictures(data, one, index),
      element("h4", {}, `Screen: ${step.screen.length} controls`), controls(data, step),
      element("h4", {}, "Document"), element("p", { class: "paper-text", tabindex: "0" }, data.texts[step.document] || "(empty)"),
      step.selection ? element("p", {}, element("small", {}, `selected: “${step.selection}”`)) : null),
    element("div", {}, ...answer(step)));
}

/** What was answered to a screen, and what came of it, as far as it is known. */
function answer(step) {
  const action = step.action;
  if (!action) return [element("p", { class: "muted", role: "status" }, step.note || "")];
  const call = action.function ? `${action.function}(${Object.entries(action.args).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(", ")})` : "no call";
  const target = action.control_label ? `on ${action.control_label} “${action.control_name}”` : "on the application";
  const outcome = step.status
    ? [step.status.replace("_", " "), step.message, step.reward === null ? "" : `reward ${step.reward}`, step.seconds ? `${(step.seconds * 1000).toFixed(1)} ms` : ""]
    : [step.note];
  return [
    element("h4", {}, "Thought"), element("p", {}, action.thought || "none"),
    element("h4", {}, "Call"), element("pre", { class: "call" }, element("code", {}, `${call}\n${target}\n${action.status}`)),
    element("h4", {}, "Outcome"), element("p", { class: !step.status || step.status === "ok" ? null : "bad" }, outcome.filter(Boolean).join(" · ")),
    element("h4", {}, "Plan that remains"),
    action.plan.length ? element("ol", {}, ...action.plan.map((line) => element("li", {}, line))) : element("p", {}, "nothing"),
  ];
}

/* The screen before a step and after it, where pictures were kept. */
function pictures(data, one, index) {
  const kept = data.pictures[one.id] || [];
  const frame = (source, words) => source && element("button", {
    type: "button", class: "screenshot", title: "enlarge", onclick: (event) => event.currentTarget.classList.toggle("large"),
  }, element("img", { src: source, alt: `The screen ${words}` }), element("small", {}, words));
  const after = kept[index + 1] === kept[index] ? null : kept[index + 1];
  const frames = [frame(kept[index], "before this step"), frame(after, "after it")].filter(Boolean);
  return frames.length ? [element("div", { class: "screenshots" }, ...frames)] : [];
}

function controls(data, step) {
  const list = element("ul", { class: "controls", tabindex: "0", "aria-label": "Controls on the screen" });
  for (const [label, number] of step.screen) {
    const [type, text, enabled, selected, value] = data.controls[number];
    const chosen = label === step.action?.control_label;
    const classes = [chosen ? "chosen" : step.acceptable?.includes(label) ? "acceptable" : "", enabled ? "" : "off", selected ? "on" : ""];
    list.append(element("li", { class: classes.filter(Boolean).join(" ") || null, title: `${type}${value ? `: ${value}` : ""}` },
      element("span", {}, label), text || type, chosen ? element("b", { class: "hidden" }, " (chosen)") : null));
  }
  return list;
}
