// Completes what is typed into the search box: a combobox whose list has groups, see
// https://www.w3.org/WAI/ARIA/apg/patterns/combobox/. Without this the box is a field.

const PAUSE = 150; // milliseconds after the last key until completions are asked for
const KEPT = 5; // recent searches
const LONGEST = 100; // characters of a recent search
const KEY = "recent-searches"; // they stay in this browser

const box = document.getElementById("id_q");
const frame = box.closest(".searchbox");
const help = document.getElementById("help");
const list = document.getElementById("completions");
const forgetting = document.getElementById("forget");
const count = document.getElementById("help-count");
let timer = 0;
let request = null;
let active = null; // the option that Enter would take

// Recent searches. A browser may refuse to store anything; then there are none.

function recent() {
  try {
    const texts = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(texts) ? texts.filter((text) => typeof text === "string") : [];
  } catch {
    return [];
  }
}

function store(texts) {
  try {
    localStorage.setItem(KEY, JSON.stringify(texts));
  } catch {
    // There is no room, or no permission: the search itself works all the same.
  }
}

function remember() {
  const text = box.value.trim();
  if (!text || text.length > LONGEST) return;
  const others = recent().filter((other) => other.toLowerCase() !== text.toLowerCase());
  store([text, ...others].slice(0, KEPT));
}

function recentGroup(typed) {
  const texts = recent().filter(
    (text) => text.toLowerCase().startsWith(typed.toLowerCase()) && text !== typed,
  );
  if (!texts.length) return null;
  const group = document.getElementById("recent").content.firstElementChild.cloneNode(true);
  texts.forEach((text, place) => {
    const option = document.createElement("a");
    option.id = `recent-${place}`;
    option.href = `${box.form.action}?q=${encodeURIComponent(text)}`;
    option.textContent = option.dataset.text = text;
    option.tabIndex = -1;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    group.append(option);
  });
  return group;
}

// The list

const options = () => [...list.querySelectorAll("[role=option]")];
const isOpen = () => !help.hidden;

function select(option) {
  active?.setAttribute("aria-selected", "false");
  active = option ?? null;
  if (!active) return box.removeAttribute("aria-activedescendant");
  active.setAttribute("aria-selected", "true");
  active.scrollIntoView({ block: "nearest" });
  box.setAttribute("aria-activedescendant", active.id);
}

function show(html) {
  select(null);
  list.innerHTML = html;
  const group = recentGroup(box.value.trim());
  if (group) addRecent(group);
  forgetting.parentElement.hidden = !group;
  const found = options().length;
  help.hidden = !found;
  box.setAttribute("aria-expanded", String(Boolean(found)));
  count.textContent = found ? help.dataset.count.replace("%(count)s", found) : "";
}

// What was searched for before is not offered twice.
function addRecent(group) {
  const textOf = (option) => option.dataset.text.toLowerCase();
  const texts = new Set([...group.querySelectorAll("[data-text]")].map(textOf));
  for (const option of list.querySelectorAll("[data-text]")) {
    if (texts.has(textOf(option))) option.remove();
  }
  for (const other of [...list.children]) {
    if (!other.querySelector("[role=option]")) other.remove();
  }
  list.prepend(group);
}

function close() {
  clearTimeout(timer);
  request?.abort();
  select(null);
  help.hidden = true;
  box.setAttribute("aria-expanded", "false");
  count.textContent = "";
}

async function complete() {
  request?.abort();
  request = new AbortController();
  const text = box.value;
  // Where examples stand below the box, the list need not repeat them.
  if (!text.trim() && document.querySelector(".tries a")) return show("");
  try {
    const address = `${help.dataset.address}?q=${encodeURIComponent(text)}`;
    const answer = await fetch(address, { signal: request.signal });
    show(answer.ok ? await answer.text() : "");
  } catch (error) {
    if (error.name !== "AbortError") close(); // The server cannot be reached.
  }
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(complete, PAUSE);
}

// A text goes into the box and is searched for; the other options are plain links.
function take(option) {
  if (option.dataset.text === undefined) return option.click();
  box.value = option.dataset.text;
  box.form.requestSubmit();
}

const KEYS = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  Enter: () => {
    if (!active) return false;
    take(active);
  },
  Escape: () => {
    if (!isOpen()) return false; // The browser empties the box.
    close();
  },
  // These two move the cursor in the text, which gets the focus back.
  Home: () => select(null) ?? false,
  End: () => select(null) ?? false,
};

function step(way) {
  if (!isOpen()) return complete();
  const all = options();
  const place = all.indexOf(active);
  // Before the first and after the last option comes the text itself.
  const next = place < 0 ? (way > 0 ? 0 : all.length - 1) : place + way;
  select(all[next]);
}

box.setAttribute("role", "combobox");
box.setAttribute("aria-autocomplete", "list");
box.setAttribute("aria-expanded", "false");
box.setAttribute("aria-controls", list.id);

box.addEventListener("input", later);
box.addEventListener("focus", () => {
  if (!box.value) later();
});
box.addEventListener("change", remember);
box.form.addEventListener("submit", () => {
  remember();
  close();
});
box.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  if (KEYS[event.key] && KEYS[event.key]() !== false) event.preventDefault();
});

// A press on the list leaves the focus in the box, so that nothing closes before it.
list.addEventListener("mousedown", (event) => event.preventDefault());
list.addEventListener("click", (event) => {
  const option = event.target.closest("[data-text]");
  if (!option || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  take(option);
});
forgetting.addEventListener("click", () => {
  store([]);
  box.focus();
  complete();
});
frame.addEventListener("focusout", (event) => {
  if (!frame.contains(event.relatedTarget)) close();
});

// "/" goes to the box from anywhere but a field.
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// The examples below the box go when something is asked. Their room stays, so that
// nothing moves below the fingers of who types.
document.addEventListener("htmx:oobBeforeSwap", ({ target }) => {
  if (target.id === "tries") target.style.minHeight = `${target.getBoundingClientRect().height}px`;
});
