// Draws the map of the catalogue on a canvas, to be moved, zoomed, searched and asked.
// Without it the page shows a picture. What it needs of products beside their places, it
// asks for when it is wanted: their names and cards.
"use strict";

(() => {
  const page = document.getElementById("map");
  if (!page) return;

  const canvas = document.getElementById("map-canvas");
  const context = canvas.getContext("2d");
  const stage = document.getElementById("map-stage");
  const hoverCard = document.getElementById("map-hover");
  const chosenCard = document.getElementById("map-chosen");
  const namesList = document.getElementById("map-names");
  const seenCount = document.getElementById("map-seen");
  const status = document.getElementById("map-status");
  const search = page.querySelector(".map-search");
  const number = new Intl.NumberFormat(document.documentElement.lang);

  const MOST_ZOOM = 200;
  const STEP = 1.5; // of a press of + or −
  const LISTED = 20; // products in view that are named
  const PAUSE = 250; // milliseconds without a move, after which the list is asked for
  const HOVER_PAUSE = 120;
  const REACH = { mouse: 12, touch: 24, pen: 18 }; // pixels around a point that count
  const LABEL = 13; // pixels
  const MARGIN = 8;
  const CLOSE = 12; // times larger than the whole map

  // The points, as the server sends them; `at` finds the place of an id among them.
  let points = { ids: [], x: [], y: [], series: [], clusters: [], width: 1, height: 1 };
  let at = new Map();

  // The smallest box with all points.
  let box = { x: 0, y: 0, width: 1, height: 1 };

  // Where a visitor looks: the middle, in the points' units, and how far in. At zoom 1
  // the whole box fits.
  const view = { x: 0, y: 0, zoom: 1 };
  const size = { width: 1, height: 1, ratio: 1 };
  let scale = 1; // pixels of a unit

  // The canvas, and as much around it as a point at its edge takes.
  const EDGE = 32;
  let image;
  let pixels; // a number for each pixel of the image
  let surface; // that of an empty one

  let chosen = null; // the id of a product
  let neighbours = []; // ids
  let chosenNames = new Map(); // of it and its neighbours
  let lit = null; // a Set of ids that a search found, null without a search
  let only = null; // the number of a category, null for all
  let pointed = null; // the place of the point under the pointer, or focused in the list
  let names = new Map(); // of the products in view, if they are few
  const cards = new Map(); // HTML by id

  // Where things are

  function fit() {
    const room = (pixels) => Math.max(pixels - 4 * MARGIN, 1);
    const fits = Math.min(room(size.width) / box.width, room(size.height) / box.height);
    scale = fits * view.zoom;
  }

  const screenX = (x) => (x - view.x) * scale + size.width / 2;
  const screenY = (y) => (y - view.y) * scale + size.height / 2;

  function clampView() {
    view.zoom = Math.min(Math.max(view.zoom, 1), MOST_ZOOM);
    view.x = Math.min(Math.max(view.x, box.x), box.x + box.width);
    view.y = Math.min(Math.max(view.y, box.y), box.y + box.height);
    fit();
  }

  // The view of all points.
  const whole = () => ({ x: box.x + box.width / 2, y: box.y + box.height / 2, zoom: 1 });

  function showAll() {
    Object.assign(view, whole());
    moved();
  }

  function pan(dx, dy) {
    view.x -= dx / scale;
    view.y -= dy / scale;
    moved();
  }

  // Zooms so that the point under a place of the canvas stays there.
  function zoom(factor, left = size.width / 2, top = size.height / 2) {
    const x = view.x + (left - size.width / 2) / scale;
    const y = view.y + (top - size.height / 2) / scale;
    view.zoom = Math.min(Math.max(view.zoom * factor, 1), MOST_ZOOM);
    fit();
    view.x = x - (left - size.width / 2) / scale;
    view.y = y - (top - size.height / 2) / scale;
    moved();
  }

  function moved() {
    clampView();
    draw();
    later();
  }

  function nearestPoint(left, top, reach) {
    let best = null;
    let least = reach * reach;
    for (let i = 0; i < points.ids.length; i++) {
      if (only !== null && points.series[i] !== only) continue;
      const dx = screenX(points.x[i]) - left;
      const dy = screenY(points.y[i]) - top;
      const far = dx * dx + dy * dy;
      if (far < least) [best, least] = [i, far];
    }
    return best;
  }

  function inView() {
    const seen = [];
    for (let i = 0; i < points.ids.length; i++) {
      if (only !== null && points.series[i] !== only) continue;
      const x = screenX(points.x[i]);
      const y = screenY(points.y[i]);
      if (x >= 0 && y >= 0 && x <= size.width && y <= size.height) seen.push(i);
    }
    return seen;
  }

  // Colours: those of the legend and of the page, in the light and in the dark

  let colours = {};
  let stamps = { bright: [], dim: [] };
  let radius = 0;

  function readColours() {
    const marks = [...page.querySelectorAll(".legend circle")];
    colours = {
      ink: getComputedStyle(page).color,
      surface: getComputedStyle(canvas).backgroundColor,
      series: marks.map((mark) => getComputedStyle(mark).fill),
    };
    radius = 0;
  }

  function pointRadius() {
    const all = points.ids.length;
    const least = all > 5000 ? 2.5 : all > 500 ? 3.5 : 7;
    return Math.min(Math.round(2 * least * view.zoom ** 0.25) / 2, 9);
  }

  // A point in each colour, as pixels to be copied.
  function makeStamps(wanted) {
    if (wanted === radius) return;
    radius = wanted;
    const inAll = (strength) => colours.series.map((colour) => stamp(colour, strength));
    stamps = { bright: inAll(1), dim: inAll(0.15) };
  }

  // Returns the pixels of a point: how far each is from its middle in the image, and its
  // colour, all four bytes in one number.
  function stamp(colour, strength) {
    const reach = Math.ceil((radius + 1) * size.ratio);
    const side = 2 * reach + 1;
    const sheet = new OffscreenCanvas(side, side).getContext("2d");
    circle(sheet, reach + 0.5, reach + 0.5, radius * size.ratio);
    sheet.fillStyle = colours.surface;
    sheet.fill();
    sheet.globalAlpha = strength;
    sheet.fillStyle = colour;
    sheet.fill();
    sheet.globalAlpha = 1;
    sheet.strokeStyle = colours.surface;
    sheet.lineWidth = (radius > 3 ? 1 : 0.5) * size.ratio;
    sheet.stroke();
    const { data } = sheet.getImageData(0, 0, side, side);
    // The outermost pixels have the colour of the surface, so none needs to be mixed with
    // what lies below.
    const filled = [...Array(side * side).keys()].filter((i) => data[4 * i + 3] > 127);
    for (const i of filled) data[4 * i + 3] = 255;
    const pixels = new Uint32Array(data.buffer);
    return {
      moves: Int32Array.from(filled, (i) => (Math.floor(i / side) - reach) * image.width + (i % side) - reach),
      colours: Uint32Array.from(filled, (i) => pixels[i]),
    };
  }

  function circle(brush, x, y, r) {
    brush.beginPath();
    brush.arc(x, y, r, 0, 2 * Math.PI);
  }

  // Drawing

  let asked = false;

  function draw() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      paint();
    });
  }

  function paint() {
    makeStamps(pointRadius());
    const isBright = brightness();
    pixels.fill(surface);
    if (isBright) paintPoints(stamps.dim, (i) => !isBright(i));
    paintPoints(stamps.bright, isBright);
    context.putImageData(image, -EDGE, -EDGE);
    context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
    paintLines();
    if (pointed !== null) ring(pointed);
    paintLabels();
  }

  // Returns which points stand out, null if none does more than the others.
  function brightness() {
    if (lit === null && only === null) return null;
    return (i) => (only === null || points.series[i] === only) && (lit === null || lit.has(points.ids[i]));
  }

  // Writes the pixels of the points themselves: to have a browser draw 20,000 circles, or
  // copies of one, takes it several times as long where no graphics card helps.
  function paintPoints(stamps, wanted) {
    const { x, y, series } = points;
    const { width, height } = image;
    const factor = scale * size.ratio;
    const dx = canvas.width / 2 - view.x * factor + EDGE;
    const dy = canvas.height / 2 - view.y * factor + EDGE;
    const near = Math.ceil((radius + 1) * size.ratio);
    for (let i = 0; i < x.length; i++) {
      const across = Math.round(x[i] * factor + dx);
      const down = Math.round(y[i] * factor + dy);
      if (across < near || down < near || across >= width - near || down >= height - near) continue;
      if (wanted && !wanted(i)) continue;
      const { moves, colours } = stamps[series[i]];
      const middle = down * width + across;
      for (let k = 0; k < moves.length; k++) pixels[middle + moves[k]] = colours[k];
    }
  }

  function ring(i) {
    circle(context, screenX(points.x[i]), screenY(points.y[i]), radius + 3);
    stroke(4, colours.surface);
    stroke(2, colours.ink);
  }

  function stroke(width, colour) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  }

  function paintLines() {
    const from = at.get(chosen);
    const ends = neighbours.map((id) => at.get(id)).filter((i) => i !== undefined);
    if (from !== undefined) {
      for (const to of ends) {
        context.beginPath();
        context.moveTo(screenX(points.x[from]), screenY(points.y[from]));
        context.lineTo(screenX(points.x[to]), screenY(points.y[to]));
        stroke(4, colours.surface);
        stroke(2, colours.ink);
      }
      circle(context, screenX(points.x[from]), screenY(points.y[from]), radius + 1);
      context.fillStyle = colours.ink;
      context.fill();
    }
    for (const i of from === undefined ? ends : [from, ...ends]) ring(i);
  }

  // The names of the chosen product and its neighbours; of the products where few are in
  // view, else of the clusters; none that would cover another.
  function paintLabels() {
    const taken = [];
    context.font = `600 ${LABEL}px system-ui, sans-serif`;
    context.textBaseline = "middle";
    context.lineJoin = "round";
    const write = (text, x, y, align) => {
      const width = context.measureText(text).width + 8;
      const left = align === "center" ? x - width / 2 : align === "right" ? x - width : x;
      const [right, top, bottom] = [left + width, y - LABEL, y + LABEL];
      if (left < 0 || right > size.width || top < 0 || bottom > size.height) return false;
      if (taken.some((t) => left < t.right && t.left < right && top < t.bottom && t.top < bottom)) return false;
      taken.push({ left, right, top, bottom });
      context.textAlign = "left";
      context.lineWidth = 4;
      context.strokeStyle = colours.surface;
      context.strokeText(text, left + 4, y);
      context.fillStyle = colours.ink;
      context.fillText(text, left + 4, y);
      return true;
    };
    for (const [id, name] of new Map([...chosenNames, ...names])) {
      const i = at.get(id);
      if (i === undefined) continue;
      const [x, y, gap] = [screenX(points.x[i]), screenY(points.y[i]), radius + 3];
      const short = name.length > 30 ? `${name.slice(0, 29)}…` : name;
      if (!write(short, x + gap, y, "left")) write(short, x - gap, y, "right");
    }
    if (names.size) return;
    for (const cluster of points.clusters) {
      write(cluster.words, screenX(cluster.x), screenY(cluster.y), "center");
    }
  }

  // What stands beside the map

  let pause;

  function later() {
    clearTimeout(pause);
    pause = setTimeout(settled, PAUSE);
  }

  async function settled() {
    remember();
    const seen = inView();
    seenCount.textContent = number.format(seen.length);
    const far = (i) => (points.x[i] - view.x) ** 2 + (points.y[i] - view.y) ** 2;
    const bright = brightness();
    const first = seen
      .filter((i) => !bright || bright(i))
      .sort((a, b) => far(a) - far(b))
      .slice(0, LISTED)
      .map((i) => points.ids[i]);
    const html = first.length ? await fetched(`${page.dataset.names}?${first.map((id) => `product=${id}`).join("&")}`) : "";
    if (html === null) return;
    namesList.innerHTML = html;
    names = seen.length <= LISTED ? named(namesList.querySelectorAll("[data-product]")) : new Map();
    draw();
  }

  // Returns the text of an address; null where another one was asked for since, or the
  // server has no answer.
  const latest = {};

  async function fetched(address) {
    const kind = address.split("?")[0];
    latest[kind] = address;
    try {
      const response = await fetch(address);
      const text = await response.text();
      return response.ok && latest[kind] === address ? text : null;
    } catch {
      return null; // no connection: what is shown stays
    }
  }

  const cardAddress = (id) => page.dataset.card.replace(/0\/$/, `${id}/`);

  async function card(id) {
    if (!cards.has(id)) {
      const html = await fetched(cardAddress(id));
      if (html === null) return null;
      cards.set(id, html);
    }
    return cards.get(id);
  }

  function connect() {
    const near = chosenCard.querySelectorAll(".map-near [data-product]");
    neighbours = [...near].map((link) => Number(link.dataset.product));
    chosenNames = named(near).set(chosen, chosenCard.querySelector("h2").textContent);
  }

  const named = (links) => new Map([...links].map((link) => [Number(link.dataset.product), link.textContent]));

  async function choose(id, { remembered = true } = {}) {
    chosen = id;
    neighbours = [];
    chosenNames = new Map();
    if (remembered) remember({ push: true });
    tellAbsent();
    draw();
    const html = id === null ? null : await card(id);
    if (chosen !== id) return;
    chosenCard.innerHTML = html ?? "";
    chosenCard.hidden = html === null;
    if (html === null) return;
    connect();
    draw();
  }

  function tellAbsent() {
    const { absent } = status.dataset;
    if (chosen !== null && !at.has(chosen)) status.textContent = absent;
    else if (status.textContent === absent) status.textContent = "";
  }

  // Shows the chosen product and its neighbours as large as they can be, but not so large
  // that nothing else is left to see.
  function lookAtChosen() {
    const places = [chosen, ...neighbours].map((id) => at.get(id)).filter((i) => i !== undefined);
    if (!at.has(chosen)) return;
    const part = bounds(places);
    const most = Math.min(box.width / part.width, box.height / part.height) / 2;
    view.x = part.x + part.width / 2;
    view.y = part.y + part.height / 2;
    view.zoom = Math.min(most, CLOSE);
    moved();
  }

  // Brings a product into view that is outside.
  function reveal(id) {
    const i = at.get(id);
    if (i === undefined) return;
    const [x, y] = [screenX(points.x[i]), screenY(points.y[i])];
    if (x > 20 && y > 20 && x < size.width - 20 && y < size.height - 20) return;
    Object.assign(view, { x: points.x[i], y: points.y[i] });
    moved();
  }

  // Returns what the server answers in JSON, also to what it refuses; where it does not
  // answer, nothing found and a text that says so.
  async function answered(address) {
    try {
      return await (await fetch(address)).json();
    } catch {
      return { ids: [], text: status.dataset.failed };
    }
  }

  async function find(text, { remembered = true } = {}) {
    search.elements.q.value = text;
    if (!text.trim()) {
      lit = null;
      status.textContent = "";
    } else {
      const found = await answered(`${page.dataset.found}?${new URLSearchParams({ q: text })}`);
      if (search.elements.q.value !== text) return;
      lit = new Set(found.ids);
      const here = found.ids.filter((id) => at.has(id)).length;
      const note = found.ids.length ? status.dataset.here.replace("%(count)s", number.format(here)) : "";
      status.textContent = [found.text, note].filter(Boolean).join(" · ");
    }
    if (remembered) remember({ push: true });
    draw();
    later();
  }

  // The address: what is chosen and searched for, and where a visitor looks

  function address() {
    const state = new URLSearchParams();
    const text = search.elements.q.value.trim();
    if (page.dataset.projection !== "pca") state.set("projection", page.dataset.projection);
    if (text && lit) state.set("q", text);
    if (chosen !== null) state.set("product", chosen);
    const all = whole();
    if (view.zoom > 1 || Math.hypot(view.x - all.x, view.y - all.y) * scale > 1) {
      const place = [view.x / points.width, view.y / points.height].map((part) => part.toFixed(4));
      state.set("at", [...place, view.zoom.toFixed(2)].join(","));
    }
    return state.size ? `?${state}` : location.pathname;
  }

  function remember({ push = false } = {}) {
    const now = address();
    if (now === location.search || (now === location.pathname && !location.search)) return;
    history[push ? "pushState" : "replaceState"](null, "", now);
  }

  function restore() {
    const state = new URLSearchParams(location.search);
    const [x, y, zoomed] = (state.get("at") ?? "").split(",").map(Number);
    const isPlace = [x, y, zoomed].every(Number.isFinite);
    Object.assign(view, isPlace ? { x: x * points.width, y: y * points.height, zoom: zoomed } : whole());
    moved();
    const product = Number(state.get("product"));
    if ((product || null) !== chosen) choose(product || null, { remembered: false });
    const text = state.get("q") ?? "";
    if (text !== (lit ? search.elements.q.value : "")) find(text, { remembered: false });
  }

  // Pointers: one moves the map, two zoom it

  const pressed = new Map();
  let travelled = 0;

  const place = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    if (!pressed.size) travelled = 0;
    pressed.set(event.pointerId, place(event));
    canvas.setPointerCapture(event.pointerId);
    showHover(null);
  });

  canvas.addEventListener("pointermove", (event) => {
    const [left, top] = place(event);
    const before = pressed.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") showHover(nearestPoint(left, top, REACH.mouse));
      return;
    }
    const other = [...pressed].find(([id]) => id !== event.pointerId)?.[1];
    const [dx, dy] = [left - before[0], top - before[1]];
    travelled += Math.hypot(dx, dy);
    pressed.set(event.pointerId, [left, top]);
    if (other) {
      const apart = ([x, y]) => Math.hypot(x - other[0], y - other[1]);
      pan(dx / 2, dy / 2);
      zoom(apart([left, top]) / Math.max(apart(before), 1), (left + other[0]) / 2, (top + other[1]) / 2);
    } else if (travelled > 4) {
      pan(dx, dy);
    }
  });

  canvas.addEventListener("pointerup", (event) => {
    const isTap = pressed.size === 1 && travelled <= 4;
    pressed.delete(event.pointerId);
    if (!isTap) return;
    const i = nearestPoint(...place(event), REACH[event.pointerType] ?? REACH.touch);
    if (i !== null) choose(points.ids[i]);
  });

  canvas.addEventListener("pointercancel", (event) => pressed.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => showHover(null));
  canvas.addEventListener("dblclick", (event) => zoom(2, ...place(event)));

  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      // A wheel says lines (1) or pages (2), a touch pad pixels.
      const turned = event.deltaY * [1, 30, 300][event.deltaMode];
      zoom(1.0015 ** -turned, ...place(event));
    },
    { passive: false },
  );

  // The card under the pointer

  let hovering;

  function showHover(i) {
    canvas.classList.toggle("over-point", i !== null);
    if (i === pointed) return;
    pointed = i;
    hoverCard.hidden = true;
    clearTimeout(hovering);
    draw();
    if (i === null) return;
    hovering = setTimeout(async () => {
      const html = await card(points.ids[i]);
      if (html === null || pointed !== i) return;
      hoverCard.innerHTML = html;
      hoverCard.hidden = false;
      const [x, y] = [screenX(points.x[i]), screenY(points.y[i])];
      const left = Math.min(Math.max(x - hoverCard.offsetWidth / 2, 4), size.width - hoverCard.offsetWidth - 4);
      const above = y - hoverCard.offsetHeight - radius - 8;
      hoverCard.style.transform = `translate(${left}px, ${above > 0 ? above : y + radius + 8}px)`;
    }, HOVER_PAUSE);
  }

  // Keys

  const KEYS = {
    ArrowLeft: () => pan(size.width / 8, 0),
    ArrowRight: () => pan(-size.width / 8, 0),
    ArrowUp: () => pan(0, size.height / 8),
    ArrowDown: () => pan(0, -size.height / 8),
    "+": () => zoom(STEP),
    "=": () => zoom(STEP),
    "-": () => zoom(1 / STEP),
    0: showAll,
    Escape: () => choose(null),
  };

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // The rest of the page

  page.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button) ({ in: () => zoom(STEP), out: () => zoom(1 / STEP), all: showAll })[button.dataset.act]();
    const link = event.target.closest("a[data-product]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const id = Number(link.dataset.product);
    choose(id);
    reveal(id);
  });

  namesList.addEventListener("focusin", (event) => {
    const link = event.target.closest("[data-product]");
    pointed = link ? (at.get(Number(link.dataset.product)) ?? null) : null;
    draw();
  });
  namesList.addEventListener("focusout", () => showHover(null));

  page.querySelector(".legend").addEventListener("change", (event) => {
    only = event.target.value === "" ? null : Number(event.target.value);
    draw();
    later();
  });

  search.addEventListener("submit", (event) => {
    event.preventDefault();
    find(search.elements.q.value);
  });
  search.addEventListener("input", () => {
    if (!search.elements.q.value && lit) find("");
  });

  // The other projection keeps what is chosen and searched for; its places are others.
  document.querySelector(".projections")?.addEventListener("click", (event) => {
    const link = event.target.closest("[data-projection]");
    if (!link) return;
    const state = new URLSearchParams(address().split("?")[1] ?? "");
    state.delete("at");
    state.set("projection", link.dataset.projection);
    link.search = state;
  });

  addEventListener("popstate", restore);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    makeImage();
    draw();
  });

  function makeImage() {
    readColours();
    image = new ImageData(canvas.width + 2 * EDGE, canvas.height + 2 * EDGE);
    pixels = new Uint32Array(image.data.buffer);
    const sheet = new OffscreenCanvas(1, 1).getContext("2d");
    sheet.fillStyle = colours.surface;
    sheet.fillRect(0, 0, 1, 1);
    [surface] = new Uint32Array(sheet.getImageData(0, 0, 1, 1).data.buffer);
  }

  function measure() {
    const { clientWidth: width, clientHeight: height } = stage;
    const ratio = Math.min(devicePixelRatio, 2);
    Object.assign(size, { width, height, ratio });
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    makeImage();
    clampView();
    draw();
    later();
  }

  // Returns the smallest box around some places.
  function bounds(places) {
    let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const i of places) {
      [left, right] = [Math.min(left, points.x[i]), Math.max(right, points.x[i])];
      [top, bottom] = [Math.min(top, points.y[i]), Math.max(bottom, points.y[i])];
    }
    return { x: left, y: top, width: Math.max(right - left, 1), height: Math.max(bottom - top, 1) };
  }

  async function start() {
    if (chosenCard.querySelector(".map-card")) {
      chosen = Number(chosenCard.querySelector(".map-card").dataset.product);
      connect();
    }
    const sent = await answered(page.dataset.points);
    if (!sent.width) {
      status.textContent = sent.text;
      return;
    }
    points = sent;
    at = new Map(points.ids.map((id, i) => [id, i]));
    box = bounds(points.ids.keys());
    for (const radio of page.querySelectorAll(".legend input")) radio.disabled = false;
    new ResizeObserver(measure).observe(stage);
    measure();
    restore();
    tellAbsent();
    if (chosen !== null && !new URLSearchParams(location.search).has("at")) lookAtChosen();
    canvas.dataset.ready = "";
  }

  start();
})();
