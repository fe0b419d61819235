/** The fields of a rule. What they mean is rule-draft.ts's; this only shows and reads them. */
import { create } from "../dom.ts";
import { choice, labelled, RowList, textInput } from "./form-rows.ts";
import {
  type Condition,
  MEASURE_KINDS,
  type MeasureDraft,
  OPERATORS,
  type OrderKind,
  type RuleDraft,
  takesAttribute,
  takesValue,
} from "./rule-draft.ts";

/** Rules that look at clicks in their order, by what they are called here. */
const ORDERS: Readonly<Record<string, OrderKind | null>> = {
  "every click": null,
  "clicks, but no click spam": "spam",
  "sessions, not clicks": "session",
};

export class RuleForm {
  readonly element: HTMLElement;
  readonly #where: RowList<Condition>;
  readonly #measures: RowList<MeasureDraft>;
  readonly #groupBy = textInput();
  readonly #window = textInput();
  readonly #retention = textInput();
  readonly #hourAfter = textInput();
  readonly #dayAfter = textInput();
  readonly #order = choice(Object.keys(ORDERS));
  readonly #orderBy = textInput();
  readonly #reach = textInput();
  readonly #orderFields: HTMLElement;

  constructor(onChange: () => void) {
    this.#where = new RowList<Condition>(
      "Count only where",
      "condition",
      () => ({ attribute: "", operator: "is", value: "" }),
      conditionRow,
      onChange,
    );
    this.#measures = new RowList<MeasureDraft>(
      "Measures",
      "measure",
      () => ({ name: "", kind: "sum", attribute: "" }),
      measureRow,
      onChange,
    );
    this.#orderFields = create(
      "div",
      { class: "pair" },
      labelled("Of the same", this.#orderBy, "Attributes, with commas between: userId, adId"),
      labelled("Less apart than", this.#reach, "For example 10s, or 30m for sessions"),
    );
    this.element = create(
      "div",
      { class: "rule-form" },
      this.#where.element,
      create("div", { class: "rule-form order" }, labelled("What counts", this.#order), this.#orderFields),
      this.#measures.element,
      create(
        "div",
        { class: "pair" },
        labelled("Grouped by", this.#groupBy, "Attributes, with commas between; or nothing"),
        labelled("Window", this.#window, "For example 1m or 1h"),
        labelled("Kept for", this.#retention, "How long its answers are kept: 400d"),
        labelled("Hours after", this.#hourAfter, "When minutes become hours; empty: 7d"),
        labelled("Days after", this.#dayAfter, "When hours become days; empty: 90d"),
      ),
    );
    this.element.addEventListener("input", () => {
      this.#orderFields.hidden = this.#orderKind === null;
      onChange();
    });
  }

  fill(draft: RuleDraft): void {
    this.#where.fill(draft.where);
    this.#measures.fill(draft.measures);
    this.#groupBy.value = draft.groupBy;
    this.#window.value = draft.window;
    this.#retention.value = draft.retention;
    this.#hourAfter.value = draft.hourAfter;
    this.#dayAfter.value = draft.dayAfter;
    const kind = draft.order?.kind ?? null;
    this.#order.value = Object.entries(ORDERS).find(([, one]) => one === kind)?.[0] ?? "";
    this.#orderFields.hidden = kind === null;
    this.#orderBy.value = draft.order?.by ?? "userId, adId";
    this.#reach.value = draft.order?.reach ?? "10s";
  }

  get #orderKind(): OrderKind | null {
    return ORDERS[this.#order.value] ?? null;
  }

  read(): RuleDraft {
    const kind = this.#orderKind;
    return {
      where: this.#where.read(),
      measures: this.#measures.read(),
      groupBy: this.#groupBy.value,
      window: this.#window.value,
      retention: this.#retention.value,
      hourAfter: this.#hourAfter.value,
      dayAfter: this.#dayAfter.value,
      order: kind === null ? null : { kind, by: this.#orderBy.value, reach: this.#reach.value },
    };
  }
}

function conditionRow(condition: Condition): readonly [readonly HTMLElement[], () => Condition] {
  const attribute = textInput("Attribute");
  const operator = choice(OPERATORS, "Comparison");
  const value = textInput("Value");
  attribute.value = condition.attribute;
  attribute.placeholder = "attribute";
  operator.value = condition.operator;
  value.value = condition.value;
  value.placeholder = "value";
  value.title = "true, false and numbers are what they look like; in quotes they are text. Lists have commas.";
  const read = (): Condition => ({
    attribute: attribute.value.trim(),
    operator: OPERATORS.find((one) => one === operator.value) ?? "is",
    value: value.value,
  });
  const update = () => (value.disabled = !takesValue(read().operator));
  operator.addEventListener("change", update);
  update();
  return [[attribute, operator, value], read];
}

function measureRow(measure: MeasureDraft): readonly [readonly HTMLElement[], () => MeasureDraft] {
  const name = textInput("Name");
  const kind = choice(MEASURE_KINDS, "What it measures");
  const attribute = textInput("Of which attribute");
  name.value = measure.name;
  name.placeholder = "name";
  kind.value = measure.kind;
  attribute.value = measure.attribute;
  attribute.placeholder = "attribute";
  const read = (): MeasureDraft => ({
    name: name.value.trim(),
    kind: MEASURE_KINDS.find((one) => one === kind.value) ?? "count",
    attribute: attribute.value.trim(),
  });
  const update = () => (attribute.disabled = !takesAttribute(read().kind));
  kind.addEventListener("change", update);
  update();
  return [[name, kind, attribute], read];
}
