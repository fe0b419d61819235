/** The registers of a HyperLogLog as bytes: as they are, or, where most are zero, as pairs of an index and a value. */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { emptyRegisters, REGISTERS } from "./hyperloglog.ts";

/** A pair takes 2 and 1 bytes. */
const SPARSE_MAX = REGISTERS / 4;

export function writeRegisters(writer: ByteWriter, registers: Uint8Array): void {
  const indexes: number[] = [];
  registers.forEach((value, index) => {
    if (value !== 0) indexes.push(index);
  });
  const sparse = indexes.length <= SPARSE_MAX;
  writer.uint32(sparse ? indexes.length : REGISTERS);
  if (!sparse) {
    writer.bytes(registers);
    return;
  }
  writer.integers(indexes, 0, indexes.length);
  writer.bytes(Uint8Array.from(indexes, (index) => registers[index] as number));
}

export function readRegisters(reader: ByteReader): Uint8Array {
  const registers = emptyRegisters();
  const count = reader.uint32();
  if (count === REGISTERS) {
    registers.set(reader.bytes(REGISTERS));
  } else {
    const indexes = reader.integers(count);
    const values = reader.bytes(count);
    indexes.forEach((register, i) => (registers[register] = values[i] as number));
  }
  return registers;
}
