/**
 * How large a test is: in the suite as small as still goes red when what it is about is broken,
 * in `deno task soak full` so large that what happens one time in thousands is met too.
 */
export function sized({ suite, full }: { suite: number; full: number }): number {
  return Deno.env.get(SIZE) === "full" ? full : suite;
}

export const SIZE = "TEST_SIZE";
