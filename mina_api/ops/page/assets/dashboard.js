// The page: it keeps the last minutes of what the stream of figures says, and draws them.
import { Chart } from "./chart.js";

const KEPT = 300;
const $ = (id) => document.getElementById(id);
const count = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const bytes = (value) => (value === null ? "unknown" : value < 1e6 ? `${count.format(value / 1e3)} kB` : `${count.format(value / 1e6)} MB`);
const share = (value) => `${count.format(value * 100)} %`;
const OUTCOMES = ["hit", "miss", "stale", "bypass", "error"];

const charts = {
  outcomes: new Chart($("outcomes"), OUTCOMES, "requests/s"),
  latency: new Chart($("latency"), ["p50", "p95", "p99"], "ms"),
  endpoints: new Chart($("endpoints"), [], "%", 100),
  memory: new Chart($("memory"), ["Redis", "workers"], "MB"),
  invalidations: new Chart($("invalidations"), ["invalidations"], "writes/s"),
};
const past = [];
let stream = null;

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

// Requests

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  if (answer.status === 401 && path !== "/ops/session") showSignIn();
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail ?? `The answer was ${answer.status}.`);
  return answer.status === 204 ? null : answer.json();
}

// Signing in and out

function showSignIn() {
  stream?.close();
  stream = null;
  $("figures").hidden = $("sign-out").hidden = true;
  $("sign-in").hidden = false;
  $("status").textContent = "Not signed in";
}

async function signIn(form) {
  $("sign-in-error").textContent = "";
  try {
    await ask("POST", "/ops/session", Object.fromEntries(new FormData(form)));
    form.reset();
    open();
    $("main").focus();
  } catch (failure) {
    $("sign-in-error").textContent = failure.message;
  }
}

for (const id of ["by-token", "by-password"]) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    signIn(event.target);
  });
}
$("sign-out").addEventListener("click", async () => {
  await ask("DELETE", "/ops/session");
  showSignIn();
});

// Figures

function open() {
  $("sign-in").hidden = true;
  $("figures").hidden = $("sign-out").hidden = false;
  stream?.close();
  stream = new EventSource("/ops/stream");
  stream.addEventListener("figures", (event) => show(JSON.parse(event.data)));
  stream.addEventListener("error", () => {
    if (stream?.readyState === EventSource.CLOSED) showSignIn();
    else $("status").textContent = "Connecting again…";
  });
  search();
  showExperiments();
}

function show(now) {
  past.push(now);
  if (past.length > KEPT) past.shift();
  const { stats, redis } = now;
  $("status").textContent = `Live, ${stats.scope}${redis.available ? "" : ": Redis is away, its breaker is open"}`;
  showTiles(now);
  showAlerts(now.alerts);
  showCharts();
  showRows($("workers").tBodies[0], now.workers.map((worker) => [
    `${worker.host} ${worker.pid}`, worker.redis ? "reached" : "away", worker.serves_from_memory ? "yes" : "no",
    `${count.format(worker.memory_entries)} (${bytes(worker.memory_bytes)})`, count.format(worker.loads_in_flight),
    count.format(worker.hits), count.format(worker.misses),
  ]));
  $("recent").replaceChildren(...(now.invalidations.length ? now.invalidations : [null]).map((each) => element("li", each
    ? `${new Date(each.at * 1000).toLocaleTimeString()}  ${each.tag}  by ${each.request ?? "no request"}${each.user ? `, user ${each.user}` : ""}`
    : "None yet, or not yours to see.")));
}

async function showExperiments() {
  const found = await ask("GET", "/ops/experiments").catch(() => null);
  if (!found) return;
  const span = ({ value, low, high }) => (value === null ? "unknown" : `${count.format(value)} ms (${count.format(low)} to ${count.format(high)})`);
  $("experiment").textContent = found.control_share
    ? found.arms.map((arm) => `${arm.arm}: p50 ${span(arm.p50_ms)}, p95 ${span(arm.p95_ms)} of ${arm.answers} answers`).join("; ")
    : "No experiment runs: MINA_CACHE_CONTROL_SHARE sets the share of users who are served without the cache.";
  const { matches, mismatches, unknown } = found.freshness;
  $("audit").textContent = `Hits loaded again: ${matches} as they were, ${mismatches} stale, ${unknown} with nothing to be known.`;
}

function showTiles({ stats, redis, workers }) {
  const tiles = [
    ["Hit rate", share(stats.hit_rate)], ["Hits", count.format(stats.hits)], ["Misses", count.format(stats.misses)],
    ["Errors", count.format(stats.errors)], ["Workers", count.format(workers.length)],
    ["Redis", redis.available ? "up" : "away"], ["Breaker", redis.available ? "closed" : "open"],
  ];
  $("tiles").replaceChildren(...tiles.map(([name, value]) => {
    const tile = element("p", name);
    tile.prepend(element("strong", value));
    tile.dataset.name = name;
    return tile;
  }));
}

function showAlerts(alerts) {
  $("alerts").replaceChildren(...alerts.map((alert) => {
    const item = element("li", undefined, alert.state);
    const value = alert.value === null ? "unknown" : alert.unit === "share" ? share(alert.value) : `${count.format(alert.value)}${alert.unit === "ms" ? " ms" : ""}`;
    item.append(element("strong", `${alert.name.replace("_", " ")}: ${alert.state}`), element("p", `${alert.summary}: ${value}`));
    if (alert.state !== "ok") {
      for (const part of ["cause", "solution", "impact"]) item.append(element("p", `${part}: ${alert.advice[part]}`));
    }
    return item;
  }));
}

