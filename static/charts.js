// <time-chart>: draws the table inside it. The table stays, for those who read numbers.

const COLOURS = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5", "--series-6"];
const DAY = 24 * 60 * 60;

// All times are UTC, as in the tables.
function written(seconds, options) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options }).format(new Date(seconds * 1000));
}

const clock = (seconds) => written(seconds, { hour: "2-digit", minute: "2-digit" });
const day = (seconds) => written(seconds, { day: "numeric", month: "short" });
const compact = new Intl.NumberFormat("en-GB", { notation: "compact", maximumSignificantDigits: 4 });
const exact = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 17 });
// As people read it in a table: 1,234 and $0.05.
const number = (text) => (text === "–" ? null : Number(text.replace(/[$,]/g, "")));

// Words and numbers are painted first; the charts' places are kept (pages.css).
const painted = new Promise((resolve) => { new PerformanceObserver(resolve).observe({ type: "paint", buffered: true }); });

// The first line on top of all others: each is drawn with those after it beneath, which are drawn over it.
function stacked([moments, ...columns]) {
  const sums = moments.map(() => 0);
  const piled = [...columns].reverse().map((column) => column.map((value, index) => (sums[index] += value ?? 0)));
  return [moments, ...piled.reverse()];
}

// What was measured with nothing measured before and after is a point: no line leads to it.
function alone(plot, line, shown) {
  if (!shown) return null;
  const values = plot.data[line];
  return values.flatMap((value, at) => (value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null ? [at] : []));
}

customElements.define("time-chart", class extends HTMLElement {
  connectedCallback() {
    this.figure = document.createElement("div");
    this.figure.setAttribute("aria-hidden", "true");
    this.themes = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.plot && this.draw();
    this.themes.addEventListener("change", this.redraw);
    document.addEventListener("theme", this.redraw);
    this.resized = new ResizeObserver(() => this.plot?.setSize(this.size()));
    painted.then(() => this.isConnected && this.show());
  }

  show() {
    this.prepend(this.figure);
    this.resized.observe(this);
    this.draw();
  }

  disconnectedCallback() {
    this.themes.removeEventListener("change", this.redraw);
    document.removeEventListener("theme", this.redraw);
    this.resized.disconnect();
    this.plot?.destroy();
    this.figure.remove();
  }

  size() {
    return { width: Math.max(this.clientWidth, 200), height: 180 };
  }

  draw() {
    this.plot?.destroy();
    const style = getComputedStyle(this);
    const colour = (name) => {
      const probe = document.createElement("span");
      probe.style.color = `var(${name})`;
      this.append(probe);
      const resolved = getComputedStyle(probe).color;
      probe.remove();
      return resolved;
    };
    const bars = this.dataset.kind === "bars";
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, font: `12px ${style.fontFamily}` };
    const timeAxis = { ...axis, values: (plot, moments, index, space, step) => moments.map((at) => (step >= DAY || at % DAY === 0 ? day(at) : clock(at))) };
    const names = [...this.querySelectorAll("thead th.number")].map((cell) => cell.textContent);
    const data = this.data(names.length);
    const colours = names.map((name, index) => colour(COLOURS[index % COLOURS.length]));
    const series = names.map((name, index) => ({
      label: name, stroke: colours[index], width: 2, points: { show: !bars, filter: alone, fill: colours[index] }, spanGaps: false,
      value: (plot, drawn, line, at) => ((data[line][at] ?? null) === null ? "–" : `${exact.format(data[line][at])} ${this.dataset.unit}`),
      ...(bars && { width: 0, fill: colours[index], paths: uPlot.paths.bars({ size: [0.7, 60] }) }),
    }));
    const options = { ...this.size(), series: [{ value: (plot, at) => (at === null ? "–" : this.step >= DAY ? day(at) : `${day(at)}, ${clock(at)} UTC`) }, ...series], axes: [timeAxis, { ...axis, size: 60, values: (plot, values) => values.map((value) => compact.format(value)) }], tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"), scales: { x: { range: this.window() }, y: { range: (plot, low, high) => [0, high > 0 ? high * 1.1 : 1] } } };
    this.plot = new uPlot(options, bars ? stacked(data) : data, this.figure);
  }

  get step() {
    return Number(this.dataset.step);
  }

  window() {
    const room = this.dataset.kind === "bars" ? this.step / 2 : 0;
    const [since, until] = [this.dataset.since, this.dataset.until].map((time) => Date.parse(time) / 1000);
    return [since - room, until + room];
  }

  data(lines) {
    const columns = Array.from({ length: lines + 1 }, () => []);
    const add = (values) => values.forEach((value, index) => columns[index].push(value));
    for (const row of this.querySelectorAll("tbody tr")) {
      const at = Date.parse(row.querySelector("time").dateTime) / 1000;
      const before = columns[0].at(-1);
      // Where nothing was measured the line breaks off.
      if (before !== undefined && at - before > 1.5 * this.step) add([before + this.step, ...Array(lines).fill(null)]);
      add([at, ...[...row.querySelectorAll("td")].map((cell) => number(cell.textContent))]);
    }
    return columns;
  }
});
