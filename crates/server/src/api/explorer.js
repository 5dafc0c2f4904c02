// Shows the API's description and sends requests that people fill in. Everything is put in as text, never as markup.
"use strict";

const el = (name, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
};

const pretty = (value) => JSON.stringify(value, null, 2);

function example(operation) {
  const body = operation.requestBody?.content?.["application/json"];
  if (!body) return null;
  const first = Object.values(body.examples ?? {})[0];
  return pretty(first ? first.value : {});
}

async function send(method, path, fields, body, output) {
  const query = new URLSearchParams();
  const headers = { accept: "application/json" };
  let address = path;
  for (const [parameter, input] of fields) {
    const value = input.type === "checkbox" ? (input.checked ? "true" : "") : input.value;
    if (value === "") continue;
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (parameter.in === "header") headers[parameter.name] = value;
    else query.set(parameter.name, value);
  }
  const key = document.getElementById("key").value;
  if (key) headers.authorization = `Bearer ${key}`;
  if (body) headers["content-type"] = "application/json";
  const url = query.size ? `${address}?${query}` : address;
  output.textContent = "…";
  const began = performance.now();
  try {
    const answer = await fetch(url, { method: method.toUpperCase(), headers, body: body?.value });
    const text = await answer.text();
    let shown = text;
    try { shown = pretty(JSON.parse(text)); } catch { /* not JSON: shown as it came */ }
    output.textContent = `${answer.status} in ${Math.round(performance.now() - began)} ms\n${shown}`;
  } catch (error) {
    output.textContent = String(error);
  }
}

function form(path, method, operation) {
  const fields = (operation.parameters ?? []).map((parameter) => {
    const flag = parameter.schema?.type === "boolean";
    const input = el("input", { type: flag ? "checkbox" : "text", name: parameter.name, required: Boolean(parameter.required) });
    return [parameter, input];
  });
  const rows = fields.map(([parameter, input]) =>
    el("p", {}, el("label", {}, `${parameter.name} `, input), ` ${parameter.description ?? ""}`));
  const text = example(operation);
  const body = text === null ? null : el("textarea", { value: text, rows: Math.min(14, text.split("\n").length + 1), cols: 80, spellcheck: false });
  const output = el("pre", { tabIndex: 0 });
  const run = el("form", {}, ...rows, ...(body ? [el("p", {}, el("label", {}, "Body ", body))] : []), el("button", { type: "submit" }, "Send"), output);
  run.addEventListener("submit", (event) => {
    event.preventDefault();
    send(method, path, fields, body, output);
  });
  return run;
}

function show(description) {
  const room = document.getElementById("operations");
  room.replaceChildren();
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const entry = el("details", {}, el("summary", {}, el("code", {}, `${method.toUpperCase()} ${path}`), ` ${operation.summary ?? ""}`));
      entry.dataset.words = `${path} ${operation.summary ?? ""} ${operation.description ?? ""}`.toLowerCase();
      entry.addEventListener("toggle", () => {
        if (entry.open && entry.childElementCount === 1) {
          if (operation.description) entry.append(el("p", {}, operation.description));
          entry.append(el("p", {}, `Needs the role ${operation["x-role"]}.`), form(path, method, operation));
        }
      });
      room.append(entry);
    }
  }
  document.getElementById("filter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase();
    for (const entry of room.children) entry.hidden = !entry.dataset.words.includes(words);
  });
}

fetch("/v1/openapi.json").then((answer) => answer.json()).then(show, (error) => {
  document.getElementById("operations").textContent = `The description could not be read: ${error}`;
});
