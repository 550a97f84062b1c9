// <time-chart>: draws the table inside it. The table stays, for those who read numbers.

const COLOURS = ["--accent", "--bad", "--good", "--busy"];
const DAY = 24 * 60 * 60;

// All times are UTC, as in the tables.
function written(seconds, options) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options }).format(new Date(seconds * 1000));
}

const clock = (seconds) => written(seconds, { hour: "2-digit", minute: "2-digit" });
const day = (seconds) => written(seconds, { day: "numeric", month: "short" });

customElements.define("time-chart", class extends HTMLElement {
  connectedCallback() {
    this.figure = document.createElement("div");
    this.figure.setAttribute("aria-hidden", "true");
    this.prepend(this.figure);
    this.themes = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw();
    this.themes.addEventListener("change", this.redraw);
    document.addEventListener("theme", this.redraw);
    this.resized = new ResizeObserver(() => this.plot?.setSize(this.size()));
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
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, font: `12px ${style.fontFamily}` };
    const timeAxis = { ...axis, values: (plot, moments, index, space, step) => moments.map((at) => (step >= DAY || at % DAY === 0 ? day(at) : clock(at))) };
    const names = [...this.querySelectorAll("thead th.number")].map((cell) => cell.textContent);
    const series = names.map((name, index) => ({
      label: name, stroke: colour(COLOURS[index % COLOURS.length]), width: 2, points: { show: false }, spanGaps: false,
      value: (plot, value) => (value === null ? "–" : `${value} ${this.dataset.unit}`),
    }));
    const options = { ...this.size(), series: [{ value: (plot, at) => (at === null ? "–" : `${day(at)}, ${clock(at)} UTC`) }, ...series], axes: [timeAxis, { ...axis, size: 60 }], tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"), scales: { x: { range: this.window() }, y: { range: (plot, low, high) => [0, high > 0 ? high * 1.1 : 1] } } };
    const data = this.data(names.length);
    if (data[0].length < 3) series.forEach((line) => { line.points.show = true; });
    this.plot = new uPlot(options, data, this.figure);
  }

  window() {
    return [this.dataset.since, this.dataset.until].map((time) => Date.parse(time) / 1000);
  }

  data(lines) {
    const columns = Array.from({ length: lines + 1 }, () => []);
    const add = (values) => values.forEach((value, index) => columns[index].push(value));
    const step = Number(this.dataset.step);
    for (const row of this.querySelectorAll("tbody tr")) {
      const at = Date.parse(row.querySelector("time").dateTime) / 1000;
      const before = columns[0].at(-1);
      // Where nothing was measured the line breaks off.
      if (before !== undefined && at - before > 1.5 * step) add([before + step, ...Array(lines).fill(null)]);
      add([at, ...[...row.querySelectorAll("td")].map((cell) => (cell.textContent === "–" ? null : Number(cell.textContent)))]);
    }
    return columns;
  }
});
