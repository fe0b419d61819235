/** 0, 1, 2, …: the rows of a batch, or the groups of a table, where all of them are meant. One array for everybody, who only reads it. */
let numbers = new Uint32Array(0);

/** At least the first `count`; more may follow. */
export function identity(count: number): Uint32Array {
  if (numbers.length < count) {
    numbers = new Uint32Array(2 ** Math.ceil(Math.log2(count)));
    for (let i = 0; i < numbers.length; i++) numbers[i] = i;
  }
  return numbers;
}
