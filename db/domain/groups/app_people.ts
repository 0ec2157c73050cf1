import type { Ctx } from "../../client/ctx.ts";
import { ensurePeople, type NamedPerson } from "../users/ensure_people.ts";
import type { Person } from "./facts.ts";

/**
 * The people a partner names. A server's word on their names is kept; a client may name anybody, but
 * renames nobody.
 *
 * @returns in the order named, each once
 * @throws {DomainError} `user_missing` when the house has nobody of that number
 */
export async function namePeople(
  ctx: Ctx,
  { tenantId, people, mayRename }: {
    tenantId: number;
    people: NamedPerson[];
    mayRename: boolean;
  },
): Promise<Person[]> {
  const given = new Map(people.map((person) => [person.appUid, person]));
  const kept = await ensurePeople(ctx, {
    tenantId,
    people: mayRename ? people : people.map(({ appUid }) => ({ appUid })),
  });
  return kept.map((person) => {
    const said = given.get(person.appUid);
    return {
      ...person,
      name: person.name || (said?.name ?? ""),
      avatar: person.avatar || said?.avatar,
    };
  });
}
