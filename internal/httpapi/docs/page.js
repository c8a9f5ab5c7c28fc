"use strict";
// Renders /openapi.json. Text from the document only ever becomes text nodes.

function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

const refName = (ref) => ref.split("/").pop();
const schemaLink = (name) => element("a", { href: "#schema-" + name }, name);

// typeOf describes a schema in a few words.
function typeOf(schema) {
  if (!schema || Object.keys(schema).length === 0) return ["any JSON"];
  if (schema.$ref) return [schemaLink(refName(schema.$ref))];
  const types = [].concat(schema.type || []).filter((type) => type !== "null");
  if (types[0] === "array") return ["array of ", ...typeOf(schema.items)];
  if (types[0] === "object" && typeof schema.additionalProperties === "object") return ["map of ", ...typeOf(schema.additionalProperties)];
  if (types.length === 0) return ["any JSON"];
  return [types.join(" or ") + (schema.format && schema.format !== "int64" ? " (" + schema.format + ")" : "")];
}

// notes are a schema's description and constraints.
function notes(schema, description) {
  const facts = [];
  if (schema.enum) facts.push("one of " + schema.enum.join(", "));
  if (schema.default !== undefined) facts.push("default " + schema.default);
  if (schema.minimum !== undefined) facts.push("from " + schema.minimum);
  if (schema.maximum !== undefined) facts.push("up to " + schema.maximum);
  if (schema.maxLength !== undefined) facts.push("up to " + schema.maxLength + " characters");
  if (schema.maxProperties !== undefined) facts.push("up to " + schema.maxProperties + " entries");
  const examples = schema.examples || [];
  return [
    description || schema.description || "",
    facts.length ? element("div", { class: "muted" }, facts.join("; ")) : null,
    examples.length ? element("div", { class: "muted" }, "for example ", element("code", {}, JSON.stringify(examples[0]))) : null,
  ];
}

function row(name, required, schema, description) {
  return element("tr", {},
    element("td", {}, element("code", required ? { class: "required", title: "required" } : {}, name)),
    element("td", {}, typeOf(schema)),
    element("td", {}, notes(schema || {}, description)));
}

function properties(schema) {
  const required = new Set(schema.required || []);
  const rows = Object.entries(schema.properties || {}).map(([name, property]) => row(name, required.has(name), property));
  return rows.length ? element("table", {}, rows) : null;
}

function content(media) {
  return Object.entries(media || {}).map(([type, { schema }]) => [
    element("p", {}, element("code", {}, type), " ", schema && schema.$ref ? typeOf(schema) : ""),
    schema && !schema.$ref ? properties(schema) : null,
  ]);
}

function responses(list) {
  const good = [], bad = [];
  for (const [status, response] of Object.entries(list || {})) (status < "400" ? good : bad).push([status, response]);
  return [
    good.map(([status, response]) => element("div", {}, element("p", {}, element("strong", {}, status), " ", response.description), content(response.content),
      response.headers ? element("table", {}, Object.entries(response.headers).map(([name, header]) => row(name, false, header.schema || {}, header.description))) : null)),
    bad.length ? element("p", { class: "muted" }, "Errors: ", bad.map(([status, response], i) =>
      [i ? ", " : "", response.content && response.content["application/json"] ? status + " (" + response.description + ")" : status]), " — see ", element("a", { href: "#errors" }, "Errors")) : null,
  ];
}

function example(method, path, operation) {
  const body = operation.requestBody && operation.requestBody.content || {};
  let line = "curl" + (method === "get" ? "" : " -X " + method.toUpperCase()) + " " + location.origin + path;
  if (operation.security && operation.security.length) line += ' \\\n  -H "Authorization: Bearer $PROVERY_API_KEY"';
  if (body["multipart/form-data"]) {
    const schema = body["multipart/form-data"].schema;
    for (const [name, property] of Object.entries(schema.properties)) if (property.format === "binary") line += " \\\n  -F " + name + "=@" + name;
  } else if (body["application/json"]) {
    line += " \\\n  -H 'Content-Type: application/json' -d @request.json";
  }
  return element("details", {}, element("summary", { class: "muted" }, "Example"), element("pre", {}, line));
}

