import { randomBytes, scryptSync } from "node:crypto";

/**
 * A password as it is kept, by the least cost there is: comparing one with what production keeps
 * takes a tenth of a second and 32 MB, which is what only tests of passwords want.
 */
export function hashCheaply(password: string): string {
  const [salt, cost] = [randomBytes(16), { N: 2, r: 1, p: 1 }];
  const hash = scryptSync(password, salt, 32, cost);
  return ["scrypt", ...Object.values(cost), salt.toString("base64"), hash.toString("base64")]
    .join("$");
}
