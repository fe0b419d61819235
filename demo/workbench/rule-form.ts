/** The fields of a rule. What they mean is rule-draft.ts's; this only shows and reads them. */
import { create } from "../dom.ts";
import { choice, labelled, RowList, textInput } from "./form-rows.ts";
import {
  type Condition,
  MEASURE_KINDS,
  type MeasureDraft,
  OPERATORS,
  type RuleDraft,
  takesAttribute,
  takesValue,
} from "./rule-draft.ts";

export class RuleForm {
  readonly element: HTMLElement;
  readonly #where: RowList<Condition>;
  readonly #measures: RowList<MeasureDraft>;
  readonly #groupBy = textInput();
  readonly #window = textInput();
  readonly #retention = textInput();
  readonly #spam = create("input", { type: "checkbox", id: "rule-spam" });
  readonly #spamBy = textInput();
  readonly #spamWithin = textInput();
  readonly #spamFields: HTMLElement;

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
    this.#spamFields = create(
      "div",
      { class: "pair" },
      labelled("Same", this.#spamBy, "Attributes, with commas between: userId, adId"),
      labelled("Within", this.#spamWithin, "For example 10s"),
    );
    const spamSwitch = create("label", { class: "switch" }, this.#spam, " Leave repeated clicks out");
    this.element = create(
      "div",
      { class: "rule-form" },
      this.#where.element,
      create("fieldset", {}, create("legend", {}, "Click spam"), spamSwitch, this.#spamFields),
      this.#measures.element,
      create(
        "div",
        { class: "pair" },
        labelled("Grouped by", this.#groupBy, "Attributes, with commas between; or nothing"),
        labelled("Window", this.#window, "For example 1m or 1h"),
        labelled("Kept for", this.#retention, "How long its answers are kept: 400d"),
      ),
    );
    this.element.addEventListener("input", () => {
      this.#spamFields.hidden = !this.#spam.checked;
      onChange();
    });
  }

  fill(draft: RuleDraft): void {
    this.#where.fill(draft.where);
    this.#measures.fill(draft.measures);
    this.#groupBy.value = draft.groupBy;
    this.#window.value = draft.window;
    this.#retention.value = draft.retention;
    this.#spam.checked = draft.spam !== null;
    this.#spamFields.hidden = draft.spam === null;
    this.#spamBy.value = draft.spam?.by ?? "userId, adId";
    this.#spamWithin.value = draft.spam?.within ?? "10s";
  }

  read(): RuleDraft {
    return {
      where: this.#where.read(),
      measures: this.#measures.read(),
      groupBy: this.#groupBy.value,
      window: this.#window.value,
      retention: this.#retention.value,
      spam: this.#spam.checked ? { by: this.#spamBy.value, within: this.#spamWithin.value } : null,
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
