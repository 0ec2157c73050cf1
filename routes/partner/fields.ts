import { z } from "zod";
import { APP_UID_MAX } from "../../db/domain/partners/rules.ts";

/** A number the contract writes as a number or as digits; always answered as a number. */
export const Id = z.union([z.number(), z.string().regex(/^\d{1,16}$/).transform(Number)])
  .pipe(z.number().int().min(1).max(APP_UID_MAX));

/** An on-off switch, as a boolean, as 0/1, or as the words some servers send. */
export const Switch = z.union([
  z.boolean(),
  z.literal([0, 1]).transform((value) => value === 1),
  z.literal(["0", "1", "true", "false"]).transform((value) => value === "1" || value === "true"),
]);

/** What an operation answers that has nothing to say. */
export const Nothing = z.object({});
export const nothing = {};
