/** Windows that several places have in different widths, made as wide as the widest: so that they can be added up, and compared. */
import { createState, type FoldState } from "./fold-state.ts";
import { addInterval, clip, type Intervals, type TimeInterval } from "./intervals.ts";
import { mergeWindow } from "./merge.ts";
import type { Shape } from "./plan.ts";
import { type WideWindows, wideWindowAt } from "./wide-windows.ts";

/** What is wide in either. Where one has hours and the other a day, it is a day: {@link wideWindowAt} looks for days first. */
export const uniteWide = (a: WideWindows, b: WideWindows): WideWindows => ({
  hours: b.hours.reduce<Intervals>(addInterval, a.hours),
  days: b.days.reduce<Intervals>(addInterval, a.days),
});

/** What is wide within an interval, which cuts none of it. */
export const clipWide = ({ hours, days }: WideWindows, { from, to }: TimeInterval): WideWindows => ({
  hours: clip(hours, from, to),
  days: clip(days, from, to),
});

export const isNothingWide = ({ hours, days }: WideWindows): boolean => hours.length === 0 && days.length === 0;

/** The state with its windows merged into wide ones, where there are any; of no use itself afterwards. */
export function widen(shape: Shape, state: FoldState, wide: WideWindows): FoldState {
  if (isNothingWide(wide)) return state;
  const widened: FoldState = { ...createState(shape, state.seed), interners: state.interners };
  for (const table of state.windows.values()) {
    mergeWindow(shape, widened, table, wideWindowAt(wide, table.start)?.from ?? table.start);
  }
  return widened;
}
