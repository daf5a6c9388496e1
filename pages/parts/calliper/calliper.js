// Two clicks set a calliper; its ends are dragged, or moved by the arrow keys. Coordinates are (row, column)
// of the picture's pixels, whole numbers at their middles.

const SVG = "http://www.w3.org/2000/svg";
const MOST = 2; // callipers: one for each ventricle
const MOVED_PX = 4; // on the screen, from which a press is a drag
const SHORTEST = 1; // pixel of the picture: less is a double click and no width
const REACH_PX = 16; // on the screen, around an end
const ARM_PX = 7;
const SETTLED_MS = 250; // after the last arrow key, until the page is told
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const states = new WeakMap();

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".calliper");
  let state = states.get(root);
  if (!state || state.picture !== data.picture_key) {
    state = fresh(data);
    states.set(root, state);
    build(root, state);
  }
  state.data = data;
  state.commit = () => setStateValue("lines", state.lines.map(({ kind, ends, taken }) => ({ kind, ends, taken })));
  draw(state);
}

function fresh(data) {
  return {
    picture: data.picture_key,
    lines: data.lines.map(copied),
    pending: null,
    kind: "calliper",
    view: whole(data),
    past: [],
    data,
  };
}

// The picture is shown as high as it is in millimetres: a row may be higher than a column is wide.
function whole({ width, height, pixel_aspect: aspect }) {
  return [0, 0, width, height * aspect];
}

function onScreen(data, [row, column]) {
  return [column + 0.5, (row + 0.5) * data.pixel_aspect];
}

function build(root, state) {
  const { data } = state;
  root.replaceChildren();
  const bar = root.appendChild(document.createElement("div"));
  bar.className = "bar";
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Callipers");
  state.buttons = {};
  const button = (name, words, act) => {
    const made = bar.appendChild(document.createElement("button"));
    made.type = "button";
    made.textContent = words;
    made.addEventListener("click", () => { act(); draw(state); });
    state.buttons[name] = made;
  };
  button("calliper", "Calliper", () => choose(state, "calliper"));
  if (data.may_set_distance) button("distance", "Known distance", () => choose(state, "distance"));
  if (data.machine) button("machine", "Take the machine's", () => {
    remember(state);
    add(state, { kind: "calliper", ends: data.machine.map((end) => [...end]), taken: true }); // until it is moved
  });
  button("undo", "Undo", () => {
    if (state.pending) state.pending = null;
    else if (state.past.length) { state.lines = state.past.pop(); state.commit(); }
  });
  button("clear", "Clear", () => { remember(state); state.lines = []; state.pending = null; state.commit(); });
  button("whole", "Whole picture", () => { state.view = whole(data); });
  for (const [name, sign, factor] of [["larger", "+", 0.7], ["smaller", "−", 1 / 0.7]]) {
    button(name, sign, () => zoom(state, factor, state.view[0] + state.view[2] / 2, state.view[1] + state.view[3] / 2));
    state.buttons[name].setAttribute("aria-label", name === "larger" ? "Enlarge" : "Make smaller");
  }
  state.told = root.appendChild(document.createElement("div")); // a line of its own: the picture must not move
  state.told.className = "told";
  state.told.setAttribute("aria-live", "polite");

  const svg = root.appendChild(document.createElementNS(SVG, "svg"));
  state.svg = svg;
  svg.setAttribute("role", "application");
  svg.setAttribute("aria-label", "The cleaned picture: click both inner walls of the ventricle");
  svg.style.aspectRatio = `${data.width} / ${data.height * data.pixel_aspect}`;
  svg.dataset.aspect = data.pixel_aspect;
  state.image = svg.appendChild(document.createElementNS(SVG, "image"));
  state.image.setAttribute("href", data.image);
  state.image.setAttribute("width", data.width);
  state.image.setAttribute("height", data.height * data.pixel_aspect);
  state.image.setAttribute("preserveAspectRatio", "none");
  state.drawing = svg.appendChild(document.createElementNS(SVG, "g"));
  listen(state);
}

function copied({ kind, ends, taken }) {
  return { kind, ends: ends.map((end) => [...end]), taken: Boolean(taken) };
}

function choose(state, kind) {
  state.kind = kind;
  state.pending = null;
}

function remember(state) {
  state.past.push(state.lines.map(copied));
}

