// What runs inside the page: starts an episode, lists its controls, carries actions out. Knows HTML, jQuery UI's roles
// and MiniWoB++'s episode calls; knows no task. Installed once a page load as `window.lam`.
(() => {
  if (window.lam) return;

  // ---- Time. Short delays of the page are run through at once after each action, in the order in which they are due:
  // nothing has to be waited for, and the same actions give the same screens.
  const real = { set: window.setTimeout.bind(window), clear: window.clearTimeout.bind(window) };
  const LONG = 10000, HORIZON = 3000, MOST = 500;
  let clock = 0, serial = 1 << 30;
  const timers = new Map();
  window.setTimeout = (call, delay = 0, ...args) => {
    if (delay > LONG || typeof call !== 'function') return real.set(call, delay, ...args);
    timers.set(++serial, { call, args, due: clock + Math.max(0, Number(delay) || 0) });
    return serial;
  };
  window.clearTimeout = id => { if (!timers.delete(id)) real.clear(id); };
  const settle = () => {
    const end = clock + HORIZON;
    for (let count = 0; count < MOST && timers.size; count++) {
      const [id, timer] = [...timers].reduce((first, other) => (other[1].due < first[1].due ? other : first));
      if (timer.due > end) break;
      clock = Math.max(clock, timer.due);
      timers.delete(id);
      timer.call(...timer.args);
    }
    // What moves is where it goes.
    if (window.jQuery && jQuery.fn.finish) jQuery(':animated').finish();
  };
  const still = document.createElement('style');
  still.textContent = '*{transition:none!important;animation:none!important;scroll-behavior:auto!important}';
  document.head.appendChild(still);

  // ---- The page stays. Links, forms and scripts lead nowhere else, nothing is loaded down, no other window opens.
  if (window.navigation) navigation.addEventListener('navigate', e => {
    const same = new URL(e.destination.url, location).href.split('#')[0] === location.href.split('#')[0];
    if (!(same && e.hashChange) && e.cancelable) e.preventDefault();
  });
  window.open = () => null;
  window.print = () => undefined;
  for (const on of ['click', 'auxclick', 'submit']) document.addEventListener(on, e => {
    const at = e.target.closest && e.target.closest('a[target],a[download],a[ping],area[target],form[target]');
    if (at) ['target', 'download', 'ping'].forEach(name => at.removeAttribute(name));
    if (e.target.closest && e.target.closest('input[type=file],a[href^="javascript:" i]')) e.preventDefault();
  }, true);

  // ---- Pictures take up room only once they are there, so nothing is looked at before.
  const loaded = url => new Promise(done => {
    const picture = new Image();
    picture.onload = picture.onerror = done;
    picture.src = url;
    (window.lamPictures = window.lamPictures || []).push(picture);
  });
  const styleUrls = () => [...document.styleSheets].flatMap(sheet => {
    try {
      const base = sheet.href || location.href;
      return [...sheet.cssRules].flatMap(rule => [...rule.cssText.matchAll(/url\("?([^")]+)"?\)/g)].map(m => new URL(m[1], base).href));
    } catch (closed) { return []; }
  });
  const pictures = () => Promise.all([...document.images].filter(i => !i.complete).map(i => i.decode().catch(() => undefined)));

  // ---- What is on the screen.
  const CHROME = ['reward-display', 'sync-task-cover', 'click-canvas', 'query'];
  const FIELDS = ['text', 'password', 'email', 'number', 'search', 'date', 'time', 'tel', 'url', 'month', 'week'];
  const BUTTONS = ['submit', 'button', 'reset', 'image'];
  const trim = text => (text || '').replace(/\s+/g, ' ').trim();
  const tag = e => e.tagName.toUpperCase();
  const role = e => e.getAttribute('role') || '';
  const own = e => trim([...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join(' '));
  const isShown = e => {
    if (tag(e) === 'OPTION') return isShown(e.closest('select'));
    const box = e.getBoundingClientRect(), style = getComputedStyle(e);
    // Clipped to nothing: meant for screen readers alone.
    if (style.clip === 'rect(0px, 0px, 0px, 0px)') return false;
    return box.width > 0 && box.height > 0 && style.visibility !== 'hidden';
  };
  const handles = e => e.onclick || e.__onclick || (e.__on || []).some(l => l.type === 'click') ||
    (window.jQuery && jQuery._data && (jQuery._data(e, 'events') || {}).click);
  const isPointed = e => getComputedStyle(e).cursor === 'pointer' &&
    !(e.parentElement && getComputedStyle(e.parentElement).cursor === 'pointer');
  const isUsable = e => handles(e) || e.hasAttribute('tabindex') || isPointed(e);

  const kindOf = e => {
    const t = tag(e), r = role(e), type = (e.type || 'text').toLowerCase();
    if (t === 'INPUT' && type === 'checkbox') return 'CheckBox';
    if (t === 'INPUT' && type === 'radio') return 'RadioButton';
    if (t === 'INPUT' && BUTTONS.includes(type)) return 'Button';
    if (t === 'INPUT' && e.closest('.ui-spinner')) return 'Spinner';
    if (t === 'INPUT' && FIELDS.includes(type)) return 'Edit';
    if (t === 'TEXTAREA' || e.isContentEditable) return 'Edit';
    if (t === 'SELECT') return e.multiple || e.size > 1 ? 'Group' : 'ComboBox';
    if (t === 'OPTION') return 'ListItem';
    if (r === 'tab' || e.closest('.ui-tabs-nav')) return 'TabItem';
    if (r === 'menuitem' || e.closest('.ui-menu')) return 'MenuItem';
    if (r === 'slider' || e.classList.contains('ui-slider-handle')) return 'ScrollBar';
    if (t === 'BUTTON' || r === 'button') return 'Button';
    if (t === 'A') return 'Hyperlink';
    if (!isUsable(e)) return t === 'TD' || t === 'TH' ? 'DataItem' : 'Text';
    if (t === 'LI' || t === 'TR') return 'ListItem';
    return own(e) || trim(e.textContent) ? 'Hyperlink' : 'Button';
  };
  // Controls whose whole text is their name, so that nothing inside them is a control of its own.
  const isWhole = e => ['BUTTON', 'A', 'OPTION', 'TEXTAREA', 'INPUT', 'H1', 'H2', 'H3', 'H4'].includes(tag(e)) ||
    ['tab', 'button', 'menuitem'].includes(role(e));

  // ---- Names.
  const words = text => trim(text.replace(/[-_]+/g, ' ').replace(/([a-z])([A-Z])/g, '$1 $2'));
  // The short text that stands right before a field.
  const CAPTION = 40;
  const caption = e => {
    let node = e.previousSibling;
    while (node && node.nodeType === 3 && !trim(node.data)) node = node.previousSibling;
    if (!node || trim(node.textContent).length > CAPTION) return null;
    if (node.nodeType === 3) return node;
    const isPlain = ['LABEL', 'SPAN', 'B', 'STRONG', 'TH', 'P', 'DIV'].includes(tag(node)) && !isUsable(node);
    return isPlain && !node.querySelector('input,select,textarea,button,a') && isShown(node) ? node : null;
  };
  const before = e => trim((caption(e) || { textContent: '' }).textContent);
  const labelOf = e => {
    const named = e.id && [...document.querySelectorAll('label')].find(l => l.htmlFor === e.id);
    const around = e.closest('label');
    return trim((named || around || { textContent: '' }).textContent);
  };
  const EMPTY = /^(ui|icon|js|btn|button|input|bold|left|right|col|row)([- ].*)?$/;
  const classWord = e => {
    const names = [...(e.classList || [])].filter(n => !EMPTY.test(n));
    return words(names[names.length - 1] || '');
  };
  const kindWords = { Edit: 'text field', ComboBox: 'list', Group: 'list', CheckBox: 'checkbox', RadioButton: 'radio button',
    Spinner: 'number field', Button: 'button', ScrollBar: 'slider' };
  const clean = text => trim(text).replace(/\s*:$/, '');
  const nameOf = (e, kind) => {
    const given = clean(e.getAttribute('aria-label') || e.getAttribute('alt') || '');
    const text = isWhole(e) || kind === 'Hyperlink' ? trim(e.textContent) : own(e);
    const type = (e.type || '').toLowerCase();
    if (['Edit', 'ComboBox', 'Group', 'CheckBox', 'RadioButton', 'Spinner'].includes(kind) && tag(e) !== 'DIV') {
      const label = clean(given || labelOf(e) || e.placeholder || before(e)).slice(0, 60);
      if (label) return [label, true];
      if (tag(e) === 'TEXTAREA') return ['text area', false];
      return [FIELDS.includes(type) && type !== 'text' ? type + ' field' : kindWords[kind], false];
    }
    if (kind === 'Button' && tag(e) === 'INPUT') return [trim(e.value) || kindWords.Button, true];
    const name = given || text || clean(e.getAttribute('title')) || classWord(e) || words(e.id || '');
    return name ? [name.slice(0, 240), true] : [kindWords[kind] || 'item', false];
  };
  const valueOf = (e, kind) => {
    if (kind === 'ComboBox') return e.selectedIndex >= 0 ? trim(e.options[e.selectedIndex].text) : '';
    if (kind === 'Edit' || kind === 'Spinner') return e.isContentEditable && !('value' in e) ? trim(e.textContent) : e.value;
    return undefined;
  };
  const stateOf = (e, kind) => {
    if (kind === 'CheckBox' || kind === 'RadioButton') return e.checked;
    if (kind === 'ListItem' && tag(e) === 'OPTION') return e.selected;
    const shown = e.getAttribute('aria-selected') || (e.closest('[role=tab]') || e).getAttribute('aria-selected') || e.getAttribute('aria-expanded');
    return kind === 'TabItem' && shown ? shown === 'true' : undefined;
  };

  // A text that only names another control is not a control.
  const isCaption = e => {
    if (tag(e) === 'LABEL' && (e.querySelector('input,select,textarea') || (e.htmlFor && document.getElementById(e.htmlFor)))) return true;
    const next = e.nextElementSibling;
    return !!next && ['INPUT', 'SELECT', 'TEXTAREA'].includes(tag(next)) && FIELDS.concat('textarea', 'select-one').includes(next.type) && caption(next) === e;
  };
  let listed = [];
  const gather = () => {
    listed = [];
    const lines = [];
    const visit = e => {
      if (CHROME.includes(e.id) || ['SCRIPT', 'STYLE', 'CANVAS'].includes(tag(e)) || !isShown(e)) return;
      const kind = kindOf(e), text = own(e);
      const isControl = !isCaption(e);
      const isBare = ['Text', 'DataItem', 'Hyperlink', 'ListItem', 'Button', 'TabItem', 'MenuItem'].includes(kind) && !isWhole(e);
      // A box that can be clicked but only holds other things is reached through them.
      const isBox = isBare && !text && [...e.children].some(child => isShown(child));
      const isListed = isControl && !isBox && (kind !== 'Text' && kind !== 'DataItem' ? true : !!text);
      if (isListed && !(isBare && !text && !isUsable(e))) {
        const [name, named] = nameOf(e, kind);
        listed.push({ e, kind, name, named });
        lines.push(trim(tag(e) === 'TEXTAREA' ? e.value : isWhole(e) ? e.textContent : text));
      } else if (text && isCaption(e)) lines.push(text);
      if (!isWhole(e) || tag(e) === 'SELECT') for (const child of e.children) visit(child);
    };
    for (const child of document.body.children) visit(child);
    group();
    return lines.filter(line => line).join('\n');
  };

  // Things that bear the same name are told apart by the row they stand in, nameless ones by number. Of a row's texts the
  // address (`@ada`, `ada@mail.org`) says whose it is; where there is none, the first, or the first two if one leaves two
  // rows alike.
  const ADDRESS = /^\S*@\S+$/;
  const group = () => {
    const byName = new Map();
    for (const item of listed.filter(item => item.kind !== 'Text' && item.kind !== 'DataItem')) {
      byName.set(item.name, [...(byName.get(item.name) || []), item]);
    }
    for (const same of byName.values()) {
      if (same.length < 2) continue;
      const rows = same.map(item => {
        let row = item.e;
        while (row.parentElement && !same.some(other => other !== item && row.parentElement.contains(other.e))) row = row.parentElement;
        const inRow = listed.filter(other => !same.includes(other) && row.contains(other.e) && row !== item.e);
        const texts = inRow.filter(other => other.kind === 'Text' || other.kind === 'DataItem').map(text => text.name.slice(0, 24));
        const address = texts.find(text => ADDRESS.test(text));
        return address ? [address] : texts;
      });
      const first = rows.map(texts => texts[0]);
      const count = new Set(first).size === first.length ? 1 : 2;
      same.forEach((item, index) => {
        if (rows[index].length) item.row = rows[index].slice(0, count).join(' ');
        else if (!item.named) item.row = String(index + 1);
      });
    }
    for (const item of listed.filter(item => item.row)) {
      item.name = /^\d+$/.test(item.row) && !item.named ? `${item.name} ${item.row}` : `${item.row} ${item.name}`;
    }
  };

  const observe = () => {
    if (WOB_DONE_GLOBAL) return { done: true, reward: WOB_RAW_REWARD_GLOBAL, reason: WOB_REWARD_REASON ? String(WOB_REWARD_REASON) : '' };
    const text = gather();
    const controls = listed.map(({ e, kind, name }) => {
      const box = e.getBoundingClientRect();
      const control = { name, kind, box: [box.left, box.top, box.right, box.bottom].map(Math.round) };
      const value = valueOf(e, kind), state = stateOf(e, kind);
      if (value !== undefined) control.value = String(value);
      if (state !== undefined) control.selected = !!state;
      if (e.disabled) control.disabled = true;
      return control;
    });
    return { done: false, controls, text, selection: String(getSelection()) };
  };

  // ---- Actions. Each answers with the screen after it, or with `refused` and why.
  const fire = (e, ...names) => names.forEach(name => e.dispatchEvent(new Event(name, { bubbles: true })));
  const mouse = (e, name, button, detail) => {
    const box = e.getBoundingClientRect();
    const at = { bubbles: true, cancelable: true, view: window, button, detail, clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
    return e.dispatchEvent(new MouseEvent(name, at));
  };
  const changed = e => fire(e, 'input', 'change');
  const pick = option => {
    const list = option.closest('select');
    option.selected = list.multiple ? !option.selected : true;
    changed(list);
  };
  const focus = e => {
    const at = e.closest('input,select,textarea,button,a,[tabindex],[contenteditable=true]');
    if (at) at.focus(); else if (document.activeElement) document.activeElement.blur();
  };
  // What lies at the middle of the control, if it is a part of it: a hand would press that.
  const pressed = e => {
    const box = e.getBoundingClientRect();
    const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return at && e.contains(at) ? at : e;
  };
  const click = (control, button, double) => {
    if (tag(control) === 'OPTION') return pick(control);
    control.scrollIntoView({ block: 'nearest' });
    const e = pressed(control);
    mouse(e, 'mouseover', 0, 0);
    mouse(e, 'mousedown', button, 1);
    focus(e);
    mouse(e, 'mouseup', button, 1);
    if (button === 2) return mouse(e, 'contextmenu', 2, 1);
    if (button === 1) return mouse(e, 'auxclick', 1, 1);
    e.click ? e.click() : mouse(e, 'click', 0, 1);
    if (double) { e.click ? e.click() : mouse(e, 'click', 0, 2); mouse(e, 'dblclick', 0, 2); }
  };
  // Dates and times as people write them, in the form in which such a field keeps them.
  const kept = (e, text) => {
    const date = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text), time = /^(\d{1,2}):(\d{2})\s*([AaPp])[Mm]$/.exec(text);
    const two = number => String(number).padStart(2, '0');
    if (e.type === 'date' && date) return `${date[3]}-${two(date[1])}-${two(date[2])}`;
    if (e.type === 'time' && time) return `${two(time[1] % 12 + (/p/i.test(time[3]) ? 12 : 0))}:${time[2]}`;
    return text;
  };
  const write = (e, text) => {
    e.focus();
    if (tag(e) === 'SELECT') {
      const option = [...e.options].find(o => trim(o.text) === text);
      return option ? pick(option) : `the list has no item ${text}`;
    }
    if (e.isContentEditable && !('value' in e)) e.textContent = text;
    else e.value = kept(e, text);
    if (text && 'value' in e && e.value === '') return `the field does not take ${text}`;
    changed(e);
    key(e, text.slice(-1) || 'Delete');
  };
  const key = (e, name) => {
    const codes = { Enter: 13, Tab: 9, Escape: 27, Backspace: 8, Delete: 46, ArrowUp: 38, ArrowDown: 40, ArrowLeft: 37, ArrowRight: 39 };
    const keyCode = codes[name] || name.toUpperCase().charCodeAt(0);
    const of = type => new KeyboardEvent(type, { key: name, keyCode, which: keyCode, bubbles: true, cancelable: true });
    const goes = e.dispatchEvent(of('keydown'));
    if (goes && (name.length === 1 || name === 'Enter')) e.dispatchEvent(of('keypress'));
    e.dispatchEvent(of('keyup'));
    return goes;
  };
  const type = (e, keys) => {
    e.focus();
    for (const name of keys) {
      const goes = key(e, name), isField = 'value' in e;
      if (!goes || !isField) continue;
      if (name.length === 1) e.value += name;
      else if (name === 'Backspace') e.value = e.value.slice(0, -1);
      else if (name === 'Enter' && tag(e) === 'TEXTAREA') e.value += '\n';
      else if (name === 'Enter' && e.form) { const send = e.form.querySelector('[type=submit],button'); if (send) send.click(); }
      else continue;
      fire(e, 'input');
    }
    if ('value' in e) fire(e, 'change');
  };
  const wheel = (e, notches) => {
    let box = e;
    const scrolls = b => b.scrollHeight > b.clientHeight && getComputedStyle(b).overflowY !== 'visible';
    while (box && !scrolls(box) && tag(box) !== 'TEXTAREA') box = box.parentElement;
    box = box || document.scrollingElement;
    box.scrollTop -= notches * 40;
    fire(box, 'scroll');
  };
  // Selects a text that stands in the page, over the borders of elements if need be.
  const select = text => {
    const walker = document.createTreeWalker(document.getElementById('area') || document.body, NodeFilter.SHOW_TEXT);
    const places = [];
    let all = '';
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      for (let at = 0; at < node.data.length; at++) {
        const isSpace = /\s/.test(node.data[at]);
        if (isSpace && (!all || all.endsWith(' '))) continue;
        all += isSpace ? ' ' : node.data[at];
        places.push([node, at]);
      }
    }
    const wanted = trim(text);
    const from = wanted ? all.indexOf(wanted) : -1;
    if (from < 0) return `the page has no text ${text}`;
    const [start, end] = [places[from], places[from + wanted.length - 1]];
    getSelection().setBaseAndExtent(start[0], start[1], end[0], end[1] + 1);
    fire(document, 'selectionchange');
    mouse(end[0].parentElement, 'mouseup', 0, 1);
  };
  const control = label => {
    const item = listed[label - 1];
    // Text that a driver types into a field for files would choose one.
    return item && item.e.isConnected && item.e.type !== 'file' ? item.e : null;
  };
  const CALLS = {
    click: (e, button, double) => click(e, button, double),
    write: (e, text) => write(e, text),
    type: (e, keys) => type(e, keys),
    wheel: (e, notches) => wheel(e, notches),
    select: (_, text) => select(text),
    none: () => undefined,
  };

  // Whether an action was carried out since the episode's start.
  let isUsed = false;
  window.lam = {
    install: () => Promise.all(styleUrls().map(loaded)).then(() => true),
    // An episode that was broken off leaves things open, such as a calendar: such a page has to be loaded anew. One that
    // was only looked at leaves nothing.
    start: async (seed, mode) => {
      if (isUsed && !WOB_DONE_GLOBAL) return { stale: true };
      isUsed = false;
      timers.clear();
      core.endEpisode(0);
      if (document.activeElement) document.activeElement.blur();
      Math.seedrandom(seed);
      core.EPISODE_MAX_TIME = 3600000;
      if (core.setDataMode) core.setDataMode(mode);
      core.startEpisodeReal();
      settle();
      await pictures();
      const said = core.getUtterance();
      return { ready: WOB_TASK_READY, request: trim(typeof said === 'object' ? said.utterance : said), screen: WOB_TASK_READY ? observe() : null };
    },
    ready: () => WOB_TASK_READY ? { ready: true, screen: observe() } : { ready: false },
    act: (call, label, ...args) => {
      isUsed = true;
      const e = label ? control(label) : null;
      if (label && !e) return { refused: 'the control is gone', screen: observe() };
      if (e && e.disabled) return { refused: 'the control cannot be used now', screen: observe() };
      const refused = CALLS[call](e, ...args);
      settle();
      return { refused: typeof refused === 'string' ? refused : null, screen: observe() };
    },
    element: label => { isUsed = true; const e = control(label); if (e) e.scrollIntoView({ block: 'nearest' }); return e; },
    prepare: label => { isUsed = true; const e = control(label); if (e) { e.focus(); if ('value' in e) e.value = ''; } return e; },
    reward: () => ({ done: WOB_DONE_GLOBAL, reward: WOB_RAW_REWARD_GLOBAL, reason: WOB_REWARD_REASON ? String(WOB_REWARD_REASON) : '' }),
  };
})();
