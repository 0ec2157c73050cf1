import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";
import { Turns } from "../../../config/runtime/turns.ts";
import { DomainError } from "../errors.ts";
import { checkPassword } from "./rules.ts";

const COST = { N: 2 ** 15, r: 8, p: 1 };
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** Each hash takes 32 MB for a tenth of a second: more at once would starve everybody else. */
const HASHES_AT_ONCE_MAX = 4;
/** Callers who wait for a turn; a few seconds' worth, beyond which trying again is better. */
const WAITING_COUNT_MAX = 100;
/** A hash of nothing anybody knows, compared with when there is none of their own. */
const NOBODYS = [
  "scrypt",
  COST.N,
  COST.r,
  COST.p,
  randomBytes(SALT_BYTES).toString("base64"),
  randomBytes(HASH_BYTES).toString("base64"),
].join("$");

const turns = new Turns(HASHES_AT_ONCE_MAX, { waitingMax: WAITING_COUNT_MAX });

/**
 * A password as it is kept: `scrypt$N$r$p$salt$hash`.
 * @throws {DomainError} `password_invalid` for one that is too short or too long,
 *   `service_unavailable` when too many wait
 */
export async function hashPassword(password: string): Promise<string> {
  checkPassword(password);
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, HASH_BYTES, COST);
  const { N, r, p } = COST;
  return ["scrypt", N, r, p, salt.toString("base64"), hash.toString("base64")].join("$");
}

/** Whether it is the password; without one to compare with it takes as long and is wrong. */
export async function isPassword(password: string, kept: string | null): Promise<boolean> {
  const [, N, r, p, salt, hash] = (kept ?? NOBODYS).split("$");
  const expected = Buffer.from(hash!, "base64");
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const derived = await derive(password, Buffer.from(salt!, "base64"), expected.length, cost);
  return timingSafeEqual(derived, expected) && kept !== null;
}

async function derive(
  password: string,
  salt: Uint8Array,
  length: number,
  cost: { N: number; r: number; p: number },
): Promise<Buffer> {
  if (turns.isFull) throw new DomainError("service_unavailable");
  const options: ScryptOptions = { ...cost, maxmem: 256 * cost.N * cost.r };
  return await turns.take(() =>
    new Promise((resolve, reject) =>
      scrypt(password, salt, length, options, (error, key) => error ? reject(error) : resolve(key))
    )
  );
}
