export function addCounts<Counts extends { [Name in keyof Counts]: number }>(
  a: Counts,
  b: Counts,
): Counts {
  const names = Object.keys(a) as (keyof Counts)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as Counts;
}
