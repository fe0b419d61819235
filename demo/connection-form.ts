/** Asks for endpoint, stream and keys where no configuration is served, or where the served one does not open the door. */
import { type Connection, keepConnection } from "./config.ts";
import { create } from "./dom.ts";

interface Field {
  readonly name: keyof Connection;
  readonly label: string;
  readonly hint: string;
  readonly required?: boolean;
  readonly secret?: boolean;
}

const ENDPOINT: Field = { name: "endpoint", label: "Endpoint", hint: "Where the worker answers", required: true };
const STREAM: Field = { name: "stream", label: "Stream", hint: "Its name, for example clicks", required: true };
const WRITE_KEY: Field = { name: "writeKey", label: "Write key", hint: "wk_…, public: it can only append" };
const READ_KEY: Field = { name: "readKey", label: "Read key", hint: "rk_…, asks the questions", secret: true };
const FIELDS = {
  page: [ENDPOINT, STREAM, { ...WRITE_KEY, required: true }],
  dashboard: [ENDPOINT, STREAM, { ...READ_KEY, required: true }],
};

/** In the address: show the form, whatever is known. A page that asks for it is loaded anew, so that nothing else runs. */
const CONNECT_HASH = "#connect";

export const isConnectionWanted = (): boolean => location.hash === CONNECT_HASH;

export function wantConnection(): void {
  location.hash = CONNECT_HASH;
  location.reload();
}

/**
 * Shows the form in `host` until it is sent; then keeps what was entered, for this tab only, and loads the page again.
 *
 * @param wants which keys this page needs
 * @param known what to fill in already
 * @param reason why the form is here, in a sentence
 */
export function askForConnection(
  host: HTMLElement,
  wants: keyof typeof FIELDS,
  known: Connection | null,
  reason: string,
): void {
  const fields = FIELDS[wants].map((field) => fieldRow(field, known?.[field.name] ?? ""));
  const form = create(
    "form",
    { class: "connection", "aria-labelledby": "connection-title" },
    create("h2", { id: "connection-title" }, "Connect to a stream"),
    create("p", {}, reason),
    ...fields,
    create("p", { class: "hint" }, "Kept in this tab only, and gone when you close it."),
    create("button", { type: "submit", class: "primary" }, "Connect"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const entries = new FormData(form);
    const entered = (name: keyof Connection) => entries.get(name)?.toString().trim() ?? known?.[name] ?? "";
    keepConnection({
      endpoint: entered("endpoint").replace(/\/+$/, ""),
      stream: entered("stream"),
      writeKey: entered("writeKey"),
      readKey: entered("readKey"),
      adminToken: "",
    });
    history.replaceState(null, "", location.pathname + location.search); // without CONNECT_HASH
    location.reload();
  });
  host.replaceChildren(form);
  host.hidden = false;
}

function fieldRow(field: Field, value: string): HTMLElement {
  const id = `connection-${field.name}`;
  return create(
    "div",
    { class: "field" },
    create("label", { for: id }, field.label),
    create("input", {
      id,
      name: field.name,
      value: value || (field.name === "endpoint" ? location.origin : field.name === "stream" ? "clicks" : ""),
      type: field.secret === true ? "password" : field.name === "endpoint" ? "url" : "text",
      required: field.required === true,
      autocomplete: "off",
      spellcheck: "false",
      "aria-describedby": `${id}-hint`,
    }),
    create("span", { id: `${id}-hint`, class: "hint" }, field.hint),
  );
}
