// Chooses products to compare: no more than fit beside each other. The list keeps the
// choice in this tab while the question, the order or the page changes.

const KEY = "chosen-to-compare";

const form = document.getElementById("compare");
const most = Number(form.dataset.most);
const isKept = "label" in form.dataset; // on the list; a product's page begins anew
const button = form.querySelector("[type=submit]");
const boxes = () => [...document.querySelectorAll(".compare-pick input")];
let chosen = new Set();

// A browser may refuse to store anything; then only this page keeps the choice.

function stored() {
  try {
    const ids = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(ids) ? ids.slice(0, most) : [];
  } catch {
    return [];
  }
}

function store() {
  try {
    sessionStorage.setItem(KEY, JSON.stringify([...chosen]));
  } catch {
    // There is no room, or no permission.
  }
}

// Chosen products that the page does not show are hidden fields of the form.
function tick() {
  for (const field of form.querySelectorAll("input")) field.remove();
  for (const box of boxes()) box.checked = chosen.has(box.value);
  const here = new Set(boxes().map((box) => box.value));
  for (const id of chosen) {
    if (here.has(id)) continue;
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "product", value: id });
    form.append(field);
  }
}

function limit() {
  const count = new FormData(form).getAll("product").length;
  for (const box of boxes()) box.disabled = count >= most && !box.checked;
  if (!isKept) return;
  button.textContent = form.dataset.label.replace("%(count)s", count).replace("%(most)s", most);
}

function show() {
  if (isKept) tick();
  limit();
}

// A choice changes nothing of the question: the list, which searches again after a
// change, must not hear of it.
document.addEventListener(
  "change",
  (event) => {
    const { form: owner, checked, value } = event.target;
    if (owner !== form) return;
    event.stopPropagation();
    if (checked) chosen.add(value);
    else chosen.delete(value);
    if (isKept) store();
    limit();
  },
  true,
);

form.addEventListener("reset", () => {
  chosen.clear();
  store();
  setTimeout(show); // after the boxes are empty
});

document.addEventListener("htmx:afterSwap", show);
// Back may bring ticks along after the page was read.
addEventListener("pageshow", () => {
  if (isKept) chosen = new Set(stored());
  show();
});
