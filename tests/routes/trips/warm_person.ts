import { callGateway, type GatewayLogin, registerPerson } from "../../clients/gateway.ts";
import type { TestApp } from "../../harness.ts";

/** A person whose session is in the cache, as after any first call. */
export async function warmPerson(app: TestApp, nickname = "Toby"): Promise<GatewayLogin> {
  const person = await registerPerson(app, nickname);
  await callGateway(app, "GET", `/user/${person.uid}/profile`, { as: person });
  return person;
}
