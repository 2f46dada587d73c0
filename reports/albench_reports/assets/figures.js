"use strict";
// Figures: unpacked once, drawn when they come into view or when the page has nothing else to do.
{
  const plots = albench.all("[data-figure]");
  const config = { displayModeBar: false, responsive: true };
  let figures = {};

  const unpack = async (id) => {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };

  const say = (text) => {
    for (const plot of plots) {
      plot.textContent = text;
      plot.classList.add("undrawn");
      plot.removeAttribute("role");
    }
  };

  // A trace as the reader wants it: strategies and single seeds shown or not, over the chosen axis.
  const shown = (trace) => {
    const meta = trace.meta || {};
    const visible = !albench.hidden.has(trace.legendgroup) && (meta.role !== "seeds" || albench.seeds);
    const x = meta.x && albench.axis in meta.x ? meta.x[albench.axis] : trace.x;
    return { ...trace, visible, x };
  };
  const layoutOf = (figure) => {
    const layout = structuredClone(figure.layout);
    if (albench.axis && figure.data.some((trace) => trace.meta?.x)) layout.xaxis.title.text = albench.axis;
    return layout;
  };

  const draw = (plot) => {
    if (plot.dataset.state === albench.version && plot.dataset.drawn) return;
    plot.dataset.state = albench.version;
    const figure = figures[plot.dataset.figure];
    Plotly.react(plot, figure.data.map(shown), layoutOf(figure), config);
    plot.dataset.drawn = "yes";
  };
  const isHidden = (plot) => plot.offsetParent === null;
  const drawAll = () => plots.filter((plot) => !isHidden(plot)).forEach(draw);

  const later = window.requestIdleCallback || ((run) => setTimeout(run, 30));
  const drawRest = () => {
    const next = plots.find((plot) => !isHidden(plot) && plot.dataset.state !== albench.version);
    if (!next) {
      document.documentElement.dataset.figures = "drawn";
      return;
    }
    draw(next);
    later(drawRest);
  };
  const refresh = () => {
    albench.version = String(Number(albench.version || 0) + 1);
    document.documentElement.dataset.figures = "drawing";
    const inView = plots.filter((plot) => {
      const box = plot.getBoundingClientRect();
      return !isHidden(plot) && box.bottom > 0 && box.top < innerHeight;
    });
    inView.forEach(draw);
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
    const legend = { showlegend: true, paper_bgcolor: "#fff", plot_bgcolor: "#fff", width: 900, height: 480 };
    const plain = { data: figure.data.map(shown), layout: { ...layoutOf(figure), ...legend } };
    const url = await Plotly.toImage(plain, { format: "svg", width: 900, height: 480 });
    albench.download(`${part.id}.svg`, "image/svg+xml", decodeURIComponent(url.slice(url.indexOf(",") + 1)));
  };
  const saveCsv = (part) => {
    const rows = [["trace", "role", "x", "y"]];
    for (const trace of figures[part.id].data.map(shown)) {
      if (trace.visible === false || !trace.y) continue;
      trace.y.forEach((y, place) => rows.push([trace.name, trace.meta?.role || "", trace.x[place], y]));
    }
    albench.download(`${part.id}.csv`, "text/csv", albench.csv(rows));
  };

  const start = async () => {
    figures = JSON.parse(await unpack("packed-figures"));
    const script = document.createElement("script");
    script.textContent = await unpack("packed-plotly");
    document.head.append(script);
    offerAxes();
    for (const part of albench.all(".part.figure")) {
      for (const [name, save] of [["svg", saveSvg], ["csv", saveCsv]]) {
        const button = part.querySelector(`button[data-${name}]`);
        button.disabled = false;
        button.addEventListener("click", () => save(part));
      }
    }
    albench.listeners.push(refresh);
    addEventListener("beforeprint", drawAll);
    refresh();
  };

  if (!plots.length) {
    document.documentElement.dataset.figures = "drawn";
  } else if (!("DecompressionStream" in window)) {
    say("This browser cannot unpack the figures (it lacks DecompressionStream); the tables hold the same numbers.");
  } else {
    start().catch((error) => say(`The figures could not be drawn (${error.message}); the tables hold the same numbers.`));
  }
}
