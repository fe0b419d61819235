import { expect, test } from "vitest";
import { addToRegisters, emptyRegisters, estimate, mergeRegisters } from "../../edge/engine/hyperloglog.ts";

test("the first 14 bits choose the register, the rest gives the position of its first 1", () => {
  const registers = emptyRegisters();
  addToRegisters(registers, 0, 0xffffffff);
  expect(registers[16_383]).toBe(1);
  addToRegisters(registers, 0, 0x00040001);
  expect(registers[1]).toBe(18);
  addToRegisters(registers, 0x80000000, 0x00080000);
  expect(registers[2]).toBe(19);
  addToRegisters(registers, 1, 0x000c0000);
  expect(registers[3]).toBe(50);
  addToRegisters(registers, 0, 0x00100000);
  expect(registers[4]).toBe(51);
});

test("registers only rise", () => {
  const registers = emptyRegisters();
  addToRegisters(registers, 1, 0);
  addToRegisters(registers, 0x80000000, 0);
  expect(registers[0]).toBe(50);
  const others = emptyRegisters().fill(7);
  mergeRegisters(registers, others);
  expect([registers[0], registers[1]]).toEqual([50, 7]);
});

test("of nothing the estimate is 0; of full registers it is beyond any count", () => {
  expect(estimate(emptyRegisters())).toBe(0);
  expect(estimate(emptyRegisters().fill(51))).toBe(Infinity);
});
