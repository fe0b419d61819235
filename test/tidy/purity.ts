// The pure rooms have no clock, no dice, no promise and no platform. Their compiler settings already know no browser
// and no Node; what the language itself offers is refused here, and the best-known globals too, because a declaration
// or a cast gets past the compiler.
import { type Finding, findingAt, isNode, type Node, type Source, walk } from "./source.ts";

/** Refused wherever they stand as a name of their own: not as a property, a key or a method. */
const GLOBALS: Readonly<Record<string, string>> = {
  ...mapTo("a clock", ["performance", "Temporal"]),
  ...mapTo("dice", ["crypto"]),
  ...mapTo("a timer", ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "requestAnimationFrame"]),
  ...mapTo("asynchronous", ["Promise", "AsyncIterator", "AsyncGenerator", "Atomics", "SharedArrayBuffer"]),
  ...mapTo("the platform", ["globalThis", "process", "console", "fetch", "navigator", "localStorage", "indexedDB"]),
  ...mapTo("the platform", ["require", "Buffer", "Deno", "Bun", "WebAssembly", "Worker", "structuredClone"]),
  ...mapTo("code from text", ["eval", "Function"]),
  ...mapTo("the garbage collector's whim", ["WeakRef", "FinalizationRegistry"]),
  ...mapTo("the user's locale", ["Intl"]),
};

/** Methods whose answer depends on where they run. */
const LOCAL_METHODS =
  /^(toLocale\w*|localeCompare|getTimezoneOffset|(get|set)(Date|Day|FullYear|Month|Hours|Minutes|Seconds|Milliseconds))$/;

/** All that a pure room may declare as given by its runtime. */
const AMBIENT = new Set(["TextEncoder", "TextDecoder"]);

export function checkPurity(source: Source): Finding[] {
  const findings: Finding[] = [];
  const isDeclarationFile = source.path.endsWith(".d.ts");
  walk(source.program, (node, parent) => {
    const objection = isDeclarationFile ? ambientObjection(node, parent) : objectionTo(node, parent);
    if (objection !== undefined) findings.push(findingAt(source, node.start, objection));
  });
  return findings;
}

function objectionTo(node: Node, parent: Node | undefined): string | undefined {
  if (node.async === true || node.type === "AwaitExpression" || node.await === true) return "pure: no async, no await";
  if (node.type === "ImportExpression") return "pure: no import()";
  if (node.type === "MetaProperty" && isNamed(node.meta, "import")) return "pure: no import.meta";
  if (node.declare === true) return "pure: nothing is declared besides text.d.ts";
  if (node.type !== "Identifier") return undefined;

  const name = String(node.name);
  if (isMemberName(node, parent)) return LOCAL_METHODS.test(name) ? `pure: ${name} depends on the place` : undefined;
  if (name === "Date" && !isDateOfArguments(node, parent))
    return "pure: Date only as new Date(ms), Date.parse, Date.UTC";
  if (name === "Math" && !isMathFunction(node, parent)) return "pure: Math only as Math.f, and not Math.random";
  return Object.hasOwn(GLOBALS, name) ? `pure: ${name} is ${GLOBALS[name]}` : undefined;
}

/** Whether an identifier is the name of a property, method or key, and so refers to nothing by itself. */
function isMemberName(node: Node, parent: Node | undefined): boolean {
  if (parent === undefined || parent.computed === true) return false;
  if (parent.type === "MemberExpression") return parent.property === node;
  if (parent.type === "TSQualifiedName") return parent.right === node;
  // `{ crypto }` is key and reference at once: the walk comes by twice, and the value is refused.
  return "key" in parent && parent.key === node;
}

/** `new Date(ms)`, `Date.parse(…)`, `Date.UTC(…)`: a Date of its arguments alone. */
function isDateOfArguments(node: Node, parent: Node | undefined): boolean {
  if (parent?.type === "NewExpression") return Array.isArray(parent.arguments) && parent.arguments.length === 1;
  return isMemberOf(node, parent, (name) => name === "parse" || name === "UTC");
}

function isMathFunction(node: Node, parent: Node | undefined): boolean {
  return isMemberOf(node, parent, (name) => name !== "random");
}

function isMemberOf(node: Node, parent: Node | undefined, allows: (name: string) => boolean): boolean {
  if (parent?.type !== "MemberExpression" || parent.object !== node || parent.computed === true) return false;
  return isNode(parent.property) && allows(String(parent.property.name));
}

function ambientObjection(node: Node, parent: Node | undefined): string | undefined {
  if (parent?.type !== "Program") return undefined;
  const ids = Array.isArray(node.declarations) ? node.declarations.map((one: Node) => one.id) : [node.id];
  const allowed = ids.every((id) => isNode(id) && AMBIENT.has(String(id.name)));
  return allowed ? undefined : `pure: the runtime gives ${[...AMBIENT].join(" and ")}, nothing else`;
}

const isNamed = (node: unknown, name: string): boolean => isNode(node) && node.name === name;

function mapTo(meaning: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, meaning]));
}
