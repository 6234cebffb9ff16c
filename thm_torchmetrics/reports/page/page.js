"use strict";
(() => {
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // {"css": "--name"} stands for the value of a variable of the style sheet
  function painted(value, styles) {
    if (Array.isArray(value)) return value.map((each) => painted(each, styles));
    if (value === null || typeof value !== "object") return value;
    if (typeof value.css === "string") return styles.getPropertyValue(value.css).trim();
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, painted(each, styles)]));
  }

  function draw(place) {
    const styles = getComputedStyle(root);
    const { data, layout } = painted(plots[place.dataset.plot - 1], styles);
    const color = (name) => styles.getPropertyValue(name).trim();
    const axis = (own) => ({
      gridcolor: color("--grid"), linecolor: color("--line"), zerolinecolor: color("--line"), zeroline: false,
      tickfont: { size: 11, color: color("--quiet") }, fixedrange: true, ...own,
      title: { font: { size: 11.5, color: color("--quiet") }, standoff: 8, ...(own || {}).title },
    });
    const several = data.filter((each) => each.type !== "box" && each.mode !== "markers" || layout.shapes).length > 1;
    const family = getComputedStyle(document.body).fontFamily;
    Plotly.react(place, data, {
      ...layout, xaxis: axis(layout.xaxis), yaxis: axis({ automargin: true, ...layout.yaxis }),
      margin: { l: 44, r: 12, t: several ? 30 : 12, b: 44 }, autosize: true, showlegend: several,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family, size: 12, color: color("--ink") },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 11.5 } },
      hoverlabel: { bgcolor: color("--surface"), bordercolor: color("--line"), font: { family, size: 12, color: color("--ink") } },
    }, { displayModeBar: false, responsive: true, showTips: false });
    if (!place.dataset.drawn) {
      place.dataset.drawn = "yes";
      place.on("plotly_click", (event) => {
        const link = event.points[0] && event.points[0].customdata;
        if (typeof link === "string" && document.getElementById(link)) location.hash = link;
      });
    }
  }

  const watch = new IntersectionObserver((seen) => {
    for (const each of seen) if (each.isIntersecting) { watch.unobserve(each.target); draw(each.target); }
  }, { rootMargin: "300px" });
  const places = [...document.querySelectorAll("[data-plot]")];
  places.forEach((place) => watch.observe(place));
  const redraw = () => places.filter((place) => place.dataset.drawn).forEach(draw);

  const theme = document.getElementById("theme");
  const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  const tell = () => { theme.setAttribute("aria-pressed", String(isDark())); };
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; tell(); redraw(); });
  dark.addEventListener("change", () => { tell(); redraw(); });
  tell();

  const points = document.getElementById("points");
  if (points) points.addEventListener("click", () => {
    const shown = !root.classList.toggle("no-points");
    points.setAttribute("aria-pressed", String(shown));
  });

  function key(row, column) {
    const cell = row.cells[column];
    if (cell.classList.contains("number")) return cell.dataset.sort === undefined ? null : Number(cell.dataset.sort);
    return cell.textContent.trim();
  }
  function compare(first, second) {
    if (typeof first === "number" && typeof second === "number") return first - second;
    return String(first).localeCompare(String(second), undefined, { numeric: true });
  }
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const each of heads) if (each.hasAttribute("aria-sort")) each.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows].map((row) => ({ row, key: key(row, column) }));
        const sorted = rows.filter((each) => each.key !== null).sort((a, b) => (down ? -1 : 1) * compare(a.key, b.key));
        const empty = rows.filter((each) => each.key === null);
        table.tBodies[0].append(...[...sorted, ...empty].map((each) => each.row));
      });
    });
  }

  function open() {
    const clip = location.hash && document.getElementById(location.hash.slice(1));
    if (clip && clip.tagName === "DETAILS") {
      clip.open = true;
      clip.querySelector("summary").focus({ preventScroll: true });
      clip.scrollIntoView();
    }
  }
  addEventListener("hashchange", open);
  open();
  addEventListener("beforeprint", () => places.filter((place) => place.offsetParent !== null).forEach(draw));
})();