function operationView(method, path, operation) {
  const parameters = operation.parameters || [];
  return element("article", { id: operation.operationId, "data-search": (method + " " + path + " " + operation.summary).toLowerCase() },
    element("header", {}, element("span", { class: "method " + method }, method.toUpperCase()), element("code", { class: "path" }, path),
      operation.security && operation.security.length ? null : element("span", { class: "tag" }, "no API key"),
      element("h3", {}, operation.summary)),
    operation.description ? element("p", {}, operation.description) : null,
    parameters.length ? [element("h4", {}, "Parameters"), element("table", {}, parameters.map((p) =>
      row(p.name + (p.in === "path" ? "" : " (" + p.in + ")"), p.required, p.schema, p.description)))] : null,
    operation.requestBody ? [element("h4", {}, "Body"), content(operation.requestBody.content)] : null,
    element("h4", {}, "Answers"), responses(operation.responses),
    example(method, path, operation));
}

function errorsView(errors) {
  return [
    element("h2", { id: "errors" }, "Errors"),
    element("p", {}, "Every error is application/problem+json with this ", schemaLink("Problem"), "; code tells which kind."),
    errors.map((e) => element("article", { id: "error-" + e.code },
      element("header", {}, element("strong", { class: "method" }, String(e.status)), element("code", { class: "path" }, e.code),
        element("span", { class: "tag" }, e.scope), e.retryable ? element("span", { class: "tag" }, "retryable") : null, element("h3", {}, e.title)),
      element("p", {}, e.description))),
  ];
}

function render(document_) {
  const groups = new Map(document_.tags.map((tag) => [tag.name, { tag, items: [] }]));
  for (const [path, methods] of Object.entries(document_.paths))
    for (const [method, operation] of Object.entries(methods))
      if (operation.operationId) groups.get(operation.tags[0]).items.push({ method, path, operation });

  const page = [element("h1", {}, document_.info.title + " API"), element("p", { class: "muted" }, "Version " + document_.info.version + " · ",
    element("a", { href: "/openapi.json" }, "OpenAPI 3.1"), " · ", element("a", { href: "/openapi-3.0.json" }, "OpenAPI 3.0")),
    document_.info.description.split("\n\n").map((text) => element("p", {}, text))];
  const toc = [];
  for (const { tag, items } of groups.values()) {
    page.push(element("h2", { id: "tag-" + tag.name }, tag.name), element("p", {}, tag.description),
      items.map(({ method, path, operation }) => operationView(method, path, operation)));
    toc.push(element("h3", {}, tag.name), element("ul", {}, items.map(({ method, operation }) =>
      element("li", { "data-target": operation.operationId }, element("a", { href: "#" + operation.operationId, title: method.toUpperCase() }, operation.summary)))));
  }
  page.push(errorsView(document_["x-errors"] || []));
  page.push(element("h2", { id: "schemas" }, "Schemas"));
  const schemas = Object.entries(document_.components.schemas).sort();
  for (const [name, schema] of schemas)
    page.push(element("article", { id: "schema-" + name }, element("header", {}, element("code", { class: "path" }, name)),
      schema.description ? element("p", {}, schema.description) : null, properties(schema)));
  toc.push(element("h3", {}, "Reference"), element("ul", {}, element("li", {}, element("a", { href: "#errors" }, "Errors")), element("li", {}, element("a", { href: "#schemas" }, "Schemas"))));
  document.getElementById("content").append(...page.flat(Infinity));
  document.getElementById("toc").append(...toc);
}

function filter(text) {
  const wanted = text.toLowerCase();
  for (const article of document.querySelectorAll("article[data-search]")) {
    const shown = article.dataset.search.includes(wanted);
    article.hidden = !shown;
    const entry = document.querySelector('li[data-target="' + article.id + '"]');
    if (entry) entry.hidden = !shown;
  }
}

async function start() {
  const status = document.getElementById("status");
  try {
    const response = await fetch("/openapi.json");
    if (!response.ok) throw new Error("status " + response.status);
    render(await response.json());
    status.remove();
    document.getElementById("filter").addEventListener("input", (event) => filter(event.target.value));
    if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  } catch (error) {
    status.textContent = "The API's document could not be shown: " + error.message;
  }
}

start();
