"use strict";
(() => {
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const entries = [...document.querySelectorAll("[data-owner]")];
  const sections = [...document.querySelectorAll("main section")];
  const groups = ["verdict", "owner", "codes"];

  const off = (name) =>
    new Set([...form.querySelectorAll(`input[name="${name}"]:not(:checked)`)].map((input) => input.value));

  // An entry is hidden when everything that it has of a group is switched off. A table has no verdict and no check.
  const fits = (entry, name, hidden) => {
    const values = (entry.dataset[name] ?? "").split(" ").filter((value) => value !== "");
    return values.length === 0 || values.some((value) => !hidden.has(value));
  };

  const apply = () => {
    const hidden = groups.map((name) => [name, off(name)]);
    const words = form.elements.words.value.trim().toLowerCase();
    for (const entry of entries) {
      entry.hidden = !(
        hidden.every(([name, values]) => fits(entry, name, values)) && entry.textContent.toLowerCase().includes(words)
      );
    }
    for (const section of sections) {
      const nothing = section.querySelector(":scope > .nothing");
      if (nothing) nothing.hidden = section.querySelector(":scope > .entry:not([hidden])") !== null;
    }
    const filtered = words !== "" || hidden.some(([, values]) => values.size > 0);
    const articles = entries.filter((entry) => entry.matches("article"));
    const left = articles.filter((entry) => !entry.hidden).length;
    shown.textContent = filtered ? `${left} of ${articles.length} entries shown` : "";
  };

  const copy = async (button) => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
      return;
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };

  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  // A link to a check opens its page.
  const unfold = () => {
    const target = location.hash.startsWith("#check-") ? document.getElementById(location.hash.slice(1)) : null;
    if (target) {
      target.querySelector("details").open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", unfold);
  unfold();

  if (form) {
    form.hidden = false;
    form.querySelector("details").open = matchMedia("(min-width: 60rem)").matches;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.querySelector("button").addEventListener("click", () => {
      form.reset();
      apply();
    });
    apply();  // a browser may have kept what was ticked before a reload
  }

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
})();
