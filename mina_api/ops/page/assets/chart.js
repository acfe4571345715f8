// One chart: uPlot's, in the page's colours, with what it shows last in words beside it.
const HEIGHT = 200;
const LINES = [[], [6, 3], [2, 3], [10, 3, 2, 3], [1, 2]];
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

export class Chart {
  constructor(figure, names, unit, most) {
    this.figure = figure;
    this.place = figure.querySelector("div");
    this.words = figure.querySelector("p");
    this.place.setAttribute("aria-hidden", "true");
    this.names = names;
    this.unit = unit;
    this.most = most;
    this.plot = null;
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.forget());
  }

  name(names) {
    if (names.join() === this.names.join()) return;
    this.names = names;
    this.forget();
  }

  forget() {
    this.plot?.destroy();
    this.plot = null;
  }

  size() {
    return { width: Math.max(200, this.place.clientWidth), height: HEIGHT };
  }

  show(at, series) {
    const data = [at, ...series];
    if (this.plot) this.plot.setData(data);
    else this.plot = new uPlot(this.options(), data, this.place);
    const last = this.names.map((name, index) => `${name} ${series[index].at(-1) == null ? "–" : number.format(series[index].at(-1))}`);
    this.words.textContent = `${last.join(", ") || "nothing yet"} (${this.unit})`;
  }

  options() {
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    return {
      ...this.size(),
      legend: { live: false },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: (_, low, high) => [0, this.most ?? Math.max(1, high * 1.1 || 1)] } },
      axes: [axis, { ...axis, size: 56 }],
      series: [{}, ...this.names.map((label, index) => ({
        label, stroke: colour(`--c${(index % 5) + 1}`), width: 2, dash: LINES[index % LINES.length], points: { show: false },
      }))],
    };
  }
}
