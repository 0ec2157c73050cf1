import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import { APP_UID_MAX, AVATAR_LENGTH_MAX, NAME_LENGTH_MAX } from "../../db/domain/partners/rules.ts";
import { isPicture, maybeNameUpTo, Text } from "../fields.ts";
import type { PartnerActor } from "./surface.ts";

/** A number the contract writes as a number or as digits; always answered as a number. */
export const Id = z.union([z.number(), z.string().regex(/^\d{1,16}$/).transform(Number)])
  .pipe(z.number().int().min(1).max(APP_UID_MAX));

/** Text that may be left out, as nothing, null or blank. */
export function optionalText(max: number) {
  return Text.transform((text) => text.trim()).refine(
    (text) => [...text].length <= max,
    { message: `不能超过${max}个字` },
  ).nullish().transform((text) => text || undefined);
}

/** A person's name and picture as partners send them; left out, or invisible: as they were. */
export const OptionalName = Text.pipe(maybeNameUpTo(NAME_LENGTH_MAX)).nullish()
  .transform((name) => name || undefined);
export const OptionalAvatar = optionalText(AVATAR_LENGTH_MAX)
  .refine((address) => address === undefined || isPicture(address), "地址不正确");

/** An on-off switch, as a boolean, as 0/1, or as the words some servers send. */
export const Switch = z.union([
  z.boolean(),
  z.literal([0, 1]).transform((value) => value === 1),
  z.literal(["0", "1", "true", "false"]).transform((value) => value === "1" || value === "true"),
]);

/** What an operation answers that has nothing to say. */
export const Nothing = z.object({});
export const nothing = {};

/** The app's server, on an operation that takes nobody else. */
export function asServer(actor: PartnerActor): Extract<PartnerActor, { kind: "server" }> {
  if (actor.kind !== "server") throw new DomainError("session_invalid");
  return actor;
}

/** One of the app's people, on an operation that takes nobody else. */
export function asClient(actor: PartnerActor): Extract<PartnerActor, { kind: "client" }> {
  if (actor.kind !== "client") throw new DomainError("session_invalid");
  return actor;
}
