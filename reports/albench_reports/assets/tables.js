"use strict";
// Tables: sorted by a click on a heading, downloaded with the raw numbers.
{
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "") ; // what is missing goes last, whatever the direction
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  };

  const sort = (heading) => {
    const body = heading.closest("table").tBodies[0];
    const place = heading.cellIndex;
    const first = heading.classList.contains("number") ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = heading.getAttribute("aria-sort") === first ? other : first;
    for (const one of heading.parentNode.cells) one.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
    const value = (row) => row.cells[place].dataset.value;
    const direction = order === "ascending" ? 1 : -1;
    const rows = Array.from(body.rows);
    rows.sort((a, b) => {
      const missing = value(a) === "" || value(b) === "";
      return (missing ? 1 : direction) * compare(value(a), value(b));
    });
    body.append(...rows);
  };

  for (const button of albench.all("button[data-sort]")) {
    button.addEventListener("click", () => sort(button.closest("th")));
  }

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

  for (const button of albench.all(".table button[data-csv]")) {
    const part = button.closest(".part");
    button.addEventListener("click", () =>
      albench.download(`${part.id}.csv`, "text/csv", albench.csv(rowsOf(part.querySelector("table")))),
    );
  }
}
