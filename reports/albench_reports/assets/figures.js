"use strict";
// Figures: unpacked once, drawn when they come into view or when the page has nothing else to do.
{
  const allPlots = () => albench.all("[data-figure]");
  const root = document.documentElement;
  const FEW_TICKS = 8; // an axis of whole numbers no longer than this has a tick at every one
  const PAPER = { wide: 670, half: 325 }; // pixels of a column on A4 and Letter
  const config = { displayModeBar: false, responsive: true };
  let figures = {};
  let version = 0;

  const unpack = async (id) => {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };

  const say = (where, text) => {
    for (const plot of where) {
      plot.textContent = text;
      plot.classList.add("undrawn");
      plot.removeAttribute("role");
      plot.removeAttribute("aria-label");
    }
  };

  // A trace as the reader wants it: strategies and single seeds shown or not, over the chosen axis.
  const shown = (trace) => {
    const meta = trace.meta || {};
    const visible = !albench.hidden.has(trace.legendgroup) && (meta.role !== "seeds" || albench.seeds);
    const x = meta.x ? meta.x[albench.axis] || Object.values(meta.x)[0] : trace.x;
    return { ...trace, visible, x };
  };
  const layoutOf = (figure) => {
    const layout = structuredClone(figure.layout);
    const axes = figure.data.flatMap((trace) => Object.keys(trace.meta?.x || {}));
    if (axes.length) {
      layout.xaxis.title.text = axes.includes(albench.axis) ? albench.axis : axes[0];
      const values = figure.data.flatMap((trace) => shown(trace).x || []).filter((value) => value !== null);
      if (spanOf(values) <= FEW_TICKS) layout.xaxis.dtick = 1; // rounds and images are whole
    }
    if (layout.yaxis?.type === "category") layout.height = heightOf(figure, layout.height);
    return layout;
  };
  const spanOf = (values) => values.reduce((most, one) => Math.max(most, one), 0) - values.reduce((least, one) => Math.min(least, one), Infinity);

  // Rows of strategies that are switched off leave no gap.
  const FRAME = 90; // pixels of a figure that are no rows
  const heightOf = (figure, height) => {
    const rows = new Map(figure.data.map((trace) => [trace.legendgroup, trace]));
    if (rows.has(undefined) || figure.data.some((trace) => trace.type !== "scatter")) return height;
    const left = Array.from(rows.keys()).filter((group) => !albench.hidden.has(group)).length;
    return FRAME + ((height - FRAME) * left) / rows.size;
  };

  const isShown = (plot) => !plot.closest("[hidden], .empty, details:not([open])");
  const isReady = (plot) => isShown(plot) && plot.dataset.version !== String(version);
  const draw = (plot) => {
    plot.dataset.version = String(version);
    const figure = figures[plot.dataset.figure];
    try {
      Plotly.react(plot, figure.data.map(shown), layoutOf(figure), config);
    } catch (error) {
      say([plot], `This figure could not be drawn (${error.message}).`);
    }
  };
  const drawAll = () => allPlots().filter(isReady).forEach(draw);

  const later = (run) => (window.requestIdleCallback ? requestIdleCallback(run, { timeout: 60 }) : setTimeout(run, 30));
  const drawRest = () => {
    const next = allPlots().find(isReady);
    if (!next) {
      root.dataset.figures = "drawn";
      return;
    }
    draw(next);
    later(drawRest);
  };

  // A figure whose strategies are all switched off takes no place.
  const empty = (part) => {
    const groups = figures[part.id].data.map((trace) => trace.legendgroup);
    return groups.length > 0 && groups.every((group) => group !== undefined && albench.hidden.has(group));
  };
  const refresh = () => {
    version += 1;
    root.dataset.figures = "drawing";
    for (const part of albench.all(".part.figure")) part.classList.toggle("empty", empty(part));
    const isInView = (plot) => {
      const box = plot.getBoundingClientRect();
      return box.bottom > 0 && box.top < innerHeight;
    };
    allPlots().filter((plot) => isReady(plot) && isInView(plot)).forEach(draw);
    performance.mark("albench-interactive");
    later(drawRest);
  };

  const offerAxes = () => {
    const traces = Object.values(figures).flatMap((figure) => figure.data);
    const axes = [...new Set(traces.flatMap((trace) => Object.keys(trace.meta?.x || {})))];
    albench.axis = axes[0];
    for (const select of albench.all("select[data-axis]")) {
      select.append(...axes.map((axis) => new Option(axis, axis)));
      select.addEventListener("change", () => {
        albench.axis = select.value;
        for (const other of albench.all("select[data-axis]")) other.value = select.value;
        albench.changed();
      });
    }
  };

  const saveSvg = async (part) => {
    const figure = figures[part.id];
    const size = { width: 900, height: Math.max(420, figure.layout.height) };
    const paper = { ...size, showlegend: figure.data.some((trace) => trace.legendgroup), paper_bgcolor: "#fff" };
    const plain = { data: figure.data.map(shown), layout: { ...layoutOf(figure), ...paper } };
    const url = await Plotly.toImage(plain, { format: "svg", ...size });
    albench.download(`${part.id}.svg`, "image/svg+xml", decodeURIComponent(url.slice(url.indexOf(",") + 1)));
  };

  const rowsOf = (trace) => {
    const role = trace.meta?.role || "";
    if (trace.type === "heatmap") {
      return trace.z.flatMap((row, y) => row.map((z, x) => [trace.name || "", role, trace.x[x], trace.y[y], z]));
    }
    return trace.y.map((y, place) => [trace.name, role, trace.x[place], y, ""]);
  };
  const saveCsv = (part) => {
    const traces = figures[part.id].data.map(shown).filter((trace) => trace.visible && trace.y);
    const rows = [["trace", "role", "x", "y", "z"], ...traces.flatMap(rowsOf)];
    const plain = new DOMParser(); // names are kept escaped for Plotly
    const text = (value) =>
      typeof value === "string" ? plain.parseFromString(value, "text/html").documentElement.textContent : value;
    albench.download(`${part.id}.csv`, "text/csv", albench.csv(rows.map((row) => row.map(text))));
  };

  albench.onClick(".figure button[data-svg]", (_, part) => saveSvg(part));
  albench.onClick(".figure button[data-csv]", (_, part) => saveCsv(part));

  // On paper a column is narrower than on the screen, and a figure does not know it by itself.
  const isDrawn = (plot) => isShown(plot) && plot.querySelector(".main-svg");
  const resize = (size) => {
    for (const plot of allPlots().filter(isDrawn)) Plotly.relayout(plot, size(plot));
  };

  const start = async () => {
    albench.parts = JSON.parse(await unpack("packed-parts"));
    figures = JSON.parse(await unpack("packed-figures"));
    if (!Object.keys(figures).length) return albench.apply();
    const script = document.createElement("script");
    script.textContent = await unpack("packed-plotly");
    document.head.append(script);
    offerAxes();
    albench.listeners.push(refresh);
    document.addEventListener("toggle", () => later(drawRest), true);
    addEventListener("beforeprint", () => {
      drawAll();
      resize((plot) => ({ width: plot.closest(".wide") ? PAPER.wide : PAPER.half }));
    });
    addEventListener("afterprint", () => resize(() => ({ width: null, autosize: true })));
    albench.apply();
  };

  const fail = (what) => {
    say(allPlots(), `${what}; the tables hold the same numbers.`);
    for (const control of albench.all(".choosers select, .choosers button, .figure .tools button")) control.disabled = true;
    root.dataset.figures = "none";
  };
  if (!("DecompressionStream" in window)) {
    fail("This browser cannot unpack the figures (it lacks DecompressionStream)");
  } else {
    start().then(
      () => (root.dataset.figures ??= "drawn"),
      (error) => fail(`The figures could not be drawn (${error.message})`),
    );
  }
}
