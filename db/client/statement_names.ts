import { sha256Hex } from "../../config/keys.ts";
import { Recent } from "../../config/runtime/recent.ts";

/** Texts remembered ({@link Recent}). */
const TEXTS_COUNT_MAX = 1_000;
const NAME_LENGTH = 32;
const SEEN_ONCE = "";
/** A text with this in it never gets a name: PostgreSQL plans what has none with its values. */
export const WITH_VALUES = "/* planned with its values */";

/**
 * Names under which statements stay prepared on a connection, so that each is parsed, and mostly
 * planned, once. A text gets a name when it comes again: texts that vary never fill a connection. A
 * name is made of the text alone, so behind a pooler that hands a server connection on nobody finds
 * another statement under it.
 */
export class StatementNames {
  #isOn: boolean;
  readonly #names = new Recent<string, string>(TEXTS_COUNT_MAX);
  /** Makes all names new. */
  #edition = 0;

  constructor({ isOn }: { isOn: boolean }) {
    this.#isOn = isOn;
  }

  nameOf(text: string): string | undefined {
    if (!this.#isOn) return undefined;
    const known = this.#names.get(text);
    if (known) return known;
    const isNamed = known === SEEN_ONCE && !text.includes(WITH_VALUES);
    const name = isNamed ? this.#make(text) : SEEN_ONCE;
    this.#names.set(text, name);
    return name || undefined;
  }

  /** After a migration a prepared plan may be refused; under another name it is made anew. */
  renew(): void {
    this.#edition++;
    this.#names.clear();
  }

  /** Behind this pooler there are no prepared statements. */
  turnOff(): void {
    this.#isOn = false;
  }

  #make(text: string): string {
    return sha256Hex(`${this.#edition}:${text}`).slice(0, NAME_LENGTH);
  }
}
