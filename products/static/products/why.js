// Makes tabs of the links to the parts of a page, and gives code a button that copies it.
// Without this script the links lead to the parts, and the text of the code can be selected.
"use strict";

// Tabs, see https://www.w3.org/WAI/ARIA/apg/patterns/tabs/

function makeTabs(box) {
  const list = box.querySelector(".tablist");
  const tabs = [...list.querySelectorAll("a")];
  const panels = tabs.map((tab) => document.getElementById(tab.hash.slice(1)));

  function select(chosen, { focus = false } = {}) {
    tabs.forEach((tab, place) => {
      const selected = tab === chosen;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      panels[place].hidden = !selected;
    });
    if (focus) chosen.focus();
  }

  const keys = { ArrowRight: 1, ArrowLeft: -1 };
  list.setAttribute("role", "tablist");
  tabs.forEach((tab, place) => {
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panels[place].id);
    tab.id = `tab-${panels[place].id}`;
    panels[place].setAttribute("role", "tabpanel");
    panels[place].setAttribute("aria-labelledby", tab.id);
    panels[place].removeAttribute("aria-label");
    tab.addEventListener("click", (event) => {
      event.preventDefault();
      select(tab);
      history.replaceState(history.state, "", tab.hash);
    });
    tab.addEventListener("keydown", (event) => {
      const step = keys[event.key];
      const next = step
        ? tabs[(place + step + tabs.length) % tabs.length]
        : { Home: tabs[0], End: tabs[tabs.length - 1], " ": tab }[event.key];
      if (!next) return;
      event.preventDefault();
      select(next, { focus: true });
    });
  });
  box.classList.add("live");
  const first = panels.findIndex((panel) => panel.classList.contains("tab-first"));
  select(tabs.find((tab) => tab.hash === location.hash) ?? tabs[first]);
}

document.querySelectorAll("[data-tabs]").forEach(makeTabs);

// Browsers give the clipboard to secure pages alone: https, and this machine's own.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll(".copy")) {
    const said = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
      button.textContent = button.dataset.copied;
      setTimeout(() => (button.textContent = said), 2000);
    });
  }
}
