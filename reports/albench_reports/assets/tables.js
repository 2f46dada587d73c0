"use strict";
// Tables: sorted by a click on a heading, variants brought together, downloaded with the raw numbers.
{
  const bodyOf = (part) => part.querySelector("table").tBodies[0];

  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  };

  // Rows of one group follow the first of them.
  const bringTogether = (rows) => {
    const groups = Map.groupBy ? Map.groupBy(rows, (row) => row.dataset.group) : new Map();
    if (!Map.groupBy) {
      for (const row of rows) groups.set(row.dataset.group, [...(groups.get(row.dataset.group) || []), row]);
    }
    return Array.from(groups.values()).flat();
  };
  const arrange = (part) => {
    const body = bodyOf(part);
    Array.from(body.rows).forEach((row, place) => (row.dataset.place ??= place)); // as the page was written
    const heading = part.querySelector("th[aria-sort]");
    let rows = Array.from(body.rows);
    if (heading) {
      const direction = heading.getAttribute("aria-sort") === "ascending" ? 1 : -1;
      const value = (row) => row.cells[heading.cellIndex].dataset.value;
      const isMissing = (row) => value(row) === ""; // what is missing goes last, whatever the direction
      rows.sort((a, b) => isMissing(a) - isMissing(b) || direction * compare(value(a), value(b)));
    } else {
      rows.sort((a, b) => a.dataset.place - b.dataset.place);
    }
    const grouping = part.querySelector("button[data-bring-together]");
    if (grouping?.getAttribute("aria-pressed") === "true") rows = bringTogether(rows);
    body.append(...rows);
  };

  const sort = (heading) => {
    const first = heading.classList.contains("number") ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = heading.getAttribute("aria-sort") === first ? other : first;
    for (const one of heading.parentNode.cells) one.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
    arrange(heading.closest(".part"));
  };

  albench.onClick("button[data-sort]", (button) => sort(button.closest("th")));
  albench.onClick("button[data-bring-together]", (button, part) => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    arrange(part);
  });

  // A table that goes on beyond an edge fades there, and says so.
  const cue = (box) => {
    const left = box.scrollLeft > 1;
    const right = box.scrollLeft + box.clientWidth < box.scrollWidth - 1;
    box.dataset.more = left && right ? "both" : left ? "left" : right ? "right" : "";
  };
  const sizes = new ResizeObserver((entries) => entries.forEach((entry) => cue(entry.target)));
  const observe = () => albench.all(".scroll").forEach((box) => sizes.observe(box));
  document.addEventListener("scroll", (event) => event.target.classList?.contains("scroll") && cue(event.target), true);
  albench.listeners.push(observe);
  observe();

  const rowsOf = (table) => {
    const headings = Array.from(table.tHead.rows[0].cells);
    const names = headings.flatMap((h) => [h.dataset.name, h.dataset.low, h.dataset.high].filter(Boolean));
    const values = Array.from(table.tBodies[0].rows, (row) =>
      Array.from(row.cells).flatMap((cell, place) => {
        const bounds = headings[place].dataset.low ? [cell.dataset.low, cell.dataset.high] : [];
        return [cell.dataset.value, ...bounds];
      }),
    );
    return [names, ...values];
  };

  albench.onClick(".table button[data-csv]", (_, part) =>
    albench.download(`${part.id}.csv`, "text/csv", albench.csv(rowsOf(part.querySelector("table")))),
  );
}
