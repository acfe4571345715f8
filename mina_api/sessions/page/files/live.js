"use strict";

// A session as it is heard: segments by their position, drafts until they become final, names of speakers by label.
const at = (id) => document.getElementById(id);
const heard = { token: null, session: null, position: 0, names: new Map(), drafts: new Map(), wait: 500 };
const COME_BACK = new Set([1001, 1006, 1011, 1012, 1013]);

function show(state, text) {
  at("status").dataset.state = state;
  at("status").textContent = text;
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0")).join(":");
}

function line(segment) {
  const item = document.createElement("li");
  const time = item.appendChild(document.createElement("time"));
  const words = item.appendChild(document.createElement("div"));
  const speaker = words.appendChild(document.createElement("strong"));
  time.textContent = clock(segment.start);
  speaker.dataset.label = segment.speaker;
  speaker.textContent = heard.names.get(segment.speaker) ?? segment.speaker;
  words.appendChild(document.createElement("p")).textContent = segment.text;
  return item;
}

// Text goes in as text alone: nothing that anybody says is markup.
function take(segment) {
  const key = `${segment.participant}/${segment.seq}`;
  const draft = heard.drafts.get(key);
  draft?.remove();
  heard.drafts.delete(key);
  if (!segment.final) {
    heard.drafts.set(key, at("drafts").appendChild(line(segment)));
  } else if (segment.position > heard.position) {
    heard.position = segment.position;
    const isAtEnd = window.innerHeight + window.scrollY >= document.body.scrollHeight - 80;
    at("segments").appendChild(line(segment));
    if (isAtEnd) window.scrollTo(0, document.body.scrollHeight);
  }
  at("nothing").hidden = heard.position > 0 || heard.drafts.size > 0;
}

function name({ label, name }) {
  if (name === null) heard.names.delete(label);
  else heard.names.set(label, name);
  for (const speaker of document.querySelectorAll("strong[data-label]")) {
    if (speaker.dataset.label === label) speaker.textContent = name ?? label;
  }
}

function receive(message) {
  if (message.type === "state") {
    heard.wait = 500;
    show(message.status, message.status);
    at("drafts").replaceChildren();
    heard.drafts.clear();
    message.speakers.forEach(name);
    message.segments.forEach(take);
    message.drafts.forEach(take);
  } else if (message.type === "segment") take(message);
  else if (message.type === "speaker") name(message);
}

async function post(path, options) {
  const answer = await fetch(path, { method: "POST", ...options });
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.detail), { status: answer.status });
  return body;
}

function signOut(reason) {
  show("signed-out", "signed out");
  at("failure").textContent = reason;
  at("sign-in").hidden = false;
}

function comeBack() {
  show("waiting", "connecting again…");
  setTimeout(listen, heard.wait * (0.5 + Math.random() / 2));
  heard.wait = Math.min(heard.wait * 2, 10000);
}

async function listen() {
  let ticket;
  try {
    ({ ticket } = await post(`/api/sessions/${heard.session}/ticket`, { headers: { Authorization: `Bearer ${heard.token}` } }));
  } catch (failure) {
    if (failure.status && failure.status < 500) signOut(failure.message);
    else comeBack();
    return;
  }
  const url = new URL(`/api/sessions/${heard.session}/live`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.search = new URLSearchParams({ ticket, since: heard.position });
  const socket = new WebSocket(url);
  socket.onmessage = (event) => receive(JSON.parse(event.data));
  socket.onclose = ({ code, reason }) => {
    if (code === 1000) show("ended", "ended");
    else if (COME_BACK.has(code)) comeBack();
    else signOut(reason);
  };
}

at("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  at("failure").textContent = "";
  const form = new URLSearchParams({ username: at("email").value, password: at("password").value });
  try {
    heard.token = (await post("/api/auth/token", { body: form })).access_token;
  } catch (failure) {
    at("failure").textContent = failure.message;
    return;
  }
  at("password").value = "";
  if (heard.session !== at("session").value) {
    heard.session = at("session").value;
    heard.position = 0;
    heard.names.clear();
    at("segments").replaceChildren();
  }
  at("sign-in").hidden = true;
  document.querySelector("main").hidden = false;
  show("waiting", "connecting…");
  await listen();
});

at("session").value = new URLSearchParams(location.search).get("session") ?? "";
