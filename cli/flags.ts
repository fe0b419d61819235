/** Flags that several commands share. */
import { UsageError } from "./failure.ts";

export const text = (input: string): string => input;

export const optionalText = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: text, optional: true, brief, placeholder }) as const;

export const severalTexts = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: text, optional: true, variadic: true, brief, placeholder }) as const;

export const optionalCount = (brief: string) =>
  ({ kind: "parsed", parse: parseCount, optional: true, brief, placeholder: "N" }) as const;

export const FORMAT_FLAG = {
  kind: "enum",
  values: ["table", "json"],
  default: "table",
  brief: "table for people, json for programs: all that the API answers",
} as const;

export const argument = (placeholder: string, brief: string) => ({ parse: text, placeholder, brief }) as const;

function parseCount(input: string): number {
  if (!/^\d{1,15}$/.test(input)) throw new UsageError(`${input} is no whole number`);
  return Number(input);
}