// What was added between two moments, by the second; nothing where the counts began anew.
function rate(before, now, of) {
  const seconds = now.at - before.at;
  return seconds > 0 ? Math.max(0, of(now) - of(before)) / seconds : 0;
}

function percentile(before, now, part) {
  const buckets = now.stats.latency_buckets.map((bucket, index) => {
    const then = before.stats.latency_buckets[index];
    return { le: bucket.le, count: Math.max(0, bucket.hits - then.hits) + Math.max(0, bucket.misses - then.misses) };
  });
  const total = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  let below = 0;
  let low = 0;
  for (const bucket of buckets) {
    const high = bucket.le ?? low;
    if (total && bucket.count && below + bucket.count >= part * total) return low + ((high - low) * (part * total - below)) / bucket.count;
    below += bucket.count;
    low = high;
  }
  return null;
}

function showCharts() {
  const pairs = past.slice(1).map((now, index) => [past[index], now, past[Math.max(0, index - 58)]]);
  const at = pairs.map(([, now]) => now.at);
  charts.outcomes.show(at, OUTCOMES.map((outcome) => pairs.map(([before, now]) => rate(before, now, (each) => each.stats.by_outcome[outcome]))));
  charts.latency.show(at, [0.5, 0.95, 0.99].map((part) => pairs.map(([, now, minute]) => percentile(minute, now, part))));
  charts.memory.show(at, [
    pairs.map(([, now]) => (now.redis.used_bytes === null ? null : now.redis.used_bytes / 1e6)),
    pairs.map(([, now]) => now.workers.reduce((sum, worker) => sum + worker.memory_bytes, 0) / 1e6),
  ]);
  charts.invalidations.show(at, [pairs.map(([before, now]) => rate(before, now, (each) => each.stats.invalidations))]);
  const asked = Object.entries(past.at(-1).stats.by_endpoint).sort(([, a], [, b]) => b.hits + b.misses - a.hits - a.misses).slice(0, 5).map(([name]) => name);
  charts.endpoints.name(asked);
  charts.endpoints.show(at, asked.map((name) => pairs.map(([, now]) => (now.stats.by_endpoint[name] ? now.stats.by_endpoint[name].hit_rate * 100 : null))));
}

function showRows(body, rows) {
  body.replaceChildren(...rows.map((cells) => {
    const row = element("tr");
    row.append(...cells.map((cell) => {
      const made = element("td");
      made.append(cell);
      return made;
    }));
    return row;
  }));
}

// Entries

async function search() {
  const query = new URLSearchParams({ limit: "100" });
  for (const name of ["match", "prefix"]) if ($(name).value) query.set(name, $(name).value);
  $("clear-prefix").disabled = !$("prefix").value;
  try {
    const found = await ask("GET", `/ops/cache/keys?${query}`);
    const items = found.items.sort((a, b) => b.size_bytes - a.size_bytes);
    $("keys-note").textContent = `${items.length} entries${found.cursor ? " of more: narrow the search" : ""}, the largest first`;
    showRows($("keys").tBodies[0], items.map((item) => [item.key, count.format(item.ttl_seconds), count.format(item.size_bytes), actions(item.key)]));
  } catch (failure) {
    $("keys-note").textContent = failure.message;
  }
}

function actions(key) {
  const both = document.createDocumentFragment();
  const explain = element("button", "Explain");
  const clear = element("button", "Clear", "danger");
  explain.type = clear.type = "button";
  explain.setAttribute("aria-label", `Explain ${key}`);
  clear.setAttribute("aria-label", `Clear ${key}`);
  explain.addEventListener("click", () => explainEntry(key));
  clear.addEventListener("click", () => confirmed(`Clear the entry ${key}?`, `/ops/cache/keys/${encodeURIComponent(key)}`));
  both.append(explain, clear);
  return both;
}

async function explainEntry(key) {
  try {
    const entry = await ask("GET", `/ops/cache/keys/${encodeURIComponent(key)}`);
    $("entry-text").textContent = `${entry.key}: ${entry.explanation}`;
    $("entry-tags").replaceChildren(...entry.tags.map((tag) => element("li", `${tag.tag}: ${tag.state}${tag.last_invalidation ? `, invalidated ${tag.last_invalidation.at} by ${tag.last_invalidation.request ?? "no request"}` : ""}`)));
    $("entry").showModal();
  } catch (failure) {
    $("keys-note").textContent = failure.message;
  }
}

function confirmed(text, path) {
  const dialog = $("confirm");
  $("confirm-text").textContent = text;
  dialog.returnValue = "no";
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue !== "yes") return;
    try {
      await ask("DELETE", path);
    } catch (failure) {
      $("keys-note").textContent = failure.message;
    }
    await search();
  }, { once: true });
  dialog.showModal();
}

$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
$("prefix").addEventListener("change", search);
$("clear-prefix").addEventListener("click", () => confirmed(`Clear every entry of ${$("prefix").value}?`, `/ops/cache/prefixes/${encodeURIComponent($("prefix").value)}`));

setInterval(() => stream && showExperiments(), 15000);
ask("GET", "/ops/session").then(({ signed_in }) => (signed_in ? open() : showSignIn()));
