// <time-chart>: draws the table inside it. The table stays, for those who read numbers.

const COLOURS = ["--accent", "--bad", "--good", "--busy"];

customElements.define("time-chart", class extends HTMLElement {
  connectedCallback() {
    this.figure = document.createElement("div");
    this.figure.setAttribute("aria-hidden", "true");
    this.prepend(this.figure);
    this.themes = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw();
    this.themes.addEventListener("change", this.redraw);
    this.resized = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.resized.observe(this);
    this.draw();
  }

  disconnectedCallback() {
    this.themes.removeEventListener("change", this.redraw);
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
    const names = [...this.querySelectorAll("thead th.number")].map((cell) => cell.textContent);
    const series = names.map((name, index) => ({
      label: name, stroke: colour(COLOURS[index % COLOURS.length]), width: 2, points: { show: false }, spanGaps: false,
      value: (plot, value) => (value === null ? "–" : `${value} ${this.dataset.unit}`),
    }));
    const options = { ...this.size(), series: [{}, ...series], axes: [axis, { ...axis, size: 60 }], scales: { x: { range: this.window() }, y: { range: (plot, low, high) => [0, high > 0 ? high * 1.1 : 1] } } };
    const data = this.data(names.length);
    if (data[0].length === 1) series.forEach((line) => { line.points.show = true; });
    this.plot = new uPlot(options, data, this.figure);
  }

  window() {
    return [this.dataset.since, this.dataset.until].map((time) => Date.parse(time) / 1000);
  }

  data(lines) {
    const rows = [...this.querySelectorAll("tbody tr")];
    const times = rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000);
    const values = Array.from({ length: lines }, (_, index) => rows.map((row) => {
      const text = row.querySelectorAll("td")[index].textContent;
      return text === "–" ? null : Number(text);
    }));
    return [times, ...values];
  }
});