function listen(state) {
  const { svg } = state;
  let press = null; // one pointer at a time: a second finger must not take over what the first one moves
  const release = (event, kept) => {
    const done = press;
    press = null;
    svg.classList.remove("panning");
    if (done.end && kept && done.moved) state.commit();
    else if (done.end) state.lines = state.past.pop();
    else if (kept && !done.moved) place(state, at(state, event));
    draw(state);
    if (done.end) focus(state, ...done.end);
  };
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary || (press && press.id !== event.pointerId)) return;
    if (press) release(event, press.moved); // its end was lost, as to a menu
    const end = event.target.closest?.(".end");
    press = {
      id: event.pointerId, x: event.clientX, y: event.clientY, view: [...state.view], moved: false, end: null,
    };
    if (end) {
      press.end = [Number(end.dataset.line), Number(end.dataset.end)];
      remember(state);
    }
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!press) {
      state.cursor = state.pending ? at(state, event) : null;
      if (state.pending) draw(state);
      return;
    }
    if (event.pointerId !== press.id) return;
    if (!event.buttons) { release(event, press.moved); return; }
    if (Math.hypot(event.clientX - press.x, event.clientY - press.y) > MOVED_PX) press.moved = true;
    if (!press.moved) return;
    if (press.end) {
      move(state, ...press.end, at(state, event));
    } else {
      const scale = pixelsOnScreen(state);
      state.view = within(state, [
        press.view[0] - (event.clientX - press.x) * scale, press.view[1] - (event.clientY - press.y) * scale,
        press.view[2], press.view[3],
      ]);
      svg.classList.add("panning");
    }
    draw(state);
  });
  svg.addEventListener("pointerup", (event) => {
    if (event.pointerId === press?.id) release(event, true);
  });
  svg.addEventListener("pointercancel", (event) => {
    if (event.pointerId === press?.id) release(event, false);
  });
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [x, y] = onScreen(state.data, at(state, event));
    zoom(state, Math.exp(Math.sign(event.deltaY) * 0.15), x, y);
    draw(state);
  }, { passive: false });
  svg.addEventListener("focusout", (event) => { if (!svg.contains(event.relatedTarget)) flush(state); });
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { state.pending = null; draw(state); return; }
    const end = event.target.closest?.(".end");
    if (!end) return;
    const [line, which] = [Number(end.dataset.line), Number(end.dataset.end)];
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      if (event.repeat) return; // a key that is held down removes one
      remember(state);
      state.lines.splice(line, 1);
      state.commit();
      draw(state);
      state.buttons.undo.focus(); // not the other calliper's end, which would go with the next press
    } else if (event.key in ARROWS) {
      event.preventDefault();
      event.stopPropagation();
      const step = event.shiftKey ? 10 : event.altKey ? 0.25 : 1;
      const [down, right] = ARROWS[event.key];
      const [row, column] = state.lines[line].ends[which];
      if (!state.later) remember(state); // a series of presses is one step
      move(state, line, which, inside(state, [row + down * step, column + right * step]));
      draw(state);
      focus(state, line, which);
      clearTimeout(state.later);
      state.later = setTimeout(() => { state.later = null; state.commit(); }, SETTLED_MS);
    }
  });
}

function zoom(state, factor, x, y) { // about a point that stays where it is
  const most = whole(state.data);
  const width = Math.min(Math.max(state.view[2] * factor, most[2] / 12), most[2]);
  const share = width / state.view[2];
  state.view = within(state, [
    x - (x - state.view[0]) * share, y - (y - state.view[1]) * share, width, (width * most[3]) / most[2],
  ]);
}

function place(state, point) {
  if (!state.pending) {
    state.pending = point;
    state.cursor = point;
    return;
  }
  if (Math.hypot(point[0] - state.pending[0], point[1] - state.pending[1]) < SHORTEST) return;
  remember(state);
  const made = { kind: state.kind, ends: [state.pending, point], taken: false };
  state.pending = null;
  if (state.kind === "distance") state.kind = "calliper";
  add(state, made);
}

function add(state, made) { // in the place of the oldest, where there are enough of its kind
  const most = made.kind === "calliper" ? MOST : 1;
  const same = state.lines.filter((line) => line.kind === made.kind);
  while (same.length >= most) state.lines.splice(state.lines.indexOf(same.shift()), 1);
  state.lines.push(made);
  state.commit();
}

function move(state, line, which, end) {
  state.lines[line].ends[which] = end;
  state.lines[line].taken = false;
}

function flush(state) { // what the arrow keys moved counts before anything else is pressed
  if (!state.later) return;
  clearTimeout(state.later);
  state.later = null;
  state.commit();
}

