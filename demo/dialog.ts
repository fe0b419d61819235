/** One question at a time, in a modal dialog: what happens, what is to be entered, and what went wrong. */
import { ApiProblem } from "./api.ts";
import { create, setText } from "./dom.ts";

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  /** Masked, and no password manager's business. */
  readonly secret?: boolean;
  readonly required?: boolean;
  readonly value?: string;
}

export interface Question {
  readonly title: string;
  readonly body: readonly (string | HTMLElement)[];
  readonly fields: readonly Field[];
  /** What the button says that does it. */
  readonly action: string;
  /** Its rejection is shown, and the dialog stays. */
  readonly submit: (entered: (name: string) => string) => Promise<void>;
}

/** An error in the words of the edge, with the code to look it up. */
export const inWords = (error: unknown): string =>
  error instanceof ApiProblem
    ? `${error.message} (${error.code})`
    : error instanceof Error
      ? error.message
      : String(error);

/** Resolves when the dialog is closed, however. */
export function openDialog({ title, body, fields, action, submit }: Question): Promise<void> {
  const error = create("p", { class: "error", role: "alert" });
  const act = create("button", { type: "submit", class: "primary" }, action);
  const close = create("button", { type: "button" }, "Leave it");
  const form = create(
    "form",
    { method: "dialog" },
    create("h2", { id: "dialog-title" }, title),
    ...body.map((part) => (typeof part === "string" ? create("p", {}, part) : part)),
    ...fields.map(fieldRow),
    error,
    create("p", { class: "actions" }, act, close),
  );
  const dialog = create("dialog", { "aria-labelledby": "dialog-title" }, form);
  close.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (act.disabled) return;
    act.disabled = true;
    setText(error, "");
    const entries = new FormData(form);
    submit((name) => entries.get(name)?.toString().trim() ?? "")
      .then(() => dialog.close())
      .catch((reason: unknown) => {
        setText(error, inWords(reason));
        act.disabled = false;
      });
  });
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      // What was entered may be a secret: it goes with the dialog.
      dialog.remove();
      resolve();
    });
  });
}

function fieldRow({ name, label, hint, secret = false, required = false, value = "" }: Field): HTMLElement {
  const id = `ask-${name}`;
  return create(
    "div",
    { class: "field" },
    create("label", { for: id }, label),
    create("input", {
      id,
      name,
      value,
      type: secret ? "password" : "text",
      required,
      maxlength: "1000",
      autocomplete: "off",
      spellcheck: "false",
      "aria-describedby": hint === undefined ? false : `${id}-hint`,
    }),
    hint === undefined ? "" : create("span", { id: `${id}-hint`, class: "hint" }, hint),
  );
}
