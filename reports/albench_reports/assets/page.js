"use strict";
// What the reader chooses. A choice holds for the whole page: choosers of one name follow each other, and a section
// that does not offer what is chosen shows the first that it does.
const albench = { hidden: new Set(), choices: {}, axis: null, seeds: false, listeners: [], parts: {} };

albench.all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
albench.changed = () => albench.listeners.forEach((listen) => listen());

albench.chosenIn = (section, name) => {
  const values = JSON.parse(section.dataset.offers)[name];
  return values.includes(albench.choices[name]) ? albench.choices[name] : values[0];
};

// Parts stand in their section; sentences and warnings at the top of the page name the one whose choices they follow.
albench.sectionOf = (part) => (part.dataset.of ? document.getElementById(part.dataset.of) : part.closest("section"));
albench.apply = () => {
  for (const part of albench.all("[data-when]")) {
    const section = albench.sectionOf(part);
    const conditions = Object.entries(JSON.parse(part.dataset.when));
    part.hidden = conditions.some(([name, value]) => albench.chosenIn(section, name) !== value);
  }
  for (const box of albench.all(".warnings")) box.hidden = !box.querySelector("li:not([hidden])");
  // What is not shown at first waits: pictures in templates, so that they are not decoded, and the rest compressed.
  for (const waiting of albench.all(".part:not([hidden]) > template")) waiting.replaceWith(waiting.content);
  for (const part of albench.all(".part[data-packed]:not([hidden])")) {
    if (!(part.id in albench.parts)) continue; // not unpacked yet, or not at all
    part.innerHTML = albench.parts[part.id];
    delete part.dataset.packed;
  }
  albench.changed();
};

// Buttons come and go with what is chosen, so clicks are heard where they end up.
albench.onClick = (selector, act) =>
  document.addEventListener("click", (event) => {
    const button = event.target.closest(selector);
    if (button && !button.disabled) act(button, button.closest(".part"));
  });

albench.choose = (name, value) => {
  albench.choices[name] = value;
  for (const select of albench.all("select[data-choice]")) {
    if (select.dataset.choice === name) select.value = albench.chosenIn(select.closest("section"), name);
  }
  albench.apply();
};

// Browsers restore what was selected when a page is reloaded; the page starts as it was written.
albench.choices = JSON.parse(document.getElementById("content").dataset.chosen);
for (const select of albench.all("select[data-choice]")) {
  select.value = albench.chosenIn(select.closest("section"), select.dataset.choice);
  select.addEventListener("change", () => albench.choose(select.dataset.choice, select.value));
}

{
  const strategies = albench.all("button[data-strategy]");
  const show = (buttons, shown) => {
    for (const button of buttons) {
      albench.hidden[shown ? "delete" : "add"](button.dataset.strategy);
      button.setAttribute("aria-pressed", String(shown));
    }
    albench.changed();
  };
  const isShown = (button) => button.getAttribute("aria-pressed") === "true";
  const first = strategies.filter(isShown);
  for (const button of strategies) if (!isShown(button)) albench.hidden.add(button.dataset.strategy);
  for (const button of albench.all("button[data-show]")) {
    button.addEventListener("click", () => {
      if (button.dataset.show === "first") show(strategies, false);
      show(button.dataset.show === "first" ? first : strategies, true);
    });
  }
  for (const button of strategies) button.addEventListener("click", () => show([button], !isShown(button)));
  for (const button of albench.all("button[data-family]")) {
    const variants = albench.all("button[data-strategy]", button.parentNode);
    button.addEventListener("click", () => show(variants, !variants.some(isShown)));
  }
}

for (const button of albench.all("button[data-seeds]")) {
  button.addEventListener("click", () => {
    albench.seeds = !albench.seeds;
    for (const one of albench.all("button[data-seeds]")) one.setAttribute("aria-pressed", String(albench.seeds));
    albench.changed();
  });
}

{
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const apply = () => {
    const dark = chosen ?? system.matches;
    if (chosen !== null) document.documentElement.dataset.theme = dark ? "dark" : "light";
    button.textContent = dark ? "Light page" : "Dark page";
  };
  button.addEventListener("click", () => {
    chosen = !(chosen ?? system.matches);
    apply();
  });
  system.addEventListener("change", apply);
  apply();
}

albench.download = (name, type, text) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name.replace(/[^\w.-]+/g, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};

// A field of a CSV file: quoted where it must be, and never read as a formula by a spreadsheet.
albench.csvField = (value) => {
  let text = value === null || value === undefined ? "" : String(value);
  if (/^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text))) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
albench.csv = (rows) => rows.map((row) => row.map(albench.csvField).join(",") + "\r\n").join("");
