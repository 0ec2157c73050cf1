type Load<Module> = () => Promise<Module>;

const waiting = new Set<Load<unknown>>();

/**
 * Code that is loaded when it is first asked for, so that a start does not wait for it, or by
 * {@link loadRest}.
 */
export function lazy<Module>(load: Load<Module>): Load<Module> {
  waiting.add(load);
  return load;
}

/**
 * Loads what nobody has asked for yet, one thing after the other, and what is declared on the way.
 * A file whose first reading fails, for want of a descriptor say, is refused by the runtime for as
 * long as the process lives: nothing may be left to read when somebody holds all of them.
 *
 * @throws {Error} when something cannot be loaded, and never will be
 */
export async function loadRest(): Promise<void> {
  for (const load of waiting) {
    await load();
    waiting.delete(load);
  }
}