function pixelsOnScreen({ svg, view }) { // of the picture, for one of the screen
  const box = svg.getBoundingClientRect();
  return Math.max(view[2] / Math.max(box.width, 1), view[3] / Math.max(box.height, 1));
}

function at(state, event) {
  const box = state.svg.getBoundingClientRect();
  const [left, top, width, height] = state.view;
  const scale = pixelsOnScreen(state); // the picture lies in the middle of the box
  const column = left + width / 2 + (event.clientX - box.left - box.width / 2) * scale - 0.5;
  const y = top + height / 2 + (event.clientY - box.top - box.height / 2) * scale;
  const row = y / state.data.pixel_aspect - 0.5;
  return inside(state, [row, column]);
}

function inside(state, [row, column]) {
  const clip = (value, most) => Math.round(Math.min(Math.max(value, -0.5), most - 0.5) * 100) / 100;
  return [clip(row, state.data.height), clip(column, state.data.width)];
}

function within(state, [left, top, width, height]) {
  const most = whole(state.data);
  return [
    Math.min(Math.max(left, 0), most[2] - width), Math.min(Math.max(top, 0), most[3] - height), width, height,
  ];
}

function focus(state, line, which) {
  state.drawing.querySelector(`.end[data-line="${line}"][data-end="${which}"]`)?.focus();
}

function words(state, ends) {
  const [[r0, c0], [r1, c1]] = ends;
  const mm = state.data.spacing_mm;
  if (mm) return `${Math.hypot((r1 - r0) * mm[0], (c1 - c0) * mm[1]).toFixed(1)} mm`;
  return `${Math.hypot(r1 - r0, c1 - c0).toFixed(1)} pixels`;
}

function draw(state) {
  const { svg, drawing, data } = state;
  svg.setAttribute("viewBox", state.view.join(" "));
  const pixel = pixelsOnScreen(state);
  const focused = svg.getRootNode().activeElement;
  const kept = focused?.classList?.contains("end") ? [focused.dataset.line, focused.dataset.end] : null;
  drawing.replaceChildren();
  if (data.machine) stroke(drawing, data, data.machine, "machine");
  state.lines.forEach((line, index) => {
    stroke(drawing, data, line.ends, `${line.kind}-line`);
    line.ends.forEach((end, which) => handle(drawing, onScreen(data, end), index, which, line.kind, pixel));
  });
  if (state.pending) stroke(drawing, data, [state.pending, state.cursor ?? state.pending], `${state.kind}-line`);
  if (kept) focus(state, ...kept);
  const said = state.lines.filter((line) => line.kind === "calliper").map((line) => words(state, line.ends));
  if (state.pending && state.cursor) said.push(words(state, [state.pending, state.cursor]));
  state.told.textContent = said.join(" · ") || "Click one inner wall, then the other.";
  for (const kind of ["calliper", "distance"]) {
    state.buttons[kind]?.setAttribute("aria-pressed", String(state.kind === kind));
  }
  state.buttons.undo.disabled = !state.pending && !state.past.length;
  state.buttons.clear.disabled = !state.lines.length && !state.pending;
}

function stroke(parent, data, ends, name) {
  const [from, to] = ends.map((end) => onScreen(data, end).join(" "));
  const group = parent.appendChild(document.createElementNS(SVG, "g"));
  group.setAttribute("class", name);
  for (const part of ["edge", "line"]) {
    const path = group.appendChild(document.createElementNS(SVG, "path"));
    path.setAttribute("class", part);
    path.setAttribute("d", `M ${from} L ${to}`);
  }
}

function handle(parent, [x, y], line, which, kind, pixel) {
  const group = parent.appendChild(document.createElementNS(SVG, "g"));
  group.setAttribute("class", `end ${kind}-line`);
  group.setAttribute("tabindex", "0");
  group.setAttribute("role", "button");
  group.setAttribute("aria-label", `End ${which + 1} of ${kind} ${line + 1}: arrow keys move it, Delete removes it`);
  group.dataset.line = line;
  group.dataset.end = which;
  const arm = ARM_PX * pixel;
  const reach = group.appendChild(document.createElementNS(SVG, "circle"));
  reach.setAttribute("class", "reach");
  reach.setAttribute("cx", x);
  reach.setAttribute("cy", y);
  reach.setAttribute("r", REACH_PX * pixel);
  const cross = group.appendChild(document.createElementNS(SVG, "path"));
  cross.setAttribute("class", "cross");
  cross.setAttribute("d", `M ${x - arm} ${y - arm} L ${x + arm} ${y + arm} M ${x - arm} ${y + arm} L ${x + arm} ${y - arm}`);
}
