/** The value below which the part `at` (0…1) of the values lies, between neighbours as needed. */
export function quantile(values: number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * at;
  const low = sorted[Math.floor(place)]!;
  return low + (sorted[Math.ceil(place)]! - low) * (place - Math.floor(place));
}

/** Median and range of what the rounds brought, as two cells of a table. */
export function cellsOf(values: number[], digits: number): [string, string] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return [
    quantile(values, 0.5).toFixed(digits),
    `${low.toFixed(digits)}..${high.toFixed(digits)}`,
  ];
}

export function printTable(rows: string[][]): void {
  for (const [name, ...cells] of rows) {
    console.log(name!.padEnd(36) + cells.map((cell) => cell.padStart(16)).join(""));
  }
}
