import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";
import { networksOf } from "../../../config/runtime/address.ts";
import { FairLine, type Party } from "../../../config/runtime/fair_line.ts";
import { TurnRefusedError, Turns } from "../../../config/runtime/turns.ts";
import { DomainError } from "../errors.ts";
import { checkPassword } from "./rules.ts";

const COST = { N: 2 ** 15, r: 8, p: 1 };
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** Each hash takes 32 MB for a tenth of a second: more at once would starve everybody else. */
const HASHES_AT_ONCE_MAX = 4;
/**
 * Who may wait for a turn: of one person or network, of one IPv6 /48, and at all, which is a few
 * seconds' worth; beyond it trying again is better.
 */
const LINE_LIMITS = { partyMax: 10, siteMax: 20, waitingMax: 100 };
const REFUSED_RETRY_SECONDS = 3;
/** A hash of nothing anybody knows, compared with when there is none of their own. */
const NOBODYS = [
  "scrypt",
  COST.N,
  COST.r,
  COST.p,
  randomBytes(SALT_BYTES).toString("base64"),
  randomBytes(HASH_BYTES).toString("base64"),
].join("$");

const turns = new Turns(HASHES_AT_ONCE_MAX, { line: new FairLine(LINE_LIMITS) });

/** Whom a hash is for: somebody who is logged in, or a stranger, of whom there is an address. */
export type HashedFor = { userId: number } | { address: string };

/**
 * A password as it is kept: `scrypt$N$r$p$salt$hash`.
 * @throws {DomainError} `password_invalid` for one that is too short or too long,
 *   `service_unavailable` when too many wait
 */
export async function hashPassword(password: string, by?: HashedFor): Promise<string> {
  checkPassword(password);
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, { salt, length: HASH_BYTES, cost: COST, by });
  const { N, r, p } = COST;
  return ["scrypt", N, r, p, salt.toString("base64"), hash.toString("base64")].join("$");
}

/**
 * Whether it is the password; without one to compare with it takes as long and is wrong.
 * @throws {DomainError} `service_unavailable` when too many wait
 */
export async function isPassword(
  password: string,
  kept: string | null,
  by?: HashedFor,
): Promise<boolean> {
  const [, N, r, p, salt, hash] = (kept ?? NOBODYS).split("$");
  const expected = Buffer.from(hash!, "base64");
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const derived = await derive(password, {
    salt: Buffer.from(salt!, "base64"),
    length: expected.length,
    cost,
    by,
  });
  return timingSafeEqual(derived, expected) && kept !== null;
}

async function derive(
  password: string,
  { salt, length, cost, by }: {
    salt: Uint8Array;
    length: number;
    cost: { N: number; r: number; p: number };
    by: HashedFor | undefined;
  },
): Promise<Buffer> {
  const options: ScryptOptions = { ...cost, maxmem: 256 * cost.N * cost.r };
  const work = () =>
    new Promise<Buffer>((resolve, reject) =>
      scrypt(password, salt, length, options, (error, key) => error ? reject(error) : resolve(key))
    );
  try {
    return await turns.take(work, partyOf(by));
  } catch (error) {
    if (!(error instanceof TurnRefusedError)) throw error;
    throw new DomainError("service_unavailable", {
      cause: error,
      retryAfterSeconds: REFUSED_RETRY_SECONDS,
    });
  }
}

function partyOf(by: HashedFor | undefined): Party {
  if (by === undefined) return { name: "the house", isFirst: true };
  if ("userId" in by) return { name: String(by.userId), isFirst: true };
  const [home, site] = networksOf(by.address);
  return { name: home!.name, site: site?.name, isFirst: false };
}
